// LiveKit's own client in real Chromium, with a WAV as its microphone. Called by browser_test.py with a JSON of what to do;
// prints a JSON of what was seen.
import { createRequire } from 'node:module';

const { playwright, chromium: executablePath, url, room: roomName, microphone, scenario } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${playwright}/`)('playwright-core');
const JOIN_MS = 15000;
const WORDS_MS = 40000;
const GONE_MS = 40000;
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}%noloop`,
    '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'],
});
const context = await browser.newContext();
const result = { errors: [] };

async function open(identity, more = '') {
  const page = await context.newPage();
  page.on('pageerror', (error) => result.errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') result.errors.push(message.text()); });
  await page.goto(`${url}/browser_page.html?room=${roomName}&identity=${identity}${more}`);
  return page;
}
const until = (page, condition, argument, timeout = JOIN_MS) => page.waitForFunction(condition, argument, { timeout });
async function call(more = '') {
  const page = await open('ann', `&agent${more}`);
  await joined(page);
  return page;
}
const joined = (page) => until(page, () => seen.joined);
const agent = (page) => until(page, () => seen.agent).then((found) => found.jsonValue());
const said = (page, text) => until(page,
  (words) => seen.words.some((line) => line.from === seen.agent && line.text.includes(words)), text, WORDS_MS);
const state = (page, wanted) => until(page, (name) => seen.states.at(-1)?.state === name, wanted, WORDS_MS);
const speaks = (page) => until(page, () => seen.levels.slice(-4).some(({ rms }) => rms > 0.01), undefined, WORDS_MS);
const whole = (page) => page.evaluate(() => ({ ...seen, loudest: Math.max(...seen.levels.map(({ rms }) => rms)), levels: undefined }));
const gone = (page, identity) => until(page, (who) => seen.gone.find((each) => each.identity === who), identity, GONE_MS)
  .then((found) => found.jsonValue());

const scenarios = {
  // The microphone's sound from before the agent is there comes as a recording, as front ends send it.
  async 'ask and leave'() {
    const page = await call('&buffer');
    await said(page, 'How can I help you?');
    await said(page, 'every evening but Monday');
    await speaks(page);
    result.voice = await page.evaluate(() => voice());
    await state(page, 'listening');
    result.seen = await whole(page);
    result.leftAt = Date.now();
    await page.evaluate(() => room.disconnect());
  },

  async 'type'() {
    const page = await call('&silent');
    await said(page, 'How can I help you?');
    await state(page, 'listening');
    await page.evaluate(() => room.localParticipant.sendText('Do you have a car park?', { topic: 'lk.chat' }));
    await said(page, 'free after six');
    await state(page, 'listening');
    result.seen = await whole(page);
    await page.evaluate(() => room.disconnect());
  },

  async 'reload'() {
    const page = await call();
    result.first = await agent(page);
    await said(page, 'Good evening');
    result.reloadedAt = Date.now();
    await page.reload();
    await joined(page);
    result.second = await agent(page);
    await said(page, 'How can I help you?');
    await speaks(page);
    result.present = await page.evaluate(() => [...room.remoteParticipants.keys()]);
    await page.evaluate(() => room.disconnect());
  },

  async 'close the tab'() {
    await endingSeen((page) => page.close({ runBeforeUnload: false }));
  },

  async 'crash'() {
    await endingSeen((page) => { page.goto('chrome://crash').catch(() => {}); });
  },
};

// A second tab stays in the room and sees who leaves when `end` has ended the first one, in which the agent speaks.
async function endingSeen(end) {
  const page = await call();
  result.agent = await agent(page);
  await said(page, 'How can I help you?');
  const watch = await open('watcher', '&silent');
  await joined(watch);
  await said(page, 'We are open');
  await speaks(page);
  result.endedAt = Date.now();
  await end(page);
  result.callerGone = await gone(watch, 'ann');
  result.agentGone = await gone(watch, result.agent);
  await watch.evaluate(() => room.disconnect());
}

try {
  await scenarios[scenario]();
  console.log(JSON.stringify(result));
} catch (error) {
  const pages = await Promise.all(context.pages().map((page) => page.evaluate(() => ({ ...window.seen, levels: undefined })).catch(String)));
  console.log(JSON.stringify({ error: error.message, result, pages }, null, 1));
  process.exitCode = 1;
} finally {
  await browser.close();
}
