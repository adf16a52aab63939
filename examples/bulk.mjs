// Signs the status of every certificate of an index.txt into a store, and looks one up.
//   node bulk.mjs CA.pem OCSP.pem OCSP.key index.txt STORE-FOLDER SERIAL
import { readFileSync, statSync } from 'node:fs';
import { bulkSign, indexTxtSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';

const [ca, certificate, key, index, folder, serial] = process.argv.slice(2);
if (!ca || !certificate || !key || !index || !folder || !serial)
  throw new Error('usage: node bulk.mjs CA.pem OCSP.pem OCSP.key index.txt STORE-FOLDER SERIAL');

const signer = new ResponseSigner({
  issuer: readFileSync(ca),
  responder: readFileSync(certificate),
  privateKey: readFileSync(key, 'utf8'),
  validity: { period: 4 * 24 * 3600 },
});
const store = await SegmentStore.open(folder);
try {
  const { mtime, size } = statSync(index);
  const { signed, responses, served } = await bulkSign({
    source: indexTxtSource(index),
    signer,
    store,
    // The same name goes on where an interruption was; another state of the list is another run.
    id: `${index} ${mtime.toISOString()} ${size}`,
    otherRun: 'discard',
    // What becomes known after this, such as a revocation put into the store, is newer.
    modified: mtime,
    onProgress: ({ signed: now }) => console.error(`${now} signed`),
  });
  console.log(`${signed} certificates, ${responses} responses, ${served} served`);
  console.log(store.get(serial)?.toString('base64') ?? `no answer for ${serial}`);
} finally {
  store.close();
}
