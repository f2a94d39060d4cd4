// A call from the browser: microphone out, agent in, and what is said as text. WHIP for the audio (one POST with an
// offer), server-sent events for the rest.
import { follow } from './events.js';
import * as view from './view.js';

const RECONNECT_AFTER_MS = 2000;  // a connection that is gone for so long gets a new offer to the same call
const RECONNECT_TRIES = 5;        // without an answer in a row; then the call is given up
const GATHERING_MS = 1000;        // host candidates come at once; nothing waits longer for others
const LAST_EVENTS_MS = 3000;      // after hanging up; then the page ends the call by itself
const $ = (id) => document.getElementById(id);

let call = null;  // { place, began, location, connection, microphone, events, lost, tries, reconnecting, leaving }

$('call').addEventListener('click', () => start());
$('hang-up').addEventListener('click', () => hangUp());
$('access').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = $('token').value.trim();
  if (!/^[\x20-\x7e]+$/.test(token)) {  // no header can carry it
    return view.askForToken('Enter the token: it has only letters, digits and signs of ASCII.');
  }
  sessionStorage.setItem('token', token);
  start(sessionStorage.getItem('call'));
});
// The page goes: a goodbye on the connection. The server keeps the call for a moment, so that a page that is only being
// reloaded can join it again.
addEventListener('pagehide', () => {
  const place = call?.location ?? call?.place;
  if (!place) return;
  if (!call.leaving) {
    sessionStorage.setItem('call', place);
    sessionStorage.setItem('began', call.began);
  }
  call.connection?.close();
});
// After a reload: the same call, if it still goes on.
if (sessionStorage.getItem('call')) start(sessionStorage.getItem('call'));

async function start(place) {
  view.clear();
  view.showCalling(true);
  view.showState('Asking for the microphone', 'waiting');
  const began = place && Number(sessionStorage.getItem('began')) || Date.now();
  const mine = call = { place, began, events: new AbortController(), tries: 0 };
  sessionStorage.removeItem('call');
  try {
    mine.microphone = await navigator.mediaDevices.getUserMedia({ audio: constraints() });
  } catch (error) {
    return fail(mine, microphoneProblem(error));
  }
  if (call !== mine) return release(mine);
  view.showState('Calling', 'waiting');
  try {
    await connect(mine, place ?? '/call');
  } catch (error) {
    if (error.needsToken) return needsToken(mine, error.message);
    if (place && error.status === 404) return finish(mine, 'Ready');  // it is over by now
    return fail(mine, error.message);
  }
  if (call === mine) watch(mine);
}

function constraints() {
  // ?plain: exactly what the microphone hears, for tests that play a file into it.
  if (new URLSearchParams(location.search).has('plain')) {
    return { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  }
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

function microphoneProblem(error) {
  if (error instanceof TypeError) return 'The browser gives the microphone only to pages from https:// or from this machine.';
  if (error.name === 'NotAllowedError') {
    return 'The microphone was refused. Allow it for this page in the address bar, then call again.';
  }
  if (error.name === 'NotFoundError') return 'No microphone was found. Connect one, then call again.';
  return `The microphone cannot be used: ${error.message}`;
}

function authorization() {
  const token = sessionStorage.getItem('token');
  return token ? { Authorization: `Bearer ${token}` } : {};
}

// Sends an offer to `url`: /call for a new call, the call's own location for a new connection of it.
async function connect(mine, url) {
  const connection = new RTCPeerConnection();
  try {
    const [track] = mine.microphone.getAudioTracks();
    connection.addTrack(track, mine.microphone);
    connection.ontrack = (event) => { $('agent').srcObject = event.streams[0] ?? new MediaStream([event.track]); };
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', ...authorization() },
      body: connection.localDescription.sdp,
    }).catch(() => { throw unreachable(); });
    if (!response.ok) throw await refusal(response);
    const place = response.headers.get('Location') ?? url;
    const answer = await response.text().catch(() => { throw unreachable(); });
    if (call !== mine) {  // hung up meanwhile
      connection.close();
      return void goodbye(place);
    }
    mine.location = place;
    await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  } catch (error) {
    connection.close();
    throw error;
  }
  if (call !== mine) return connection.close();
  mine.connection?.close();
  mine.connection = connection;
  connection.onconnectionstatechange = () => connectionChanged(mine, connection);
}

function gathered(connection) {
  return new Promise((resolve) => {
    if (connection.iceGatheringState === 'complete') return resolve();
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') resolve();
    });
    setTimeout(resolve, GATHERING_MS);
  });
}

function unreachable() {
  return Object.assign(new Error('The agent cannot be reached. Is it still running?'), { unreachable: true });
}

// What the server says of it, as a sentence.
async function refusal(response) {
  const text = (await response.text().catch(() => '')).trim();
  let detail = text || `the call was refused (${response.status})`;
  try {
    detail = String(JSON.parse(text).detail || detail);
  } catch { /* plain text */ }
  const sentence = detail[0].toUpperCase() + detail.slice(1) + (/[.!?]$/.test(detail) ? '' : '.');
  return Object.assign(new Error(sentence), { status: response.status, needsToken: response.status === 401 });
}

// The microphone is given back meanwhile. A token that was sent is not the right one.
function needsToken(mine, detail) {
  if (call !== mine) return release(mine);
  if (mine.place) sessionStorage.setItem('call', mine.place);
  const wrong = sessionStorage.getItem('token') !== null;
  sessionStorage.removeItem('token');
  finish(mine, 'Ready');
  view.askForToken(wrong ? detail : '');
}

function connectionChanged(mine, connection) {
  if (call !== mine || mine.leaving || mine.reconnecting || mine.connection !== connection) return;
  clearTimeout(mine.lost);
  if (connection.connectionState === 'connected') mine.tries = 0;
  if (['disconnected', 'failed'].includes(connection.connectionState)) reconnectSoon(mine);
}

function reconnectSoon(mine) {
  view.showState('Connection lost, trying again', 'waiting');
  mine.lost = setTimeout(() => reconnect(mine), RECONNECT_AFTER_MS);
}

// The old connection stays until the new one is answered.
async function reconnect(mine) {
  if (call !== mine || mine.leaving) return;
  mine.reconnecting = true;
  try {
    await connect(mine, mine.location);
  } catch (error) {
    if (call !== mine || mine.leaving) return;
    if (!error.unreachable || ++mine.tries >= RECONNECT_TRIES) return fail(mine, error.message);
    reconnectSoon(mine);
  } finally {
    mine.reconnecting = false;
  }
}

const handlers = {
  agent_state_changed: (mine, data) => view.showAgent(data.new_state),
  user_input_transcribed: (mine, data) => view.transcribed(data),
  conversation_item_added: (mine, data) => view.added(data.item),
  error: (mine, { recoverable, message }) => {
    view.trouble(`The agent ${recoverable ? 'had trouble and goes on' : 'cannot go on'}: ${message}`);
  },
  close: (mine, data) => ended(mine, data),
  call_ended: (mine, data) => ended(mine, data),  // without a close: the call's process died
};

async function watch(mine) {
  view.clockFrom(mine.began);
  const result = await follow(`${mine.location}/events`, {
    headers: authorization(),
    signal: mine.events.signal,
    take: (event) => take(mine, event),
  });
  if (call !== mine) return;
  if (result === 'over') ended(mine, {});
  else view.notice('What is said cannot be shown any more: the agent does not answer. You can still talk, or hang up.');
}

// A mistake in one event is reported, and does not end the others.
function take(mine, { type, data }) {
  if (call !== mine || !Object.hasOwn(handlers, type)) return;
  try {
    handlers[type](mine, JSON.parse(data));
  } catch (error) {
    reportError(error);
  }
}

async function hangUp() {
  const mine = call;
  if (!mine || mine.leaving) return;
  if (!mine.location) return finish(mine, 'Ready');
  mine.leaving = true;
  view.showState('Hanging up', 'waiting');
  clearTimeout(mine.lost);
  mine.lost = setTimeout(() => ended(mine, { cause: 'caller_hung_up' }), LAST_EVENTS_MS);
  if (!await goodbye(mine.location)) ended(mine, { cause: 'caller_hung_up' });
}

function goodbye(place) {
  return fetch(place, { method: 'DELETE', headers: authorization(), keepalive: true }).then(() => true, () => false);
}

function ended(mine, data) {
  if (call !== mine) return;
  view.ended(data, Date.now() - mine.began);
  finish(mine, 'Call ended');
}

function fail(mine, text) {
  if (call !== mine) return release(mine);
  if (mine.location) goodbye(mine.location);
  finish(mine, 'Ready');
  view.notice(text);
}

function finish(mine, state) {
  if (call === mine) {
    call = null;
    view.showCalling(false);
    view.showState(state);
    view.stopClock();
  }
  release(mine);
}

function release(mine) {
  clearTimeout(mine.lost);
  mine.events.abort();
  mine.connection?.close();
  mine.microphone?.getTracks().forEach((track) => track.stop());
}
