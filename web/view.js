// The page around the transcript: the agent's state, the buttons, the clock, and what has to be said to the caller.

const $ = (id) => document.getElementById(id);
let ticking = null;

// What is going on: its word, what to do, and the sign beside it.
const states = {
  idle: ['Ready', '', ''],
  asking: ['Asking for the microphone', 'The browser wants to know whether this page may use it.', 'wait'],
  calling: ['Calling', 'It rings.', 'wait'],
  initializing: ['Connecting', '', 'wait'],
  listening: ['Listening', 'Speak whenever you like.', 'on'],
  thinking: ['Thinking', 'An answer is on its way.', 'busy'],
  speaking: ['Speaking', 'Speak to interrupt.', 'on'],
  lost: ['Reconnecting', 'The connection is lost. The call waits for it.', 'wait'],
  leaving: ['Ending', '', 'wait'],
  watching: ['Watching', 'You see a call of another tab. Nobody hears you.', 'on'],
  over: ['Call ended', '', ''],
};

export function state(name) {
  const [word, hint, sign] = states[name] ?? [name, '', 'on'];
  if ($('state').textContent !== word) $('state').textContent = word;
  $('hint').textContent = hint;
  $('stage').dataset.sign = sign;
  $('stage').dataset.state = name;
}

// idle, call, watch or over: what can be pressed. The focus goes to the button that took the other's place.
export function mode(name, { again = false } = {}) {
  const focus = document.activeElement;
  const held = [$('call'), $('hang-up'), document.body].includes(focus) || focus?.closest('#access, #notice');
  const calling = name === 'call' || name === 'watch';
  document.body.dataset.view = name;
  $('call').hidden = calling;
  $('hang-up').hidden = !calling;
  $('hang-up').textContent = name === 'watch' ? 'Stop watching' : 'Hang up';
  $('call').textContent = again ? 'Call again' : 'Call';
  $('mute').hidden = name !== 'call';
  $('microphones').hidden = name === 'watch';
  $('controls').hidden = false;
  $('access').hidden = true;
  if (held) $(calling ? 'hang-up' : 'call').focus({ preventScroll: true });
}

export function muted(yes) {
  $('mute').setAttribute('aria-pressed', String(yes));
  document.body.toggleAttribute('data-muted', yes);
}

// A few plain words and buttons: [[label, press], ...]. Without a title there is nothing to say.
export function notice(title = '', text = '', buttons = []) {
  const box = $('notice');
  const [heading, words, actions] = box.children;
  const focused = [...actions.children].indexOf(document.activeElement);
  heading.textContent = title;
  words.firstChild.textContent = text;
  words.lastChild.textContent = '';
  actions.replaceChildren(...buttons.filter(([label]) => label).map(([label, press], index) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', textContent: label, className: index ? '' : 'primary' });
    button.addEventListener('click', press);
    return button;
  }));
  box.hidden = !title;
  actions.children[focused]?.focus();
}

// A countdown behind its words: seen, and not read out every second.
export function noticeSeconds(left) {
  $('notice').children[1].lastChild.textContent = ` in ${left} s.`;
}

// It is not so any more. A notice of anything else stays.
export function takeBack(problem) {
  if (problem && $('notice').firstElementChild.textContent === problem.title) notice();
}

export function askForToken(why) {
  if (why) notice(why);
  $('controls').hidden = true;
  $('access').hidden = false;
  $('token').value = '';
  $('token').focus();
}

export function clockFrom(began) {
  const tick = () => {
    const seconds = Math.max(Math.floor((Date.now() - began) / 1000), 0);
    $('clock').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  clearInterval(ticking);
  tick();
  $('clock').hidden = false;
  ticking = setInterval(tick, 1000);
}

export function stopClock() {
  clearInterval(ticking);
}
