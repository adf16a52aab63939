/** Keys that live elsewhere, and keys that sign wrongly. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type ExternalSigner, loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { ResponseSigner, type SignAllOptions, type StatusEntry } from 'openssl-ocsp/bulk';
import { createTestCa, type TestKeyType } from 'openssl-ocsp/testing';
import { verifies } from '../helpers/fixtures.js';
import { refuses } from '../helpers/refusals.js';

const { GOOD, REVOKED } = OCSPCertStatus;
const validity = { thisUpdate: new Date('2026-01-02T03:04:05Z') };

function responder(keyType: TestKeyType) {
  const ca = createTestCa({ keyType });
  return { issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey, validity };
}

/** Signs by node:crypto, after a time of its own, and counts how many are at it. */
class Elsewhere implements ExternalSigner {
  readonly #key: KeyObject;
  busy = 0;
  busiest = 0;
  asked = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  async sign(tbs: Buffer, algorithm: string | null): Promise<Uint8Array> {
    this.asked += 1;
    this.busy += 1;
    this.busiest = Math.max(this.busiest, this.busy);
    await sleep(Math.random() * 3);
    this.busy -= 1;
    return sign(algorithm, tbs, this.#key);
  }
}

function* entries(count: number): Generator<StatusEntry> {
  for (let i = 1; i <= count; i += 1) {
    const serialNumber = BigInt(i) ** 5n;
    yield i % 3 === 0
      ? { serialNumber, status: REVOKED, revocationTime: new Date(i * 1e9), reason: 'superseded' }
      : { serialNumber, status: i % 3 === 1 ? GOOD : OCSPCertStatus.UNKNOWN, ...(i % 2 && { nextUpdate: null }) };
  }
}

async function signed(signer: ResponseSigner, count: number, options: SignAllOptions = {}): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const { der } of signer.signAll(entries(count), options)) all.push(der);
  return all;
}

// producedAt is the second of signing, and may not change between two that are compared.
const now = Date.now();
Date.now = () => now;

for (const keyType of ['rsa', 'ed25519'] as const) {
  test(`an external signer makes the bytes of the key itself: ${keyType}`, async (t) => {
    const options = responder(keyType);
    const elsewhere = new Elsewhere(options.privateKey);
    const external = new ResponseSigner({ ...options, privateKey: elsewhere });
    const local = new ResponseSigner(options);
    const ours = await signed(external, 100, { concurrency: 5 });
    t.deepEqual(ours, await signed(local, 100));
    const entry = { serialNumber: 'FF', status: GOOD };
    t.deepEqual(await external.signAsync(entry), await local.signAsync(entry));
    t.true(elsewhere.busiest > 1 && elsewhere.busiest <= 5, `${elsewhere.busiest} at a time`);
  });
}

test('ECDSA by an external signer, with a delegate that is named', async (t) => {
  const ca = createTestCa();
  const delegate = ca.issueResponder();
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    responderId: 'By Name',
    privateKey: new Elsewhere(delegate.privateKey),
    certIdAlgorithm: 'sha1',
  });
  const all = await signed(signer, 40);
  t.is(all.length, 40);
  for (const [i, der] of all.entries()) {
    const response = loadDerOcspResponse(der);
    t.is(response.serialNumber, BigInt(i + 1) ** 5n);
    t.true(verifies(response, delegate.certificate.publicKey));
    t.is(response.responderName?.rfc4514String(), delegate.certificate.subject.split('\n').reverse().join(','));
  }
});

test('an external signer that fails ends the run at its entry, and is asked for nothing behind it', async (t) => {
  const options = responder('ec');
  const good = new Elsewhere(options.privateKey);
  const stranger = createTestCa().privateKey;
  const faults: [ExternalSigner['sign'], object][] = [
    [async (tbs, algorithm) => sign(algorithm, tbs, stranger), { code: 'ERR_OCSP_KEY_MISMATCH' }],
    [async () => Buffer.alloc(0), { code: 'ERR_OCSP_KEY_MISMATCH' }],
    [async () => 'signature' as never, { code: 'ERR_INVALID_ARG_TYPE', instanceOf: TypeError }],
    [() => Promise.reject(new Error('the HSM is on fire')), { instanceOf: Error }],
    [
      () => {
        throw Object.assign(new Error('no session'), { code: 'CKR_SESSION_HANDLE_INVALID' });
      },
      { code: 'CKR_SESSION_HANDLE_INVALID' },
    ],
  ];
  for (const [fault, expected] of faults) {
    let asked = 0;
    const privateKey: ExternalSigner = {
      sign(tbs, algorithm) {
        asked += 1;
        return asked === 33 ? fault(tbs, algorithm) : good.sign(tbs, algorithm);
      },
    };
    const signer = new ResponseSigner({ ...options, privateKey, certIdAlgorithm: 'sha256' });
    let count = 0;
    const drain = async (): Promise<void> => {
      for await (const _ of signer.signAll(entries(1000), { concurrency: 4 })) count += 1;
    };
    const error = await t.throwsAsync(drain, { ...expected, message: /^entry 32 \(serial number 025528A1\): / });
    t.truthy(error?.cause);
    t.is(count, 32);
    t.true(asked < 50, `${asked} asked for`);
    asked = 32;
    const alone = await t.throwsAsync(signer.signAsync({ serialNumber: 1n, status: GOOD }), expected);
    t.notRegex(alone?.message ?? '', /^entry/);
  }
});

test('an external signer that throws what is no error, and has no text, ends the run', async (t) => {
  const options = responder('ec');
  for (const thrown of [Object.create(null), 'words', undefined, Symbol('s'), { toString: () => t.fail() }]) {
    const privateKey: ExternalSigner = { sign: () => Promise.reject(thrown) };
    const error = await t.throwsAsync(signed(new ResponseSigner({ ...options, privateKey }), 10), {
      message: /^entry 0 \(serial number 01\): ./,
    });
    t.is((error?.cause as Error | undefined)?.cause, thrown);
  }
});

test('an external signer that has failed is not waited for, whatever else it was asked', async (t) => {
  const options = responder('ec');
  let calls = 0;
  const privateKey: ExternalSigner = {
    sign() {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('HSM')) : new Promise<never>(() => undefined);
    },
  };
  const signer = new ResponseSigner({ ...options, privateKey, certIdAlgorithm: 'sha256' });
  const drain = async (): Promise<void> => {
    for await (const _ of signer.signAll(entries(100), { concurrency: 2 })) t.fail();
  };
  await t.throwsAsync(drain, { message: /^entry 0 .*HSM/ });
  t.is(calls, 2);
});

test('a nextUpdate after the year 9999 is refused, whoever signs', async (t) => {
  const { privateKey, ...options } = responder('ec');
  const end = { thisUpdate: new Date('9999-12-30T00:00:00Z') };
  const entry = { serialNumber: 1n, status: GOOD };
  for (const key of [privateKey, new Elsewhere(privateKey)]) {
    const late = { ...options, privateKey: key, allowUnauthorized: true };
    const signer = new ResponseSigner({ ...late, validity: end });
    const refused = { code: 'ERR_OCSP_INVALID_VALUE', message: /nextUpdate is outside the years 0001 to 9999/ };
    await t.throwsAsync(signer.signAsync(entry), refused);
    await t.throwsAsync(signer.signAll([entry]).next(), refused);
    const der = await signer.signAsync({ ...entry, nextUpdate: new Date('9999-12-31T23:59:59Z') });
    t.deepEqual(loadDerOcspResponse(der).nextUpdate, new Date('9999-12-31T23:59:59Z'));
    const short = new ResponseSigner({ ...late, validity: { ...end, period: 3600 } });
    t.deepEqual(loadDerOcspResponse(await short.signAsync(entry)).nextUpdate, new Date('9999-12-30T01:00:00Z'));
  }
});

test('an external signer: refusals, aborts', async (t) => {
  const options = responder('ec');
  const signer = new ResponseSigner({ ...options, privateKey: new Elsewhere(options.privateKey) });
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => signer.sign({ serialNumber: 1n, status: GOOD }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => signer.signAll([], { concurrency: 0 }));
  const never = new ResponseSigner({ ...options, privateKey: { sign: () => new Promise<never>(() => undefined) } });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('too late')), 20);
  await t.throwsAsync(signed(never, 10, { signal: controller.signal }), { message: 'too late' });
});

/** The PKCS#8 of an EC key whose public part is that of `other`: as if the private part had been damaged. */
function damagedKey(key: KeyObject, other: KeyObject): KeyObject {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const point = other.export({ format: 'der', type: 'pkcs8' }).subarray(-65);
  return createPrivateKey({ key: Buffer.concat([der.subarray(0, -65), point]), format: 'der', type: 'pkcs8' });
}

test('a key that signs wrongly is found out by the sample, which names the entry', async (t) => {
  const options = responder('ec');
  const privateKey = damagedKey(createTestCa().privateKey, options.privateKey);
  const signer = new ResponseSigner({ ...options, privateKey, certIdAlgorithm: 'sha256' });
  for (const verifySample of [0, 1]) {
    let count = 0;
    const drain = async (): Promise<void> => {
      for await (const _ of signer.signAll(entries(500), { verifySample, threads: 3 })) count += 1;
    };
    await t.throwsAsync(drain, {
      code: 'ERR_OCSP_OPENSSL',
      message: /^entry \d+ \(serial number [0-9a-f]+\): a signature that was just made does not verify/,
    });
    t.is(count, 0);
  }
});
