import { createPublicKey } from 'node:crypto';
import test from 'ava';
import { HashAlgorithm, OCSPCertStatus, ReasonFlags, SignatureAlgorithmOID } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { certId, responseBuilder, times, verifies } from '../helpers/fixtures.js';
import { refuses } from '../helpers/refusals.js';

const revoked = {
  certStatus: OCSPCertStatus.REVOKED,
  revocationTime: times.revocationTime,
  revocationReason: ReasonFlags.keyCompromise,
};

for (const keyType of ['ed25519', 'ed448'] as const) {
  const responder = createTestCa({ keyType });

  test(`${keyType} takes no hash`, (t) => {
    const builder = responseBuilder(revoked, responder.certificate);
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.sign(responder.privateKey, HashAlgorithm.SHA256));
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.sign(responder.privateKey, 'sha3-512'));
  });

  test(`${keyType} signs`, (t) => {
    const response = responseBuilder(revoked, responder.certificate).sign(responder.privateKey, null);
    t.is(response.certificateStatus, OCSPCertStatus.REVOKED);
    t.deepEqual(response.revocationTime, times.revocationTime);
    t.is(response.revocationReason, ReasonFlags.keyCompromise);
    t.deepEqual(response.thisUpdate, times.thisUpdate);
    t.deepEqual(response.nextUpdate, times.nextUpdate);
    t.is(response.serialNumber, certId.serialNumber);
    t.is(response.signatureHashAlgorithm, null);
    t.is(
      response.signatureAlgorithmOid,
      keyType === 'ed25519' ? SignatureAlgorithmOID.ED25519 : SignatureAlgorithmOID.ED448,
    );
    t.is(response.signature.length, keyType === 'ed25519' ? 64 : 114);
    t.true(verifies(response, createPublicKey(responder.privateKey)));
  });
}
