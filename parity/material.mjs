// What is compared with: recorded messages, and authorities whose certificates and keys follow from the seed.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import {
  ArchiveCutoff,
  CRLReason,
  CrlID,
  InvalidityDate,
  OCSPAcceptableResponses,
  OCSPCertStatus,
  OCSPNonce,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { inRoot } from '../scripts/lib/paths.mjs';
import { files } from '../scripts/lib/stamps.mjs';
import { extension, octetString, oid, sequence, tlv } from './der.mjs';

const vectors = inRoot('test', 'vectors');
export const vector = (name) => readFileSync(`${vectors}/${name}`);

/** Every recorded message (and things that are none), by its path. */
export function captures() {
  const found = files(vectors, (file) => /\.(der|ors)$/.test(file)).map((file) => {
    const content = readFileSync(file);
    return [relative(vectors, file), file.endsWith('.ors') ? Buffer.from(content.toString(), 'base64') : content];
  });
  const made = JSON.parse(vector('reference/cases.json')).cases.map(({ kind, name, der_hex }) => [
    `reference/${kind}/${name}`,
    Buffer.from(der_hex, 'hex'),
  ]);
  return [...found, ...made];
}

/** All times of certificates and messages are about this one, whenever the harness runs. */
export const NOW = Date.UTC(2030, 5, 15, 12) / 1000;
export const DAY = 24 * 3600;
export const dateOf = (seconds) => new Date(seconds * 1000);

const VALIDITY = { notBefore: dateOf(NOW - 365 * DAY), notAfter: dateOf(NOW + 365 * DAY) };
const pkcs8 = (algorithm, key) =>
  createPrivateKey({
    key: sequence(Buffer.from('020100', 'hex'), algorithm, octetString(key)),
    format: 'der',
    type: 'pkcs8',
  });

const CURVES = { p256: ['1.2.840.10045.3.1.7', 32], p384: ['1.3.132.0.34', 48], p521: ['1.3.132.0.35', 66] };

/** Keys that the seed decides; those of RSA take long to find and are files. */
const KEYS = {
  rsa: () => createPrivateKey(vector('openssl/80-test_ocsp_data/key.pem')),
  'rsa-other': () => createPrivateKey(readFileSync(new URL('rsa-key.pem', import.meta.url))),
  ed25519: (random) => pkcs8(sequence(oid('1.3.101.112')), octetString(random.bytes(32))),
  ed448: (random) => pkcs8(sequence(oid('1.3.101.113')), octetString(random.bytes(57))),
  ...Object.fromEntries(
    Object.entries(CURVES).map(([name, [curve, size]]) => [
      name,
      (random) => {
        const scalar = random.bytes(size);
        scalar[0] = 0; // below the order of the curve
        const key = sequence(Buffer.from('020101', 'hex'), octetString(scalar));
        return pkcs8(sequence(oid('1.2.840.10045.2.1'), oid(curve)), key);
      },
    ]),
  ),
};

/** Hashes that the keys of a type sign with. */
export const hashesFor = (type) => (type.startsWith('ed') ? [null] : ['sha224', 'sha256', 'sha384', 'sha512']);
/** Whether signing twice gives the same bytes. */
export const isDeterministic = (type) => type.startsWith('ed') || type.startsWith('rsa');
export const CERT_ID_HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

const SERIALS = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x100n, 2n ** 63n, 2n ** 64n, 2n ** 159n - 1n, 2n ** 160n];

/** A CA by each kind of key, with certificates under it, delegates among them. */
export function authorities(random) {
  return Object.keys(KEYS).map((type, i) => {
    const certify = (issue, options) => ({
      type,
      ...parts(issue({ ...VALIDITY, serialNumber: BigInt(random.below(2 ** 32)), ...options })),
    });
    const subject = `C=XX, O=Parity ${i}, CN=CA ${type}`;
    const ca = createTestCa({ ...VALIDITY, privateKey: KEYS[type](random), subject, serialNumber: BigInt(i + 1) });
    const below = (issuer, keyType, options) => {
      const made = certify((all) => issuer.issue(all), { privateKey: KEYS[keyType](random), ...options });
      return { ...made, type: keyType };
    };
    const delegate = (issuer, keyType, options) => {
      const made = certify((all) => issuer.issueResponder(all), { privateKey: KEYS[keyType](random), ...options });
      return { ...made, type: keyType };
    };
    const delegateType = random.pick(Object.keys(KEYS).filter((other) => other !== type));
    const intermediate = ca.issueIntermediate({
      ...VALIDITY,
      privateKey: KEYS.p256(random),
      subject: `C=XX, O=Parity ${i}, CN=Intermediate`,
    });
    return {
      type,
      ca: { type, ...parts(ca) },
      intermediate: { type: 'p256', ...parts(intermediate) },
      leaves: SERIALS.map((serialNumber, n) => below(ca, 'p256', { serialNumber, subject: `CN=leaf ${n}` })),
      delegate: delegate(ca, delegateType),
      delegateOfIntermediate: delegate(intermediate, 'p384', { ocspNoCheck: false }),
      notDelegated: below(ca, 'ed25519', { subject: 'CN=No responder', keyUsage: ['digitalSignature'] }),
      expired: delegate(ca, 'p256', { notAfter: dateOf(NOW - 30 * DAY), subject: 'CN=Expired' }),
      wrongSignature: delegate(ca, 'p256', { corruptSignature: true, subject: 'CN=Not issued by the CA' }),
      sameName: delegate(ca, 'ed25519', { subject: `CN=Test OCSP responder` }),
    };
  });
}

function parts({ certificate, privateKey }) {
  return { certificate, der: certificate.raw, privateKey, pkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }) };
}

/** Extensions, each with what the library takes and its DER. */
export function someExtensions(random, makers = EXTENSIONS) {
  return random.some(makers, 4).map((make) => {
    const [value, critical] = [make(random), random.once(5)];
    return { value, critical, der: extension(value.oid, critical, value.publicBytes()) };
  });
}

const EXTENSIONS = [
  (random) => new OCSPNonce(random.bytes(1 + random.below(40))),
  () => new OCSPAcceptableResponses(['1.3.6.1.5.5.7.48.1.1']),
  (random) => new ArchiveCutoff(dateOf(NOW - random.below(9999) * DAY)),
  (random) => new CrlID({ crlUrl: 'http://crl.example/1.crl', crlNum: BigInt(random.below(1000)) }),
  (random) => new InvalidityDate(dateOf(NOW - random.below(999) * DAY)),
  (random) => new CRLReason(random.pick(['keyCompromise', 'superseded'])),
  (random) => new UnrecognizedExtension('1.2.3.4.5', octetString(random.bytes(random.below(300)))),
  () => new UnrecognizedExtension('2.5.29.54', tlv(0x05)),
];

/** What requests and responses ask about: a certificate, its issuer, and the hash of the CertID. */
export function someEntry(random, list, hashes = CERT_ID_HASHES) {
  const authority = random.pick(list);
  const issuer = random.once(8) ? random.pick(list).ca : authority.ca;
  return { hash: random.pick(hashes), subject: random.pick(authority.leaves), issuer };
}

/** A certificate's subject as a Name: what a response of its holder is named by. */
export function subjectOf({ type, certificate, privateKey }) {
  return new OCSPResponseBuilder()
    .addResponse(certificate, certificate, 'sha1', OCSPCertStatus.GOOD, dateOf(NOW), null, null, null)
    .responderId(OCSPResponderEncoding.NAME, certificate)
    .sign(privateKey, hashesFor(type).at(-1)).responderName;
}
