// The page: what is pressed becomes calls, and what calls tell becomes what is seen.
import { Call } from './call.js';
import * as devices from './devices.js';
import * as ending from './ending.js';
import { Levels } from './levels.js';
import * as problems from './problems.js';
import { Tabs } from './tabs.js';
import * as transcript from './transcript.js';
import * as view from './view.js';

const BUSY_TRIES = 60;  // when all slots are taken and it was asked to keep trying
const otherTab = ['A call is going on in another tab', 'There is one call at a time in this browser.'];
const $ = (id) => document.getElementById(id);
const levels = new Levels($('meter'));
const tabs = new Tabs({ shown: otherCall, taken: () => letGo() });

let call = null;         // the one that is, or is being made
let elsewhere = null;    // {place, began} of one in another tab
let agentState = 'initializing';
let countdown = null;
let pendingCall = null;  // what the token is asked for

// ---- beginning

// `place`: a call that goes on already, after a reload or from another tab. `take`: from another tab.
async function start({ place, began, take = false, muted = false, tries = 0 } = {}) {
  if (call) return;
  clearInterval(countdown);
  view.notice();
  transcript.clear();
  view.mode('call');
  view.state('asking');
  const microphone = new devices.Microphone({ changed: () => microphoneChanged(), gone: (problem) => microphoneGone(microphone, problem) });
  const mine = call = new Call({ place, began: began ?? Date.now(), microphone, told: {} });
  mine.told = listener(mine, tries);
  toggleMute(muted);
  try {
    if (!await tabs.hold({ take })) return abandon(mine, () => { view.notice(...otherTab); tabs.say('who'); });
    await microphone.open();
  } catch (problem) {
    return abandon(mine, () => explain(problem, mine));
  }
  if (call !== mine) return microphone.close();
  devices.list($('microphone'), microphone.track);
  view.state('calling');
  levels.start();
  levels.listen('you', microphone.stream);
  await mine.start();
}

function watchOnly({ place, began } = elsewhere) {
  view.notice(otherTab[0], '', [['Take it over', takeOver]]);
  transcript.clear();
  view.mode('watch');
  view.state('watching');
  const mine = call = new Call({ place, began, told: {} });
  mine.told = listener(mine, 0);
  mine.start();
}

// Nothing has come of it.
function abandon(mine, then) {
  mine.drop();
  if (call !== mine) return;
  call = null;
  rest('idle');
  then();
}

// ---- what a call tells

function listener(mine, tries) {
  const current = (act) => (...given) => call === mine && act(...given);
  return {
    state: current((state) => stateChanged(mine, state)),
    event: current((type, data) => handlers[type]?.(data)),
    audio: current((stream) => play(stream)),
    over: current((how) => {
      call = null;
      view.takeBack(mine.microphone?.problem);
      if (how.unanswered) return rest('idle');
      rest('over');
      ending.show($('ending'), how);
      $('scroll').scrollTop = $('scroll').scrollHeight;
    }),
    failed: current((problem) => {
      call = null;
      rest('idle');
      explain(problem, mine, tries);
    }),
    eventsLost: current(() => {
      const problem = problems.eventsLost();
      tell(problem, [[problem.button, () => { view.notice(); transcript.clear(); mine.watch(); }]]);
    }),
  };
}

function stateChanged(mine, state) {
  if (!mine.microphone) return view.clockFrom(mine.began);
  if (state === 'live') {
    view.clockFrom(mine.began);
    tabs.tell({ place: mine.location, began: mine.began });
  }
  view.state(state === 'live' ? agentState : state);
}

const handlers = {
  agent_state_changed({ new_state: state }) {
    agentState = state;
    if (call.state === 'live') view.state(state);
    if (state === 'speaking') transcript.speaking();
    else if (state !== 'listening') transcript.silent();
  },
  user_input_transcribed: (data) => transcript.transcribed(data),
  conversation_item_added: ({ item }) => transcript.added(item),
  function_tools_executed: (data) => transcript.tools(data),
  metrics_collected({ metrics }) {
    if (!Number.isFinite(metrics?.e2e_latency)) return;
    transcript.waited(metrics, call.microphone && levels.heard.after(metrics.e2e_latency));
  },
  error({ recoverable, message }) {
    transcript.note('trouble', `The agent ${recoverable ? 'had trouble and goes on' : 'cannot go on'}: ${message}`);
  },
};

function play(stream) {
  $('agent').srcObject = stream;
  levels.listen('agent', stream);
  $('agent').play().catch((error) => {
    if (error.name !== 'NotAllowedError') return;
    const problem = problems.soundBlocked();
    tell(problem, [[problem.button, () => { view.notice(); levels.resume(); $('agent').play(); }]]);
  });
}

function microphoneChanged() {
  view.takeBack(call?.microphone.problem);
  call?.replaceTrack();
  levels.listen('you', call?.microphone.stream);
  devices.list($('microphone'), call?.microphone.track);
}

function microphoneGone(microphone, problem) {
  microphone.problem = problem;
  tell(problem, microphone.lost ? [[problem.button, () => microphone.replace()]] : []);
}

// ---- when it is over, or did not begin

function rest(state) {
  levels.stop();
  tabs.letGo();
  transcript.finish();
  view.stopClock();
  view.state(state);
  view.mode(state, { again: state === 'over' || !transcript.empty() });
  if (state === 'idle') $('empty').hidden = !transcript.empty();
  agentState = 'initializing';
  $('agent').srcObject = null;
}

function tell(problem, buttons) {
  view.notice(problem.title, problem.text, buttons);
}

// What went wrong, and the button that does something about it.
function explain(problem, mine, tries = 0) {
  if (problem.token) return needsToken(problem, mine);
  const same = !problem.fresh && mine?.place;  // the call that goes on, if it does
  const again = () => start({ muted: mine?.microphone?.muted, ...(same && { place: same, began: mine.began }) });
  if (problem.kind === 'refused') devices.whenAllowed(() => !call && view.notice('The microphone is allowed now', 'Press Call.'));
  if (!problem.busy) return tell(problem, [[problem.button, again]]);
  const keepTrying = () => waitAndTry(problem, tries + 1);
  if (tries > 0 && tries < BUSY_TRIES) return keepTrying();
  tell(problem, [['Keep trying', keepTrying]]);
}

function waitAndTry(problem, tries) {
  let left = problem.after;
  const stop = () => { clearInterval(countdown); tell(problem, [['Keep trying', () => waitAndTry(problem, tries)]]); };
  view.notice(problem.title, `${problem.text} Trying again`, [['Stop trying', stop]]);
  view.noticeSeconds(left);
  clearInterval(countdown);
  countdown = setInterval(() => {
    if (--left > 0) return view.noticeSeconds(left);
    start({ tries });
  }, 1000);
}

// A token that was sent is not the right one.
function needsToken(problem, mine) {
  const wrong = sessionStorage.getItem('token') !== null;
  sessionStorage.removeItem('token');
  const place = mine?.place ?? mine?.location;
  pendingCall = { place, began: place && mine.began, take: Boolean(place && elsewhere), watch: Boolean(mine && !mine.microphone) };
  view.askForToken(wrong ? problem.text || 'The token is not the right one.' : '');
}

// ---- the other tabs

function otherCall(other) {
  elsewhere = other;
  if (call) return;
  document.body.toggleAttribute('data-elsewhere', Boolean(other));
  if (!other) return view.notice();
  view.notice(...otherTab, [['Take it over', takeOver], ['Just watch', () => watchOnly()]]);
}

function takeOver() {
  if (!elsewhere) return;
  if (call) { call.drop(); call = null; }
  document.body.removeAttribute('data-elsewhere');
  start({ ...elsewhere, take: true });
}

// Another tab goes on with it.
function letGo() {
  if (!call?.microphone) return;
  call.drop();
  call = null;
  rest('idle');
}

// ---- what is pressed

function toggleMute(yes = !call?.microphone?.muted) {
  if (!call?.microphone) return;
  call.microphone.mute(yes);
  view.muted(yes);
}

function hangUp() {
  if (call?.microphone) {
    call.hangUp();
  } else if (call) {
    call.drop();
    call = null;
    rest('idle');
    if (elsewhere) otherCall(elsewhere);
  }
}

$('call').addEventListener('click', () => start());
$('hang-up').addEventListener('click', hangUp);
$('mute').addEventListener('click', () => toggleMute());
$('microphone').addEventListener('change', async ({ target }) => {
  const microphone = call?.microphone ?? new devices.Microphone();
  await microphone.choose(target.value).catch((problem) => microphoneGone(microphone, problem));
});
$('access').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = $('token').value.trim();
  if (!/^[\x20-\x7e]+$/.test(token)) {  // no header can carry it
    return view.askForToken('Enter the token: it has only letters, digits and signs of ASCII.');
  }
  sessionStorage.setItem('token', token);
  const pending = pendingCall;
  pendingCall = null;
  if (pending?.watch) watchOnly(pending);
  else start(pending ?? {});
});
addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea');
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key.toLowerCase() === 'm' && !$('mute').hidden) toggleMute();
});

addEventListener('pointerdown', () => levels.resume());

// ---- the page comes and goes

// A goodbye on the connection. The server keeps the call for a moment, so that a page that is only being reloaded can join
// it again.
addEventListener('pagehide', () => {
  const place = call?.microphone && (call.location ?? call.place);
  if (!place) return;
  if (!call.leftAt) sessionStorage.setItem('call', JSON.stringify({ place, began: call.began, muted: call.microphone.muted }));
  call.connection?.close();
});
addEventListener('pageshow', (event) => event.persisted && location.reload());

devices.watchDevices(() => {
  devices.list($('microphone'), call?.microphone?.track);
  if (call?.microphone?.lost) call.microphone.replace();
});
devices.list($('microphone'));
const left = JSON.parse(sessionStorage.getItem('call') ?? 'null');
sessionStorage.removeItem('call');
if (!devices.usable()) tell(problems.insecure(), []);
else if (left) start(left);
