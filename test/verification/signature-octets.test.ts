import test from 'ava';
import { loadDerOcspResponse, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';
import { hex, sequence, tlv, wrapBasic } from '../helpers/der.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };

/** Answers by the CA, without a certificate: the signature is what they end with. */
function* answers(): Generator<[der: Buffer, signature: Buffer]> {
  for (;;) {
    const der = kit.respond(undefined, { signer: kit.ca, certificates: [] });
    yield [der, loadDerOcspResponse(der).signature];
  }
}

test('a signature that claims not to be whole bytes is refused, as OpenSSL refuses it', (t) => {
  for (const [der, signature] of answers()) {
    // DER wants the bits that are not used to be zero, so only such signatures pass the parser.
    if (((signature.at(-1) as number) & 1) !== 0) continue;
    t.true(verifyOcspResponse(der, question).usable);
    const changed = Buffer.from(der);
    const unused = changed.length - signature.length - 1;
    t.is(changed[unused], 0);
    changed[unused] = 1;
    const response = loadDerOcspResponse(changed);
    t.deepEqual(response.signature, signature);
    t.false(response.basicVerify({ trust: { certificates: [kit.root.certificate] }, noChecks: true }).verified);
    const verdict = verifyOcspResponse(changed, question);
    t.deepEqual(
      verdict.refusals.map(({ code }) => code),
      ['BAD_SIGNATURE'],
    );
    return;
  }
});

test('an algorithm that leaves the hash to the key is weak, whatever OpenSSL says', (t) => {
  const { tbsResponseBytes, signature } = loadDerOcspResponse(
    kit.respond(undefined, { signer: kit.ca, certificates: [] }),
  );
  // ecdsa-with-Recommended, ecdsa-with-Specified: for a key of P-256 OpenSSL takes SHA-256, with which the CA has signed.
  for (const oid of ['06072a8648ce3d0402', '06072a8648ce3d0403']) {
    const der = wrapBasic(sequence(tbsResponseBytes, sequence(hex(oid)), tlv(0x03, Buffer.from([0]), signature)));
    const options = { trust: { certificates: [kit.root.certificate] }, certificates: [kit.ca.certificate] };
    t.true(loadDerOcspResponse(der).basicVerify(options).verified);
    t.deepEqual(
      verifyOcspResponse(der, question).refusals.map(({ code }) => code),
      ['WEAK_SIGNATURE'],
    );
  }
});
