// All certificates of a database signed by one process, without a ledger. Arguments: connection string, folder, threads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bulkSign, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { postgresSource } from 'openssl-ocsp/postgres';

const [url, folder, threads] = process.argv.slice(2);
const issuer = readFileSync(join(folder, 'ca.pem'), 'utf8');
const privateKey = readFileSync(join(folder, 'ca.key'), 'utf8');
const signer = new ResponseSigner({ issuer, responder: issuer, privateKey, certIdAlgorithm: 'sha1' });
const store = await SegmentStore.open(join(folder, 'alone'));
await bulkSign({ source: postgresSource(url, { issuer }), signer, store, id: 'all', threads: Number(threads) });
store.close();
