// OpenSSL's own OCSP tests (test/vectors/openssl/manifest.json) as tasks.
import { vector } from './material.mjs';

const vectorsOf = (kind) => MANIFEST.filter((item) => item.kind === kind);
const MANIFEST = JSON.parse(vector('openssl/manifest.json'));

/** Values of <openssl/x509_vfy.h> and <openssl/ocsp.h>. */
const FLAGS = { X509_V_FLAG_PARTIAL_CHAIN: 0x80000, OCSP_NOCHECKS: 0x100 };
const bits = (names) => names.reduce((sum, name) => sum | FLAGS[name], 0);

export const certificatesIn = (name) =>
  [
    ...vector(`openssl/${name}`)
      .toString()
      .matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g),
  ].map(([, base64]) => Buffer.from(base64, 'base64'));

/** test/recipes/80-test_ocsp.t: a response, what is trusted, and the verdict. */
export const VERIFICATIONS = vectorsOf('verify').map((item) => ({
  id: item.id,
  args: item.cli_args,
  response: Buffer.from(vector(`openssl/${item.response_file}`).toString(), 'base64'),
  caFile: item.CAfile,
  other: item.verify_other ?? item.issuer,
  // The command tries -issuer once more by itself; OCSP_basic_verify is given none.
  certificates: item.verify_other === null ? [] : certificatesIn(item.verify_other),
  trusted: certificatesIn(item.CAfile),
  at: item.attime,
  flags: bits(item.ocsp_flags),
  pathFlags: bits(item.x509_verify_flags),
  verified: item.expected === 'verify OK',
}));

/** test/ocspapitest.c, without the tests that free parts of C structures, of which nothing is visible here. */
export const API_CASES = vectorsOf('api').filter(({ id }) => !id.includes('test_access_description'));
/** The cases of the command about its files. */
export const COMMAND_CASES = vectorsOf('cli');
