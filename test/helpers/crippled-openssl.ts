/**
 * Verifies the answers of a kit after OpenSSL has lost its algorithms: without a FIPS provider, FIPS mode leaves none.
 * Prints what came of each, as JSON. A process of its own, since it is all of the process that loses them.
 */
import { setFips } from 'node:crypto';
import { loadDerOcspResponse, type OCSPQuestion, OCSPRequestBuilder, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const question: OCSPQuestion = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const trust = [kit.root.certificate];
// Each in the form in which nothing of it has been decoded yet.
const anew = (): OCSPQuestion => ({ certificate: kit.leaf.certificatePem, issuer: kit.ca.certificatePem });
const answers = [...kit.good(), ...kit.bad()];
const { certificate, privateKey } = kit.leaf;
const request = new OCSPRequestBuilder()
  .addCertificate(certificate, kit.ca.certificate, 'sha1')
  .sign(certificate, privateKey, 'sha256', { certificates: [kit.ca.certificate] });

const warm = [new Verifier(), new Verifier({ trust })];
for (const verifier of warm) for (const { der } of answers) verifier.verify(der, question);
if (!request.verifySignature({ trust }).verified) throw new Error('the request has to verify as long as OpenSSL works');

setFips(true);

const verdict = (verify: () => { status: string | null; explain(): string }): string => {
  try {
    const result = verify();
    result.explain();
    return result.status ?? 'refused';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const verified = (verify: () => { verified: boolean }): string => {
  try {
    return verify().verified ? 'good' : 'refused';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const outcomes = [
  { how: 'OCSP_request_verify', name: 'request', said: verified(() => request.verifySignature({ trust })) },
  ...answers.flatMap(({ name, der }) => [
    ...warm.map((verifier) => ({ how: 'used before', name, said: verdict(() => verifier.verify(der, question)) })),
    { how: 'known certificates', name, said: verdict(() => new Verifier({ trust }).verify(der, question)) },
    { how: 'again', name, said: verdict(() => verifyOcspResponse(der, anew())) },
    {
      how: 'OCSP_basic_verify',
      name,
      said: verified(() => loadDerOcspResponse(der).basicVerify({ trust, certificates: [kit.ca.certificate] })),
    },
  ]),
];
console.log(JSON.stringify(outcomes));
