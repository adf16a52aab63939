// The main job on real input, in small: ask for the status of a certificate, answer, read both messages, check the answer.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  opensslInfo,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';

const HOUR = 3600 * 1000;

console.log(`openssl-ocsp on ${opensslInfo.version}\n`);

// A throw-away CA, a certificate that it issued, and the delegate that answers for it.
const ca = createTestCa({ subject: 'O=Example, CN=Example CA' });
const server = ca.issue({ subject: 'CN=server.example', serialNumber: 0x1234_5678_9abc_def0n });
const responder = ca.issueResponder({ subject: 'O=Example, CN=OCSP responder' });

// The client asks.
const request = new OCSPRequestBuilder()
  .addCertificate(server.certificate, ca.certificate, HashAlgorithm.SHA256)
  .addExtension(new OCSPNonce(Buffer.from('a nonce of thirty-two octets ...')), false)
  .build();
console.log('The request:', request, '\n');

// The responder reads the request and answers.
const asked = loadDerOcspRequest(request.publicBytes());
const now = new Date();
const response = new OCSPResponseBuilder()
  .addResponseByHash({
    issuerNameHash: asked.issuerNameHash,
    issuerKeyHash: asked.issuerKeyHash,
    serialNumber: asked.serialNumber,
    algorithm: asked.hashAlgorithm,
    certStatus: OCSPCertStatus.GOOD,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 12 * HOUR),
  })
  .addExtension(asked.extensions.getExtensionForClass(OCSPNonce).value, false)
  .responderId(OCSPResponderEncoding.HASH, responder.certificate)
  .certificates([responder.certificate])
  .sign(responder.privateKey, HashAlgorithm.SHA256);

// The client reads the answer.
const answer = loadDerOcspResponse(response.publicBytes());
console.log('The response:', answer, '\n');

checkWithOpenssl();

/** The openssl command, where there is one, checks signature, chain and status. */
function checkWithOpenssl() {
  const directory = mkdtempSync(join(tmpdir(), 'openssl-ocsp-'));
  const file = (name, content) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const args = [
    'ocsp',
    ...['-respin', file('response.der', response.publicBytes()), '-no_nonce'],
    ...['-issuer', file('ca.pem', ca.certificatePem), '-sha256', '-cert', file('server.pem', server.certificatePem)],
    ...['-CAfile', join(directory, 'ca.pem')],
  ];
  try {
    const output = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    console.log(`The openssl command says:\n${output}`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw new Error(`the openssl command disagrees: ${error.stderr}`);
    console.log('There is no openssl command here to check the answer with.');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
