// npm run docs ends with this: is the site in build/site whole, and can it be used? Links are followed in the files; in headless
// Chromium pages are laid out at the width of a telephone, searched and printed.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join, resolve, sep } from 'node:path';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { main, ScriptError, step } from '../../scripts/lib/run.mjs';

const site = inRoot('build', 'site');
const NARROW = 360;
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Pages of every kind: text, tables, code, a class, a list of names. */
const PAGES = [
  'index.html',
  'documents/Tutorials.html',
  'documents/The_command.html',
  'documents/Errors_and_refusals.html',
  'documents/What_real_programs_take.html',
  'documents/OpenSSL_parity.html',
  'classes/index.OCSPResponse.html',
  'modules/index.html',
  'hierarchy.html',
];
/** Pages that have been read. */
const contents = new Map();
const options = {
  screenshots: { type: 'string', help: 'keep pictures of the pages in this folder' },
};

await main({ usage: 'node test/site/main.mjs', about: 'Checks build/site.', options }, async (values) => {
  const pages = readdirSync(site, { recursive: true }).filter((name) => name.endsWith('.html'));
  step(`links of ${pages.length} pages`);
  const dead = pages.flatMap(deadLinks);
  if (dead.length > 0) throw new ScriptError(`Dead links:\n  ${dead.join('\n  ')}`);
  for (const page of PAGES) if (!pages.includes(page.replaceAll('/', sep))) throw new ScriptError(`${page} is missing`);
  const executablePath = PLACES.find(existsSync);
  if (executablePath === undefined) {
    console.log('No Chromium here: not looked at in a browser.');
    return;
  }
  step('in Chromium');
  await inChromium(executablePath, values.screenshots);
});

/** Links and pictures of a page that lead to no file, or to no place in it. */
function deadLinks(page) {
  const text = content(page);
  return [...text.matchAll(/\s(?:href|src)="([^"]*)"/g)].flatMap(([, target]) => {
    if (/^(https?:|data:|mailto:|javascript:)/.test(target)) return [];
    const [path, anchor] = target.replaceAll('&amp;', '&').split('#');
    const file = path === '' ? join(site, page) : resolve(site, dirname(page), decodeURIComponent(path.split('?')[0]));
    if (!file.startsWith(site) || !existsSync(file)) return [`${page}: ${target}`];
    if (!anchor || !file.endsWith('.html')) return [];
    const name = decodeURIComponent(anchor);
    return content(file.slice(site.length + 1)).includes(`id="${name}"`) ? [] : [`${page}: ${target}`];
  });
}

function content(page) {
  if (!contents.has(page)) contents.set(page, readFileSync(join(site, page), 'utf8'));
  return contents.get(page);
}

async function inChromium(executablePath, screenshots) {
  const { launch } = await import('puppeteer-core');
  const server = createServer((request, response) => {
    const file = join(site, decodeURIComponent(new URL(request.url, 'http://x').pathname));
    if (!file.startsWith(site) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
    response.setHeader('Content-Type', types[file.split('.').at(-1)] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const base = `http://127.0.0.1:${server.address().port}`;
  const browser = await launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], timeout: 120_000 });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const failures = [];
    page.on('pageerror', (error) => failures.push(`${page.url()}: ${error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith('data:')) failures.push(`asks ${request.url()}`);
    });
    const picture = async (name) => {
      if (screenshots) await page.screenshot({ path: join(screenshots, `${name.replace(/\W/g, '-')}.png`) });
    };
    for (const name of PAGES) {
      await page.setViewport({ width: NARROW, height: 740 });
      await page.goto(`${base}/${name}`);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > NARROW) failures.push(`${name} is ${width} pixels wide at ${NARROW}`);
      await picture(`${name}-narrow`);
      await page.setViewport({ width: 1280, height: 900 });
      await picture(`${name}-wide`);
    }
    for (const [words, expected] of [
      ['verifyOcspResponse', 'verifyOcspResponse'],
      ['Stapler', 'Stapler'],
      ['ERR_OCSP_STORE_LOCKED', 'Errors and refusals'],
    ]) {
      await page.goto(`${base}/index.html`);
      await page.click('#tsd-search-trigger');
      await page.type('#tsd-search-input', words);
      await page.waitForFunction(
        (text) => document.querySelector('#tsd-search-results')?.textContent.includes(text),
        {},
        expected,
      );
      await picture(`search-${words}`);
    }
    await page.goto(`${base}/documents/Errors_and_refusals.html`);
    const paper = await page.pdf({ format: 'a4', timeout: 60_000 });
    if (screenshots) writeFileSync(join(screenshots, 'errors.pdf'), paper);
    await page.emulateMediaType('print');
    await page.setViewport({ width: 700, height: 990 });
    const [shown, width] = await page.evaluate(() => [
      ['.tsd-page-toolbar', '.col-sidebar'].filter((name) => document.querySelector(name)?.checkVisibility()),
      document.documentElement.scrollWidth,
    ]);
    if (shown.length > 0 || width > 700) failures.push(`on paper: ${shown.join(', ')}, ${width} pixels wide`);
    await picture('print');
    if (failures.length > 0) throw new ScriptError(`The site is not right:\n  ${failures.join('\n  ')}`);
    console.log(`${PAGES.length} pages at ${NARROW} pixels, three searches, a printed page: all well.`);
  } finally {
    await browser.close();
    server.close();
  }
}
