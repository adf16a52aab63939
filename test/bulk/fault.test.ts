/** Wrong signatures: a run stops at them, says whose they are, and nothing of it is served. */
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { OCSPCertStatus } from 'openssl-ocsp';
import { bulkSign, iterableSource, ResponseSigner, SegmentStore, type StatusEntry } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { native } from '#dist/binding.js';
import { scratch } from './scratch.js';

function entries(count: number): StatusEntry[] {
  return Array.from({ length: count }, (_, i) => ({ serialNumber: BigInt(0xa00 + i), status: OCSPCertStatus.GOOD }));
}

/** A key file whose private half is another key's: it passes for the responder's key, and signs wrongly. */
function damaged(key: KeyObject): KeyObject {
  const jwk = key.export({ format: 'jwk' });
  const other = (
    jwk.kty === 'EC'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  ).privateKey.export({ format: 'jwk' });
  const { kty, crv, x, y, n, e } = jwk;
  const mixed = jwk.kty === 'EC' ? { ...other, kty, crv, x, y } : { ...other, kty, n, e };
  return createPrivateKey({ key: mixed as JsonWebKey, format: 'jwk' });
}

const KEYS = ['ec', 'rsa'] as const;
for (const keyType of KEYS) {
  test(`a damaged key file is found at the first signature of a run: ${keyType}`, async (t) => {
    const ca = createTestCa({ keyType });
    let privateKey: KeyObject;
    try {
      privateKey = damaged(ca.privateKey);
    } catch (error) {
      // Later versions of Node.js find that out when they read the key.
      t.is((error as { code?: string }).code, 'ERR_CRYPTO_INVALID_JWK');
      return;
    }
    const signer = new ResponseSigner({
      certIdAlgorithm: 'sha256',
      issuer: ca.certificate,
      responder: ca.certificate,
      privateKey,
    });
    const store = await SegmentStore.open(scratch(t));
    for (const verifySample of [0, 1]) {
      await t.throwsAsync(
        bulkSign({ source: iterableSource(entries(300)), signer, store, id: 'run', verifySample, threads: 1 }),
        { code: 'ERR_OCSP_OPENSSL', message: /^entry 0 \(serial number 0A00\): .*does not verify/ },
      );
    }
    t.is(store.get(0xa00n), undefined);
    t.is(store.stats().entries, 0);
    store.close();
  });
}

test.serial(
  'a wrong signature later on is told with its entry, and the run goes on after the last checkpoint',
  async (t) => {
    const ca = createTestCa();
    const signer = new ResponseSigner({
      certIdAlgorithm: 'sha256',
      issuer: ca.certificate,
      responder: ca.certificate,
      privateKey: ca.privateKey,
    });
    const store = await SegmentStore.open(scratch(t));
    const options = { signer, store, id: 'run', threads: 1, batchSize: 10, checkpointEvery: 20 };
    breakSignatures(t, 4, 7);
    await t.throwsAsync(bulkSign({ ...options, source: iterableSource(entries(100)) }), {
      code: 'ERR_OCSP_OPENSSL',
      message: 'entry 47 (serial number 0A2F): a signature that was just made does not verify',
    });
    t.is(store.get(0xa00n), undefined, 'nothing of the run is served');
    const { resumedFrom, signed } = await bulkSign({ ...options, source: iterableSource(entries(100)) });
    t.deepEqual([resumedFrom, signed], [40, 60]);
    t.is(store.stats().entries, 100);
    store.close();
  },
);

/** Lets the pools of the next run find a wrong signature, as the core does: what comes before it is there, and an error. */
function breakSignatures(t: ExecutionContext, batch: number, entry: number): void {
  const binding = native as { SigningPool: typeof native.SigningPool };
  const { SigningPool } = binding;
  class Broken extends SigningPool {
    constructor(...[signer, threads, verifySample, onBatch]: ConstructorParameters<typeof SigningPool>) {
      super(signer, threads, verifySample, (id, responses, ends, error) => {
        if (id !== batch) return onBatch(id, responses, ends, error);
        binding.SigningPool = SigningPool;
        const cause = Object.assign(new Error('a signature that was just made does not verify'), {
          code: 'ERR_OCSP_OPENSSL',
        });
        onBatch(id, responses, ends.slice(0, entry), cause);
      });
    }
  }
  binding.SigningPool = Broken;
  t.teardown(() => {
    binding.SigningPool = SigningPool;
  });
}
