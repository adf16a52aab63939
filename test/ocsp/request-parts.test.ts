import test from 'ava';
import {
  Extension,
  loadDerOcspRequest,
  Name,
  OCSPRequestBuilder,
  ServiceLocator,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { DirectoryName, DNSName } from 'openssl-ocsp/x509';
import { withCli } from '../helpers/conditional.js';
import * as der from '../helpers/der.js';
import { cert, certId, goldenRequest, issuer, root } from '../helpers/fixtures.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

// What the reference has no way to write: requestorName and singleRequestExtensions.
const builder = new OCSPRequestBuilder().addCertificate(cert, issuer, 'sha1');
const opaque = (oid: string, critical = false) =>
  new Extension(oid, critical, new UnrecognizedExtension(oid, der.hex('0500')));

test('requestorName: DER as RFC 6960 section 4.1.1 has it', (t) => {
  const request = builder.requestorName(new DNSName('a.b')).build();
  // TBSRequest begins with [1] EXPLICIT GeneralName; the rest is as without.
  t.is(request.publicBytes().toString('hex'), `304a3048a1058203612e62${goldenRequest.subarray(4).toString('hex')}`);
  t.true(request.requestorName?.equals(new DNSName('a.b')));
  t.is(builder.build().requestorName, null);
});

test('requestorName: a directory name', (t) => {
  const name = new DirectoryName(Name.fromDer(subjectOf(root.certificate.raw)));
  const request = loadDerOcspRequest(builder.requestorName(name).build().publicBytes());
  t.true(request.requestorName?.equals(name));
});

test('requestorName: refusals', (t) => {
  for (const value of [null, undefined, 'a.b', {}, Buffer.from('a'), Name.fromDer(der.hex('3000'))]) {
    refusesType(t, () => builder.requestorName(wrong(value)));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.requestorName(new DNSName('a')).requestorName(new DNSName('b')));
});

test('singleRequestExtensions: of each entry alone', (t) => {
  const { issuerNameHash, issuerKeyHash } = certId;
  const built = new OCSPRequestBuilder()
    .addCertificate(cert, issuer, 'sha1', [opaque('1.2.3', true), opaque('1.2.4')])
    .addCertificateByHash(issuerNameHash, issuerKeyHash, 5n, 'sha1', new Set([opaque('1.2.5')]))
    .addCertificateByHash(issuerNameHash, issuerKeyHash, 6n, 'sha1')
    .build();
  for (const request of [built, loadDerOcspRequest(built.publicBytes())]) {
    t.deepEqual(
      request.requests.map(({ extensions }) => [...extensions].map(({ oid, critical }) => [oid, critical])),
      [
        [
          ['1.2.3', true],
          ['1.2.4', false],
        ],
        [['1.2.5', false]],
        [],
      ],
    );
    t.is(request.extensions.length, 0);
  }
});

test('singleRequestExtensions: a service locator is read as one', (t) => {
  const bytes = der.hex(
    '306b3050310b3009060355040613025553310c300a060355040a0c036f7267310d300b060355040b0c047465737431123010060355040b0c09746573742d646565703110300e06035504030c07736572766963653017301506082b0601050507300182096c6f63616c686f7374',
  );
  const extensions = der.sequence(der.extension(der.hex('06092b0601050507300107'), bytes));
  const [entry] = loadDerOcspRequest(der.request(der.requestEntry(1n, extensions))).requests;
  const { value } = entry!.extensions.getExtensionForClass(ServiceLocator);
  t.is(value.issuer.rfc4514String(), 'CN=service,OU=test-deep,OU=test,O=org,C=US');
  t.deepEqual(value.publicBytes(), bytes);
});

test('singleRequestExtensions: refusals', (t) => {
  const add = (extensions: unknown) => () => builder.addCertificate(cert, issuer, 'sha1', wrong(extensions));
  for (const value of [5, 'x', {}, [5], [null], [new UnrecognizedExtension('1.2.3', Buffer.alloc(1))]]) {
    refusesType(t, add(value));
  }
  t.is(refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', add([opaque('1.2.3'), opaque('1.2.3')]))?.oid, '1.2.3');
  t.deepEqual(
    builder.build().publicBytes(),
    new OCSPRequestBuilder().addCertificate(cert, issuer, 'sha1', []).build().publicBytes(),
  );
});

withCli('openssl ocsp reads both', (t) => {
  using scratch = new Scratch();
  const request = new OCSPRequestBuilder()
    .addCertificate(cert, issuer, 'sha1', [opaque('1.2.3')])
    .requestorName(new DNSName('requestor.example'))
    .build();
  const { stdout } = openssl(['ocsp', '-reqin', scratch.write('r.der', request.publicBytes()), '-req_text']);
  t.regex(stdout, /Requestor Name: DNS:requestor\.example/);
  t.regex(stdout, /Request Single Extensions:\s+1\.2\.3:/);
});

/** The subject of a self-signed certificate of this test suite: the Name before the public key. */
function subjectOf(certificate: Buffer): Buffer {
  const name = der.hex('3027310b3009060355040613025553311830160603550403');
  const at = certificate.indexOf(name);
  return certificate.subarray(at, at + 2 + 0x27);
}
