// The page in real Chromium, with a WAV as its microphone. Called by page_test.py with a JSON of what to do; prints a JSON
// of what was seen. With `screenshots`, a folder, it leaves pictures there.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { playwright, chromium: executablePath, url, pid, microphone, screenshots, scenario } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${playwright}/`)('playwright-core');
const asksForMicrophone = ['microphone refused'];
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}%noloop`,
    '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-quic', '--host-resolver-rules=MAP parley.test 127.0.0.1',
    ...(asksForMicrophone.includes(scenario.name) ? [] : ['--use-fake-ui-for-media-stream'])],
});
const context = await browser.newContext({ viewport: { width: 720, height: 800 } });
const seen = { errors: [] };

async function newPage() {
  const made = await context.newPage();
  made.on('pageerror', (error) => seen.errors.push(error.message));
  made.on('console', (message) => { if (message.type() === 'error') seen.errors.push(message.text()); });
  return made;
}
const page = await newPage();

const said = (text, at = page) => at.waitForFunction((words) => document.querySelector('#transcript').textContent.includes(words), text, { timeout: 40000 });
const state = (text, at = page) => at.waitForFunction((words) => document.querySelector('#state').textContent === words, text, { timeout: 20000 });
const answered = (at = page) => said('How can I help you?', at);
const notice = async (at = page) => {
  await at.waitForSelector('#notice:not([hidden])', { timeout: 10000 });
  return at.$eval('#notice', (box) => ({ title: box.children[0].textContent, text: box.children[1].textContent, buttons: [...box.querySelectorAll('button')].map((button) => button.textContent) }));
};
const press = (label, at = page) => at.click(`#notice button:text-is("${label}")`);
const picture = (name) => screenshots && page.screenshot({ path: `${screenshots}/${name}.png` });
const transcript = () => page.$$eval('#transcript li', (lines) => lines.map((line) => ({ role: line.classList[0], text: (line.querySelector('p') ?? line).textContent })));
const focused = () => page.evaluate(() => document.activeElement.id);
const wider = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const expected = (...texts) => { seen.errors = seen.errors.filter((error) => !texts.some((text) => error.includes(text))); };
const ending = (at = page) => at.waitForSelector('#ending:not([hidden])', { timeout: 20000 }).then((box) => box.$eval('h2', (title) => title.textContent));
const level = (side) => page.waitForFunction((name) => Number(document.querySelector('#meter').dataset[name]) > 0.2, side, { timeout: 20000 });

async function hangUp() {
  await page.click('#hang-up');
  seen.ending = await ending();
}

// Every connection that the page makes is in `made`; the browser's own say of them can be overruled.
async function countConnections() {
  await page.addInitScript(() => {
    const made = window.made = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...given) { super(...given); made.push(this); }
    };
  });
  await page.reload();
}
const connectionIs = (state) => page.evaluate((value) => {
  Object.defineProperty(made[0], 'connectionState', { value, configurable: true });
  made[0].dispatchEvent(new Event('connectionstatechange'));
}, state);
const reconnected = (count) => page.waitForFunction((n) => made.length === n && made.at(-1).connectionState === 'connected', count, { timeout: 20000 });

// What the microphone says when it is asked for.
const microphoneFails = (name) => page.evaluate((error) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', error));
}, name);

const microphoneReturns = () => page.evaluate(() => { delete navigator.mediaDevices.getUserMedia; });

// The track of the call ends as when it is unplugged, and there is no other microphone.
async function unplug() {
  await microphoneFails('NotFoundError');
  await page.evaluate(() => {
    const { track } = made.at(-1).getSenders()[0];
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
}
const locksHeld = () => page.evaluate(() => navigator.locks.query().then(({ held }) => held.length));

// The lock of the browser is asked for only when `open()` is called; `granted` counts.
const gateLocks = () => page.evaluate(() => {
  const request = navigator.locks.request.bind(navigator.locks);
  const gate = new Promise((open) => { window.open = open; });
  window.granted = 0;
  navigator.locks.request = (name, options, held) => gate.then(() => request(name, {}, (lock) => { ++granted; return held(lock); }));
});

const events = (list) => list.map(([type, data], index) => `id: ${index + 1}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`).join('');

// Text against what is behind it (WCAG 2, 1.4.3), and controls without a name.
const faults = () => page.evaluate(() => {
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility() || element.closest('option, .unseen')) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [light, dark] = [luminance(rgb(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName}#${element.id}.${element.className} has a contrast of ${ratio.toFixed(2)}: ${element.textContent}`);
  }
  for (const control of document.querySelectorAll('button, input, select, canvas, main, section')) {
    const name = control.getAttribute('aria-label') || control.labels?.[0]?.textContent || control.textContent;
    if (control.checkVisibility() && !name.trim()) found.push(`${control.tagName}#${control.id} has no name`);
  }
  return found;
});

const scenarios = {
  async 'ask and hang up'() {
    await picture('before');
    await page.click('#call');
    await level('agent');
    await level('you');
    await said('What are');
    await picture('caller');
    await state('Speaking');
    await page.waitForSelector('.latency');
    await said('We are open every evening');
    await picture('agent');
    seen.latency = await page.$$eval('.latency', (all) => all.map((box) => ({
      parts: [...box.querySelectorAll('.strip i')].map((piece) => piece.dataset.part),
      numbers: [...box.querySelectorAll('dd')].map((number) => Number(number.textContent)),
      row: box.closest('li').querySelector('p').textContent,
    })));
    await hangUp();
    await picture('ended');
    seen.transcript = await transcript();
    seen.steps = await page.$$eval('.chart li:not(.axis)', (rows) => rows.map((row) => row.firstChild.textContent));
    seen.words = await page.textContent('#ending');
    seen.again = await page.textContent('#call');
    seen.spoken = await page.textContent('#spoken');
  },

  async 'reload'() {
    await page.click('#call');
    await answered();
    await page.keyboard.press('m');
    await page.reload();
    await page.reload();  // before the first has joined again
    await state('Listening');
    await answered();
    seen.muted = await page.getAttribute('#mute', 'aria-pressed');
    await hangUp();
  },

  async 'close the tab'() {
    await page.click('#call');
    await answered();
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
    seen.refused = (await notice()).title;
    seen.kept = await page.evaluate(() => sessionStorage.getItem('token'));
    await page.keyboard.type('not the right token');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#notice').textContent.includes('right one'), null, { timeout: 10000 });
    seen.notice = (await notice()).title;
    seen.asked = await focused();
    await page.keyboard.type(scenario.token);
    await page.keyboard.press('Enter');
    await answered();
    seen.stored = await page.evaluate(() => ({ local: localStorage.length, cookies: document.cookie, address: location.href }));
    await page.reload();
    await answered();
    seen.onHangUp = await focused();
    await page.focus('#hang-up');
    await page.keyboard.press('Enter');
    seen.ending = await ending();
    seen.afterwards = await focused();
    expected('401');  // the browser itself reports it
  },

  async 'keyboard'() {
    await page.keyboard.press('Tab');
    while (await focused() !== 'call') await page.keyboard.press('Tab');
    seen.ring = await page.$eval('#call', (button) => getComputedStyle(button).outlineStyle);
    await page.keyboard.press('Space');
    await answered();
    seen.inCall = await focused();
    await page.keyboard.press('Escape');
    const muted = () => page.$eval('#mute', (button) => `${button.firstChild.textContent} ${button.ariaPressed}`);
    await page.keyboard.press('m');
    seen.muted = [await muted()];
    await page.keyboard.press('m');
    seen.muted.push(await muted());
    seen.reached = [];
    for (let i = 0; i < 8; ++i) {
      await page.keyboard.press('Tab');
      seen.reached.push(await focused());
    }
    seen.still = await page.isVisible('#hang-up');
    await page.focus('#hang-up');
    await page.keyboard.press('Space');
    seen.ending = await ending();
    seen.afterwards = await focused();
  },

  // At the width of a telephone, in both schemes: nothing is cut off, everything can be read and has a name.
  async 'looks'() {
    seen.wider = [];
    seen.faults = [];
    const look = async (name) => {
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        seen.wider.push(await wider());
        seen.faults.push(...await faults());
        await picture(`${name}-${colorScheme}`);
      }
    };
    await page.setViewportSize({ width: 360, height: 640 });
    await look('phone-idle');
    await page.route('**/call', (route) => route.fulfill({ status: 503, headers: { 'Retry-After': '5' }, contentType: 'application/problem+json', body: '{"detail":"all slots are taken (4)"}' }));
    await page.click('#call');
    await notice();
    await look('phone-busy');
    await page.unroute('**/call');
    expected('503');
    await page.click('#call');
    await answered();
    await page.click('#mute');
    await look('phone-muted');
    await page.click('#mute');
    await page.waitForSelector('.latency');
    await said('We are open every evening');
    await look('phone-call');
    await hangUp();
    await look('phone-ended');
  },

  // The connection fails, and the first two offers after that do not arrive, or not at the worker.
  async 'connection lost'() {
    await countConnections();
    await page.click('#call');
    await answered();
    seen.offers = 0;
    const failure = (route) => (seen.offers === 1 ? route.abort('connectionreset') : route.fulfill({ status: 503, body: 'the proxy is restarting' }));
    await page.route('**/call/*', (route) => (++seen.offers <= 2 ? failure(route) : route.continue()));
    await connectionIs('failed');
    await state('Reconnecting');
    await picture('reconnecting');
    await reconnected(4);
    await state('Listening');
    await page.unroute('**/call/*');
    await hangUp();
    expected('ERR_CONNECTION_RESET', '503');
  },

  // The connection was not gone after all.
  async 'connection recovers'() {
    await countConnections();
    await page.click('#call');
    await answered();
    await state('Listening');
    await connectionIs('disconnected');
    await state('Reconnecting');
    await connectionIs('connected');
    await state('Listening');
    await page.waitForTimeout(2500);  // longer than a new offer would wait
    seen.connections = await page.evaluate(() => made.length);
    await hangUp();
  },

  async 'connection stays lost'() {
    await countConnections();
    await page.click('#call');
    await answered();
    seen.offers = 0;
    await page.route('**/call/*', (route) => { ++seen.offers; return route.abort('connectionreset'); });
    const began = Date.now();
    await connectionIs('failed');
    await page.waitForSelector('#notice:not([hidden])', { timeout: 40000 });
    seen.gaveUpAfter = (Date.now() - began) / 1000;
    seen.notice = await notice();
    await page.unroute('**/call/*');
    await press('Call again');
    await answered();
    await hangUp();
    expected('ERR_CONNECTION_RESET');
  },

  async 'all slots taken'() {
    await page.click('#call');
    await answered();
    const other = await (await browser.newContext()).newPage();
    await other.goto(`${url}/?plain`);
    await other.click('#call');
    seen.notice = await notice(other);
    await press('Keep trying', other);
    await other.waitForFunction(() => /Trying again in [1-5] s/.test(document.querySelector('#notice').textContent), null, { timeout: 5000 });
    seen.counting = await notice(other);
    seen.announced = await other.$eval('#notice p', (words) => [...words.querySelectorAll(':not([aria-hidden])')].map((part) => part.textContent).join(''));
    await hangUp();
    await answered(other);
    seen.served = await other.isVisible('#hang-up');
    await other.click('#hang-up');
    await ending(other);
  },

  async 'unreachable'() {
    await page.route('**/call', (route) => route.abort('connectionrefused'));
    await page.click('#call');
    seen.notice = await notice();
    await page.unroute('**/call');
    await press('Try again');
    await answered();
    await hangUp();
    expected('ERR_CONNECTION_REFUSED');
  },

  async 'refused by the agent'() {
    await page.route('**/call', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"title":"Forbidden","status":403,"detail":"this number is not served"}' }));
    await page.click('#call');
    seen.notice = await notice();
    expected('403');
  },

  async 'microphone refused'() {
    const browserWide = await browser.newBrowserCDPSession();
    const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo');
    const permit = (setting) => browserWide.send('Browser.setPermission',
      { permission: { name: 'microphone' }, setting, origin: url, browserContextId: targetInfo.browserContextId });
    await permit('denied');
    await page.click('#call');
    seen.notice = await notice();
    await permit('granted');
    await page.waitForFunction(() => document.querySelector('#notice h2').textContent.includes('allowed now'), null, { timeout: 5000 });
    await page.click('#call');
    await answered();
    await hangUp();
  },

  async 'microphones that cannot be had'() {
    seen.notices = [];
    for (const error of ['NotFoundError', 'NotReadableError']) {
      await page.reload();
      await microphoneFails(error);
      await page.click('#call');
      seen.notices.push(await notice());
    }
    await page.reload();
    await page.click('#call');
    await answered();
    await hangUp();
  },

  async 'insecure address'() {
    await page.goto(`${url.replace('127.0.0.1', 'parley.test')}/?plain`);
    seen.notice = await notice();
    await page.click('#call');
    seen.state = await page.textContent('#state');
    expected('Cross-Origin-Opener-Policy');  // means nothing to such an address
  },

  async 'another microphone'() {
    await page.click('#call');
    await answered();
    const choices = await page.$$eval('#microphone option', (options) => options.map((option) => option.value));
    const before = await page.$eval('#microphone', (select) => select.value);
    const chosen = choices.find((id) => id !== before);
    await page.selectOption('#microphone', chosen);
    await page.waitForFunction((id) => localStorage.getItem('microphone') === id, chosen);
    await level('you');
    await hangUp();
    await page.reload();
    seen.kept = await page.waitForFunction((id) => document.querySelector('#microphone').value === id, chosen, { timeout: 5000 }).then(() => true);
  },

  // Twice: heard of by itself, and by the button.
  async 'microphone unplugged'() {
    await countConnections();
    await page.click('#call');
    await answered();
    await unplug();
    seen.notice = await notice();
    await microphoneFails('NotReadableError');
    await press('Try again');
    await page.waitForFunction(() => document.querySelector('#notice h2').textContent.includes('taken'), null, { timeout: 5000 });
    seen.still = await notice();
    await microphoneReturns();
    await page.evaluate(() => navigator.mediaDevices.dispatchEvent(new Event('devicechange')));
    await page.waitForSelector('#notice[hidden]', { state: 'attached', timeout: 5000 });
    await said('opening hours');  // the agent hears it
    await unplug();
    await notice();
    await microphoneReturns();
    await press('Try again');
    await page.waitForSelector('#notice[hidden]', { state: 'attached', timeout: 5000 });
    seen.sends = await page.evaluate(() => made.map((connection) => connection.getSenders()[0].track.readyState));
    await unplug();
    await notice();
    await hangUp();
    seen.afterwards = await page.isVisible('#notice');
  },

  // Hung up before the browser has said whether another tab has a call; then also called again.
  async 'hang up at once'() {
    await gateLocks();
    await page.click('#call');
    await page.click('#hang-up');
    await state('Ready');
    await page.evaluate(() => window.open());
    await page.waitForFunction(() => granted === 1, null, { timeout: 5000 });
    seen.held = await locksHeld();
    await page.reload();
    await gateLocks();
    await page.click('#call');
    await page.click('#hang-up');
    await page.click('#call');
    await page.evaluate(() => window.open());
    await answered();
    seen.heldInCall = await locksHeld();
    await hangUp();
    seen.heldAfterwards = await locksHeld();
  },

  // The worker knows nothing of the call any more when it is hung up.
  async 'hang up what is over'() {
    await page.click('#call');
    await answered();
    await page.route('**/call/*', (route) => (route.request().method() === 'DELETE' ? route.fulfill({ status: 404 }) : route.continue()));
    await hangUp();
    seen.words = await page.textContent('#ending');
    expected('404');
  },

  async 'agent killed'() {
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    const before = children();
    await page.click('#call');
    await answered();
    children().filter((child) => !before.includes(child)).forEach((child) => process.kill(child, 'SIGKILL'));
    seen.ending = await ending();
    seen.words = await page.textContent('#ending');
    seen.again = await page.textContent('#call');
    await page.click('#call');
    await answered();
    await hangUp();
  },

  async 'second tab'() {
    await page.click('#call');
    await answered();
    const other = await newPage();
    await other.goto(`${url}/?plain`);
    seen.banner = await notice(other);
    seen.callable = await other.isVisible('#call');
    await press('Just watch', other);
    await state('Watching', other);
    await answered(other);
    await other.click('#hang-up');
    seen.goesOn = await page.isVisible('#hang-up');
    await press('Take it over', other);
    await state('Listening', other);
    await answered(other);
    seen.first = await notice();
    await other.click('#hang-up');
    seen.ending = await ending(other);
    await page.waitForSelector('#notice[hidden]', { state: 'attached', timeout: 5000 });
    seen.freeAgain = await page.isVisible('#call');
  },

  // Its tab was killed: nobody says goodbye.
  async 'second tab alone'() {
    await page.click('#call');
    await answered();
    const other = await newPage();
    await other.goto(`${url}/?plain`);
    await notice(other);
    await page.close();
    await other.waitForSelector('#notice[hidden]', { state: 'attached', timeout: 5000 });
    await other.click('#call');
    await answered(other);
    await other.click('#hang-up');
    seen.ending = await ending(other);
  },

  // What an agent may do that the one of the test does not.
  async 'everything that happens'() {
    const turn = { type: 'turn_metrics', speech_id: 'speech_2', transcription_delay: 0.2, end_of_turn_delay: 0.6, first_token_delay: 0.5, first_sentence_delay: 0.7, first_audio_delay: 0.8, e2e_latency: 0.82 };
    const said = (role, text, more = {}) => ['conversation_item_added', { item: { type: 'message', id: text, role, text, ...more } }];
    const body = `retry: 15000\n\n${events([
      ['user_input_transcribed', { transcript: 'a table', is_final: false }],
      ['user_input_transcribed', { transcript: 'a table for four', is_final: true }],
      said('user', 'A table for four.'),
      ['function_tools_executed', {
        function_calls: [{ name: 'book_table', arguments: '{"people":4}' }, { name: 'pay', arguments: '{}' }],
        function_call_outputs: [{ output: 'booked', is_error: false, duration: 0.038 }, { output: 'no card', is_error: true, duration: 0.1 }],
      }],
      ['metrics_collected', { metrics: turn }],
      ['agent_state_changed', { old_state: 'thinking', new_state: 'speaking' }],
      said('assistant', 'Four of you, and', { interrupted: true }),
      ['conversation_item_added', { item: { type: 'agent_handoff', from: 'reception', to: 'cellar' } }],
      ['error', { source: { type: 'tts_error', label: 'voice' }, message: 'no luck', code: 'timeout', recoverable: true }],
      ['user_input_transcribed', { transcript: 'and a bott', is_final: false }],
    ])}`;
    await page.route('**/events', (route) => route.fulfill({ status: 200, contentType: 'text/event-stream', body }));
    await page.click('#call');
    await page.waitForSelector('.interim');
    seen.transcript = await transcript();
    seen.interim = await page.$eval('.interim p', (words) => [getComputedStyle(words).color, getComputedStyle(document.body).color]);
    seen.cut = await page.$$eval('.cut', (lines) => lines.map((line) => getComputedStyle(line.querySelector('p'), '::after').content));
    seen.parts = await page.$$eval('.latency dl div', (parts) => parts.map((part) => [...part.children].map((word) => word.textContent).join(' ')));
    await page.click('.tool summary');
    seen.inside = await page.textContent('.tool pre');
    await picture('everything');
    await page.unroute('**/events');
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
    await answered();
    seen.asked = asked;
    await hangUp();
    seen.transcript = await transcript();
    expected('ERR_CONNECTION_RESET');
  },

  // What closed late, badly or not at all, as a teardown tells it.
  async 'rough ending'() {
    const teardown = {
      closed: 20, forced: 1, failed: 1, abandoned: 0, finished: true, took_ms: 2340.5, hooks: 2,
      not_clean: [{ name: 'session/tts/stream', outcome: 'forced', took_ms: 2000, detail: '' }, { name: 'app/book', outcome: 'failed', took_ms: 3, detail: 'no ink' }],
      steps: [{ name: 'program', at_ms: 0, took_ms: 0.1 }, { name: 'session', at_ms: 0.1, took_ms: 2000 }, { name: 'transport', at_ms: 2000.1, took_ms: 340.4 }],
    };
    await page.route('**/events', (route) => route.fulfill({ status: 200, contentType: 'text/event-stream', body: events([
      ['close', { reason: 'error', cause: 'failure', detail: 'tts (voice): no luck' }], ['call_ended', { cause: 'failure', detail: '', clean: false, teardown }],
    ]) }));
    await page.click('#call');
    seen.ending = await ending();
    seen.words = await page.textContent('#ending');
    seen.forced = await page.$$eval('.forced li', (items) => items.map((item) => item.textContent));
    seen.bars = await page.$$eval('.chart .track i', (bars) => bars.map((bar) => [bar.offsetLeft, bar.offsetWidth]));
    await picture('rough');
  },
};

await page.goto(`${url}/?plain`);
await scenarios[scenario.name]();
await browser.close();
console.log(JSON.stringify(seen));
