// What an answer that was kept says about an earlier moment: by default about that when it was made.
//   node verify-archived.mjs RESPONSE.der CERT.pem ISSUER.pem [2026-11-24T12:00:00Z [EXISTED]]
// EXISTED: when the answer is known to have existed, such as the time stamp of the archive; now by default.
// Exit code 0: good at that moment.
import { readFileSync } from 'node:fs';
import { loadDerOcspResponse, OCSPResponseStatus, Verifier } from 'openssl-ocsp';

const [file, certificate, issuer, moment, existed] = process.argv.slice(2);
if (!file || !certificate || !issuer)
  throw new Error('usage: node verify-archived.mjs RESPONSE.der CERT.pem ISSUER.pem [TIME [EXISTED]]');

// What is in it. Nothing of this is verified yet.
const response = loadDerOcspResponse(readFileSync(file));
if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL)
  throw new Error(`no answer: ${OCSPResponseStatus[response.responseStatus]}`);
for (const { serialNumber, thisUpdate, nextUpdate } of response.responses)
  console.log(
    `${serialNumber.toString(16)}: ${thisUpdate.toISOString()} to ${nextUpdate?.toISOString() ?? 'any time'}`,
  );

const result = new Verifier().statusAt(response, {
  chain: [readFileSync(certificate), readFileSync(issuer)],
  at: moment === undefined ? response.producedAt : new Date(moment),
  ...(existed !== undefined && { existedAt: new Date(existed) }),
});
console.log(result.explain());
for (const { revokedSince } of result.links) {
  if (revokedSince !== null) console.log(`revoked since ${revokedSince.toISOString()}`);
}
process.exitCode = result.status === 'good' ? 0 : 1;
