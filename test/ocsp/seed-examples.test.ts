import { X509Certificate } from 'node:crypto';
import test from 'ava';
import {
  Encoding,
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  OCSPResponseStatus,
} from 'openssl-ocsp';
import { verifies } from '../helpers/fixtures.js';
import { vector, vectorText } from '../helpers/vectors.js';

// The worked examples of pyca/cryptography's documentation, with its data.
const cert = vectorText('reference/seed/pem_cert.pem');
const issuer = vectorText('reference/seed/pem_issuer.pem');
const responderCert = vectorText('reference/seed/pem_responder_cert.pem');
const responderKey = vectorText('reference/seed/pem_responder_key.pem');

test('loading a request', (t) => {
  const request = loadDerOcspRequest(vector('reference/seed/der_ocsp_req.der'));
  t.is(request.serialNumber, 872625873161273451176241581705670534707360122361n);
});

test('building a request', (t) => {
  const request = new OCSPRequestBuilder().addCertificate(cert, issuer, HashAlgorithm.SHA1).build();
  t.is(
    request.publicBytes(Encoding.DER).toString('base64'),
    'MEMwQTA/MD0wOzAJBgUrDgMCGgUABBRAC0Z68eay0wmDug1gfn5ZN0gkxAQUw5zz/NNGCDS7zkZ/oHxb8+IIy1kCAj8g',
  );
});

test('loading a response', (t) => {
  const response = loadDerOcspResponse(vector('reference/seed/der_ocsp_resp_unauth.der'));
  t.is(response.responseStatus, OCSPResponseStatus.UNAUTHORIZED);
  t.is(OCSPResponseStatus[response.responseStatus], 'UNAUTHORIZED');
});

test('building a response', (t) => {
  const response = new OCSPResponseBuilder()
    .addResponse({
      cert: new X509Certificate(cert),
      issuer: new X509Certificate(issuer),
      algorithm: HashAlgorithm.SHA1,
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: new Date(),
      nextUpdate: new Date(),
      revocationTime: null,
      revocationReason: null,
    })
    .responderId(OCSPResponderEncoding.HASH, responderCert)
    .sign(responderKey, HashAlgorithm.SHA256);
  t.is(response.certificateStatus, OCSPCertStatus.GOOD);
  t.true(verifies(response, new X509Certificate(responderCert).publicKey));
});

test('building an unsuccessful response', (t) => {
  const response = OCSPResponseBuilder.buildUnsuccessful(OCSPResponseStatus.UNAUTHORIZED);
  t.is(response.responseStatus, OCSPResponseStatus.UNAUTHORIZED);
  t.deepEqual(response.publicBytes(), vector('reference/seed/der_ocsp_resp_unauth.der'));
});
