// The microphone: opened, chosen and remembered, muted. One at a time.
import * as problems from './problems.js';

const KEY = 'microphone';
const media = navigator.mediaDevices;

export const usable = () => Boolean(media?.getUserMedia);

// ?plain: exactly what the microphone hears, for tests that play a file into it.
const processing = !new URLSearchParams(location.search).has('plain');
const constraints = (id) => ({
  audio: {
    echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing,
    ...(id && { deviceId: { exact: id } }),
  },
});

export class Microphone {
  muted = false;

  // `changed(stream)`: another track sends from now on. `gone(problem)`: there is none any more.
  constructor({ changed = () => {}, gone = () => {} } = {}) {
    Object.assign(this, { changed, gone });
  }

  get track() { return this.stream?.getAudioTracks()[0]; }

  // Nothing is heard from it any more, and nothing has taken its place.
  get lost() { return !this.closed && this.track?.readyState === 'ended'; }

  // Throws a Problem. The one that was remembered, if it is still there.
  async open() {
    this.take(await ask(localStorage.getItem(KEY)));
  }

  // Another one, at once; the one before stays if it cannot be had.
  async choose(id) {
    localStorage.setItem(KEY, id);
    if (!this.stream) return;
    const before = this.stream;
    this.take(await ask(id));
    stop(before);
    if (!this.closed) this.changed(this.stream);
  }

  take(stream) {
    if (this.closed) return stop(stream);
    this.stream = stream;
    this.mute(this.muted);
    this.track.addEventListener('ended', () => this.stream === stream && this.replace());
  }

  // It was unplugged, or taken away: whatever other there is. When that fails, whoever hears of a device asks again.
  async replace() {
    this.wanted = true;
    if (this.replacing) return;
    this.replacing = true;
    let failure = null;
    while (this.wanted && this.lost) {
      this.wanted = false;
      failure = await ask(null).then((stream) => this.take(stream), (problem) => problem);
    }
    this.replacing = false;
    if (this.closed) return;
    if (!this.lost) this.changed(this.stream);
    else if (failure) this.gone(failure);
  }

  mute(muted) {
    this.muted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  close() {
    this.closed = true;
    stop(this.stream);
  }
}

async function ask(id) {
  if (!usable()) throw problems.insecure();
  try {
    return await media.getUserMedia(constraints(id));
  } catch (error) {
    if (id && ['OverconstrainedError', 'NotFoundError'].includes(error.name)) return ask(null);
    throw problems.microphone(error);
  }
}

function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

// The choice as a list, kept up to date. Names are known once the microphone was allowed.
export async function list(select, current) {
  const all = await media?.enumerateDevices?.().catch(() => []) ?? [];
  const named = all.filter((device) => device.kind === 'audioinput' && device.deviceId);
  const options = named.map((device, index) => new Option(device.label || `Microphone ${index + 1}`, device.deviceId));
  if (options.length === 0) options.push(new Option('Default microphone', ''));
  select.replaceChildren(...options);
  const wanted = [current?.getSettings().deviceId, localStorage.getItem(KEY)]
    .find((id) => named.some((device) => device.deviceId === id));
  if (wanted) select.value = wanted;
  select.disabled = options.length < 2;
}

export function watchDevices(changed) {
  media?.addEventListener?.('devicechange', changed);
}

// Told when the microphone is allowed after all, in the browser's own settings.
export async function whenAllowed(told) {
  const permission = await navigator.permissions?.query({ name: 'microphone' }).catch(() => null);
  if (permission) permission.onchange = () => permission.state === 'granted' && told();
}
