// A call: microphone out, agent in, and what happens in it. WHIP for the audio (one POST with an offer), server-sent events
// for the rest. It knows nothing of the page.
//
//   calling -> live <-> lost -> leaving -> over
//
// A connection that is lost may come back by itself. If it does not, the same call is offered a new one, again and again
// within RECONNECT_WITHIN_MS; the old one stays until that is answered.
import { follow } from './events.js';
import * as problems from './problems.js';

const GATHERING_MS = 1000;          // host candidates come at once; nothing waits longer for others
const CONNECT_WITHIN_MS = 8000;     // from the answer to the first audio; the agent waits for 10 s
const RECOVERY_MS = 2000;           // that a disconnected connection has, to come back by itself
const RECONNECT_WITHIN_MS = 20000;  // longer than the agent waits for a caller, so that it is a little after it gave up
const FIRST_WAIT_MS = 500;          // between offers; doubled up to the longest
const LONGEST_WAIT_MS = 4000;
const LAST_EVENTS_MS = 3000;        // after hanging up; then the call is over for us

export function authorization() {
  const token = sessionStorage.getItem('token');
  return token ? { Authorization: `Bearer ${token}` } : {};
}

export class Call {
  state = 'calling';
  closing = new AbortController();  // ends offers and events

  // `told`: state(state), event(type, data), audio(stream), eventsLost(), and at last over(how) or failed(problem), once.
  // Without a microphone it only watches.
  constructor({ place, began = Date.now(), microphone, told }) {
    Object.assign(this, { place, began, microphone, told });
  }

  async start() {
    try {
      if (!this.microphone) this.location = this.place;
      else await this.connect(this.place ?? '/call');
    } catch (problem) {
      return this.fail(problem);
    }
    if (this.ended) return;
    const unheard = () => this.state === 'calling' && this.fail(problems.noPath());
    if (this.microphone && this.state === 'calling') this.timer = setTimeout(unheard, CONNECT_WITHIN_MS);
    this.told.state(this.state);
    this.watch();
  }

  // Sends an offer to `url`: /call for a new call, the call's own location for a new connection of it.
  async connect(url) {
    const connection = new RTCPeerConnection();
    let agent = null;
    try {
      connection.addTrack(this.microphone.track, this.microphone.stream);
      connection.ontrack = ({ streams, track }) => { agent = streams[0] ?? new MediaStream([track]); };
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      const response = await this.request(url, {
        method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: connection.localDescription.sdp,
        signal: this.closing.signal,
      });
      if (this.ended) throw problems.unreachable();
      await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
      this.location = response.headers.get('Location') ?? url;
    } catch (error) {
      connection.close();
      throw error instanceof problems.Problem ? error : problems.unreachable();
    }
    if (this.ended || this.state === 'live') return connection.close();  // the old one has come back meanwhile
    this.connection?.close();
    this.connection = connection;
    this.told.audio(agent);
    this.replaceTrack();  // it may have changed since the offer
    connection.onconnectionstatechange = () => this.changed(connection);
    this.changed(connection);
  }

  async request(url, options) {
    const headers = { ...options.headers, ...authorization() };
    const response = await fetch(url, { ...options, headers }).catch(() => { throw problems.unreachable(); });
    if (!response.ok) throw await problems.refusal(response);
    return response;
  }

  set(state) {
    if (this.state === state || this.ended) return;
    this.state = state;
    this.told.state(state);
  }

  changed(connection) {
    if (this.ended || this.state === 'leaving' || connection !== this.connection) return;
    const now = connection.connectionState;
    if (now === 'connected') {
      clearTimeout(this.timer);
      this.set('live');
      this.wake?.();
    } else if (now === 'failed' && this.state === 'calling') {
      this.fail(problems.noPath());
    } else if (now === 'disconnected' || now === 'failed') {
      if (this.state === 'live') this.reconnect(now === 'failed' ? 0 : RECOVERY_MS);
      else if (now === 'failed') this.wake?.();
    }
  }

  async reconnect(patience) {
    const giveUpAt = performance.now() + RECONNECT_WITHIN_MS;
    this.set('lost');
    for (let wait = patience, next = FIRST_WAIT_MS; ; next = Math.min(2 * next, LONGEST_WAIT_MS)) {
      await this.pause(wait);
      if (this.state !== 'lost') return;
      if (performance.now() > giveUpAt) return this.fail(problems.lostForGood());
      wait = next;
      try {
        await this.connect(this.location);
        if (this.state === 'lost') await this.pause(CONNECT_WITHIN_MS / 2);
        wait = 0;
      } catch (problem) {
        if (this.state !== 'lost') return;
        if (!problem.passing) return this.fail(problem.status === 404 ? problems.lostForGood() : problem);
        wait = Math.min(Math.max(next, 1000 * (problem.after ?? 0)), LONGEST_WAIT_MS);
      }
    }
  }

  // Until then, or until something has changed: connected again, failed for good, the network is back.
  pause(milliseconds) {
    return new Promise((resolve) => {
      const done = () => { clearTimeout(timer); removeEventListener('online', done); this.wake = null; resolve(); };
      const timer = setTimeout(done, milliseconds);
      addEventListener('online', done);
      this.wake = done;
    });
  }

  async watch() {
    const result = await follow(`${this.location}/events`, {
      headers: authorization(), signal: this.closing.signal, take: ({ type, data }) => this.take(type, data),
    });
    if (this.ended) return;
    if (result === 'over') this.over(this.leftAt ? { cause: 'caller_hung_up' } : { ...this.closed });
    else if (result === 'refused') this.fail(Object.assign(problems.eventsLost(), { token: true }));
    else this.told.eventsLost();
  }

  // A mistake in one event is reported, and does not end the others. `close` is followed by `call_ended`, which knows how.
  take(type, text) {
    if (this.ended) return;
    try {
      const data = JSON.parse(text);
      if (type === 'close') {
        this.closed = data;
        this.set('leaving');
        this.expectEnd();
      } else if (type === 'call_ended') {
        this.over({ ...data, ...this.closed, teardown: data.teardown, clean: data.clean });
      } else {
        this.told.event(type, data);
      }
    } catch (error) {
      reportError(error);
    }
  }

  async hangUp() {
    if (this.ended || this.leftAt) return;
    this.leftAt = performance.now();
    if (!this.location) return this.over({ cause: 'caller_hung_up', unanswered: true });
    this.set('leaving');
    this.wake?.();
    this.expectEnd();
    const told = await this.request(this.location, { method: 'DELETE', keepalive: true })
      .then(() => true, ({ status }) => status === 404);  // over already: the last events say how
    if (!told) this.over({ cause: 'caller_hung_up', untold: true });
  }

  expectEnd() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.over({ cause: 'caller_hung_up', ...this.closed }), LAST_EVENTS_MS);
  }

  // The microphone of the moment sends on.
  async replaceTrack() {
    await this.connection?.getSenders()[0]?.replaceTrack(this.microphone.track);
  }

  over(how) {
    if (this.ended) return;
    const tookToHear = this.leftAt && performance.now() - this.leftAt;
    this.drop();
    this.told.over({ ...how, died: how.cause && !this.closed && !this.leftAt, tookToHear, lasted: Date.now() - this.began });
  }

  fail(problem) {
    if (this.ended) return;
    if (this.location && this.microphone && !problem.token) {
      this.request(this.location, { method: 'DELETE', keepalive: true }).catch(() => {});
    }
    this.drop();
    this.told.failed(problem);
  }

  // Without a goodbye to the agent: another connection goes on with the call, or it is over.
  drop() {
    if (this.ended) return;
    this.ended = true;
    this.state = 'over';
    clearTimeout(this.timer);
    this.wake?.();
    this.closing.abort();
    this.connection?.close();
    this.microphone?.close();
  }
}

function gathered(connection) {
  return new Promise((resolve) => {
    if (connection.iceGatheringState === 'complete') return resolve();
    connection.addEventListener('icegatheringstatechange', () => connection.iceGatheringState === 'complete' && resolve());
    setTimeout(resolve, GATHERING_MS);
  });
}
