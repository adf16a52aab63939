/** Certificates as they come in, and what OCSP needs of them, worked out once per certificate. */
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type { AnyCertificate, CertIdHashIndex, NativeCertificate } from '../../typings/binding.js';
import { layout, native, takeOutput } from '../binding.js';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { Tag } from './der.js';
import { countCertificates, isCertificateDer, x509Of } from './pem.js';

/** A certificate: Node's object, PEM text, or the bytes of PEM or DER. */
export type CertificateInput = X509Certificate | string | Uint8Array;

const { CERTIFICATE_SERIAL, CERTIFICATE_ISSUER, CERTIFICATE_SUBJECT, CERTIFICATE_KEY_BITS } = native.offsets;

/** A certificate. What no one asks about it is not decoded: that takes OpenSSL longer than to verify a signature. */
export class ParsedCertificate {
  /** DER. Not a copy: never hand it out. */
  readonly der: Buffer;
  /** Where in the DER a certificate that is plain has its parts. */
  readonly #serialAt: number = -1;
  readonly #serialEnd: number = -1;
  readonly #issuerAt: number = -1;
  readonly #issuerEnd: number = -1;
  readonly #subjectAt: number = -1;
  readonly #subjectEnd: number = -1;
  readonly #keyBitsAt: number = -1;
  readonly #keyBitsEnd: number = -1;
  #x509: X509Certificate | undefined;
  #native: NativeCertificate | undefined;
  #serial: Buffer | undefined;
  #subject: Buffer | undefined;
  #issuerNameHashes: Buffer[] | undefined;
  #subjectHashes: Buffer[] | undefined;
  #publicKeyHashes: Buffer[] | undefined;

  /**
   * @param der - Our own copy.
   * @param isPlain - That `readCertificate` has just said so.
   * @param x509 - Node's object for the same DER, if there is one.
   * @throws `ERR_OCSP_MALFORMED`.
   */
  constructor(der: Buffer, isPlain: boolean, x509: X509Certificate | undefined) {
    this.der = der;
    this.#x509 = x509;
    if (isPlain) {
      this.#serialAt = layout[CERTIFICATE_SERIAL] as number;
      this.#serialEnd = layout[CERTIFICATE_SERIAL + 1] as number;
      this.#issuerAt = layout[CERTIFICATE_ISSUER] as number;
      this.#issuerEnd = layout[CERTIFICATE_ISSUER + 1] as number;
      this.#subjectAt = layout[CERTIFICATE_SUBJECT] as number;
      this.#subjectEnd = layout[CERTIFICATE_SUBJECT + 1] as number;
      this.#keyBitsAt = layout[CERTIFICATE_KEY_BITS] as number;
      this.#keyBitsEnd = layout[CERTIFICATE_KEY_BITS + 1] as number;
    } else {
      this.#native = new native.Certificate(der);
    }
  }

  get #isPlain(): boolean {
    return this.#serialAt >= 0;
  }

  /** Content bytes of the serialNumber INTEGER. Not a copy: never hand it out. */
  get serial(): Buffer {
    this.#serial ??= this.#isPlain ? this.der.subarray(this.#serialAt, this.#serialEnd) : this.native.serial;
    return this.#serial;
  }

  /** The subject's Name element. Not a copy: never hand it out. */
  get subject(): Buffer {
    this.#subject ??= this.#isPlain ? this.der.subarray(this.#subjectAt, this.#subjectEnd) : this.native.subject;
    return this.#subject;
  }

  /** Node's object. */
  get x509(): X509Certificate {
    if (this.#x509 === undefined) {
      this.#x509 = x509Of(this.der);
      parsed.set(this.#x509, this);
    }
    return this.#x509;
  }

  /** OpenSSL's. @throws `ERR_OCSP_MALFORMED`. */
  get native(): NativeCertificate {
    this.#native ??= new native.Certificate(this.der);
    return this.#native;
  }

  /** For functions that can do without an object. Such objects are destroyed late: not before the event loop turns. */
  get nativeOrDer(): AnyCertificate {
    return this.#native ?? this.der;
  }

  /** Hash of this certificate's issuer field. Not a copy: never hand it out. */
  issuerNameHash(hash: CertIdHashIndex): Buffer {
    this.#issuerNameHashes ??= [];
    this.#issuerNameHashes[hash] ??= takeOutput(
      this.#isPlain ? native.hash(this.der, this.#issuerAt, this.#issuerEnd, hash) : this.native.issuerNameHash(hash),
    );
    return this.#issuerNameHashes[hash];
  }

  /** Hash of its subject field: what the issuerNameHash of its certificates is. Not a copy: never hand it out. */
  subjectHash(hash: CertIdHashIndex): Buffer {
    this.#subjectHashes ??= [];
    const { subject } = this;
    this.#subjectHashes[hash] ??= takeOutput(native.hash(subject, 0, subject.length, hash));
    return this.#subjectHashes[hash];
  }

  /** Hash of this certificate's public key bits. Not a copy: never hand it out. */
  publicKeyHash(hash: CertIdHashIndex): Buffer {
    this.#publicKeyHashes ??= [];
    this.#publicKeyHashes[hash] ??= takeOutput(
      this.#isPlain ? native.hash(this.der, this.#keyBitsAt, this.#keyBitsEnd, hash) : this.native.publicKeyHash(hash),
    );
    return this.#publicKeyHashes[hash];
  }

  /** Whether the issuer field is plainly, byte by byte, the subject of another certificate. */
  namesAsIssuer({ subject }: ParsedCertificate): boolean {
    const start = this.#issuerAt;
    const { length } = subject;
    if (!this.#isPlain || this.#issuerEnd - start !== length) return false;
    const { der } = this;
    // Some tens of bytes: a loop beats a call out of JavaScript.
    for (let i = 0; i < length; i++) if (der[start + i] !== subject[i]) return false;
    return true;
  }

  /** Why `issuer` did not issue this certificate; '' when it did, null where OpenSSL cannot check the signature. */
  issuerMismatch(issuer: ParsedCertificate): string | null {
    if (this.#isPlain && native.isPlainlyIssued(this.der, issuer.nativeOrDer)) return '';
    return native.issuerMismatch(this.nativeOrDer, issuer.nativeOrDer);
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
    certificate = typeof copy !== 'string' && isCertificateDer(copy) ? x509Of(copy) : new X509Certificate(copy);
  } catch (cause) {
    const isText = typeof input === 'string' && !input.includes('-----BEGIN');
    throw malformed(`${name} is not a certificate${isText ? ': text has to be PEM, not the name of a file' : ''}`, {
      cause,
    });
  }
  return ofObject(certificate);
}

/**
 * {@link toCertificate} for an item of a list: of a text with several certificates the others would count for nothing, and a chain
 * would end with another one.
 *
 * @throws also `ERR_OCSP_INVALID_VALUE` for such a text.
 */
export function toOneCertificate(input: unknown, name: string): ParsedCertificate {
  // A copy: it is read twice.
  const copy = types.isUint8Array(input) ? Buffer.from(input) : input;
  if (typeof copy === 'string' || (copy instanceof Buffer && copy[0] !== Tag.SEQUENCE)) {
    const count = countCertificates(typeof copy === 'string' ? copy : copy.toString('latin1'));
    if (count > 1)
      throw invalidValue(`an item of ${name} holds ${count} certificates: loadCertificates() makes a list of them`);
  }
  return toCertificate(copy, name);
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

/** Of the longest certificate that is read here; a pattern that repeats itself much oftener takes all of the stack. */
const LONGEST_PEM = 100_000;

/** The DER in a text that is no more than such a block; undefined where it is left to OpenSSL to find it. */
function plainPem(text: string | Buffer): Buffer | undefined {
  if (text.length > LONGEST_PEM) return undefined;
  const block = PLAIN_PEM.exec(typeof text === 'string' ? text : text.toString('latin1'));
  if (block === null) return undefined;
  const base64 = (block[1] as string).replaceAll(/[\r\n]/g, '');
  return base64.length % 4 === 0 ? Buffer.from(base64, 'base64') : undefined;
}

/**
 * Where to ask for the status of a certificate: the OCSP URLs of its authorityInfoAccess extension, in their order; empty
 * when there are none, or the extension cannot be read. They come from whoever made the certificate, and may hold anything.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when it is not a certificate.
 */
export function ocspUrls(certificate: CertificateInput): string[] {
  return toCertificate(certificate, 'certificate').native.ocspUrls;
}
