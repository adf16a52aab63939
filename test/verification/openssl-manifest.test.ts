// OpenSSL's own test vectors for verification (test/recipes/80-test_ocsp.t, test/ocspapitest.c), every case of them.
import { fileURLToPath } from 'node:url';
import test from 'ava';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  type Name,
  OCSPCertStatus,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  type PathFlag,
  ServiceLocator,
} from 'openssl-ocsp';
import { AuthorityInformationAccessOID, UniformResourceIdentifier } from 'openssl-ocsp/x509';
import { base64Vector, vectorJson, vectorText } from '../helpers/vectors.js';

interface Case {
  id: string;
  kind: 'verify' | 'api' | 'cli';
  response_file: string;
  CAfile: string;
  verify_other: string | null;
  issuer: string | null;
  attime: number;
  x509_verify_flags: string[];
  ocsp_flags: string[];
  expected: string;
}

const cases = vectorJson<Case[]>('openssl/manifest.json');
const file = (name: string) => fileURLToPath(new URL(`../../../test/vectors/openssl/${name}`, import.meta.url));
const certificatesIn = (name: string) =>
  vectorText(`openssl/${name}`).match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];

const PATH_FLAGS: Record<string, PathFlag | 'partialChain'> = { X509_V_FLAG_PARTIAL_CHAIN: 'partialChain' };
const OCSP_FLAGS: Record<string, string> = { OCSP_NOCHECKS: 'noChecks' };

for (const item of cases.filter(({ kind }) => kind === 'verify')) {
  test(item.id, async (t) => {
    const response = loadDerOcspResponse(base64Vector(`openssl/${item.response_file}`));
    const options = {
      // The CLI's fallback to -issuer certificates is not part of OCSP_basic_verify.
      certificates: item.verify_other === null ? [] : certificatesIn(item.verify_other),
      trust: { caFile: file(item.CAfile) },
      at: new Date(item.attime * 1000),
      ...Object.fromEntries(item.x509_verify_flags.map((name) => [PATH_FLAGS[name] ?? t.fail(name), true])),
      ...Object.fromEntries(item.ocsp_flags.map((name) => [OCSP_FLAGS[name] ?? t.fail(name), true])),
    };
    const result = response.basicVerify(options);
    t.is(result.verified, item.expected === 'verify OK', String(result.error));
    t.is(result.reason === null, result.verified);
    t.is(result.error === null, result.verified);
    t.deepEqual(await response.basicVerifyAsync(options), result);
    if (result.verified && item.ocsp_flags.length === 0) {
      t.is(result.authority, /\bD\d/.test(item.id) ? 'delegate' : 'ca');
      t.is(result.chain[0]?.fingerprint256, result.signer?.fingerprint256);
    }
  });
}

test('every case is there', (t) => {
  const count = (kind: Case['kind']) => cases.filter((item) => item.kind === kind).length;
  // test_access_description (3 of the 6) is about freeing parts of C structs, which nothing here exposes.
  t.deepEqual([count('verify'), count('api'), count('cli')], [59, 6, 3]);
});

const certificate = vectorText('openssl/80-test_ocsp_data/cert.pem');
const key = vectorText('openssl/80-test_ocsp_data/key.pem');

for (const embedded of [false, true]) {
  test(`test_resp_signer${embedded ? '-embedded' : ''}`, (t) => {
    const now = new Date();
    const builder = new OCSPResponseBuilder()
      .addResponseByHash({
        issuerNameHash: Buffer.alloc(32, 1),
        issuerKeyHash: Buffer.alloc(32, 7),
        serialNumber: 1n,
        algorithm: 'sha256',
        certStatus: OCSPCertStatus.UNKNOWN,
        thisUpdate: now,
        nextUpdate: new Date(now.getTime() + 200_000),
        revocationTime: null,
        revocationReason: null,
      })
      .responderId(OCSPResponderEncoding.NAME, certificate);
    // The original signs with SHA-1, which this library does not.
    const response = (embedded ? builder.certificates([certificate]) : builder).sign(key, 'sha256');
    const signer = response.signer(embedded ? [] : [certificate]);
    t.is(signer?.toString().trim(), certificatesIn('80-test_ocsp_data/cert.pem')[0]?.trim());
    if (!embedded) t.is(response.signer(), null);
  });
}

test('test_ocsp_url_svcloc_new', (t) => {
  const named = new OCSPResponseBuilder()
    .addResponse(certificate, certificate, 'sha1', OCSPCertStatus.GOOD, new Date(), null, null, null)
    .responderId(OCSPResponderEncoding.NAME, certificate)
    .sign(key, 'sha256');
  const locator = ['www.openssl.org', 'www.openssl.net'].map((url) => ({
    accessMethod: AuthorityInformationAccessOID.OCSP,
    accessLocation: new UniformResourceIdentifier(url),
  }));
  const extension = new ServiceLocator({ issuer: named.responderName as Name, locator });
  t.true(ServiceLocator.fromDer(extension.publicBytes()).equals(extension));
});

test('identical input and output: decoding and encoding gives the same bytes', (t) => {
  const der = base64Vector('openssl/ocsp-tests/ND1.ors');
  t.deepEqual(loadDerOcspResponse(der).publicBytes(), der);
  t.deepEqual(loadDerOcspResponse(der, { strict: false }).publicBytes(), der);
  const request = new OCSPRequestBuilder().addCertificate(certificate, certificate, 'sha1').build().publicBytes();
  t.deepEqual(loadDerOcspRequest(request).publicBytes(), request);
  t.deepEqual(loadDerOcspRequest(request, { strict: false }).publicBytes(), request);
});
