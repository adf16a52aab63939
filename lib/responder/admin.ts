/** What those ask who operate a responder. */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { ExplanationStep } from './explain.js';
import type { ResponderHealth } from './health.js';
import { metricsText } from './metrics.js';
import { explanationPage, History, mainPage, STYLE, statePage } from './page.js';

/** Whom the admin listener asks. */
export interface AdminSource {
  health(): ResponderHealth | Promise<ResponderHealth>;
  explain(pasted: string): Promise<readonly ExplanationStep[]>;
}

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
/** Names in certificates come from anybody: no page has a script, and none would be run. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
} as const;
/** Bytes of the longest form. */
const LONGEST_FORM = 200_000;
const PATHS = '/, /healthz, /readyz, /metrics, /health\n';

interface AdminReply {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

/** Answers `/healthz`, `/readyz`, `/metrics` and `/health`; `/` is a page for people. */
export function adminListener(source: AdminSource): RequestListener {
  const history = new History();
  return (request, response) => {
    const send = ({ status, body, type = TEXT }: AdminReply): void => {
      response.writeHead(status, { ...HEADERS, 'Content-Type': type });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    replyTo(source, history, request).then(send, (error: unknown) =>
      send({ status: 503, body: `${(error as Error).message}\n` }),
    );
  };
}

async function replyTo(source: AdminSource, history: History, request: IncomingMessage): Promise<AdminReply> {
  const [path] = request.url?.split('?', 1) ?? [];
  if (request.method === 'POST' && path === '/explain') return explained(source, request);
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'GET\n' };
  switch (path) {
    case '/':
    case '/explain':
      return { status: 200, body: mainPage(), type: HTML };
    case '/style.css':
      return { status: 200, body: STYLE, type: 'text/css; charset=utf-8' };
    case '/state': {
      const health = await source.health();
      history.add(health, performance.now());
      return { status: 200, body: statePage(health, history, Date.now()), type: HTML };
    }
    case '/healthz':
      return { status: 200, body: 'ok\n' };
    case '/readyz': {
      const { ready, issuers, draining } = await source.health();
      const lines = issuers.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
      const body = ready ? 'ready\n' : `${[...(draining ? ['draining'] : []), ...lines].join('\n')}\n`;
      return { status: ready ? 200 : 503, body };
    }
    case '/metrics':
      return {
        status: 200,
        body: metricsText(await source.health()),
        type: 'text/plain; version=0.0.4; charset=utf-8',
      };
    case '/health':
      return { status: 200, body: `${JSON.stringify(await source.health())}\n`, type: 'application/json' };
    default:
      return { status: 404, body: PATHS };
  }
}

async function explained(source: AdminSource, request: IncomingMessage): Promise<AdminReply> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_FORM) return { status: 413, body: 'that is too long\n' };
    chunks.push(chunk);
  }
  const pasted = new URLSearchParams(Buffer.concat(chunks, length).toString()).get('pasted') ?? '';
  return { status: 200, body: explanationPage(pasted, await source.explain(pasted)), type: HTML };
}
