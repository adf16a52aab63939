/**
 * Signing messages that are encoded already, with whatever OpenSSL takes. The builders refuse what should no longer be
 * signed with; the stand-in for `openssl ocsp` has to offer it.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { native, takeOutput } from '../binding.js';
import { createKeyObject, toPrivateKey } from '../x509/key.js';

/** How to sign, in OpenSSL's terms. */
export interface EncodedSignature {
  readonly signer: X509Certificate;
  readonly key: KeyObject;
  /** OpenSSL's name of the hash; undefined for the default of the key. */
  readonly hash?: string | undefined;
  /** RSASSA-PSS; keys of type RSA-PSS always sign so. */
  readonly pss?: boolean;
  /** PSS only. undefined: as long as the key allows, or as the key says, which is OpenSSL's default. */
  readonly saltLength?: number | undefined;
  /** The certificates that are included, all of them. */
  readonly certificates: readonly X509Certificate[];
}

/**
 * Signs a ResponseData (OpenSSL's `OCSP_basic_sign_ctx`) and wraps it in a successful response.
 *
 * @throws `ERR_OCSP_KEY_MISMATCH`, and `ERR_OCSP_OPENSSL` and `ERR_OCSP_UNSUPPORTED_ALGORITHM` for what OpenSSL refuses.
 */
export function signEncodedResponse(responseData: Uint8Array, how: EncodedSignature): Buffer {
  const { key, rest } = prepare(how);
  return takeOutput(key.signResponse(responseData, ...rest));
}

/** Signs a whole request (OpenSSL's `OCSP_request_sign`), whose signature, if it has one, is replaced. Throws the same. */
export function signEncodedRequest(request: Uint8Array, how: EncodedSignature): Buffer {
  const { key, rest } = prepare(how);
  return takeOutput(key.signRequest(request, ...rest));
}

type NativeKey = ReturnType<typeof toPrivateKey>;
type Rest = Parameters<NativeKey['signResponse']> extends [unknown, ...infer R] ? R : never;

function prepare({ signer, key, hash, pss = false, saltLength, certificates }: EncodedSignature): {
  key: NativeKey;
  rest: Rest;
} {
  const nativeKey = toPrivateKey(key);
  const details = key.asymmetricKeyDetails ?? {};
  const isPssKey = key.asymmetricKeyType === 'rsa-pss';
  const name = hash ?? (isPssKey ? details.hashAlgorithm : undefined) ?? defaultHash(key);
  const usesPss = isPssKey || pss;
  // A key that is restricted to a hash also says how long the salt is at least, and OpenSSL takes that.
  const salt = usesPss ? (saltLength ?? details.saltLength ?? longestSalt(details.modulusLength ?? 0, name)) : -1;
  const list = certificates.map((certificate) => new native.Certificate(certificate.raw));
  return { key: nativeKey, rest: [new native.Certificate(signer.raw), name, usesPss, salt, list] };
}

/** What `EVP_PKEY_get_default_digest_name` says of the usual keys. */
function defaultHash(key: KeyObject): string | undefined {
  return ['rsa', 'rsa-pss', 'ec', 'dsa'].includes(key.asymmetricKeyType ?? '') ? 'SHA256' : undefined;
}

/** RFC 8017 section 9.1.1: what the encoded message leaves to the salt. */
function longestSalt(modulusLength: number, hash: string | undefined): number {
  if (hash === undefined) return -1;
  return Math.max(0, Math.ceil((modulusLength - 1) / 8) - createHash(hash).digest().length - 2);
}

/** A private key from a file: PEM, or DER of any of the usual forms. Throws what `createKeyObject` throws. */
export function readPrivateKey(bytes: Buffer, passphrase: string | undefined): KeyObject {
  const secret = passphrase === undefined ? {} : { passphrase };
  if (bytes.includes('-----BEGIN')) return createKeyObject({ key: bytes, ...secret });
  const forms = ['pkcs8', 'sec1', 'pkcs1'] as const;
  let failure: unknown;
  for (const type of forms) {
    try {
      return createKeyObject({ key: bytes, format: 'der', type, ...secret });
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}
