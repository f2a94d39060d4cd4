// A call from the browser: microphone out, agent in, and what is said as text. WHIP for the audio (one POST with an
// offer), server-sent events for the rest.

const RECONNECT_AFTER_MS = 2000;  // a connection that is gone for so long gets a new offer to the same call
const GATHERING_MS = 1000;        // host candidates come at once; nothing waits longer for others
const $ = (id) => document.getElementById(id);

let call = null;  // { location, connection, microphone, events, lost }

$('call').addEventListener('click', () => start());
$('hang-up').addEventListener('click', () => hangUp());
// The page goes: a goodbye on the connection. The server keeps the call for a moment, so that a page that is only being
// reloaded can join it again.
addEventListener('pagehide', () => {
  if (!call?.location) return;
  sessionStorage.setItem('call', call.location);
  call.connection?.close();
});
rejoin();

function show(state, live = false) {
  $('state').textContent = state;
  $('state').toggleAttribute('data-live', live);
}

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

function buttons(calling) {
  $('call').hidden = calling;
  $('hang-up').hidden = !calling;
}

// After a reload: the same call, if it still goes on.
function rejoin() {
  const place = sessionStorage.getItem('call');
  sessionStorage.removeItem('call');
  if (place) start(place);
}

async function start(place) {
  notice('');
  $('transcript').replaceChildren();
  $('ending').hidden = true;
  buttons(true);
  show('Asking for the microphone');
  const mine = call = { began: Date.now() };
  try {
    mine.microphone = await navigator.mediaDevices.getUserMedia({ audio: constraints() });
  } catch (error) {
    return fail(mine, microphoneProblem(error));
  }
  if (call !== mine) return release(mine);
  show('Calling');
  try {
    await connect(mine, place ?? '/call');
    watch(mine);
  } catch (error) {
    if (place) finish(mine, 'Ready');
    else fail(mine, error.message);
  }
}

function constraints() {
  // ?plain: exactly what the microphone hears, for tests that play a file into it.
  if (new URLSearchParams(location.search).has('plain')) {
    return { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  }
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

function microphoneProblem(error) {
  if (error.name === 'NotAllowedError') return 'The microphone was refused. Allow it for this page in the address bar, then call again.';
  if (error.name === 'NotFoundError') return 'No microphone was found. Connect one, then call again.';
  return `The microphone cannot be used: ${error.message}`;
}

// Sends an offer to `url`: /call for a new call, the call's own location for a new connection of it.
async function connect(mine, url) {
  const connection = new RTCPeerConnection();
  const [track] = mine.microphone.getAudioTracks();
  connection.addTrack(track, mine.microphone);
  connection.ontrack = (event) => { $('agent').srcObject = event.streams[0] ?? new MediaStream([event.track]); };
  await connection.setLocalDescription(await connection.createOffer());
  await gathered(connection);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp' },
    body: connection.localDescription.sdp,
  }).catch(() => { throw new Error('The agent cannot be reached. Is it still running?'); });
  if (!response.ok) {
    connection.close();
    throw new Error(await refusal(response));
  }
  const answer = await response.text();
  if (call !== mine) {
    connection.close();
    const place = response.headers.get('Location');
    if (place) fetch(place, { method: 'DELETE' });
    return;
  }
  mine.connection?.close();
  mine.connection = connection;
  mine.location = response.headers.get('Location') ?? mine.location;
  await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  connection.onconnectionstatechange = () => connectionChanged(mine, connection);
}

function gathered(connection) {
  return new Promise((resolve) => {
    if (connection.iceGatheringState === 'complete') return resolve();
    connection.addEventListener('icegatheringstatechange', () => connection.iceGatheringState === 'complete' && resolve());
    setTimeout(resolve, GATHERING_MS);
  });
}

async function refusal(response) {
  if (response.status === 503) return 'All lines are busy. Please try again in a moment.';
  const text = await response.text().catch(() => '');
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return text || `The call was refused (${response.status}).`;
  }
}

function connectionChanged(mine, connection) {
  if (call !== mine || mine.connection !== connection) return;
  clearTimeout(mine.lost);
  if (['disconnected', 'failed'].includes(connection.connectionState)) {
    show('Connection lost, trying again');
    mine.lost = setTimeout(() => reconnect(mine), RECONNECT_AFTER_MS);
  }
}

async function reconnect(mine) {
  if (call !== mine) return;
  try {
    await connect(mine, mine.location);
  } catch (error) {
    if (call === mine) fail(mine, error.message);
  }
}

function watch(mine) {
  const events = mine.events = new EventSource(`${mine.location}/events`);
  const on = (type, handle) => events.addEventListener(type, (event) => call === mine && handle(JSON.parse(event.data)));
  on('agent_state_changed', (data) => show(agentState(data.new_state), true));
  on('user_input_transcribed', (data) => transcribed(data));
  on('conversation_item_added', (data) => added(data.item));
  on('close', (data) => ended(mine, data));
}

function agentState(state) {
  return { initializing: 'Connecting', idle: 'Idle', listening: 'Listening', thinking: 'Thinking', speaking: 'Speaking' }[state] ?? state;
}

// One line a turn: interim text is replaced until the item itself arrives.
function transcribed(data) {
  if (data.transcript) line('user', data.transcript, !data.is_final, $('transcript').querySelector('.user.pending')).classList.add('pending');
}

function added(item) {
  if (item.type !== 'message' || !item.text || !['user', 'assistant'].includes(item.role)) return;
  const pending = item.role === 'user' ? $('transcript').querySelector('.user.pending') : null;
  const entry = line(item.role, item.text, false, pending);
  entry.classList.remove('pending');
  entry.classList.toggle('cut', Boolean(item.interrupted));
}

function line(role, text, interim, entry) {
  if (!entry) {
    entry = document.createElement('li');
    entry.className = role;
    $('transcript').append(entry);
  }
  entry.textContent = text;
  entry.classList.toggle('interim', interim);
  entry.scrollIntoView({ block: 'end', behavior: 'smooth' });
  return entry;
}

async function hangUp() {
  const mine = call;
  if (!mine) return;
  if (!mine.location) return finish(mine, 'Ready');
  show('Hanging up');
  // The events tell of the end; without them the page ends the call by itself.
  mine.lost = setTimeout(() => finish(mine, 'Call ended'), 3000);
  await fetch(mine.location, { method: 'DELETE' }).catch(() => finish(mine, 'Call ended'));
}

const endings = {
  caller_hung_up: 'You hung up',
  caller_vanished: 'The connection was lost',
  agent_hung_up: 'The agent hung up',
  limit: 'A limit of the call was reached',
  failure: 'Something went wrong on the agent\'s side',
  shutdown: 'The agent is being shut down',
};

function ended(mine, data) {
  finish(mine, 'Call ended');
  const title = document.createElement('h2');
  title.textContent = endings[data.cause] ?? 'The call is over';
  const detail = document.createElement('p');
  const seconds = Math.round((Date.now() - mine.began) / 1000);
  detail.textContent = [`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`, data.detail].filter(Boolean).join(' · ');
  $('ending').replaceChildren(title, detail);
  $('ending').hidden = false;
}

function fail(mine, text) {
  if (mine.location) fetch(mine.location, { method: 'DELETE', keepalive: true }).catch(() => {});
  finish(mine, 'Ready');
  notice(text);
}

function finish(mine, state) {
  if (call === mine) {
    call = null;
    buttons(false);
    show(state);
    for (const entry of $('transcript').querySelectorAll('.interim')) entry.classList.remove('interim');
  }
  release(mine);
}

function release(mine) {
  clearTimeout(mine.lost);
  mine.events?.close();
  mine.connection?.close();
  mine.microphone?.getTracks().forEach((track) => track.stop());
}
