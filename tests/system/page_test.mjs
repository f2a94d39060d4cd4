// The page in real Chromium, with a WAV as its microphone. Called by page_test.py with a JSON of what to do; prints a JSON
// of what was seen. With `screenshots`, a folder, it leaves pictures there.
import { createRequire } from 'node:module';

const { playwright, chromium: executablePath, url, microphone, screenshots, scenario } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${playwright}/`)('playwright-core');
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${microphone}%noloop`, '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-quic'],
});
const page = await browser.newPage({ viewport: { width: 720, height: 800 } });
const seen = { errors: [] };
page.on('pageerror', (error) => seen.errors.push(error.message));
page.on('console', (message) => { if (message.type() === 'error') seen.errors.push(message.text()); });

const said = (text) => page.waitForFunction((words) => document.querySelector('#transcript').textContent.includes(words), text, { timeout: 40000 });
const state = (text) => page.waitForFunction((words) => document.querySelector('#state').textContent === words, text, { timeout: 20000 });
const picture = (name) => screenshots && page.screenshot({ path: `${screenshots}/${name}.png` });
const transcript = () => page.$$eval('#transcript li', (lines) => lines.map((line) => ({ role: line.classList[0], text: line.textContent })));
const focused = () => page.evaluate(() => document.activeElement.id);

async function hangUp() {
  await page.click('#hang-up');
  await page.waitForSelector('#ending:not([hidden])', { timeout: 10000 });
  seen.ending = await page.textContent('#ending h2');
}

const scenarios = {
  async 'ask and hang up'() {
    await picture('before');
    await page.click('#call');
    await said('What are');
    await picture('caller');
    await state('Speaking');
    await picture('agent');
    await said('We are open every evening');
    await hangUp();
    await picture('ended');
    seen.transcript = await transcript();
  },

  async 'reload'() {
    await page.click('#call');
    await said('How can I help you?');
    await page.reload();
    await page.reload();  // before the first has joined again
    await page.waitForFunction(() => document.querySelector('#state').hasAttribute('data-live'), null, { timeout: 10000 });
    await said('How can I help you?');
    await hangUp();
  },

  async 'close the tab'() {
    await page.click('#call');
    await said('How can I help you?');
    await said('What are your');
    await state('Speaking');
    await page.close({ runBeforeUnload: false });
  },

  // With the keyboard alone, on a telephone's screen; the token is asked for, and once more when it is wrong.
  async 'token'() {
    await page.setViewportSize({ width: 360, height: 640 });
    await page.keyboard.press('Tab');
    while (await focused() !== 'call') await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#access:not([hidden])');
    await picture('token');
    await page.keyboard.type('ein Schlüssel');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#notice:not([hidden])');
    seen.refused = await page.textContent('#notice');
    seen.kept = await page.evaluate(() => sessionStorage.getItem('token'));
    await page.keyboard.type('not the right token');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#notice').textContent.includes('right one'), null, { timeout: 10000 });
    seen.notice = await page.textContent('#notice');
    seen.asked = await focused();
    await page.waitForSelector('#access:not([hidden])');
    await page.keyboard.type(scenario.token);
    await page.keyboard.press('Enter');
    await said('How can I help you?');
    await picture('telephone');
    seen.wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    seen.stored = await page.evaluate(() => ({ local: localStorage.length, cookies: document.cookie, address: location.href }));
    await page.reload();
    await said('How can I help you?');
    seen.onHangUp = await focused();
    await page.focus('#hang-up');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#ending:not([hidden])', { timeout: 10000 });
    seen.ending = await page.textContent('#ending h2');
    seen.afterwards = await focused();
    // The browser itself reports what was answered with 401.
    seen.errors = seen.errors.filter((text) => !text.includes('401'));
  },

  // The connection fails, and the first two offers after that do not arrive.
  async 'connection lost'() {
    await page.addInitScript(() => {
      const made = window.made = [];
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...given) { super(...given); made.push(this); }
      };
    });
    await page.reload();
    await page.click('#call');
    await said('How can I help you?');
    seen.offers = 0;
    await page.route('**/call/*', (route) => (++seen.offers <= 2 ? route.abort('connectionreset') : route.continue()));
    await page.evaluate(() => {
      Object.defineProperty(made[0], 'connectionState', { value: 'failed' });
      made[0].dispatchEvent(new Event('connectionstatechange'));
    });
    await state('Connection lost, trying again');
    await page.waitForFunction(() => made.at(-1).connectionState === 'connected' && made.length === 4, null, { timeout: 20000 });
    await page.unroute('**/call/*');
    await hangUp();
    seen.errors = seen.errors.filter((text) => !text.includes('ERR_CONNECTION_RESET'));
  },

  async 'all slots taken'() {
    await page.click('#call');
    await said('How can I help you?');
    const other = await browser.newPage();
    await other.goto(`${url}/?plain`);
    await other.click('#call');
    await other.waitForSelector('#notice:not([hidden])', { timeout: 10000 });
    seen.notice = await other.textContent('#notice');
    await hangUp();
  },

  // The first two tries to read the events end early: in the middle of an event, and at once.
  async 'events break off'() {
    const asked = [];
    const broken = 'retry: 100\n\nid: 2\nevent: error\ndata: {"message":"no luck","recoverable":true}\n\nid: 3\nevent: close\ndata: {"cau';
    await page.route('**/events', async (route) => {
      asked.push(route.request().headers()['last-event-id'] ?? null);
      if (asked.length === 1) await route.fulfill({ status: 200, contentType: 'text/event-stream', body: broken });
      else if (asked.length === 2) await route.abort('connectionreset');
      else await route.continue();
    });
    await page.click('#call');
    await said('How can I help you?');
    seen.asked = asked;
    await hangUp();
    seen.transcript = await transcript();
    seen.errors = seen.errors.filter((text) => !text.includes('ERR_CONNECTION_RESET'));
  },
};

await page.goto(`${url}/?plain`);
await scenarios[scenario.name]();
await browser.close();
console.log(JSON.stringify(seen));
