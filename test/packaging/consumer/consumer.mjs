// Run by test/packed/main.mjs in a folder that holds nothing but the installed package.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as ocsp from 'openssl-ocsp';
import * as testing from 'openssl-ocsp/testing';

const hash = new Uint8Array(20).fill(7);
const request = new ocsp.OCSPRequestBuilder()
  .addCertificateByHash(hash, hash, 0x1234n, ocsp.HashAlgorithm.SHA1)
  .build();
const again = ocsp.loadDerOcspRequest(request.publicBytes());
assert.equal(again.serialNumber, 0x1234n);
assert.deepEqual([...again.issuerKeyHash], [...hash]);

const refusal = ocsp.OCSPResponseBuilder.buildUnsuccessful(ocsp.OCSPResponseStatus.TRY_LATER);
assert.equal(ocsp.loadDerOcspResponse(refusal.publicBytes()).responseStatus, ocsp.OCSPResponseStatus.TRY_LATER);
assert.throws(() => ocsp.loadDerOcspRequest(new Uint8Array(3)), { name: 'OCSPError', code: 'ERR_OCSP_MALFORMED' });

// Signed and verified by the OpenSSL of this host.
const ca = testing.createTestCa();
const { certificate } = ca.issue();
const entries = [{ certificate, issuer: ca.certificate }];
const answer = testing.buildTestResponse({ entries, signer: ca });
assert.equal(ocsp.verifyOcspResponse(answer, { certificate, issuer: ca.certificate }).status, 'good');
answer[answer.length - 1] ^= 1; // The end of the signature.
assert.notEqual(ocsp.verifyOcspResponse(answer, { certificate, issuer: ca.certificate }).status, 'good');

// One copy of the library, however it is loaded: two would not recognise each other's objects.
const required = createRequire(import.meta.url)('openssl-ocsp');
assert.equal(required.OCSPRequest, ocsp.OCSPRequest);
assert.ok(Object.keys(testing).length > 0);
assert.ok(!('default' in ocsp), 'named exports only');

// `npm run build` of a stranger's machine was not needed: the binary came along.
const loaded = process.report.getReport().sharedObjects.filter((file) => file.includes('openssl-ocsp'));
assert.equal(loaded.length, 1);
assert.match(loaded[0], /prebuilds/);
console.log('ES module: works');
