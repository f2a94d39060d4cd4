// How long the caller waited for an answer, and for what: one bar a turn. Each part lasts from what came before it to its
// own moment, so that together they are the whole and nothing is hidden between them.

const FULL_SCALE_S = 2;  // a bar of the whole width; longer waits are drawn to their own scale
const SMALLEST_S = 0.0005;

const moments = [
  ['transcription_delay', 'transcript', 'until the last words were transcribed'],
  ['end_of_turn_delay', 'end of speech', 'until it was clear that you had finished'],
  ['first_token_delay', 'first token', 'until the language model began to answer'],
  ['first_sentence_delay', 'first sentence', 'until there was a sentence to speak; tools ran in it'],
  ['first_audio_delay', 'first audio', 'until the voice began'],
  ['e2e_latency', 'sent', 'until it was sent to you'],
  ['heard', 'heard', 'until this page heard it: the network, both ways'],
];

// [{name, title, kind, seconds}] in the order in which they happened, which is another when an answer is prepared ahead.
export function parts(metrics) {
  const known = moments.filter(([member]) => Number.isFinite(metrics[member]));
  const order = known.map(([kind, name, title]) => ({ kind, name, title, at: Math.max(metrics[kind], 0) }))
    .sort((a, b) => a.at - b.at);
  return order.map(({ at, ...part }, index) => ({ ...part, seconds: at - (order[index - 1]?.at ?? 0) }))
    .filter((part) => part.seconds >= SMALLEST_S);
}

export const milliseconds = (seconds) => `${Math.round(1000 * seconds)}`;

export function bar(metrics) {
  const all = parts(metrics);
  const whole = all.reduce((sum, part) => sum + part.seconds, 0);
  const box = Object.assign(document.createElement('div'), { className: 'latency' });
  const strip = Object.assign(document.createElement('div'), { className: 'strip' });
  strip.setAttribute('aria-hidden', 'true');
  const legend = document.createElement('dl');
  const add = (kind, name, title, seconds) => {
    const entry = Object.assign(document.createElement('div'), { title });
    entry.dataset.part = kind;
    entry.append(Object.assign(document.createElement('dt'), { textContent: name }),
      Object.assign(document.createElement('dd'), { textContent: milliseconds(seconds) }));
    legend.append(entry);
  };
  const name = Number.isFinite(metrics.heard) ? 'heard after' : 'answered after';
  add('whole', name, 'from your last sound to the agent’s first, in ms', whole);
  for (const part of all) {
    const piece = strip.appendChild(document.createElement('i'));
    piece.dataset.part = part.kind;
    piece.style.width = `${100 * part.seconds / Math.max(whole, FULL_SCALE_S)}%`;
    add(part.kind, part.name, part.title, part.seconds);
  }
  box.append(strip, legend);
  return box;
}
