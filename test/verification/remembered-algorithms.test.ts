// A key that has verified by an algorithm keeps what it prepared. What it says afterwards is what OpenSSL says, which keeps nothing.
import test from 'ava';
import { loadDerOcspResponse, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit, type TestResponseOptions } from 'openssl-ocsp/testing';
import { signatureAlgorithm } from '#dist/testing/signature.js';
import { hex, sequence, tlv, wrapBasic } from '../helpers/der.js';

interface Kind {
  readonly name: string;
  readonly kit: TestResponseKit;
  readonly options: Partial<TestResponseOptions>;
}

const rsa = new TestResponseKit({ keyType: 'rsa' });
const kinds: Kind[] = [
  { name: 'ECDSA', kit: new TestResponseKit(), options: {} },
  { name: 'RSA', kit: rsa, options: {} },
  { name: 'RSASSA-PSS', kit: rsa, options: { rsaPadding: 'pss' } },
  { name: 'Ed25519', kit: new TestResponseKit({ keyType: 'ed25519' }), options: {} },
  { name: 'Ed448', kit: new TestResponseKit({ keyType: 'ed448' }), options: {} },
];
// node:crypto makes such keys from Node 24.6 on.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 6)) {
  kinds.push({ name: 'ML-DSA-44', kit: new TestResponseKit({ keyType: 'ml-dsa-44' }), options: {} });
}

/** Every algorithm of the kinds: as it should be, without parameters, and with parameters that it does not have. */
function* algorithms(): Generator<[name: string, der: Buffer]> {
  for (const { name, kit, options } of kinds) {
    const right = signatureAlgorithm(kit.responder.privateKey, options);
    const oid = right.subarray(2, 4 + right[3]!);
    yield [name, right];
    yield [`${name} without parameters`, sequence(oid)];
    yield [`${name} with NULL`, sequence(oid, hex('0500'))];
    yield [`${name} with an OCTET STRING`, sequence(oid, hex('040100'))];
    yield [`${name} with an empty SEQUENCE`, sequence(oid, hex('3000'))];
  }
  yield ['one that no one knows', sequence(hex('06032a0304'))];
  yield ['an empty one', sequence()];
}

for (const { name, kit, options } of kinds) {
  const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
  const trust = { certificates: [kit.root.certificate] };

  test(`${name}: what was remembered changes no verdict`, (t) => {
    const good = kit.respond(undefined, options);
    const message = loadDerOcspResponse(good);
    const other = loadDerOcspResponse(kit.respond(kit.entry({ status: 'revoked' }), options));
    const certificates = tlv(0xa0, sequence(kit.responder.certificate.raw));
    const made = (algorithm: Buffer, signature: Uint8Array, tbs = message.tbsResponseBytes): Buffer =>
      wrapBasic(sequence(tbs, algorithm, tlv(0x03, Buffer.from([0]), signature), certificates));
    const right = signatureAlgorithm(kit.responder.privateKey, options);
    const signature = Buffer.from(message.signature);
    t.deepEqual(made(right, signature), good);

    const variants: [string, Buffer][] = [];
    for (const [what, algorithm] of algorithms()) variants.push([what, made(algorithm, signature)]);
    for (const length of [0, 1, signature.length - 1]) {
      variants.push([`a signature of ${length} bytes`, made(right, signature.subarray(0, length))]);
    }
    variants.push(
      ['a longer signature', made(right, Buffer.concat([signature, Buffer.from([0])]))],
      ['a signature of zeros', made(right, Buffer.alloc(signature.length))],
      ['the signature of another message', made(right, other.signature)],
      ['another message', made(right, signature, other.tbsResponseBytes)],
      ['this message', good],
    );

    const verifier = new Verifier();
    t.is(verifier.verify(good, question).status, 'good');
    let accepted = 0;
    for (const [what, der] of variants) {
      const verified = openssl(der);
      accepted += Number(verified);
      // Twice: nor does a failure change what comes after it.
      for (let i = 0; i < 2; i += 1) {
        t.is(verifier.verify(der, question).usable, verified, what);
        t.is(verifyOcspResponse(der, question).usable, verified, what);
        t.is(verifier.verify(good, question).status, 'good', `after ${what}`);
      }
    }
    t.true(accepted >= 2);
  });

  /** The verdict of OCSP_basic_verify; false where not even the parser takes the message. */
  function openssl(der: Buffer): boolean {
    try {
      return loadDerOcspResponse(der, { strict: 'field' }).basicVerify({ trust, certificates: [kit.ca.certificate] })
        .verified;
    } catch {
      return false;
    }
  }

  test(`${name}: many at a time, good and bad`, async (t) => {
    const verifier = new Verifier();
    const answers = [kit.respond(undefined, options), kit.respond(undefined, { ...options, breakSignature: true })];
    const items = Array.from({ length: 400 }, (_, i) => ({ ...question, response: answers[i % 3 === 0 ? 0 : 1]! }));
    const verdicts = await verifier.verifyMany(items);
    t.is(verdicts.length, items.length);
    t.true(
      verdicts.every((verdict, i) => (i % 3 === 0 ? verdict.status === 'good' : isBadSignature(verdict.refusals))),
    );
  });
}

function isBadSignature([first, ...others]: readonly { code: string }[]): boolean {
  return first?.code === 'BAD_SIGNATURE' && others.length === 0;
}
