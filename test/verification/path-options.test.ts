// What the stand-in for `openssl ocsp` needs of verification: parts of the system's trust, stores by URI, named parameters,
// identities of the signer, and the words of OpenSSL.
import test from 'ava';
import {
  HashAlgorithm,
  OCSPCertStatus,
  OCSPError,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  TrustStore,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import type { TrustStoreOptions } from 'openssl-ocsp/x509';
import { Scratch } from '../helpers/openssl-cli.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const ca = createTestCa({ subject: 'CN=Path options' });
const responder = ca.issueResponder();
const trust = { certificates: [ca.certificate] };
const response = new OCSPResponseBuilder()
  .addResponse({
    cert: ca.issue().certificate,
    issuer: ca.certificate,
    algorithm: HashAlgorithm.SHA1,
    certStatus: OCSPCertStatus.GOOD,
    thisUpdate: new Date(),
  })
  .responderId(OCSPResponderEncoding.NAME, responder.certificate)
  .certificates([responder.certificate])
  .sign(responder.privateKey, HashAlgorithm.SHA256);

test('parts of the system are loaded, and none of them trusts this CA', (t) => {
  for (const system of [true, false, ['file'], ['folder'], ['store'], ['file', 'folder', 'store'], []] as const) {
    t.false(response.basicVerify({ trust: new TrustStore({ system }) }).verified, String(system));
    t.true(response.basicVerify({ trust: new TrustStore({ ...trust, system }) }).verified, String(system));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({ system: wrong(['folders']) }));
  refusesType(t, () => new TrustStore({ system: wrong('file') }));
});

test('a store by its URI', (t) => {
  using scratch = new Scratch();
  const caStore = scratch.write('ca.pem', ca.certificatePem);
  t.true(response.basicVerify({ trust: { caStore } }).verified);
  const refused: TrustStoreOptions[] = [{ caStore: scratch.path('nothing') }, { caStore: '' }, { caStore: 'a\0b' }];
  for (const options of refused) refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore(options));
  refusesType(t, () => new TrustStore({ caStore: wrong(7) }));
});

test('named parameters', (t) => {
  t.true(response.basicVerify({ trust, verifyName: 'default' }).verified);
  t.false(response.basicVerify({ trust, verifyName: 'ssl_server' }).verified);
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.basicVerify({ trust, verifyName: 'nonsense' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.basicVerify({ trust, verifyName: '' }));
  refusesType(t, () => response.basicVerify({ trust, verifyName: wrong(1) }));
});

test('identities of the signer', (t) => {
  const wanted = [{ verifyHostname: 'example.org' }, { verifyEmail: 'a@example.org' }, { verifyIp: '127.0.0.1' }];
  for (const options of wanted) {
    const { verified, certificateError } = response.basicVerify({ trust, ...options });
    t.false(verified);
    t.regex(certificateError?.message ?? '', /mismatch/i);
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.basicVerify({ trust, verifyIp: 'localhost' }));
  // An empty one would be as good as none.
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.basicVerify({ trust, verifyHostname: '' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.basicVerify({ trust, verifyEmail: 'a\0@example.org' }));
});

test('the entry of OpenSSL’s queue that names the error', (t) => {
  const { error } = response.basicVerify({ trust: { certificates: [] } });
  t.true(error instanceof OCSPError);
  t.is(error?.reason, 'certificate verify error');
  t.regex(error?.opensslEntry ?? '', /^error:[0-9A-F]{8}:OCSP routines::certificate verify error:Verify error: ?\S/);
});
