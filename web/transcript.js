// What was said: one line a turn, and between them what the agent did.
import * as latency from './latency.js';

const $ = (id) => document.getElementById(id);
const CLOSE_TO_END_PX = 40;
let following = true;  // the newest line is kept in sight, until the reader scrolls up
let waiting = null;  // what is known of a speech that is about to be heard
const find = (selector) => $('transcript').querySelector(selector);

export function clear() {
  waiting = null;
  following = true;
  $('transcript').replaceChildren();
  $('spoken').textContent = '';
  $('ending').hidden = true;
  $('empty').hidden = true;
}

export const empty = () => $('transcript').children.length === 0;

// Interim text is replaced until the item itself arrives.
export function transcribed({ transcript, is_final: final }) {
  if (!transcript) return;
  const entry = line('user', transcript, find('.user.pending'));
  entry.classList.add('pending');
  entry.classList.toggle('interim', !final);
}

// The agent speaks: its words are known once they were heard.
export function speaking() {
  if (find('.voice')) return;
  const entry = line('assistant', '');
  entry.classList.add('voice');
  entry.firstChild.append(...Array.from({ length: 3 }, () => document.createElement('i')));
  waiting?.(entry);
  scrollOn();
}

// Nothing of it was heard.
export function silent() {
  find('.voice')?.remove();
}

export function added(item) {
  if (item?.type === 'agent_handoff') {
    return note('handoff', `Handed over from ${item.from || 'one agent'} to ${item.to || 'another'}`);
  }
  if (item?.type !== 'message' || !item.text || !['user', 'assistant'].includes(item.role)) return;
  const entry = line(item.role, item.text, find(item.role === 'user' ? '.user.pending' : '.voice'));
  entry.classList.remove('pending', 'voice', 'interim');
  entry.classList.toggle('cut', Boolean(item.interrupted));
  $('spoken').textContent = `${item.role === 'user' ? 'You' : 'Agent'}: ${item.text}${item.interrupted ? ' (interrupted)' : ''}`;
}

// One line a tool; what it was given and what came of it can be opened.
export function tools({ function_calls: calls = [], function_call_outputs: outputs = [] }) {
  calls.forEach((call, index) => {
    const output = outputs[index] ?? {};
    const box = document.createElement('details');
    const took = Number.isFinite(output.duration) ? ` · ${output.duration < 0.001 ? '< 1' : latency.milliseconds(output.duration)} ms` : '';
    const name = Object.assign(document.createElement('code'), { textContent: String(call.name) });
    const title = document.createElement('summary');
    title.append(name, ` ${output.is_error ? 'failed' : 'ran'}${took}`);
    const inside = [call.arguments, output.output].filter(Boolean).map(String).join('\n→ ');
    box.append(title, Object.assign(document.createElement('pre'), { textContent: inside }));
    note('tool', box).classList.toggle('failed', Boolean(output.is_error));
  });
}

// Below what is said just now, or in the next moment. `heard`: a promise of seconds, or null.
export function waited(metrics, heard) {
  waiting = (entry) => {
    waiting = null;
    const show = (known) => { entry.querySelector('.latency')?.remove(); entry.append(latency.bar(known)); scrollOn(); };
    show(metrics);
    heard?.then((seconds) => seconds !== null && show({ ...metrics, heard: seconds }));
  };
  if (find('.voice')) waiting(find('.voice'));
}

// What is no speech: a tool, trouble, a handoff.
export function note(kind, what) {
  const entry = document.createElement('li');
  entry.className = kind;
  entry.append(what);
  const voice = find('.voice');
  voice ? voice.before(entry) : $('transcript').append(entry);
  scrollOn();
  return entry;
}

// Nothing more will come.
export function finish() {
  for (const entry of $('transcript').querySelectorAll('.interim')) entry.classList.remove('interim');
  silent();
}

function line(role, text, entry) {
  const it = entry ?? $('transcript').appendChild(document.createElement('li'));
  if (!entry) {
    it.className = role;
    it.append(document.createElement('p'));
  }
  it.firstChild.textContent = text;
  scrollOn();
  return it;
}

$('scroll').addEventListener('scroll', ({ target: box }) => {
  following = box.scrollHeight - box.scrollTop - box.clientHeight < CLOSE_TO_END_PX;
});

function scrollOn() {
  if (following) $('scroll').scrollTop = $('scroll').scrollHeight;
}
