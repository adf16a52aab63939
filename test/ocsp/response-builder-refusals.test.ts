import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import {
  CRLReason,
  Extension,
  HashAlgorithm,
  OCSPCertStatus,
  OCSPNonce,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  OCSPResponseStatus,
  ReasonFlags,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { answer, cert, certId, issuer, responseBuilder, root, rootKey, times } from '../helpers/fixtures.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { differs } from './deliberate-differences.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const { HASH, NAME } = OCSPResponderEncoding;
const { SHA1, SHA256 } = HashAlgorithm;
const revoked = { certStatus: REVOKED, revocationTime: times.revocationTime };

test(`arguments of addResponse ${differs('unknownHashIsUnsupported')} ${differs('enumsAreValues')} ${differs('certificatesFromBytes')}`, (t) => {
  const add = (changes: Record<string, unknown>) => () => new OCSPResponseBuilder().addResponse(answer(changes));
  refuses(t, 'ERR_OCSP_MALFORMED', add({ cert: 'bad' }));
  refuses(t, 'ERR_OCSP_MALFORMED', add({ issuer: 'bad' }));
  refusesType(t, add({ cert: null }));
  refusesType(t, add({ issuer: {} }));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', add({ algorithm: 'notahash' }));
  refusesType(t, add({ algorithm: null }));
  refusesType(t, add({ thisUpdate: 'bad' }));
  refusesType(t, add({ thisUpdate: null }));
  refusesType(t, add({ thisUpdate: undefined }));
  refusesType(t, add({ thisUpdate: Date.now() }));
  refusesType(t, add({ nextUpdate: 'bad' }));
  t.notThrows(add({ certStatus: 0 }));
  refusesType(t, add({ certStatus: 'GOOD' }));
  refusesType(t, add({ certStatus: null }));
  for (const certStatus of [3, -1, 0.5, Number.NaN]) refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ certStatus }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ revocationTime: times.revocationTime }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ revocationReason: ReasonFlags.superseded }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ certStatus: UNKNOWN, revocationTime: times.revocationTime }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ certStatus: UNKNOWN, revocationReason: ReasonFlags.superseded }));
  refusesType(t, add({ certStatus: REVOKED, revocationTime: null }));
  refusesType(t, add({ certStatus: REVOKED }));
  refusesType(t, add({ certStatus: REVOKED, revocationTime: 'bad' }));
  refusesType(t, add({ ...revoked, revocationReason: 0 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ ...revoked, revocationReason: 'key_compromise' }));
  for (const name of ['thisUpdate', 'nextUpdate']) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ [name]: new Date(Number.NaN) }), name);
    refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ [name]: new Date('+010000-01-01T00:00:00Z') }), name);
    refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ [name]: new Date('0000-12-31T23:59:59Z') }), name);
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ certStatus: REVOKED, revocationTime: new Date(Number.NaN) }));
});

test('the list of certificates', (t) => {
  const builder = new OCSPResponseBuilder();
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.certificates([]));
  refuses(t, 'ERR_OCSP_MALFORMED', () => builder.certificates(['notacert']));
  refusesType(t, () => builder.certificates(wrong('invalid')), 'a string is no list');
  for (const value of [null, undefined, 5, {}, [5], [null], [{}], Buffer.from('abc')]) {
    refusesType(t, () => builder.certificates(wrong(value)));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.certificates([issuer]).certificates([issuer]));
});

test(`the responder id ${differs('enumsAreValues')}`, (t) => {
  const builder = new OCSPResponseBuilder();
  refusesType(t, () => builder.responderId(HASH, wrong(null)));
  refusesType(t, () => builder.responderId(HASH, wrong({})));
  refuses(t, 'ERR_OCSP_MALFORMED', () => builder.responderId(HASH, 'notacert'));
  refusesType(t, () => builder.responderId(wrong(1), cert));
  refusesType(t, () => builder.responderId(wrong(null), cert));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.responderId(wrong('notanenum'), cert));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.responderId(NAME, cert).responderId(NAME, cert));
});

test(`what is no extension ${differs('onlyOwnExtensionClasses')}`, (t) => {
  class Dummy {
    readonly oid = '1.2.3.4';
  }
  for (const value of ['notanextension', null, new Dummy()]) {
    refusesType(t, () => responseBuilder().addExtension(wrong(value), false));
  }
  for (const singleExtensions of ['x', 5, [new Dummy()], [new CRLReason(ReasonFlags.unspecified)], [null]]) {
    refusesType(t, () => responseBuilder({ singleExtensions: wrong(singleExtensions) }));
  }
});

test(`the same extension twice ${differs('duplicateExtensionCode')}`, (t) => {
  const builder = responseBuilder().addExtension(new OCSPNonce(Buffer.from('a')), false);
  const error = refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', () =>
    builder.addExtension(new OCSPNonce(Buffer.from('b')), false),
  );
  t.is(error?.oid, '1.3.6.1.5.5.7.48.1.2');
  const twice = new Extension('1.2.3', false, new UnrecognizedExtension('1.2.3', Buffer.from('x')));
  const single = refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', () =>
    responseBuilder({ singleExtensions: [twice, twice] }).sign(rootKey, SHA256),
  );
  t.is(single?.oid, '1.2.3');
});

test('sign without a response, without a responder id', (t) => {
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () =>
    new OCSPResponseBuilder().responderId(NAME, root.certificate).sign(rootKey, SHA256),
  );
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new OCSPResponseBuilder().addResponse(answer()).sign(rootKey, SHA256));
});

test(`hashes to sign with ${differs('unknownHashIsUnsupported')} ${differs('nullHashIsAValue')}`, (t) => {
  const builder = responseBuilder();
  for (const name of ['notahash', 'md5', 'sha1', 'sha512-256', 'blake2b512', 'sm3', 'SHA256', '']) {
    refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => builder.sign(rootKey, wrong(name)), name);
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.sign(rootKey, null));
  for (const value of [5, {}, undefined]) refusesType(t, () => builder.sign(rootKey, wrong(value)));
});

test('a key of another responder', (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => responseBuilder().sign(privateKey, SHA256));
  const ed25519 = generateKeyPairSync('ed25519');
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => responseBuilder().sign(ed25519.privateKey, null));
});

test(`statuses that are no failure ${differs('enumsAreValues')}`, (t) => {
  const build = (status: unknown) => () => OCSPResponseBuilder.buildUnsuccessful(wrong(status));
  for (const value of ['notastatus', null, undefined, {}, 1n]) refusesType(t, build(value));
  for (const value of [OCSPResponseStatus.SUCCESSFUL, 4, 7, -1, 1.5, Number.NaN]) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', build(value));
  }
});

test('what is no private key', (t) => {
  const builder = responseBuilder();
  for (const value of [{}, null, undefined, 5, Symbol('key')]) {
    refusesType(t, () => builder.sign(wrong(value), SHA256));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.sign(createPublicKey(rootKey), SHA256), 'a public KeyObject');
  refuses(t, 'ERR_OCSP_MALFORMED', () => builder.sign('not a key', SHA256));
  refuses(t, 'ERR_OCSP_MALFORMED', () => builder.sign(Buffer.from('not a key'), SHA256));
});

test(`arguments of addResponseByHash ${differs('unknownHashIsUnsupported')} ${differs('hexSerials')}`, (t) => {
  const add = (changes: Record<string, unknown>) => () =>
    new OCSPResponseBuilder().addResponseByHash(
      wrong({ ...certId, algorithm: SHA1, certStatus: GOOD, ...times, revocationTime: null, ...changes }),
    );
  t.notThrows(add({}));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', add({ algorithm: 'notahash' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ issuerNameHash: Buffer.alloc(19) }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ issuerKeyHash: Buffer.alloc(21) }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add({ serialNumber: 'notanint' }));
  refusesType(t, add({ serialNumber: wrong(true) }));
  for (const value of ['a'.repeat(20), null, undefined, [1], 5]) {
    refusesType(t, add({ issuerNameHash: value }));
    refusesType(t, add({ issuerKeyHash: value }));
  }
});
