// Run by test/packed/main.mjs in a folder that holds nothing but the installed package.
const assert = require('node:assert/strict');
const { OCSPResponseBuilder, OCSPResponseStatus, loadDerOcspResponse } = require('openssl-ocsp');
require('openssl-ocsp/testing');

const refusal = OCSPResponseBuilder.buildUnsuccessful(OCSPResponseStatus.UNAUTHORIZED);
assert.deepEqual([...refusal.publicBytes()], [0x30, 0x03, 0x0a, 0x01, 0x06]);
assert.equal(loadDerOcspResponse(refusal.publicBytes()).responseStatus, OCSPResponseStatus.UNAUTHORIZED);
assert.match(require('openssl-ocsp/package.json').version, /^\d+\.\d+\.\d+/);
console.log('require(): works');
