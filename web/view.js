// What is seen of a call: the agent's state, the transcript, how it ended.

const $ = (id) => document.getElementById(id);
let ticking = null;

const agentStates = {
  initializing: 'Connecting',
  idle: 'Connecting',
  listening: 'Listening',
  thinking: 'Thinking',
  speaking: 'Speaking',
};

const endings = {
  caller_hung_up: 'You hung up',
  caller_vanished: 'The connection was lost',
  agent_hung_up: 'The agent hung up',
  finished: 'The call is finished',
  limit: 'A limit of the call was reached',
  failure: 'Something went wrong on the agent’s side',
  shutdown: 'The agent is being shut down',
};

// `agent` is the agent's state, or "waiting"; empty: there is no call.
export function showState(text, agent = '') {
  $('state').textContent = text;
  $('state').dataset.agent = agent;
  $('state').toggleAttribute('data-live', agent in agentStates);
}

export function showAgent(state) {
  showState(agentStates[state] ?? state, state);
  const voice = $('transcript').querySelector('.voice');
  if (state === 'speaking' && !voice) addVoice();
  if (state !== 'speaking' && state !== 'listening') voice?.remove();
}

export function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

// The button that can be pressed has the focus, where a button had it before.
export function showCalling(calling) {
  const focus = document.activeElement;
  const held = [$('call'), $('hang-up'), document.body].includes(focus) || $('access').contains(focus);
  $('call').hidden = calling;
  $('hang-up').hidden = !calling;
  $('access').hidden = true;
  if (held) $(calling ? 'hang-up' : 'call').focus({ preventScroll: true });
}

export function askForToken(why) {
  notice(why);
  $('call').hidden = true;
  $('access').hidden = false;
  $('token').value = '';
  $('token').focus();
}

export function clear() {
  notice('');
  $('transcript').replaceChildren();
  $('ending').hidden = true;
  $('empty').hidden = true;
}

export function clockFrom(began) {
  const tick = () => { $('clock').textContent = minutes(Date.now() - began); };
  clearInterval(ticking);
  tick();
  $('clock').hidden = false;
  ticking = setInterval(tick, 1000);
}

export function stopClock() {
  clearInterval(ticking);
  for (const entry of $('transcript').querySelectorAll('.interim')) entry.classList.remove('interim');
  $('transcript').querySelector('.voice')?.remove();
  $('empty').hidden = Boolean($('transcript').children.length) || !$('ending').hidden;
}

function minutes(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

// One line a turn: interim text is replaced until the item itself arrives.
export function transcribed({ transcript, is_final: final }) {
  if (!transcript) return;
  line('user', transcript, !final, $('transcript').querySelector('.user.pending')).classList.add('pending');
}

export function added(item) {
  if (item?.type !== 'message' || !item.text || !['user', 'assistant'].includes(item.role)) return;
  const place = $('transcript').querySelector(item.role === 'user' ? '.user.pending' : '.voice');
  const entry = line(item.role, item.text, false, place);
  entry.classList.remove('pending', 'voice');
  entry.classList.toggle('cut', Boolean(item.interrupted));
}

export function trouble(text) {
  line('trouble', text, false);
}

function line(role, text, interim, entry) {
  const made = entry ?? $('transcript').appendChild(document.createElement('li'));
  if (!entry) made.className = role;
  made.textContent = text;
  made.classList.toggle('interim', interim);
  follow();
  return made;
}

function addVoice() {
  const entry = line('assistant', '', false);
  entry.classList.add('voice');
  entry.setAttribute('aria-hidden', 'true');
  entry.append(...Array.from({ length: 3 }, () => document.createElement('i')));
  follow();
}

// The newest line is in sight, unless the reader has scrolled up.
function follow() {
  const box = $('scroll');
  if (box.scrollHeight - box.scrollTop - box.clientHeight < 160) box.scrollTop = box.scrollHeight;
}

export function ended({ cause, detail }, milliseconds) {
  const title = document.createElement('h2');
  title.textContent = endings[cause] ?? 'The call is over';
  const more = document.createElement('p');
  const why = cause === 'caller_hung_up' ? '' : detail;
  more.textContent = [`The call lasted ${minutes(milliseconds)}`, why].filter(Boolean).join(' · ');
  $('ending').replaceChildren(title, more);
  $('ending').classList.toggle('bad', ['failure', 'caller_vanished', 'limit'].includes(cause));
  $('ending').hidden = false;
  $('clock').textContent = minutes(milliseconds);
  $('empty').hidden = true;
  $('scroll').scrollTop = $('scroll').scrollHeight;
}
