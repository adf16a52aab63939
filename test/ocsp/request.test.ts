import test from 'ava';
import {
  Encoding,
  HashAlgorithm,
  loadDerOcspRequest,
  OCSPAcceptableResponses,
  OCSPNonce,
  OCSPRequest,
  OCSPRequestEntry,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import * as der from '../helpers/der.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { referenceOcsp } from '../helpers/vectors.js';
import { differs } from './deliberate-differences.js';

test('bytes that are no request', (t) => {
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(Buffer.from('invalid')));
});

test('the CertID of a real request', (t) => {
  const request = loadDerOcspRequest(referenceOcsp('req-sha1'));
  t.true(request instanceof OCSPRequest);
  t.is(request.issuerNameHash.toString('hex'), '38ca468c07448df48196c76d6d4c70519e60a7bd');
  t.is(request.issuerKeyHash.toString('hex'), '7975bb843acb2cde7a09be311b43bc1c2a4d5358');
  t.is(request.hashAlgorithm, HashAlgorithm.SHA1);
  t.is(request.serialNumber, 0x98d9e5c0b4c373552df77c5d0f1eb5128e4945f9n);
  t.is(request.extensions.length, 0);
});

test('a nonce', (t) => {
  const { extensions } = loadDerOcspRequest(referenceOcsp('req-ext-nonce'));
  t.is(extensions.length, 1);
  const [extension] = extensions;
  t.false(extension?.critical);
  t.true(extension?.value instanceof OCSPNonce);
  t.true(extension?.value.equals(new OCSPNonce(der.hex('7b805a1d3726b8b84f48d2f8bfd72dfd'))));
  t.deepEqual(extensions.getExtensionForClass(OCSPNonce).value.nonce, der.hex('7b805a1d3726b8b84f48d2f8bfd72dfd'));
});

test('acceptable responses', (t) => {
  const { extensions } = loadDerOcspRequest(referenceOcsp('req-acceptable-responses'));
  t.is(extensions.length, 1);
  const [extension] = extensions;
  t.false(extension?.critical);
  t.true(extension?.value.equals(new OCSPAcceptableResponses(['1.3.6.1.5.5.7.48.1.1'])));
});

test('an extension of unknown type', (t) => {
  const { extensions } = loadDerOcspRequest(referenceOcsp('req-ext-unknown-oid'));
  t.is(extensions.length, 1);
  const [extension] = extensions;
  t.false(extension?.critical);
  const expected = new UnrecognizedExtension(
    '1.3.6.1.5.5.7.48.1.2213',
    der.hex('04107b805a1d3726b8b84f48d2f8bfd72dfd'),
  );
  t.true(extension?.value.equals(expected));
});

test('the same extension twice: loads, the list throws', (t) => {
  const request = loadDerOcspRequest(referenceOcsp('req-duplicate-ext'));
  const error = refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', () => request.extensions);
  t.is(error?.oid, '1.3.6.1.5.5.7.48.1.2');
  refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', () => request.extensions, 'and again');
});

test(`two requests ${differs('severalEntries')}`, (t) => {
  const request = loadDerOcspRequest(referenceOcsp('req-multi-sha1'));
  t.true(Array.isArray(request.requests));
  t.is(request.requests.length, 2);
  for (const entry of request.requests) {
    t.true(entry instanceof OCSPRequestEntry);
    t.is(entry.hashAlgorithm, HashAlgorithm.SHA1);
    t.is(entry.issuerKeyHash.length, 20);
    t.is(entry.issuerNameHash.length, 20);
    t.is(entry.extensions.length, 0);
    t.is(typeof entry.serialNumber, 'bigint');
  }
  for (const member of ['issuerNameHash', 'issuerKeyHash', 'hashAlgorithm', 'serialNumber'] as const) {
    refuses(t, 'ERR_OCSP_NOT_SINGLE', () => request[member], member);
  }
  t.is(request.extensions.length, 0, 'the request has its extensions whatever the number of entries');
});

test(`no request at all ${differs('severalEntries')}`, (t) => {
  const bytes = der.request();
  const request = loadDerOcspRequest(bytes);
  t.deepEqual(request.requests, []);
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => request.serialNumber);
  t.deepEqual(request.publicBytes(), bytes);
});

test('a CertID by an unknown hash: loads, the member throws', (t) => {
  const request = loadDerOcspRequest(referenceOcsp('req-invalid-hash-alg'));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => request.hashAlgorithm);
  t.is(request.issuerKeyHash.toString('hex'), '7975bb843acb2cde7a09be311b43bc1c', 'the rest is read all the same');
  t.is(request.serialNumber, 872625873161273451176241581705670534707360122361n);
});

test('comes out as it went in', (t) => {
  const bytes = referenceOcsp('req-sha1');
  t.deepEqual(loadDerOcspRequest(bytes).publicBytes(Encoding.DER), bytes);
  t.deepEqual(loadDerOcspRequest(bytes).publicBytes(), bytes);
});

test(`an encoding other than DER ${differs('enumsAreValues')}`, (t) => {
  const request = loadDerOcspRequest(referenceOcsp('req-sha1'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => request.publicBytes(Encoding.PEM));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => request.publicBytes(wrong('invalid')));
  refusesType(t, () => request.publicBytes(wrong(1)));
});

test('an unsupported version', (t) => {
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(reconstructed()));
  function reconstructed(): Buffer {
    return der.sequence(der.sequence(der.hex('a003020101'), der.sequence(der.requestEntry())));
  }
});

test('requestor name and single request extensions are kept', (t) => {
  const nonce = der.sequence(der.extension(der.hex('06092b0601050507300102'), der.hex('0403616263')));
  const bytes = der.sequence(
    der.sequence(der.hex('a1058203612e62'), der.sequence(der.requestEntry(5n, nonce), der.requestEntry(6n))),
  );
  const request = loadDerOcspRequest(bytes);
  t.deepEqual(
    request.requests.map(({ serialNumber }) => serialNumber),
    [5n, 6n],
  );
  t.is(request.requests[0]?.extensions.length, 1);
  t.is(request.requests[1]?.extensions.length, 0);
  t.is(request.extensions.length, 0);
  t.deepEqual(request.publicBytes(), bytes);
});
