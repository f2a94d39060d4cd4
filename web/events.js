// Server-sent events (WHATWG HTML, 9.2) by fetch: an EventSource can neither send a token, nor tell an event of the
// server named "error" from a fault of its own.

const FIRST_WAIT_MS = 1000;      // before coming back; the server may ask for another with `retry`
const LONGEST_WAIT_MS = 15000;   // doubled from the first at every failure in a row
const TRIES = 8;                 // failures in a row, a bit over a minute
const SILENCE_MS = 40000;        // the server says something every 15 s

// Reads until the stream is over, `signal` is aborted, or the server could not be reached for too long. Each event goes
// to `take({id, type, data})`. Returns "over" (there is no more to come), "refused", "lost" or "stopped".
export async function follow(url, { headers = {}, signal, take }) {
  const parser = new EventParser();
  let failures = 0;
  while (!signal.aborted) {
    const before = parser.lastId;
    const status = await readOnce(url, headers, parser, signal, take);
    if (status === 204 || status === 404) return 'over';
    if (status === 401 || status === 403) return 'refused';
    failures = parser.lastId === before ? failures + 1 : 0;
    if (failures >= TRIES) return 'lost';
    await pause(Math.min(parser.retryMs * 2 ** failures, LONGEST_WAIT_MS), signal);
  }
  return 'stopped';
}

// One connection, to its end or its fault; the status, 0 when there was none.
async function readOnce(url, headers, parser, signal, take) {
  const connection = new AbortController();
  const stop = () => connection.abort();
  signal.addEventListener('abort', stop);
  let silence = setTimeout(stop, SILENCE_MS);
  try {
    const resume = parser.lastId ? { 'Last-Event-ID': parser.lastId } : {};
    const response = await fetch(url, {
      headers: { Accept: 'text/event-stream', ...headers, ...resume }, cache: 'no-store', signal: connection.signal,
    });
    if (!response.ok || !response.body) return response.status;
    parser.begin();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return response.status;
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE_MS);
      for (const event of parser.feed(value)) {
        if (signal.aborted) return response.status;
        take(event);
      }
    }
  } catch {
    return 0;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    connection.abort();
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => { clearTimeout(timer); signal.removeEventListener('abort', done); resolve(); };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

// Text in, events out. An event without its closing empty line is none.
export class EventParser {
  lastId = '';
  retryMs = FIRST_WAIT_MS;

  // A new connection: what was left of the one before is dropped.
  begin() {
    this.rest = '';
    this.type = '';
    this.data = [];
    this.id = this.lastId;
  }

  *feed(text) {
    this.rest += text;
    // A line feed that may still come belongs to the carriage return before it.
    const whole = this.rest.endsWith('\r') ? this.rest.slice(0, -1) : this.rest;
    const lines = whole.split(/\r\n|\n|\r/);
    this.rest = lines.pop() + this.rest.slice(whole.length);
    for (const line of lines) {
      if (line) this.field(line);
      else if (this.data.length > 0) yield this.dispatch();
      else this.type = '';
    }
  }

  dispatch() {
    this.lastId = this.id;
    const event = { id: this.lastId, type: this.type || 'message', data: this.data.join('\n') };
    this.type = '';
    this.data = [];
    return event;
  }

  field(line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.data.push(value);
    else if (name === 'event') this.type = value;
    else if (name === 'id') this.id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Math.min(Number(value), LONGEST_WAIT_MS);
  }
}
