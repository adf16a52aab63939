// Verifies an answer that was kept, at a moment of the past: by default when it was made.
//   node verify-archived.mjs RESPONSE.der CERT.pem ISSUER.pem [2026-11-24T12:00:00Z]
// Exit code 0: good at that moment.
import { readFileSync } from 'node:fs';
import { loadDerOcspResponse, OCSPResponseStatus, verifyOcspResponse } from 'openssl-ocsp';

const [file, certificate, issuer, moment] = process.argv.slice(2);
if (!file || !certificate || !issuer)
  throw new Error('usage: node verify-archived.mjs RESPONSE.der CERT.pem ISSUER.pem [TIME]');

const der = readFileSync(file);
// What is in it. Nothing of this is verified yet.
const response = loadDerOcspResponse(der);
if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL)
  throw new Error(`no answer: ${OCSPResponseStatus[response.responseStatus]}`);
for (const { serialNumber, thisUpdate, nextUpdate } of response.responses)
  console.log(
    `${serialNumber.toString(16)}: ${thisUpdate.toISOString()} to ${nextUpdate?.toISOString() ?? 'any time'}`,
  );

const verdict = verifyOcspResponse(der, {
  certificate: readFileSync(certificate),
  issuer: readFileSync(issuer),
  at: moment === undefined ? response.producedAt : new Date(moment),
});
console.log(verdict.explain());
if (verdict.status === 'revoked') console.log(`revoked at ${verdict.revocationTime.toISOString()}`);
process.exitCode = verdict.status === 'good' ? 0 : 1;
