// How loud both sides are: a strip of the last seconds, you above the line, the agent below. And when the agent was heard.

const COLUMN_MS = 60;         // of the strip
const COLUMN_PX = 5;
const STILL_MS = 250;         // between two pictures where little motion is wanted
const QUIET_DB = -50;         // the agent's first sound is the first above it
const PAUSE_MS = 300;         // of silence before a sound is the first of a speech
const ABOVE_NOISE_DB = 12;    // what the caller says is so much louder than the room
const EMPTY_DB = -55;         // of a bar of the strip
const FULL_DB = -12;
const HEARD_WITHIN_MS = 1500; // between the sound and the event that belongs to it, whichever comes first

const still = matchMedia('(prefers-reduced-motion: reduce)');
const decibel = (samples) => {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10(sum / samples.length + 1e-10);
};

export class Levels {
  columns = [];
  heard = new Heard();

  constructor(canvas) {
    this.canvas = canvas;
  }

  start() {
    this.stop();
    this.context = new AudioContext();
    this.sides = {};
    this.columns = [];
    this.heard = new Heard();
    const step = (now) => { this.frame = requestAnimationFrame(step); this.measure(now); };
    this.frame = requestAnimationFrame(step);
  }

  // `side`: you or agent.
  listen(side, stream) {
    if (!this.context || !stream) return;
    this.sides[side]?.source.disconnect();
    const source = this.context.createMediaStreamSource(stream);
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    this.sides[side] = { source, analyser, samples: new Float32Array(analyser.fftSize) };
  }

  // The browser may want a press first.
  resume() {
    this.context?.resume().catch(() => {});
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.context?.close().catch(() => {});
    this.context = null;
  }

  loudness(side) {
    const it = this.sides[side];
    if (!it) return -100;
    it.analyser.getFloatTimeDomainData(it.samples);
    return decibel(it.samples);
  }

  measure(now) {
    const you = this.loudness('you');
    const agent = this.loudness('agent');
    this.heard.feed(now, you, agent);
    const column = this.columns.at(-1);
    if (column && now - column.at < COLUMN_MS) {
      column.count += 1;
      column.you += (you - column.you) / column.count;
      column.agent += (agent - column.agent) / column.count;
    } else {
      this.columns.push({ at: now, you, agent, count: 1 });
      if (this.columns.length > 400) this.columns.shift();
    }
    if (still.matches && now - (this.drawn ?? 0) < STILL_MS) return;
    this.drawn = now;
    this.draw(now);
  }

  // Where little motion is wanted: two bars that change now and then, and nothing that scrolls.
  draw(now) {
    const ratio = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const style = getComputedStyle(this.canvas);
    const [you, agent, line] = ['--you', '--accent', '--line'].map((name) => style.getPropertyValue(name));
    const colors = { you, agent };
    const canvas = this.canvas.getContext('2d');
    canvas.setTransform(ratio, 0, 0, ratio, 0, 0);
    canvas.clearRect(0, 0, width, height);
    const middle = Math.round(height / 2);
    canvas.fillStyle = line;
    canvas.fillRect(0, middle - 0.5, width, 1);
    const size = (db) => Math.min(Math.max((db - EMPTY_DB) / (FULL_DB - EMPTY_DB), 0), 1);
    const last = this.columns.at(-1);
    for (const side of ['you', 'agent']) {
      canvas.fillStyle = colors[side];
      this.canvas.dataset[side] = size(last[side]).toFixed(2);
      canvas.beginPath();
      if (still.matches) {
        const lately = Math.max(...this.columns.slice(-4).map((column) => column[side]));
        canvas.roundRect(0, side === 'you' ? middle - 12 : middle + 6, Math.round(10 * size(lately)) / 10 * width, 6, 3);
      } else {
        for (const column of this.columns) {
          const x = width - 4 - (now - column.at) / COLUMN_MS * COLUMN_PX;
          bar(canvas, x, middle, size(column[side]) * (middle - 3), side);
        }
      }
      canvas.fill();
    }
  }
}

function bar(canvas, x, middle, length, side) {
  if (x < -4 || length < 0.75) return;
  canvas.roundRect(x, side === 'you' ? middle - 2 - length : middle + 2, 3, length, 1.5);
}

// From the caller's last sound to the agent's first, both as this page has them. With noise in the room, or when both speak,
// it is not known.
class Heard {
  noise = -40;
  spoke = -Infinity;     // when the caller was last loud
  sounded = -Infinity;   // the agent
  first = null;          // {at, took}: the last first sound of the agent
  waiting = [];

  feed(now, you, agent) {
    this.noise = you < this.noise ? you : Math.min(this.noise + 0.02, -40);
    if (you > Math.max(this.noise + ABOVE_NOISE_DB, QUIET_DB)) this.spoke = now;
    if (agent > QUIET_DB) {
      if (now - this.sounded > PAUSE_MS) this.first = { at: now, took: (now - this.spoke) / 1000 };
      this.sounded = now;
    }
    this.waiting = this.waiting.filter((each) => !this.answer(each, now));
  }

  // Seconds, or null when it cannot be told; soon. `sent`: the agent's own figure, which is a little less.
  after(sent) {
    return new Promise((told) => this.waiting.push({ sent, told, asked: performance.now() }));
  }

  answer({ sent, told, asked }, now) {
    const near = this.first && Math.abs(this.first.at - asked) < HEARD_WITHIN_MS;
    if (!near && now - asked < HEARD_WITHIN_MS) return false;
    const took = near ? this.first.took : null;
    told(took !== null && took > sent - 0.05 && took < sent + 1 ? Math.max(took, sent) : null);
    return true;
  }
}
