import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import test from 'ava';
import * as ocsp from 'openssl-ocsp';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequest,
  OCSPRequestBuilder,
  OCSPRequestEntry,
  OCSPResponderEncoding,
  OCSPResponse,
  OCSPResponseBuilder,
  OCSPSingleResponse,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { DNSName } from 'openssl-ocsp/x509';
import { answer, cert, certId, goldenRequest, issuer, responseBuilder, rootKey, times } from '../helpers/fixtures.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const { SHA1, SHA256 } = HashAlgorithm;

const notBytes = [
  'text',
  5,
  5n,
  true,
  null,
  undefined,
  {},
  [1, 2],
  new ArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Uint16Array(4),
  Symbol('x'),
  () => 1,
];

test('loaders: what is no Uint8Array', (t) => {
  for (const value of notBytes) {
    refusesType(t, () => loadDerOcspRequest(wrong(value)));
    refusesType(t, () => loadDerOcspResponse(wrong(value)));
  }
  refusesType(t, () => wrong<() => void>(loadDerOcspRequest)());
});

test('loaders: what are no options', (t) => {
  for (const options of [null, 5, 'strict', { strict: 1 }, { strict: null }, { strict: 'false' }]) {
    refusesType(t, () => loadDerOcspRequest(goldenRequest, wrong(options)));
    refusesType(t, () => loadDerOcspResponse(Buffer.from('30030a0106', 'hex'), wrong(options)));
  }
  t.notThrows(() => loadDerOcspRequest(goldenRequest, {}));
  t.notThrows(() => loadDerOcspRequest(goldenRequest, undefined));
});

test('request builder: wrong types of every argument', (t) => {
  const builder = new OCSPRequestBuilder();
  const { issuerNameHash, issuerKeyHash } = certId;
  for (const value of notBytes) {
    if (typeof value !== 'string') {
      refusesType(t, () => builder.addCertificate(wrong(value), issuer, SHA1));
      refusesType(t, () => builder.addCertificate(cert, wrong(value), SHA1));
      refusesType(t, () => builder.addCertificate(cert, issuer, wrong(value)));
      refusesType(t, () => builder.addCertificateByHash(issuerNameHash, issuerKeyHash, 1n, wrong(value)));
      if (typeof value !== 'bigint' && typeof value !== 'number') {
        refusesType(t, () => builder.addCertificateByHash(issuerNameHash, issuerKeyHash, wrong(value), SHA1));
      }
    }
    refusesType(t, () => builder.addCertificateByHash(wrong(value), issuerKeyHash, 1n, SHA1));
    refusesType(t, () => builder.addCertificateByHash(issuerNameHash, wrong(value), 1n, SHA1));
    refusesType(t, () => builder.addExtension(wrong(value), false));
    if (typeof value !== 'boolean')
      refusesType(t, () => builder.addExtension(new OCSPNonce(Buffer.alloc(1)), wrong(value)));
  }
});

test('response builder: wrong types of every argument', (t) => {
  const builder = new OCSPResponseBuilder();
  const byHash = { ...certId, algorithm: SHA1, certStatus: OCSPCertStatus.GOOD, thisUpdate: times.thisUpdate };
  const isAbsent = (value: unknown) => value === null || value === undefined;
  for (const value of notBytes) {
    if (typeof value !== 'string') {
      refusesType(t, () => builder.addResponse(answer({ cert: wrong(value) })));
      refusesType(t, () => builder.addResponse(answer({ issuer: wrong(value) })));
      refusesType(t, () => builder.addResponse(answer({ algorithm: wrong(value) })));
      refusesType(t, () => builder.responderId(OCSPResponderEncoding.HASH, wrong(value)));
      refusesType(t, () => builder.responderId(wrong(value), cert));
      if (!isAbsent(value)) {
        const revoked = { certStatus: OCSPCertStatus.REVOKED, revocationTime: times.revocationTime };
        refusesType(t, () => builder.addResponse(answer({ ...revoked, revocationReason: wrong(value) })));
      }
    }
    if (typeof value !== 'number') {
      refusesType(t, () => builder.addResponse(answer({ certStatus: wrong(value) })));
      refusesType(t, () => OCSPResponseBuilder.buildUnsuccessful(wrong(value)));
    }
    refusesType(t, () => builder.addResponse(answer({ thisUpdate: wrong(value) })));
    if (!isAbsent(value)) refusesType(t, () => builder.addResponse(answer({ nextUpdate: wrong(value) })));
    refusesType(t, () =>
      builder.addResponse(answer({ certStatus: OCSPCertStatus.REVOKED, revocationTime: wrong(value) })),
    );
    refusesType(t, () => builder.addResponseByHash({ ...byHash, issuerNameHash: wrong(value) }));
    refusesType(t, () => builder.addResponseByHash({ ...byHash, issuerKeyHash: wrong(value) }));
    refusesType(t, () => builder.producedAt(wrong(value)));
    refusesType(t, () => builder.addExtension(wrong(value), false));
    refusesType(t, () => builder.certificates(wrong(value)));
    refusesType(t, () => builder.addResponse(wrong(value)), 'one argument that is no object of arguments');
    refusesType(t, () => builder.addResponseByHash(wrong(value)));
  }
  refusesType(t, () => wrong<() => void>(builder.addResponse.bind(builder))());
});

test('sign: wrong types of every argument', (t) => {
  const builder = responseBuilder();
  for (const value of [5, 5n, true, null, undefined, {}, Symbol('x'), () => 1]) {
    refusesType(t, () => builder.sign(wrong(value), SHA256));
  }
  for (const value of [5, true, undefined, {}, Symbol('x'), [SHA256]]) {
    refusesType(t, () => builder.sign(rootKey, wrong(value)));
  }
  for (const options of [5, 'pss', null, { rsaPadding: 5 }, { saltLength: '32' }, { rsaPadding: null }]) {
    refusesType(t, () => builder.sign(rootKey, SHA256, wrong(options)));
  }
  for (const options of [
    { rsaPadding: 'oaep' },
    { rsaPadding: 'pss', saltLength: -1 },
    { rsaPadding: 'pss', saltLength: 0.5 },
  ]) {
    const rsa = createTestCa({ keyType: 'rsa' });
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () =>
      responseBuilder({}, rsa.certificate).sign(rsa.privateKey, SHA256, wrong(options)),
    );
  }
});

test('signAsync rejects what sign throws', async (t) => {
  const builder = responseBuilder();
  await t.throwsAsync(builder.signAsync(wrong(null), SHA256), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(builder.signAsync(rootKey, wrong('md5')), { code: 'ERR_OCSP_UNSUPPORTED_ALGORITHM' });
  await t.throwsAsync(builder.signAsync(rootKey, null), { code: 'ERR_OCSP_INVALID_VALUE' });
  await t.throwsAsync(new OCSPResponseBuilder().signAsync(rootKey, SHA256), { code: 'ERR_OCSP_INVALID_VALUE' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await t.throwsAsync(builder.signAsync(privateKey, SHA256), { code: 'ERR_OCSP_KEY_MISMATCH' });
});

test('no constructor for what is loaded', (t) => {
  for (const type of [OCSPRequest, OCSPRequestEntry, OCSPResponse, OCSPSingleResponse]) {
    t.throws(() => new (wrong<new (...args: unknown[]) => object>(type))(), { instanceOf: TypeError }, type.name);
    t.throws(() => new (wrong<new (...args: unknown[]) => object>(type))(goldenRequest), { instanceOf: TypeError });
    t.throws(() => wrong<() => void>(type)(), { instanceOf: TypeError });
  }
});

const classes = [
  OCSPRequest,
  OCSPRequestEntry,
  OCSPResponse,
  OCSPSingleResponse,
  OCSPRequestBuilder,
  OCSPResponseBuilder,
];

/** Arguments that are right, so that only the receiver is wrong. */
const rightArguments: Record<string, unknown[]> = {
  addCertificate: [cert, issuer, SHA1],
  addCertificateByHash: [certId.issuerNameHash, certId.issuerKeyHash, 1n, SHA1],
  addExtension: [new OCSPNonce(Buffer.alloc(1)), false],
  addResponse: [answer()],
  addResponseByHash: [
    { ...certId, algorithm: SHA1, certStatus: OCSPCertStatus.GOOD, thisUpdate: times.thisUpdate, nextUpdate: null },
  ],
  certificates: [[cert]],
  responderId: [OCSPResponderEncoding.HASH, cert],
  producedAt: [new Date()],
  sign: [rootKey, SHA256],
};

for (const type of classes) {
  test(`wrong receivers: every getter and method of ${type.name}`, async (t) => {
    for (let proto = type.prototype as object; proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
      for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
        // equals of the common base class answers false; its own test is below.
        if (name === 'constructor' || name === 'equals' || (typeof value !== 'function' && get === undefined)) continue;
        const member = (get ?? value) as (...args: unknown[]) => unknown;
        for (const receiver of [{}, null, undefined, 5, type.prototype, Object.create(type.prototype), new Date()]) {
          const what = `${type.name}.${name} on ${Object.prototype.toString.call(receiver)}`;
          if (name.endsWith('Async')) {
            await t.throwsAsync(
              async () => Reflect.apply(member, receiver, name === 'signAsync' ? [rootKey, SHA256] : []),
              { instanceOf: TypeError },
              what,
            );
          } else {
            t.throws(
              () => Reflect.apply(member, receiver, rightArguments[name] ?? []),
              { instanceOf: TypeError },
              what,
            );
          }
        }
      }
    }
  });
}

test('equals takes anything', (t) => {
  const bytes = Buffer.from('0500', 'hex');
  const values = [
    loadDerOcspRequest(goldenRequest),
    loadDerOcspRequest(goldenRequest).requests[0]!,
    responseBuilder().sign(rootKey, SHA256),
    responseBuilder().sign(rootKey, SHA256).responses[0]!,
    new OCSPNonce(bytes),
    new ocsp.CRLReason('superseded'),
    new ocsp.InvalidityDate(new Date()),
    new ocsp.ArchiveCutoff(new Date()),
    new ocsp.OCSPAcceptableResponses(['1.2.3']),
    new ocsp.SignedCertificateTimestamps([]),
    new ocsp.CertificateIssuer([new DNSName('a')]),
    new ocsp.UnrecognizedExtension('1.2.3', bytes),
    new ocsp.Extension('1.2.3', false, new ocsp.UnrecognizedExtension('1.2.3', bytes)),
    new DNSName('a'),
    ocsp.Name.fromDer(Buffer.from('3000', 'hex')),
  ];
  for (const value of values) {
    const what = value.constructor.name;
    t.true(value.equals(value), what);
    const likeness = Object.create(Object.getPrototypeOf(value));
    for (const other of [...notBytes, likeness, Object.getPrototypeOf(value), Object.create(null)]) {
      t.notThrows(() => t.false(value.equals(other), what), what);
    }
  }
  t.true(values[2]?.equals(loadDerOcspResponse((values[2] as OCSPResponse).publicBytes())));
});

test('certificates that are none', (t) => {
  const truncated = cert.raw.subarray(0, 100);
  const fake = Object.create(X509Certificate.prototype) as X509Certificate;
  refuses(t, 'ERR_OCSP_MALFORMED', () => new OCSPRequestBuilder().addCertificate(truncated, issuer, SHA1));
  t.throws(() => new OCSPRequestBuilder().addCertificate(fake, issuer, SHA1), { instanceOf: TypeError });
  refuses(t, 'ERR_OCSP_MALFORMED', () =>
    new OCSPRequestBuilder().addCertificate(rootKey.export({ format: 'pem', type: 'pkcs8' }), issuer, SHA1),
  );
});

test('everything of the contract is exported', (t) => {
  for (const name of [
    'loadDerOcspRequest',
    'loadDerOcspResponse',
    'OCSPRequestBuilder',
    'OCSPResponseBuilder',
    'OCSPRequest',
    'OCSPRequestEntry',
    'OCSPResponse',
    'OCSPSingleResponse',
    'OCSPResponseStatus',
    'OCSPCertStatus',
    'OCSPResponderEncoding',
    'ReasonFlags',
    'Encoding',
    'HashAlgorithm',
    'Extensions',
    'Extension',
    'OCSPNonce',
    'OCSPAcceptableResponses',
    'OCSPNoCheck',
    'SignedCertificateTimestamps',
    'CRLReason',
    'InvalidityDate',
    'CertificateIssuer',
    'ArchiveCutoff',
    'CrlID',
    'ServiceLocator',
    'PreferredSignatureAlgorithms',
    'ExtendedRevoke',
    'UnrecognizedExtension',
    'Name',
    'OCSPError',
    'SignatureAlgorithmOID',
    'CtVersion',
    'LogEntryType',
    'CtSignatureAlgorithm',
    'opensslInfo',
  ]) {
    t.true(name in ocsp, name);
  }
});
