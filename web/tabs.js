// One call a browser: tabs of this page know of each other. A lock (Web Locks) says which has the call, also when that tab
// dies; messages (BroadcastChannel) say where the call is, and ask for it.

const LOCK = 'parley call';
const PATIENCE_MS = 1500;  // for a tab that is asked to let go; then the lock is taken from it

export class Tabs {
  // `shown({place, began})`: a call goes on in another tab; null: not any more. `taken()`: this tab is to let go of its.
  constructor({ shown, taken }) {
    this.id = Math.random().toString(36).slice(2);
    this.channel = new BroadcastChannel(LOCK);
    this.channel.onmessage = ({ data }) => this.heard(data, shown, taken);
    this.say('who');
  }

  say(kind, more = {}) {
    this.channel.postMessage({ ...more, kind, from: this.id });
  }

  heard({ kind, from, call }, shown, taken) {
    if (from === this.id) return;
    if (kind === 'who' && this.call) this.say('calling', { call: this.call });
    if (kind === 'take' && this.release) taken();
    if (kind !== 'calling' || this.release) return;
    shown(call);
    this.whenFree(() => shown(null));
  }

  // This tab has the call; others are told where it is. False: another tab has one.
  async hold({ take = false } = {}) {
    this.waiting?.abort();
    if (this.release || !navigator.locks) return true;
    if (take) this.say('take');
    if (await this.lock({ signal: AbortSignal.timeout(take ? PATIENCE_MS : 200) })) return true;
    return take && this.lock({ steal: true });
  }

  lock(options) {
    return new Promise((resolve) => {
      const asked = this.asked = {};  // another when it is let go of before it is had
      const held = () => {
        resolve(this.asked === asked);
        return this.asked === asked && new Promise((release) => { this.release = release; });
      };
      navigator.locks.request(LOCK, options, held).catch(() => {
        if (this.asked === asked) this.release = null;
        resolve(false);
      });
    });
  }

  tell(call) {
    this.call = call;
    this.say('calling', { call });
  }

  letGo() {
    this.call = null;
    this.asked = null;
    this.release?.();
    this.release = null;
  }

  // Its tab may die without a word.
  whenFree(told) {
    this.waiting?.abort();
    this.waiting = new AbortController();
    navigator.locks?.request(LOCK, { signal: this.waiting.signal }, () => { this.waiting = null; told(); }).catch(() => {});
  }
}
