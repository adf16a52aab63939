/** Signs ranges of a ledger until none is left. Arguments: folder, key file, certificate file. Says which range it has begun. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bulkSign, csvSource, FileLedger, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';

const [folder, keyFile, certificateFile] = process.argv.slice(2) as [string, string, string];
const certificate = readFileSync(certificateFile);
const signer = new ResponseSigner({
  issuer: certificate,
  responder: certificate,
  privateKey: readFileSync(keyFile),
  certIdAlgorithm: 'sha256',
});
const ledger = await FileLedger.open(join(folder, 'ledger'), { leaseSeconds: 10 });

for (;;) {
  const [range] = await ledger.lease(1);
  if (range === undefined) {
    const states = (await ledger.ranges()).map(({ state }) => state);
    if (!states.includes('leased') && !states.includes('open')) break;
    // Somebody else has the last ranges, and may yet fall silent.
    await sleep(100);
    continue;
  }
  console.log(range.id);
  const store = await SegmentStore.open(join(folder, 'stores', range.id));
  try {
    await bulkSign({
      source: csvSource(join(folder, 'lists', `${range.id}.csv`)),
      signer,
      store,
      id: range.id,
      checkpointEvery: 50,
      threads: 1,
      onProgress: ({ signed, resumedFrom }) =>
        void ledger.checkpoint(range, String(signed + resumedFrom)).catch(() => {}),
    });
    await ledger.complete(range);
  } catch (error) {
    await ledger.fail(range, error);
  } finally {
    store.close();
  }
}
