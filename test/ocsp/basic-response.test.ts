/** BasicOCSPResponses, and what names a response in its place. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { loadDerBasicOcspResponse, loadDerOcspResponse, OCSPResponseBuilder, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit, testErrorResponse, wrapTestResponse } from 'openssl-ocsp/testing';
import { malformed, refuses, refusesType, unsupported, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const vectors = new URL('../../../test/vectors/', import.meta.url);

/** What `openssl asn1parse` finds: an independent reader. */
function asn1(der: Uint8Array, ...args: string[]): string {
  return execFileSync('openssl', ['asn1parse', '-inform', 'DER', ...args], { input: der }).toString();
}

test('out and in again: the same response', (t) => {
  const recorded = readdirSync(vectors, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /resp.*\.der$/.test(name),
  );
  t.true(recorded.length > 0);
  const responses = [
    ...kit.good().map(({ der }) => der),
    ...recorded.map((name) => readFileSync(new URL(name, vectors))),
  ];
  let read = 0;
  for (const der of responses) {
    let response: ReturnType<typeof loadDerOcspResponse>;
    try {
      response = loadDerOcspResponse(der);
    } catch {
      continue;
    }
    if (response.responseStatus !== 0) continue;
    const basic = response.basicResponseBytes;
    t.deepEqual(wrapTestResponse(basic), der);
    t.true(loadDerBasicOcspResponse(basic).equals(response));
    read += 1;
  }
  t.true(read > kit.good().length);
  const [{ der } = { der: Buffer.alloc(0) }] = kit.good();
  t.is(
    verifyOcspResponse(loadDerBasicOcspResponse(loadDerOcspResponse(der).basicResponseBytes).publicBytes(), question)
      .status,
    'good',
  );
});

test('what OpenSSL finds in the same place', (t) => {
  const der = kit.respond();
  const response = loadDerOcspResponse(der);
  const lines = asn1(der).split('\n');
  const octets = lines.find((line) => /OCTET STRING/.test(line)) ?? '';
  const [, offset, header, length] = /^\s*(\d+):d=\d+\s+hl=(\d+)\s+l=\s*(\d+)/.exec(octets)!.map(Number);
  t.deepEqual(response.basicResponseBytes, der.subarray(offset! + header!, offset! + header! + length!));
});

test('ResponderIDs', (t) => {
  const byKey = loadDerOcspResponse(kit.respond());
  t.regex(asn1(byKey.responderIdBytes), /cont \[ 2 \].*\n.*OCTET STRING/);
  t.deepEqual(byKey.responderIdBytes, Buffer.concat([Buffer.from('a2160414', 'hex'), byKey.responderKeyHash!]));
  const byName = loadDerOcspResponse(kit.respond(undefined, { responderId: 'name' }));
  t.regex(asn1(byName.responderIdBytes), /cont \[ 1 \].*\n.*SEQUENCE[\s\S]*commonName[\s\S]*Test OCSP responder/);
  t.deepEqual(byName.responderIdBytes.subarray(2), byName.responderName!.publicBytes());
  for (const response of [byKey, byName]) {
    // It stands in the signed bytes as it is.
    t.true(response.tbsResponseBytes.includes(response.responderIdBytes));
  }
});

test('references', (t) => {
  const response = loadDerOcspResponse(kit.respond(undefined, { responderId: 'name' }));
  for (const hashAlgorithm of ['sha1', 'sha256', 'sha512'] as const) {
    const hash = (bytes: Buffer) => createHash(hashAlgorithm).update(bytes).digest();
    const reference = response.reference(hashAlgorithm);
    t.like(reference, {
      hashAlgorithm: hashAlgorithm as never,
      responderKeyHash: null,
      producedAt: response.producedAt,
    });
    t.deepEqual(reference.responderIdBytes, response.responderIdBytes);
    t.is(reference.responderName?.rfc4514String(), 'CN=Test OCSP responder');
    t.deepEqual(reference.basicResponseDigest, hash(response.basicResponseBytes));
    t.deepEqual(reference.responseDigest, hash(response.publicBytes()));
  }
  t.is(response.reference().hashAlgorithm as string, 'sha256');
  t.throws(() => response.reference('md5' as never), unsupported);
});

test('refusals', (t) => {
  const whole = kit.respond();
  const basic = loadDerOcspResponse(whole).basicResponseBytes;
  for (const data of [
    whole,
    Buffer.alloc(0),
    basic.subarray(1),
    basic.subarray(0, -1),
    Buffer.concat([basic, basic]),
  ]) {
    t.throws(() => loadDerBasicOcspResponse(data), malformed);
  }
  refusesType(t, () => loadDerBasicOcspResponse(wrong('MII')));
  t.throws(() => loadDerBasicOcspResponse(basic, { strict: wrong('no') }), { instanceOf: TypeError });
  // As OpenSSL reads.
  t.true(loadDerBasicOcspResponse(basic, { strict: false }).equals(loadDerOcspResponse(whole, { strict: false })));
  for (const error of [loadDerOcspResponse(testErrorResponse(3)), OCSPResponseBuilder.buildUnsuccessful(3)]) {
    refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => error.basicResponseBytes);
    refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => error.responderIdBytes);
    refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => error.reference());
  }
});
