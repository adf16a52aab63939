/** Certificates as they come in, and what OCSP needs of them, worked out once per certificate. */
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type { CertIdHashIndex, NativeCertificate } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, malformed } from '../errors.js';

/** A certificate: Node's object, PEM text, or the bytes of PEM or DER. */
export type CertificateInput = X509Certificate | string | Uint8Array;

/** A certificate that OpenSSL has decoded. */
export class ParsedCertificate {
  readonly x509: X509Certificate;
  readonly native: NativeCertificate;
  /** Content octets of the serialNumber INTEGER. */
  readonly serial: Buffer;
  /** The subject's Name element. Not a copy: never hand it out. */
  readonly subject: Buffer;
  readonly #issuerNameHashes: Buffer[] = [];
  readonly #publicKeyHashes: Buffer[] = [];

  constructor(certificate: X509Certificate) {
    this.x509 = certificate;
    this.native = new native.Certificate(certificate.raw);
    this.serial = this.native.serial;
    this.subject = this.native.subject;
  }

  /** Hash of this certificate's issuer field. Not a copy: never hand it out. */
  issuerNameHash(hash: CertIdHashIndex): Buffer {
    this.#issuerNameHashes[hash] ??= this.native.issuerNameHash(hash);
    return this.#issuerNameHashes[hash];
  }

  /** Hash of this certificate's public key bits. Not a copy: never hand it out. */
  publicKeyHash(hash: CertIdHashIndex): Buffer {
    this.#publicKeyHashes[hash] ??= this.native.publicKeyHash(hash);
    return this.#publicKeyHashes[hash];
  }
}

const parsed = new WeakMap<X509Certificate, ParsedCertificate>();

/**
 * The certificate behind an argument; decoded once per `X509Certificate` object.
 *
 * @throws TypeError when it is none of the accepted types; `ERR_OCSP_MALFORMED` when it does not parse.
 */
export function toCertificate(input: unknown, name: string): ParsedCertificate {
  const certificate = input instanceof X509Certificate ? input : decode(input, name);
  let result = parsed.get(certificate);
  if (result === undefined) {
    result = new ParsedCertificate(certificate);
    parsed.set(certificate, result);
  }
  return result;
}

/**
 * Where to ask for the status of a certificate: the OCSP URLs of its authorityInfoAccess extension, in their order; empty
 * when there are none. They come from whoever made the certificate, and may hold anything.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when it is not a certificate.
 */
export function ocspUrls(certificate: CertificateInput): string[] {
  return toCertificate(certificate, 'certificate').native.ocspUrls;
}

function decode(input: unknown, name: string): X509Certificate {
  if (typeof input !== 'string' && !types.isUint8Array(input)) {
    throw invalidArgType(name, 'an X509Certificate, a PEM string, or PEM or DER bytes', input);
  }
  try {
    return new X509Certificate(typeof input === 'string' ? input : Buffer.from(input));
  } catch (cause) {
    const isText = typeof input === 'string' && !input.includes('-----BEGIN');
    throw malformed(`${name} is not a certificate${isText ? ': text has to be PEM, not the name of a file' : ''}`, {
      cause,
    });
  }
}
