// The page in real Chromium, with a WAV as its microphone. Called by page_test.py with a JSON of what to do; prints a JSON
// of what was seen.
import { createRequire } from 'node:module';

const { playwright, chromium: executablePath, url, microphone, waitFor, then, screenshot } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${playwright}/`)('playwright-core');
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${microphone}%noloop`, '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-quic'],
});
const errors = [];
const page = await browser.newPage({ viewport: { width: 720, height: 800 } });
page.on('pageerror', (error) => errors.push(error.message));
page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
await page.goto(`${url}/?plain`);
await page.click('#call');
await page.waitForFunction((text) => document.querySelector('#transcript').textContent.includes(text), waitFor, { timeout: 40000 });
const seen = { state: await page.textContent('#state') };
if (screenshot) await page.screenshot({ path: screenshot });
if (then === 'hang up') {
  await page.click('#hang-up');
  await page.waitForSelector('#ending:not([hidden])', { timeout: 10000 });
  seen.ending = await page.textContent('#ending h2');
} else if (then === 'reload') {
  await page.reload();
  await page.waitForFunction(() => document.querySelector('#state').hasAttribute('data-live'), null, { timeout: 10000 });
  seen.rejoined = true;
  await page.click('#hang-up');
  await page.waitForSelector('#ending:not([hidden])', { timeout: 10000 });
}
seen.transcript = await page.$$eval('#transcript li', (lines) => lines.map((line) => ({ role: line.classList[0], text: line.textContent })));
if (then === 'close the tab') await page.close({ runBeforeUnload: false });
seen.errors = errors;
await browser.close();
console.log(JSON.stringify(seen));
