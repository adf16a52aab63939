import test from 'ava';
import { loadDerOcspResponse, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };

/** Answers by the CA, without a certificate: the signature is what they end with. */
function* answers(): Generator<[der: Buffer, signature: Buffer]> {
  for (;;) {
    const der = kit.respond(undefined, { signer: kit.ca, certificates: [] });
    yield [der, loadDerOcspResponse(der).signature];
  }
}

test('a signature that claims not to be whole octets is refused, as OpenSSL refuses it', (t) => {
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
    t.false(response.verify({ trust: { certificates: [kit.root.certificate] }, noChecks: true }).verified);
    const verdict = verifyOcspResponse(changed, question);
    t.deepEqual(
      verdict.refusals.map(({ code }) => code),
      ['BAD_SIGNATURE'],
    );
    return;
  }
});
