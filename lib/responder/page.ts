/** The page for people who operate a responder. It has no script: what is drawn is SVG, and the browser loads it again. */
import type { ExplanationStep } from './explain.js';
import type { IssuerHealth, ResponderHealth } from './health.js';
import { type Html, html } from './html.js';

/** Seconds after which the browser loads the state again. */
const RELOAD = 2;
/** Milliseconds that the curves show. */
const WINDOW = 5 * 60_000;
/** Issuers in the table: those with problems first. */
const MOST_ISSUERS = 200;
const DAY = 24 * 3600_000;

/** What the curves are made of. */
interface Sample {
  readonly at: number;
  readonly total: number;
  readonly waiting: number;
}

/** Remembers what has been seen of a responder, from one look at it to the next. */
export class History {
  #samples: Sample[] = [];

  /** @param now - milliseconds of a clock that no one sets */
  add({ answers: { total }, live: { waiting } }: ResponderHealth, now: number): void {
    const last = this.#samples.at(-1);
    // Several browsers look at once; a process that was replaced counts from 0.
    if (last !== undefined && now - last.at < 500) return;
    if (last !== undefined && total < last.total) this.#samples = [];
    this.#samples.push({ at: now, total, waiting });
    while (now - (this.#samples[0] as Sample).at > WINDOW) this.#samples.shift();
  }

  /** Answers a second between one look and the next. */
  rates(): { at: number; value: number }[] {
    return this.#samples.slice(1).map(({ at, total }, i) => {
      const before = this.#samples[i] as Sample;
      return { at, value: ((total - before.total) * 1000) / (at - before.at) };
    });
  }

  waiting(): { at: number; value: number }[] {
    return this.#samples.map(({ at, waiting }) => ({ at, value: waiting }));
  }
}

export const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin: 1.4rem 0 .4rem }
iframe { border: 0; width: 100%; height: 34rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d8dee4; vertical-align: top }
.bad { color: #a40e26; font-weight: 600 } .good { color: #116329; font-weight: 600 }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem } .tile { border: 1px solid #d8dee4; border-radius: 6px; padding: .5rem .8rem; min-width: 9rem }
.tile b { display: block; font-size: 1.25rem } svg { display: block } figure { margin: .8rem 0 } polyline { fill: none; stroke: #0550ae; stroke-width: 1.5 } rect { fill: #0550ae } rect.bad { fill: #a40e26 }
textarea { width: 100%; box-sizing: border-box; height: 8rem; font: 13px monospace } pre { background: #f6f8fa; padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
`;

function frame(title: string, body: Html, head: Html | string = ''): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><link rel="stylesheet" href="style.css">${head}</head>
<body>${body}</body></html>
`.text;
}

/** The page: the state, which loads itself again, and the box. */
export function mainPage(): string {
  return frame('OCSP responder', html`<h1>OCSP responder</h1><iframe src="state" title="state"></iframe>${box('')}`);
}

/** The page with an explanation. */
export function explanationPage(pasted: string, steps: readonly ExplanationStep[]): string {
  const list = steps.map(({ title, text }) => html`<li><h2>${title}</h2><pre>${text}</pre></li>`);
  return frame('OCSP responder: explained', html`<p><a href="./">back</a></p><ol>${list}</ol>${box(pasted)}`);
}

function box(pasted: string): Html {
  return html`<h2>Explain a request or a response</h2>
<form method="post" action="explain"><textarea name="pasted" aria-label="request or response" placeholder="PEM, base64, hexadecimal digits, or a URL">
${pasted}</textarea><button>Explain</button></form>`;
}

/** The state of a responder. */
export function statePage(health: ResponderHealth, history: History, now: number): string {
  const { ready, draining, issuers, cache, live, answers, uptime } = health;
  const rates = history.rates();
  const lag = Math.max(0, ...issuers.map((issuer) => issuer.lag));
  const state = draining ? 'draining' : ready ? 'ready' : 'not ready';
  const oldest = cache.oldest === null ? '-' : age(now - cache.oldest.getTime());
  const tiles: [string, string | number, string?][] = [
    ['state', state, ready ? 'good' : 'bad'],
    ['answers', answers.total],
    ['answers per second', rates.length === 0 ? '-' : (rates.at(-1)?.value ?? 0).toFixed(1)],
    ['live queue', `${live.inflight} signing, ${live.waiting} waiting`],
    [
      'revocation lag',
      Number.isFinite(lag) ? `${lag.toFixed(1)} s` : 'unknown',
      Number.isFinite(lag) && lag <= health.maxLag ? '' : 'bad',
    ],
    ['oldest answer in memory', oldest],
    ['answers in memory', cache.answers],
    ['up', age(uptime * 1000)],
  ];
  const shown = [...issuers].sort((a, b) => Number(a.ready) - Number(b.ready) || until(a) - until(b));
  const rows = shown.slice(0, MOST_ISSUERS).flatMap((issuer) => issuerRows(issuer, now));
  return frame(
    'state',
    html`<div class="tiles">${tiles.map(([name, value, kind = '']) => html`<div class="tile"><b class="${kind}">${value}</b>${name}</div>`)}</div>
<div class="tiles">${curve('answers per second', rates)}${curve('requests that wait for a signature', history.waiting())}${bars('answers', answers.byType)}</div>
<h2>Signers</h2>
<table><tr><th>CA<th>signer<th>until<th>left<th>authority behind by</tr>${rows}</table>${
      issuers.length > MOST_ISSUERS ? html`<p>and ${issuers.length - MOST_ISSUERS} more</p>` : ''
    }`,
    html`<meta http-equiv="refresh" content="${RELOAD}">`,
  );
}

/** When the last of its signers ends. */
function until({ signers }: IssuerHealth): number {
  return Math.max(0, ...signers.map(({ notAfter }) => notAfter.getTime()));
}

function issuerRows({ name, problems, signers, lag }: IssuerHealth, now: number): Html[] {
  const head = html`<bdi>${name}</bdi>${problems.map((problem) => html`<div class="bad">${problem}</div>`)}`;
  const behind = Number.isFinite(lag) ? `${lag.toFixed(1)} s` : 'never read';
  if (signers.length === 0) return [html`<tr><td>${head}<td>none<td><td><td>${behind}</tr>`];
  return signers.map(({ subject, notBefore, notAfter, active }, i) => {
    const left = notAfter.getTime() - now;
    const share = Math.min(1, Math.max(0, left / (notAfter.getTime() - notBefore.getTime())));
    const kind = left < 7 * DAY ? 'bad' : '';
    const bar = html`<svg width="104" height="10" role="img" aria-label="${Math.round(share * 100)} % left"><rect class="${kind}" x="2" y="2" height="6" width="${(share * 100).toFixed(0)}"/></svg>`;
    return html`<tr><td>${i === 0 ? head : ''}<td><bdi>${subject}</bdi>${active ? html` <span class="good">signs</span>` : ''}<td>${notAfter.toISOString()}<td class="${kind}">${left < 0 ? 'expired' : age(left)}${bar}<td>${i === 0 ? behind : ''}</tr>`;
  });
}

/** Values over time. */
function curve(name: string, values: readonly { at: number; value: number }[]): Html {
  const most = Math.max(1, ...values.map(({ value }) => value));
  const end = values.at(-1)?.at ?? 0;
  const points = values.map(
    ({ at, value }) => `${(300 - ((end - at) * 300) / WINDOW).toFixed(1)},${(82 - (value * 80) / most).toFixed(1)}`,
  );
  return html`<figure class="tile"><svg width="300" height="84" role="img" aria-label="${name}"><polyline points="${points.join(' ')}"/></svg><figcaption>${name}, up to ${most.toFixed(1)}, ${WINDOW / 60_000} minutes</figcaption></figure>`;
}

function bars(name: string, values: Readonly<Record<string, number>>): Html {
  const list = Object.entries(values).filter(([, value]) => value > 0);
  const most = Math.max(1, ...list.map(([, value]) => value));
  const rows = list.map(
    ([type, value], i) =>
      html`<rect x="140" y="${i * 16 + 3}" height="10" width="${((value * 100) / most).toFixed(1)}"/><text x="0" y="${i * 16 + 12}" font-size="12">${type}</text><text x="${(144 + (value * 100) / most).toFixed(1)}" y="${i * 16 + 12}" font-size="12">${value}</text>`,
  );
  return html`<figure class="tile"><svg width="300" height="${Math.max(16, list.length * 16)}" role="img" aria-label="${name}">${rows}</svg><figcaption>${name}</figcaption></figure>`;
}

function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
