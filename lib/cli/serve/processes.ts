/** Several processes that answer on one port, and one that looks after them. */
import cluster, { type Worker } from 'node:cluster';
import { createServer } from 'node:http';
import { adminListener } from '../../responder/admin.js';
import type { ExplanationStep } from '../../responder/explain.js';
import { mergeHealth, type ResponderHealth } from '../../responder/health.js';
import type { Responder } from '../../responder/responder.js';
import { closeServer, LIMITS, type ListenAddress, listen, removeLeftSocket, urlOf } from '../../responder/serve.js';
import { ExitCode } from '../command.js';
import type { Log } from './log.js';

/** Milliseconds before a process that ended is replaced: one that cannot start is not tried without end. */
const PAUSE = 1000;
/** Milliseconds in which a process has to say how it is doing. */
const PATIENCE = 2000;

/** What the supervisor asks a process. */
type Question = { readonly kind: 'health' } | { readonly kind: 'explain'; readonly pasted: string };
interface Asked {
  readonly id: number;
  readonly question: Question;
}
interface Told {
  readonly id: number;
  readonly reply: unknown;
}

/** Tells the supervisor of this process what it asks. */
export function tellSupervisor(responder: Responder): void {
  process.on('message', ({ id, question }: Asked) => {
    const reply = question.kind === 'health' ? responder.health() : responder.explain(question.pasted);
    // Of what cannot be told the supervisor hears nothing, and says that.
    Promise.resolve(reply).then(
      (value) => process.send?.({ id, reply: value } satisfies Told),
      () => undefined,
    );
  });
}

/** Starts the processes, replaces those that end, and hands signals on. Resolves when all have ended after a signal. */
export async function supervise(
  count: number,
  address: ListenAddress,
  admin: ListenAddress | undefined,
  log: Log,
): Promise<number> {
  // Of several that find it one would remove the socket of another.
  if ('path' in address) await removeLeftSocket(address.path);
  cluster.setupPrimary({ serialization: 'advanced' });
  let isEnding = false;
  const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const listening = new WeakSet<Worker>();
  cluster.on('listening', (worker) => listening.add(worker));
  process.on('SIGHUP', () => {
    for (const worker of workers()) {
      const hangUp = (): boolean => worker.process.kill('SIGHUP');
      // Before it listens it may not have begun, and the signal would end it.
      if (listening.has(worker)) hangUp();
      else worker.once('listening', hangUp);
    }
  });
  const server =
    admin === undefined
      ? undefined
      : createServer(
          LIMITS,
          adminListener({
            health: () => healthOfAll(workers(), count),
            explain: async (pasted) => {
              const [first] = workers();
              if (first === undefined) throw new Error('not all processes are there');
              return (await ask(first, { kind: 'explain', pasted })) as ExplanationStep[];
            },
          }),
        );
  if (server !== undefined && admin !== undefined) {
    await listen(server, admin);
    log.line('info', 'admin', { url: urlOf(server, 'http') });
  }
  const ended = new Promise<void>((resolve) => {
    cluster.on('exit', ({ process: { pid: worker } }, code, signal) => {
      if (!isEnding) {
        log.line('error', 'process ended', { worker, code, signal });
        setTimeout(() => isEnding || cluster.fork(), PAUSE);
      } else if (workers().length === 0) resolve();
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        isEnding = true;
        for (const worker of workers()) worker.process.kill('SIGTERM');
        if (workers().length === 0) resolve();
      });
  });
  for (let i = 0; i < count; i += 1) cluster.fork();
  await ended;
  if (server !== undefined) await closeServer(server, 0);
  return ExitCode.OK;
}

/** @throws (rejects) When there are fewer than there should be, or one does not answer. */
async function healthOfAll(workers: readonly Worker[], count: number): Promise<ResponderHealth> {
  const all = await Promise.all(workers.map((worker) => ask(worker, { kind: 'health' }) as Promise<ResponderHealth>));
  const [first, ...others] = all;
  if (first === undefined || others.length + 1 < count) throw new Error('not all processes are there');
  return mergeHealth([first, ...others]);
}

let asked = 0;

function ask(worker: Worker, question: Question): Promise<unknown> {
  asked += 1;
  const id = asked;
  return new Promise((resolve, reject) => {
    const onMessage = (message: Told): void => {
      if (message.id !== id) return;
      end();
      resolve(message.reply);
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`process ${worker.process.pid} does not answer`));
    }, PATIENCE);
    const end = (): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
    };
    worker.on('message', onMessage);
    worker.send({ id, question } satisfies Asked, (error) => {
      if (error === null) return;
      end();
      reject(error);
    });
  });
}
