/** PKCS#12 files, which node:crypto takes for TLS only. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { native } from '../binding.js';
import { invalidArgType } from '../errors.js';
import { checkBytes, copyBytes } from './der.js';
import { type PassphraseInput, toPassphrase } from './passphrase.js';
import { x509Of } from './pem.js';

/** What {@link loadPkcs12} found. */
export interface Pkcs12Contents {
  /** The private key: the only one in the file, or that of the certificate that was given. */
  readonly privateKey: KeyObject;
  /** The certificate of that key; undefined when the file has none. */
  readonly certificate: X509Certificate | undefined;
  /** The other certificates, in their order: usually the chain. */
  readonly certificates: readonly X509Certificate[];
}

/**
 * Reads a PKCS#12 file (`.p12`, `.pfx`; RFC 7292), as OpenSSL's `PKCS12_parse` does.
 *
 * Without `passphrase`, both forms of none are tried: the absent and the empty one. Deriving keys takes as long as the file
 * says, up to seconds, on this thread.
 *
 * A file with several private keys needs `certificate`, that of the key to load.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when it is no such file, and when the passphrase is wrong or missing (then `cause`
 * has Node's code `ERR_MISSING_PASSPHRASE`); `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is encrypted with what the running
 * OpenSSL does not offer, as old files are (RC2-40), unless Node runs with `--openssl-legacy-provider`;
 * `ERR_OCSP_INVALID_VALUE` when it holds no private key, or several without `certificate` (the message lists them), and for more
 * than five million rounds of key derivation; `ERR_OCSP_KEY_MISMATCH` when no key in it belongs to `certificate`.
 */
export function loadPkcs12(
  data: Uint8Array,
  passphrase?: PassphraseInput,
  certificate?: X509Certificate,
): Pkcs12Contents {
  if (certificate !== undefined && !(certificate instanceof X509Certificate)) {
    throw invalidArgType('certificate', 'an instance of X509Certificate', certificate);
  }
  // A copy: OpenSSL goes over the bytes more than once, and those that are shared with another thread may change.
  const file = copyBytes(checkBytes(data, 'data'));
  const secret = toPassphrase(passphrase);
  try {
    const [pkcs8, own, others] = native.parsePkcs12(file, secret, certificate?.raw);
    try {
      return {
        privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
        certificate: own && x509Of(own),
        certificates: others.map(x509Of),
      };
    } finally {
      pkcs8.fill(0);
    }
  } finally {
    secret?.fill(0);
  }
}
