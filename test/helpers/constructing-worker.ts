/** A worker that makes objects of the native classes without end. */
import { parentPort } from 'node:worker_threads';
import { Verifier } from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const { certificate, privateKey } = kit.ca;
// Certificates as bytes and keys as PEM are new objects each time.
const [trust, issuer] = [kit.root.certificate.raw, certificate.raw];
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });

parentPort?.postMessage('begins');
for (;;) {
  new Verifier({ trust: [trust] });
  new ResponseSigner({ issuer, responder: issuer, privateKey: pem });
}
