// What the groups share. A group is a file in this folder that exports `heading` and `tables({ quick, peers })`, which
// yields `{ title, contenders }`; the first contender of a table is the limit. With `quick`, one table is measured.
// `effort` is optional; so is `figures({ quick, peers })`, which yields `{ name, value, unit, goal }`: what is no rate; and
// `missing`, what this machine does not have for it.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { contender } from '../measure.mjs';

/** Key types that are measured: name, what the test CA makes it of, hash of the signature. */
export const KEYS = [
  ['P-256', { keyType: 'ec' }, 'sha256'],
  ['P-384', { keyType: 'ec', curve: 'secp384r1' }, 'sha384'],
  ['RSA-2048', { keyType: 'rsa', modulusLength: 2048 }, 'sha256'],
  ['RSA-3072', { keyType: 'rsa', modulusLength: 3072 }, 'sha256'],
  ['Ed25519', { keyType: 'ed25519' }, null],
  ['ML-DSA-44', { keyType: 'ml-dsa-44' }, null],
];

/** A CA that answers for itself, or undefined where the running OpenSSL has no such key. */
export function makeResponder(algorithm, keyOptions) {
  let ca;
  try {
    ca = createTestCa({ ...keyOptions, subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  } catch (error) {
    console.error(`${algorithm} is left out: ${error.message}`);
    return undefined;
  }
  const { certificate, privateKey } = ca;
  return {
    algorithm,
    certificate,
    key: privateKey,
    pkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }),
    keyHash: sha1(publicKeyBits(certificate)),
  };
}

const sha1 = (bytes) => createHash('sha1').update(bytes).digest();

/** Content of subjectPublicKey: what follows the last BIT STRING header of the SubjectPublicKeyInfo. */
function publicKeyBits({ publicKey }) {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  // SEQUENCE { AlgorithmIdentifier, BIT STRING }
  const algorithm = skipHeader(spki, 0);
  const bits = skipHeader(spki, algorithm) + lengthOf(spki, algorithm);
  return spki.subarray(skipHeader(spki, bits) + 1);
}

function skipHeader(der, at) {
  return at + 2 + (der[at + 1] < 0x80 ? 0 : der[at + 1] & 0x7f);
}

function lengthOf(der, at) {
  const octets = der[at + 1] & 0x7f;
  return der[at + 1] < 0x80 ? der[at + 1] : der.readUIntBE(at + 2, octets);
}

/** Recorded messages and certificates of real CAs. */
export function recorded(name) {
  return readFileSync(new URL(`../../test/vectors/reference/x509/${name}`, import.meta.url));
}

export const recordedCertificate = (name) => new X509Certificate(recorded(name));

/**
 * The peers that do this job. `call` asks a peer for its operation. One that gives a wrong result is left out.
 *
 * @param {object[]} peers
 * @param {(peer: object) => unknown} call
 * @param {(result: unknown) => void} [check]
 */
export async function peerContenders(peers, call, check) {
  const contenders = [];
  for (const peer of peers) {
    try {
      const operation = await call(peer);
      if (operation !== undefined) contenders.push(await contender(peer.name, operation, { check }));
    } catch (error) {
      console.error(error.message);
    }
  }
  return contenders;
}

/** A response that a delegate signed, whose certificate is included, or the CA itself. */
export function responseOf(certificate, ca, signer, hash) {
  const now = new Date();
  const builder = new OCSPResponseBuilder()
    .addResponse({
      cert: certificate,
      issuer: ca.certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 24 * 3_600_000),
      revocationTime: null,
      revocationReason: null,
    })
    .responderId(OCSPResponderEncoding.HASH, signer.certificate);
  const complete = signer === ca ? builder : builder.certificates([signer.certificate]);
  return complete.sign(signer.privateKey, hash).publicBytes();
}
