import { inspect } from 'node:util';
import test from 'ava';
import {
  CtSignatureAlgorithm,
  CtVersion,
  HashAlgorithm,
  LogEntryType,
  loadDerOcspResponse,
  SignedCertificateTimestamps,
} from 'openssl-ocsp';
import { refusesType, wrong } from '../helpers/refusals.js';
import { referenceOcsp } from '../helpers/vectors.js';

function scts(): SignedCertificateTimestamps {
  const response = loadDerOcspResponse(referenceOcsp('resp-sct-extension'));
  return response.singleExtensions.getExtensionForClass(SignedCertificateTimestamps).value;
}

test('the list takes timestamps only', (t) => {
  for (const value of [[{}], [null], ['x'], null, undefined, 5]) {
    refusesType(t, () => new SignedCertificateTimestamps(wrong(value)));
  }
});

test('inspect says what it is', (t) => {
  t.regex(inspect(new SignedCertificateTimestamps([])), /SignedCertificateTimestamps/);
  t.regex(inspect(scts()), /SignedCertificateTimestamps/);
});

test('equality', (t) => {
  t.true(scts().equals(scts()));
  t.false(scts().equals(new SignedCertificateTimestamps([])));
  t.false(scts().equals({}));
  t.true(new SignedCertificateTimestamps([...scts()]).equals(scts()));
  t.false(new SignedCertificateTimestamps([...scts()].reverse()).equals(scts()));
});

test('the fields of a timestamp', (t) => {
  t.is(scts().length, 4);
  const [first, second] = scts();
  t.is(first?.version, CtVersion.v1);
  t.is(first?.entryType, LogEntryType.X509_CERTIFICATE);
  t.is(first?.logId.toString('hex'), '4494652eb0eeceafc44007d8a8fe28c0dae682bed8cb31b53fd33396b5b681a8');
  t.is(first?.timestamp.toISOString(), '2019-11-15T15:51:33.992Z', 'milliseconds are kept');
  t.is(first?.signatureHashAlgorithm, HashAlgorithm.SHA256);
  t.is(first?.signatureAlgorithm, CtSignatureAlgorithm.ECDSA);
  t.regex(first?.signature.toString('hex') ?? '', /^3046022100a07d4aa7b159b41550d7955912fba1/);
  t.is(first?.extensionBytes.length, 0);
  t.false(first?.equals(second));
  const [again] = scts();
  t.true(first?.equals(again));
});

test('numbers of the enums', (t) => {
  t.is(CtVersion.v1, 0);
  t.deepEqual([LogEntryType.X509_CERTIFICATE, LogEntryType.PRE_CERTIFICATE], [0, 1]);
  const { ANONYMOUS, RSA, DSA, ECDSA } = CtSignatureAlgorithm;
  t.deepEqual([ANONYMOUS, RSA, DSA, ECDSA], [0, 1, 2, 3]);
});

test('an empty list', (t) => {
  t.is(new SignedCertificateTimestamps([]).publicBytes().toString('hex'), '04020000');
});

test('comes out as it went in', (t) => {
  const bytes = scts().publicBytes();
  t.true(referenceOcsp('resp-sct-extension').includes(bytes));
  t.is(bytes.length, 490);
});
