/** What those ask who operate a responder. */
import type { RequestListener } from 'node:http';
import type { ResponderHealth } from './health.js';
import { metricsText } from './metrics.js';

/** Answers `/healthz`, `/readyz`, `/metrics` and `/health`. */
export function adminListener(health: () => ResponderHealth | Promise<ResponderHealth>): RequestListener {
  return (request, response) => {
    const reply = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const tell = async (): Promise<void> => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        reply(405, 'GET\n');
        return;
      }
      switch (request.url?.split('?', 1)[0]) {
        case '/healthz':
          reply(200, 'ok\n');
          return;
        case '/readyz': {
          const { ready, issuers, draining } = await health();
          const lines = issuers.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
          reply(ready ? 200 : 503, ready ? 'ready\n' : `${[...(draining ? ['draining'] : []), ...lines].join('\n')}\n`);
          return;
        }
        case '/metrics':
          reply(200, metricsText(await health()), 'text/plain; version=0.0.4; charset=utf-8');
          return;
        case '/health':
          reply(200, `${JSON.stringify(await health())}\n`, 'application/json');
          return;
        default:
          reply(404, '/healthz, /readyz, /metrics, /health\n');
      }
    };
    tell().catch((error: unknown) => reply(503, `${(error as Error).message}\n`));
  };
}
