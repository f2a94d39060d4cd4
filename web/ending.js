// How the call ended: who ended it and why, what closed when, what had to be forced.

const made = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const endings = {
  caller_hung_up: ['You hung up', ''],
  caller_vanished: ['The connection was lost', 'The agent heard nothing from this page for ten seconds, and ended the call.'],
  agent_hung_up: ['The agent hung up', 'It had said goodbye, or was told to end the call.'],
  finished: ['The call is finished', 'The agent had done what it had to.'],
  limit: ['A limit of the call was reached', ''],
  failure: ['Something failed on the agent’s side', ''],
  shutdown: ['The agent was shut down', 'Whoever runs it has stopped it.'],
  replaced: ['Another one took the call over', ''],
  owner_closed: ['The agent’s program closed the call', ''],
  refused: ['The agent did not take the call', ''],
  job_terminated: ['LiveKit took the call back', ''],
  room_closed: ['The room was closed', ''],
};
const bad = ['caller_vanished', 'failure', 'limit'];

const steps = {
  'program': 'Word of it', 'speech': 'Speech', 'last words': 'Last words', 'on_exit': 'on_exit', 'session': 'Session',
  'app': 'Application', 'transport': 'Connection', 'call': 'Leftovers', 'journal': 'Journal',
};

const minutes = (milliseconds) => {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
const number = (value) => Number(value) || 0;
const count = (n, one, many) => (n === 1 ? one : many.replace('#', n));
const ms = (value) => value < 0.05 ? '< 0.1 ms' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const sentence = (text) => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

// Fills `box`. `how`: what close and call_ended told, and what the page knows of it itself.
export function show(box, how) {
  let [title, text] = endings[how.cause] ?? ['The call is over', ''];
  if (how.died) [title, text] = ['The agent is gone', 'Its process ended without a goodbye. You can call again.'];
  const why = how.cause === 'caller_hung_up' ? '' : sentence(String(how.detail ?? ''));
  const paragraphs = [[text, why].filter(Boolean).join(' ')];
  if (how.untold) paragraphs.push('It could not be told, and ends the call by itself within ten seconds.');
  if (!how.unanswered) paragraphs.push(`The call lasted ${minutes(how.lasted)}. ${closed(how)}`);
  box.replaceChildren(made('h2', { textContent: title }),
    ...paragraphs.filter(Boolean).map((words) => made('p', { textContent: words.trim() })));
  const teardown = how.teardown;
  if (teardown && Array.isArray(teardown.steps)) box.append(chart(teardown));
  if (teardown && Array.isArray(teardown.not_clean) && teardown.not_clean.length > 0) box.append(forced(teardown.not_clean));
  box.classList.toggle('bad', bad.includes(how.cause) || Boolean(how.died) || how.clean === false);
  box.hidden = false;
}

function closed({ teardown, clean, tookToHear }) {
  if (!teardown) return '';
  const rough = ['forced', 'failed', 'abandoned'].reduce((sum, kind) => sum + number(teardown[kind]), 0);
  const what = clean ? 'nothing had to be forced' : count(rough, 'one part did not end by itself', '# parts did not end by themselves');
  const due = number(teardown.hooks);
  return [
    `The agent closed in ${ms(number(teardown.took_ms))}, and ${what}.`,
    tookToHear ? `This page knew of it ${ms(tookToHear)} after you hung up.` : '',
    due > 0 ? `${count(due, 'One piece of work after the call is', '# pieces of work after the call are')} being done now.` : '',
  ].filter(Boolean).join(' ');
}

// One row a step, on an axis of milliseconds.
function chart({ steps: told, not_clean: rough }) {
  const all = told.map(({ name, at_ms: at, took_ms: took }) => ({ name: String(name), at: number(at), took: number(took) }))
    .filter((step, _, { length }) => step.name !== 'program' || length === 1 || step.took >= 0.05);
  const end = scale(Math.max(...all.map((step) => step.at + step.took), 0.1));
  const rows = made('ol', { className: 'chart' });
  rows.setAttribute('aria-label', 'What closed when, in milliseconds from the beginning of the end');
  for (const step of all) {
    const piece = made('i');
    piece.style.marginInlineStart = `${100 * step.at / end}%`;
    piece.style.width = `${100 * step.took / end}%`;
    const forcedIn = Array.isArray(rough) && rough.some(({ name }) => String(name).split('/').includes(step.name));
    piece.className = forcedIn ? 'rough' : '';
    rows.append(made('li', {}, made('span', { textContent: steps[step.name] ?? step.name }),
      made('span', { className: 'track' }, piece), made('span', { className: 'took', textContent: ms(step.took) })));
  }
  const axis = made('li', { className: 'axis' }, made('span'), made('span', { className: 'track' },
    ...[0, end / 2, end].map((at) => made('span', { textContent: at === end ? `${at} ms` : `${at}` }))), made('span'));
  axis.setAttribute('aria-hidden', 'true');
  rows.append(axis);
  return rows;
}

// The next round number.
function scale(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.6, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

const outcomes = { forced: 'had to be forced', failed: 'failed', abandoned: 'was left to the end of the process' };

function forced(items) {
  const list = made('ul', { className: 'forced' });
  for (const { name, outcome, took_ms: took, detail } of items.slice(0, 12)) {
    const after = number(took) > 0 ? ` after ${ms(number(took))}` : '';
    const what = ` ${outcomes[outcome] ?? outcome}${after}${detail ? `: ${detail}` : ''}`;
    list.append(made('li', {}, made('code', { textContent: String(name) }), what));
  }
  if (items.length > 12) list.append(made('li', { textContent: `and ${items.length - 12} more` }));
  return list;
}
