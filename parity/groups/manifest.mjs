// OpenSSL's own OCSP tests, every one of them: what they expect, what libcrypto and the command say here, and what we say.
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ServiceLocator,
} from 'openssl-ocsp';
import { AuthorityInformationAccessOID, UniformResourceIdentifier } from 'openssl-ocsp/x509';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { openssl } from '../cli.mjs';
import { extension } from '../der.mjs';
import { API_CASES, COMMAND_CASES, certificatesIn, VERIFICATIONS } from '../manifest.mjs';
import { vector } from '../material.mjs';

export const about = "OpenSSL's own OCSP tests";
export const needs = ['cli'];

export function run({ compare, ask, scratch }) {
  verifications(compare, ask, scratch);
  const apiTests = { ...signerTests(ask), ...locatorTest(ask) };
  for (const { id } of API_CASES) compare(id, ...(apiTests[id.split('/').at(-1)]?.() ?? ['no such test', id]));
  for (const { id } of COMMAND_CASES)
    compare(id, ...(roundTrips[id.split('/').at(-1)]?.(scratch) ?? ['no such test', id]));
}

function verifications(compare, ask, scratch) {
  const answers = ask(
    VERIFICATIONS.map((item) => [
      ...['verify-response', item.response, item.certificates, item.trusted],
      ...[item.flags, item.at, item.pathFlags],
    ]),
  );
  VERIFICATIONS.forEach((item, i) => {
    const { verified } = loadDerOcspResponse(item.response).basicVerify({
      certificates: item.certificates,
      trust: item.trusted,
      at: new Date(item.at * 1000),
      partialChain: true,
      noChecks: item.flags !== 0,
    });
    compare(`${item.id}: expected`, verified, item.verified);
    compare(`${item.id}: OCSP_basic_verify`, verified, answers[i].verdict === 1);
    const files = { 'response.der': scratch.write('response.der', item.response) };
    const values = { CAfile: fileOf(item.caFile), 'verify_other|issuer': fileOf(item.other) };
    const args = item.args.map((arg) => arg.replace(/\{(.*)\}/, (_, name) => files[name] ?? values[name]));
    compare(`${item.id}: openssl ${args.join(' ')}`, verified ? 0 : 1, openssl(args).status);
  });
}

const fileOf = (name) => inRoot('test', 'vectors', 'openssl', name);
const CERTIFICATE = certificatesIn('80-test_ocsp_data/cert.pem')[0];

/** test_resp_signer. The original signs with SHA-1, which this library does not. */
function signerTests(ask) {
  const made = (embedded) => {
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
      })
      .responderId(OCSPResponderEncoding.NAME, CERTIFICATE);
    const key = vector('openssl/80-test_ocsp_data/key.pem');
    const response = (embedded ? builder.certificates([CERTIFICATE]) : builder).sign(key, 'sha256');
    const extra = embedded ? [] : [CERTIFICATE];
    const [theirs] = ask([['signer', response.publicBytes(), extra]]);
    return [
      [response.signer(extra)?.raw.toString('hex'), theirs],
      [theirs, CERTIFICATE.toString('hex')],
    ];
  };
  return { test_resp_signer: () => made(false), 'test_resp_signer-embedded': () => made(true) };
}

/** test_ocsp_url_svcloc_new */
const locatorTest = (ask) => ({
  test_ocsp_url_svcloc_new: () => {
    const urls = ['www.openssl.org', 'www.openssl.net'];
    const issuer = new OCSPResponseBuilder()
      .addResponse(CERTIFICATE, CERTIFICATE, 'sha1', OCSPCertStatus.GOOD, new Date(), null, null, null)
      .responderId(OCSPResponderEncoding.NAME, CERTIFICATE)
      .sign(vector('openssl/80-test_ocsp_data/key.pem'), 'sha256').responderName;
    const locator = urls.map((url) => ({
      accessMethod: AuthorityInformationAccessOID.OCSP,
      accessLocation: new UniformResourceIdentifier(url),
    }));
    const value = new ServiceLocator({ issuer, locator });
    const [theirs] = ask([['service-locator', CERTIFICATE, urls.map((url) => Buffer.from(url))]]);
    return [extension(value.oid, false, value.publicBytes()).toString('hex'), theirs];
  },
});

/** Reading and writing gives the same bytes: what the command does where input and output are one file. */
const roundTrips = {
  'make-request': (scratch) => [makeRequest(scratch), scratch.read('req.der').toString('hex')],
  request: (scratch) => {
    const request = scratch.read('req.der');
    return [loadDerOcspRequest(request).publicBytes().toString('hex'), request.toString('hex')];
  },
  response: () => {
    const [{ response }] = VERIFICATIONS;
    return [loadDerOcspResponse(response).publicBytes().toString('hex'), response.toString('hex')];
  },
};

function makeRequest(scratch) {
  const file = fileOf('80-test_ocsp_data/cert.pem');
  openssl(['ocsp', '-no_nonce', '-issuer', file, '-cert', file, '-reqout', scratch.path('req.der')]);
  const request = new OCSPRequestBuilder().addCertificate(CERTIFICATE, CERTIFICATE, 'sha1').build();
  return request.publicBytes().toString('hex');
}
