import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { loadDerOcspRequest } from 'openssl-ocsp';
import { goldenRequest, responseBuilder, rootKey, verifies } from '../helpers/fixtures.js';

const script = new URL('../helpers/signing-worker.js', import.meta.url);

test('workers load and sign side by side with the main thread, and end at any moment', async (t) => {
  for (let wave = 0; wave < 3; wave += 1) {
    const workers = Array.from({ length: 4 }, () => new Worker(script));
    await Promise.all(
      workers.map(async (worker, i) => {
        let rounds = 0;
        const failed = once(worker, 'error').then(([error]) => Promise.reject(error));
        const enough = new Promise<void>((resolve) => {
          worker.on('message', ({ fine }: { fine: boolean }) => {
            t.true(fine);
            rounds += 1;
            if (rounds > i) resolve();
          });
        });
        // Ended in the middle of its next round, with signatures under way on the thread pool.
        await Promise.race([enough, failed]);
        await worker.terminate();
      }),
    );
    const response = await responseBuilder().signAsync(rootKey, 'sha256');
    t.true(verifies(response));
    t.is(loadDerOcspRequest(goldenRequest).serialNumber, 0x3f20n);
  }
});

test('workers that end before they did anything', async (t) => {
  for (let i = 0; i < 10; i += 1) {
    const worker = new Worker(script);
    await new Promise((resolve) => setTimeout(resolve, i * 15));
    await worker.terminate();
  }
  t.pass();
});

// (One of some dozen ends is within a constructor: what napi_wrap() refused there was lost. Leak runs see it.)
test('workers that are terminated while they construct', async (t) => {
  const script = new URL('../helpers/constructing-worker.js', import.meta.url);
  for (let i = 0; i < 40; i += 1) {
    const worker = new Worker(script);
    worker.on('error', (error) => t.fail(error.message));
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, i % 7));
    t.is(await worker.terminate(), 1);
  }
});
