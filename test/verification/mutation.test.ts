// Real responses, damaged in every way: whatever stays usable is signed as it was.
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, type OCSPQuestion, type OCSPResponse, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';
import { positions, repeated } from '../helpers/repeated.js';
import { base64Vector, vectorText } from '../helpers/vectors.js';

/** A small generator of random numbers with a fixed seed: a failure can be repeated. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

interface Subject {
  readonly name: string;
  readonly der: Buffer;
  readonly question: OCSPQuestion;
}

/** One of OpenSSL's vectors: an answer of a real CA, judged an hour after it was given. */
function vector(name: string, issuerFile: string): Subject {
  const der = base64Vector(`openssl/ocsp-tests/${name}.ors`);
  const [entry] = loadDerOcspResponse(der).responses;
  const issuer = vectorText(`openssl/ocsp-tests/${issuerFile}.pem`);
  const at = new Date(entry!.thisUpdate.getTime() + 3600 * 1000);
  return { name, der, question: { certId: entry!, issuer, at } };
}

const kit = new TestResponseKit();
const rsa = new TestResponseKit({ keyType: 'rsa' });
const ed25519 = new TestResponseKit({ keyType: 'ed25519' });
const of = ({ leaf, ca }: TestResponseKit) => ({ certificate: leaf.certificate, issuer: ca.certificate });

const subjects: Subject[] = [
  vector('ND1', 'ND1_Issuer_ICA'),
  vector('D1', 'D1_Issuer_ICA'),
  vector('D3', 'D3_Issuer_Root'),
  { name: 'P-256, delegate', der: kit.respond(), question: of(kit) },
  { name: 'P-256, revoked, by name', der: revoked(kit), question: of(kit) },
  { name: 'RSA, delegate', der: rsa.respond(undefined, { rsaPadding: 'pss' }), question: of(rsa) },
  { name: 'Ed25519, CA', der: ed25519.respond(undefined, { signer: ed25519.ca }), question: of(ed25519) },
];

function revoked({ entry, respond }: TestResponseKit): Buffer {
  return respond.call(kit, entry.call(kit, { status: 'revoked', revocationReason: 1 }), { responderId: 'name' });
}

/**
 * What a verdict rests on: what is signed, and by whom. Neither the certificates that are included nor the way in which a
 * signature is written are signed: the responder's may be there twice, or among others.
 */
function signedPart(response: OCSPResponse): Buffer {
  return response.tbsResponseBytes;
}

for (const { name, der, question } of subjects) {
  const verifier = new Verifier();
  const original = verifyOcspResponse(der, question);
  const signed = signedPart(loadDerOcspResponse(der));
  const maySay = (t: ExecutionContext, damaged: Buffer, what: string): void => {
    const verdict = verifyOcspResponse(damaged, question);
    const remembered = verifier.verify(damaged, question);
    if (verdict.usable !== remembered.usable || verdict.status !== remembered.status) t.fail(`${what}: memory matters`);
    if (!verdict.usable) return;
    const response = verdict.response!;
    if (
      verdict.status !== original.status ||
      !signedPart(response).equals(signed) ||
      verdict.signer.fingerprint256 !== original.signer?.fingerprint256
    ) {
      t.fail(`${what} changes what is believed: ${verdict.explain()}`);
    }
  };

  test(`${name}: usable as it is`, (t) => {
    t.true(original.usable, original.explain());
    verifier.verify(der, question);
  });

  test(`${name}: bits turned in every byte`, (t) => {
    for (const i of positions(der.length)) {
      for (const bit of [i % 8, (i + 3) % 8]) {
        const damaged = Buffer.from(der);
        damaged[i]! ^= 1 << bit;
        maySay(t, damaged, `bit ${bit} of byte ${i}`);
      }
    }
    t.pass();
  });

  test(`${name}: cut and extended`, (t) => {
    for (const length of positions(der.length)) {
      t.false(verifyOcspResponse(der.subarray(0, length), question).usable, `${length} bytes`);
    }
    for (const tail of ['00', '0500', '3000', 'a003020100']) {
      t.false(verifyOcspResponse(Buffer.concat([der, Buffer.from(tail, 'hex')]), question).usable, tail);
    }
    t.false(verifyOcspResponse(Buffer.concat([der, der]), question).usable);
  });

  test(`${name}: bytes taken out, put in and moved`, (t) => {
    const random = randomNumbers(der.length);
    for (let round = 0; round < repeated(600); round += 1) {
      const start = random(der.length);
      const length = 1 + random(random(2) ? 4 : 200);
      const insert = random(2)
        ? der.subarray(random(der.length)).subarray(0, random(64))
        : Buffer.alloc(random(8), random(256));
      maySay(t, Buffer.concat([der.subarray(0, start), insert, der.subarray(start + length)]), `round ${round}`);
    }
    t.pass();
  });
}

test('parts of two answers do not make a third', (t) => {
  const [good, bad] = [kit.respond(), kit.respond(kit.entry({ status: 'revoked' }))].map((der) =>
    loadDerOcspResponse(der),
  );
  const splice = (from: OCSPResponse, to: OCSPResponse, part: (of: OCSPResponse) => Buffer): Buffer => {
    const bytes = to.publicBytes();
    const at = bytes.indexOf(part(to));
    return Buffer.concat([bytes.subarray(0, at), part(from), bytes.subarray(at + part(to).length)]);
  };
  for (const part of [(of: OCSPResponse) => of.tbsResponseBytes, (of: OCSPResponse) => of.signature]) {
    t.false(verifyOcspResponse(splice(good!, bad!, part), of(kit)).usable);
    t.false(verifyOcspResponse(splice(bad!, good!, part), of(kit)).usable);
  }
});
