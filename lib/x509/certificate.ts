/** Certificates as they come in, and what OCSP needs of them, worked out once per certificate. */
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type { CertIdHashIndex, NativeCertificate } from '../../typings/binding.js';
import { layout, native } from '../binding.js';
import { invalidArgType, malformed } from '../errors.js';
import { Tag } from './der.js';

/** A certificate: Node's object, PEM text, or the bytes of PEM or DER. */
export type CertificateInput = X509Certificate | string | Uint8Array;

const { offsets } = native;

/** A certificate. What nobody asks about it is not decoded: that takes OpenSSL longer than to verify a signature. */
export class ParsedCertificate {
  /** DER. Not a copy: never hand it out. */
  readonly der: Buffer;
  /** Content octets of the serialNumber INTEGER. Not a copy: never hand it out. */
  readonly serial: Buffer;
  /** The subject's Name element. Not a copy: never hand it out. */
  readonly subject: Buffer;
  /** The issuer's Name element, and the public key bits, of a certificate that is plain. */
  readonly #issuer: Buffer | undefined;
  readonly #keyBits: Buffer | undefined;
  #x509: X509Certificate | undefined;
  #native: NativeCertificate | undefined;
  readonly #issuerNameHashes: Buffer[] = [];
  readonly #subjectHashes: Buffer[] = [];
  readonly #publicKeyHashes: Buffer[] = [];

  /**
   * @param der - Our own copy.
   * @param isPlain - That `readCertificate` has just said so.
   * @param x509 - Node's object for the same DER, which a certificate that is not plain needs.
   * @throws `ERR_OCSP_MALFORMED`.
   */
  constructor(der: Buffer, isPlain: boolean, x509: X509Certificate | undefined) {
    this.der = der;
    this.#x509 = x509;
    if (isPlain) {
      this.serial = this.#part(offsets.CERTIFICATE_SERIAL);
      this.subject = this.#part(offsets.CERTIFICATE_SUBJECT);
      this.#issuer = this.#part(offsets.CERTIFICATE_ISSUER);
      this.#keyBits = this.#part(offsets.CERTIFICATE_KEY_BITS);
    } else {
      this.serial = this.native.serial;
      this.subject = this.native.subject;
    }
  }

  #part(range: number): Buffer {
    return this.der.subarray(layout[range], layout[range + 1]);
  }

  /** Node's object. */
  get x509(): X509Certificate {
    if (this.#x509 === undefined) {
      this.#x509 = new X509Certificate(this.der);
      parsed.set(this.#x509, this);
    }
    return this.#x509;
  }

  /** OpenSSL's. @throws `ERR_OCSP_MALFORMED`. */
  get native(): NativeCertificate {
    this.#native ??= new native.Certificate(this.der);
    return this.#native;
  }

  /** Hash of this certificate's issuer field. Not a copy: never hand it out. */
  issuerNameHash(hash: CertIdHashIndex): Buffer {
    this.#issuerNameHashes[hash] ??= this.#issuer ? hashOf(hash, this.#issuer) : this.native.issuerNameHash(hash);
    return this.#issuerNameHashes[hash];
  }

  /** Hash of its subject field: what the issuerNameHash of its certificates is. Not a copy: never hand it out. */
  subjectHash(hash: CertIdHashIndex): Buffer {
    this.#subjectHashes[hash] ??= hashOf(hash, this.subject);
    return this.#subjectHashes[hash];
  }

  /** Hash of this certificate's public key bits. Not a copy: never hand it out. */
  publicKeyHash(hash: CertIdHashIndex): Buffer {
    this.#publicKeyHashes[hash] ??= this.#keyBits ? hashOf(hash, this.#keyBits) : this.native.publicKeyHash(hash);
    return this.#publicKeyHashes[hash];
  }

  /** Whether the issuer field is plainly, octet by octet, the subject of another certificate. */
  namesAsIssuer(other: ParsedCertificate): boolean {
    return this.#issuer !== undefined && sameBytes(this.#issuer, other.subject);
  }

  /** Why `issuer` did not issue this certificate; '' when it did, null where OpenSSL cannot check the signature. */
  issuerMismatch(issuer: ParsedCertificate): string | null {
    if (this.#issuer !== undefined && native.isPlainlyIssued(this.der, issuer.native)) return '';
    return this.native.issuerMismatch(issuer.native);
  }
}

const parsed = new WeakMap<X509Certificate, ParsedCertificate>();

/**
 * The certificate behind an argument; worked out once per `X509Certificate` object.
 *
 * @throws TypeError when it is none of the accepted types; `ERR_OCSP_MALFORMED` when it does not parse.
 */
export function toCertificate(input: unknown, name: string): ParsedCertificate {
  if (input instanceof X509Certificate) return parsed.get(input) ?? ofObject(input);
  if (typeof input !== 'string' && !types.isUint8Array(input)) {
    throw invalidArgType(name, 'an X509Certificate, a PEM string, or PEM or DER bytes', input);
  }
  const copy = typeof input === 'string' ? input : Buffer.from(input);
  const der = typeof copy === 'string' || copy[0] !== Tag.SEQUENCE ? plainPem(copy) : copy;
  if (der !== undefined && native.readCertificate(der)) return new ParsedCertificate(der, true, undefined);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(copy);
  } catch (cause) {
    const isText = typeof input === 'string' && !input.includes('-----BEGIN');
    throw malformed(`${name} is not a certificate${isText ? ': text has to be PEM, not the name of a file' : ''}`, {
      cause,
    });
  }
  return ofObject(certificate);
}

function ofObject(certificate: X509Certificate): ParsedCertificate {
  const der = Buffer.from(certificate.raw);
  const result = new ParsedCertificate(der, native.readCertificate(der), certificate);
  parsed.set(certificate, result);
  return result;
}

/** One block, as everybody writes it: lines of 64, and nothing around it. */
const PLAIN_PEM =
  /^-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/]{64}\r?\n)*[A-Za-z0-9+/]{0,64}={0,2}\r?\n)-----END CERTIFICATE-----\r?\n?$/;

/** The DER in a text that is no more than such a block; undefined where it is left to OpenSSL to find it. */
function plainPem(text: string | Buffer): Buffer | undefined {
  const block = PLAIN_PEM.exec(typeof text === 'string' ? text : text.toString('latin1'));
  if (block === null) return undefined;
  const base64 = (block[1] as string).replaceAll(/[\r\n]/g, '');
  return base64.length % 4 === 0 ? Buffer.from(base64, 'base64') : undefined;
}

function hashOf(hash: CertIdHashIndex, bytes: Buffer): Buffer {
  return native.hash(hash, bytes);
}

/** (Some tens of octets: a loop beats a call out of JavaScript.) */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one;
  if (other.length !== length) return false;
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return false;
  return true;
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
