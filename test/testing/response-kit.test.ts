// The answers of the test kit, as the openssl command judges them: what it takes must be what the kit calls good, and what
// the kit calls bad it must refuse, but for what it does not look at.
import test from 'ava';
import { loadDerOcspResponse, type RefusalCode, verifyOcspResponse } from 'openssl-ocsp';
import {
  buildTestResponse,
  TestIdentity,
  type TestKeyType,
  TestResponseKit,
  testErrorResponse,
  wrapTestResponse,
} from 'openssl-ocsp/testing';
import { refusal } from '#dist/ocsp/verification/refusals.js';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses } from '../helpers/refusals.js';
import { vectorText } from '../helpers/vectors.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };

/** What the command says of the certificate, by a CertID of this hash; null when it refuses the response. */
function judgedByCommand(der: Buffer, hash = 'sha1'): string | null {
  using scratch = new Scratch();
  const { status, stdout, stderr } = openssl([
    ...['ocsp', '-respin', scratch.write('response.der', der), '-no_nonce'],
    ...['-issuer', scratch.write('ca.pem', kit.ca.certificatePem), `-${hash}`],
    ...['-cert', scratch.write('leaf.pem', kit.leaf.certificatePem)],
    ...['-CAfile', scratch.write('root.pem', kit.root.certificatePem), '-no-CApath', '-no-CAstore'],
    ...['-verify_other', scratch.path('ca.pem')],
  ]);
  if (status !== 0 || !stderr.includes('Response verify OK') || stdout.includes('WARNING')) return null;
  return /leaf\.pem: (good|revoked|unknown)/.exec(stdout)?.[1] ?? null;
}

/** What OpenSSL 3.0 does not look at. */
const OVERLOOKED: Readonly<Record<string, string>> = {
  'bytes behind the response': 'd2i_OCSP_RESPONSE stops at the end of the message',
  'bytes behind the answer': 'so does OCSP_response_get1_basic',
  'version 2': 'the version is not read',
  'thisUpdate with a fraction': 'times that cannot be compared are fine',
  'thisUpdate with an offset': 'times that cannot be compared are fine',
  'thisUpdate without seconds': 'times that cannot be compared are fine',
  'nextUpdate with a fraction': 'times that cannot be compared are fine',
  'thisUpdate in the year 0': 'it is in the past',
  'thisUpdate in the year 0, in an older entry': 'it is in the past',
  'a day old, no nextUpdate': 'there is no greatest age by default',
  'good, then revoked': 'the first of contradicting entries counts',
  'revoked, then good': 'the first of contradicting entries counts',
  'good by SHA-1, revoked by SHA-256': 'entries by another hash are not looked at',
  'good, then unknown': 'the first of contradicting entries counts',
  'unknown critical extension': 'criticality is ignored',
  'unknown critical extension, in the entry': 'criticality is ignored',
  'unknown critical extension, in an older entry': 'criticality is ignored',
  'the same extension twice': 'duplicates are not looked for',
  'the same extension twice, in the entry': 'duplicates are not looked for',
  'the same extension twice, in an older entry': 'duplicates are not looked for',
  'by a delegate whose key may not sign': 'keyUsage is not looked at',
};

withCli('good answers', (t) => {
  for (const { name, der, status } of kit.good()) {
    const hash = /CertID by SHA-(\d+)/.exec(name)?.[1] ?? '1';
    t.is(judgedByCommand(der, `sha${hash}`), status, name);
  }
});

withCli('bad answers', (t) => {
  const all = kit.bad();
  for (const name of Object.keys(OVERLOOKED))
    t.true(
      all.some((item) => item.name === name),
      name,
    );
  for (const { name, der } of all) {
    if (!(name in OVERLOOKED)) t.is(judgedByCommand(der), null, name);
  }
});

test('names of answers are different, and every refusal that a response can cause is there', (t) => {
  const names = [...kit.good(), ...kit.bad()].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  // The others depend on what the caller passes, or on OpenSSL. The type makes the list complete.
  const elsewhere: Partial<Record<RefusalCode, true>> = {
    ISSUER_MISMATCH: true,
    REQUEST_MISMATCH: true,
    UNSUPPORTED_SIGNATURE: true,
    WEAK_SIGNATURE: true,
    SIGNER_REVOKED: true,
    SIGNER_REVOCATION_UNKNOWN: true,
    NONCE_MISMATCH: true,
    NONCE_MISSING: true,
    // Of earlier moments.
    PRODUCED_LATER: true,
    CERTIFICATE_NOT_VALID: true,
    ISSUER_NOT_VALID: true,
    ISSUER_STATUS: true,
    ARCHIVE_CUTOFF: true,
    REVOCATION_UNCLEAR: true,
    INTERNAL_FAILURE: true,
  };
  const caused = new Set(kit.bad().map((item) => item.refusal));
  for (const code of CODES) t.not(caused.has(code), code in elsewhere, code);
});

const EVERY_CODE: Record<RefusalCode, true> = {
  MALFORMED: true,
  UNSUCCESSFUL: true,
  ISSUER_MISMATCH: true,
  REQUEST_MISMATCH: true,
  CERTIFICATE_NOT_FOUND: true,
  CONTRADICTORY: true,
  SIGNER_NOT_FOUND: true,
  BAD_SIGNATURE: true,
  UNSUPPORTED_SIGNATURE: true,
  WEAK_SIGNATURE: true,
  SIGNER_NOT_AUTHORIZED: true,
  SIGNER_NOT_YET_VALID: true,
  SIGNER_EXPIRED: true,
  SIGNER_REVOKED: true,
  SIGNER_UNTRUSTED: true,
  SIGNER_REVOCATION_UNKNOWN: true,
  BAD_TIME: true,
  NOT_YET_VALID: true,
  EXPIRED: true,
  TOO_OLD: true,
  INVERTED_TIMES: true,
  BAD_EXTENSIONS: true,
  UNKNOWN_CRITICAL_EXTENSION: true,
  NONCE_MISMATCH: true,
  NONCE_MISSING: true,
  PRODUCED_LATER: true,
  CERTIFICATE_NOT_VALID: true,
  ISSUER_NOT_VALID: true,
  ISSUER_STATUS: true,
  ARCHIVE_CUTOFF: true,
  REVOCATION_UNCLEAR: true,
  INTERNAL_FAILURE: true,
};
const CODES = Object.keys(EVERY_CODE) as RefusalCode[];

test('docs/verification.md lists every refusal', (t) => {
  const text = vectorText('../../docs/verification.md');
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (RFC .+) \|$/gm)].map(([, ...cells]) => cells);
  t.deepEqual(
    rows,
    CODES.map((code) => [code, refusal(code).message, refusal(code).clause]),
  );
});

for (const keyType of ['rsa', 'rsa-pss', 'ed25519', 'ed448'] satisfies TestKeyType[]) {
  test(`a kit of ${keyType} keys`, (t) => {
    const other = new TestResponseKit({ keyType });
    const asked = { certificate: other.leaf.certificate, issuer: other.ca.certificate };
    for (const { name, der, status } of other.good()) t.is(verifyOcspResponse(der, asked).status, status, name);
    for (const { name, der, refusal: code } of other.bad()) {
      t.deepEqual(
        verifyOcspResponse(der, asked).refusals.map((item) => item.code),
        [code],
        name,
      );
    }
  });
}

test('parts of the kit', (t) => {
  const error = loadDerOcspResponse(testErrorResponse(3));
  t.is(error.responseStatus, 3);
  const der = kit.respond([kit.entry(), kit.entry({ status: 'unknown', serialNumber: 9n })], {
    producedAt: '20260101000000Z',
    hash: 'sha384',
  });
  const loaded = loadDerOcspResponse(der);
  t.is(loaded.responses.length, 2);
  t.is(loaded.signatureHashAlgorithm as string, 'sha384');
  t.deepEqual(loaded.producedAt, new Date('2026-01-01T00:00:00Z'));
  t.deepEqual(wrapTestResponse(Buffer.from('3000', 'hex')).subarray(-4), Buffer.from('04023000', 'hex'));
  const signer = new TestIdentity(kit.leaf.certificate, kit.leaf.privateKey);
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => buildTestResponse({ signer, entries: [], hash: 'md5' }));
  t.is(verifyOcspResponse(der, question).status, 'good');
});
