// What can go wrong, in plain words: what it is, what to do, and what the button says that does it.

// `passing`: the same request may succeed a moment later. `after`: seconds to wait before it, as the server asks.
export class Problem extends Error {
  constructor(title, text, more = {}) {
    super(text);
    Object.assign(this, { title, text, button: 'Try again' }, more);
  }
}

export const insecure = () => new Problem('This page may not use the microphone',
  'Browsers give it only to pages from https:// or from this machine. Open the page by such an address.', { button: '' });

export const unreachable = () => new Problem('The agent cannot be reached',
  'Nobody answers at this address. Perhaps the agent is being restarted, or the network is down.', { passing: true });

export const noPath = () => new Problem('No sound gets through',
  'The agent answered, but no audio reached it. A firewall or VPN may block UDP on the way.', { button: 'Call again', fresh: true });

export const lostForGood = () => new Problem('The connection was lost',
  'It could not be made again in time, and the agent has ended the call by now.', { button: 'Call again', fresh: true });

export const soundBlocked = () => new Problem('The browser keeps the agent silent',
  'It plays sound only once you have pressed something here.', { button: 'Turn the sound on' });

export const eventsLost = () => new Problem('What is said cannot be shown any more',
  'You can still talk, and hang up.', { button: 'Show it again' });

export function microphone(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new Problem('The microphone was refused',
        'Allow it for this page (the sign beside the address, or the settings of the system), then try again.',
        { kind: 'refused' });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new Problem('No microphone was found', 'Connect one, then try again.', { kind: 'missing' });
    case 'NotReadableError':
    case 'AbortError':
      return new Problem('The microphone is taken',
        'Another program uses it, or it does not answer. Close that program, then try again.');
    default:
      return new Problem('The microphone cannot be used', `${error.message || error.name}.`);
  }
}

// The worker's own sentence is in `detail`. A proxy before it may answer with anything.
export async function refusal(response) {
  const status = response.status;
  const text = await response.text().catch(() => '');
  const after = Math.min(Math.max(Number.parseInt(response.headers.get('Retry-After'), 10) || 0, 0), 60);
  let detail = '';
  try {
    detail = sentence(String(JSON.parse(text).detail ?? ''));
  } catch { /* no problem detail */ }
  if (status === 401) return new Problem('A token is needed', detail, { status, token: true });
  if (status === 403) return new Problem('The call was not taken', detail || 'The agent refused it.', { status, button: 'Call again' });
  if (status === 404) return new Problem('That call is over', 'A new one can be placed.', { status, button: 'Call again', fresh: true });
  if (status === 503 && after) {
    return new Problem('Nobody is free just now', detail || 'All lines are taken.', { status, after, passing: true, busy: true });
  }
  const passing = [408, 429, 500, 502, 503, 504].includes(status);
  const title = passing ? 'The agent cannot answer just now' : 'The call was refused';
  return new Problem(title, detail || `The server said ${status}.`, { status, after, passing });
}

export function sentence(text) {
  const trimmed = text.trim();
  return trimmed && trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? '' : '.');
}
