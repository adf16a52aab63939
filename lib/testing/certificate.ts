import { createHash, createPublicKey, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import { invalidValue } from '../errors.js';
import {
  DerReader,
  encodeBitString,
  encodeBoolean,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodePrintableString,
  encodeSequence,
  encodeTlv,
  encodeUtcTime,
  encodeUtf8String,
} from '../x509/der.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { x509Of } from '../x509/pem.js';
import { SIGNATURE_NAMES, signatureAlgorithm, signBytes, type TestSignatureOptions } from './signature.js';

/** Bits of the keyUsage extension (RFC 5280 section 4.2.1.3), in the order of their bit numbers. */
const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** A bit of the keyUsage extension. */
export type TestKeyUsage = (typeof keyUsageBits)[number];

const extendedKeyUsageOid: ReadonlyMap<string, string> = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
  ['codeSigning', '1.3.6.1.5.5.7.3.3'],
  ['emailProtection', '1.3.6.1.5.5.7.3.4'],
  ['timeStamping', '1.3.6.1.5.5.7.3.8'],
  ['OCSPSigning', '1.3.6.1.5.5.7.3.9'],
  ['anyExtendedKeyUsage', '2.5.29.37.0'],
]);

/** An extension given by its bytes. */
export interface TestExtension {
  /** Dotted OID. */
  oid: string;
  /** Default false. */
  critical?: boolean;
  /** DER of the value, without the outer OCTET STRING. */
  value: Uint8Array;
}

/** What goes into a certificate. Nothing is checked for sense: wrong certificates are half of the purpose. */
export interface TestCertificateOptions {
  /** Subject, `C=US, O=Example, CN=Name`, written in this order, one attribute per RDN, no escapes; `''` is the empty name. */
  subject?: string;
  /** Default: 16 random bytes, positive. */
  serialNumber?: bigint;
  /** Default: a day ago. Whole seconds. */
  notBefore?: Date;
  /** Default: in a year (in ten years for a CA). */
  notAfter?: Date;
  /** basicConstraints: true, false, or the path length of a CA. Default: a CA for CAs, absent for others. */
  ca?: boolean | { pathLength: number };
  /** keyUsage, critical. Default: `keyCertSign` and `cRLSign` for CAs, absent for others. `[]` leaves it out. */
  keyUsage?: readonly TestKeyUsage[];
  /** extendedKeyUsage: RFC 5280 names (`OCSPSigning`) or dotted OIDs. */
  extendedKeyUsage?: readonly string[];
  /** id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1). */
  ocspNoCheck?: boolean;
  /** authorityInfoAccess: URLs. */
  aia?: { ocsp?: string | readonly string[]; caIssuers?: string | readonly string[] };
  /** subjectAltName: DNS names. */
  dnsNames?: readonly string[];
  /** TLS feature `status_request` (RFC 7633, "must staple"). */
  mustStaple?: boolean;
  /** subjectKeyIdentifier and authorityKeyIdentifier. Default true. */
  keyIdentifiers?: boolean;
  /** More extensions, after all others. */
  extensions?: readonly TestExtension[];
  /** How the issuer signs. */
  signature?: TestSignatureOptions;
  /** Flip a bit of the signature, so that it does not verify. */
  corruptSignature?: boolean;
}

/** The names of {@link TestCertificateOptions}. */
export const CERTIFICATE_NAMES: OptionNames<TestCertificateOptions> = {
  subject: true,
  serialNumber: true,
  notBefore: true,
  notAfter: true,
  ca: true,
  keyUsage: true,
  extendedKeyUsage: true,
  ocspNoCheck: true,
  aia: true,
  dnsNames: true,
  mustStaple: true,
  keyIdentifiers: true,
  extensions: true,
  signature: true,
  corruptSignature: true,
};
const EXTENSION_NAMES: OptionNames<TestExtension> = { oid: true, critical: true, value: true };
const AIA_NAMES: OptionNames<NonNullable<TestCertificateOptions['aia']>> = { ocsp: true, caIssuers: true };

/** An extension as it was given, read once. */
export function readExtension(extension: TestExtension): TestExtension {
  return readOptions(extension, EXTENSION_NAMES, 'extensions');
}

/** Who signs: a name and a key. */
export interface TestIssuer {
  /** DER of the issuer's subject Name. */
  name: Buffer;
  /** Its key, for the authorityKeyIdentifier, either half. */
  publicKey: KeyObject;
  /** Its private key. */
  privateKey: KeyObject;
}

const DAY = 24 * 3600 * 1000;

/**
 * Makes a version 3 certificate (RFC 5280 section 4.1).
 *
 * @param issuer Who signs; null for a self-signed certificate, for which `subjectKey` must be a private key.
 * @param subjectKey The key to certify, either half.
 * @param options As `readOptions` has read them.
 */
export function buildCertificate(
  issuer: TestIssuer | null,
  subjectKey: KeyObject,
  options: TestCertificateOptions,
): X509Certificate {
  const name = encodeName(options.subject ?? 'CN=Test');
  const signer = issuer ?? { name, publicKey: subjectKey, privateKey: subjectKey };
  const how = readOptions(options.signature ?? {}, SIGNATURE_NAMES, 'signature');
  const algorithm = signatureAlgorithm(signer.privateKey, how);
  const isCa = options.ca !== undefined && options.ca !== false;
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY);
  const notAfter = options.notAfter ?? new Date(Date.now() + (isCa ? 3652 : 365) * DAY);
  const tbs = encodeSequence(
    encodeTlv(0xa0, encodeInteger(2n)),
    encodeInteger(options.serialNumber ?? randomSerialNumber()),
    algorithm,
    signer.name,
    encodeSequence(encodeTime(notBefore), encodeTime(notAfter)),
    name,
    publicKeyInfo(subjectKey),
    ...encodeExtensions(signer, subjectKey, isCa, options),
  );
  const signature = signBytes(tbs, signer.privateKey, how);
  if (options.corruptSignature)
    signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
  return x509Of(encodeSequence(tbs, algorithm, encodeBitString(signature)));
}

/** A positive serial number of 16 bytes, the first of them not zero. */
export function randomSerialNumber(): bigint {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return BigInt(`0x${bytes.toString('hex')}`);
}

/**
 * DER of a Name written as `C=US, O=Example, CN=Name`.
 *
 * @throws OCSPError `ERR_OCSP_INVALID_VALUE` for an attribute type other than C, O, OU, ST, L and CN.
 */
export function encodeName(text: string): Buffer {
  const parts = text === '' ? [] : text.split(',');
  return encodeSequence(...parts.map((part) => encodeTlv(0x31, encodeAttribute(part.trim()))));
}

const attributeOid: ReadonlyMap<string, string> = new Map([
  ['CN', '2.5.4.3'],
  ['C', '2.5.4.6'],
  ['L', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
]);

function encodeAttribute(text: string): Buffer {
  const [, type = '', value = ''] = /^(\w+)=(.*)$/.exec(text) ?? [];
  const oid = attributeOid.get(type);
  if (oid === undefined) throw invalidValue(`Cannot encode the name attribute "${text}"`);
  // countryName is a PrintableString by definition (RFC 5280 appendix A.1), the others are UTF8String.
  return encodeSequence(encodeOid(oid), type === 'C' ? encodePrintableString(value) : encodeUtf8String(value));
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
function encodeTime(date: Date): Buffer {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? encodeUtcTime(date) : encodeGeneralizedTime(date);
}

function encodeExtensions(
  signer: TestIssuer,
  subjectKey: KeyObject,
  isCa: boolean,
  options: TestCertificateOptions,
): Buffer[] {
  const list: Buffer[] = [];
  const add = (oid: string, critical: boolean, value: Uint8Array): void => {
    list.push(encodeSequence(encodeOid(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value)));
  };
  if (options.ca !== undefined) {
    const pathLength = typeof options.ca === 'object' ? [encodeInteger(BigInt(options.ca.pathLength))] : [];
    add('2.5.29.19', true, encodeSequence(...(isCa ? [encodeBoolean(true)] : []), ...pathLength));
  }
  const usage = options.keyUsage ?? (isCa ? (['keyCertSign', 'cRLSign'] as const) : []);
  if (usage.length > 0) add('2.5.29.15', true, encodeKeyUsage(usage));
  if (options.extendedKeyUsage) {
    const oids = options.extendedKeyUsage.map((name) => encodeOid(extendedKeyUsageOid.get(name) ?? name));
    add('2.5.29.37', false, encodeSequence(...oids));
  }
  if (options.keyIdentifiers !== false) {
    add('2.5.29.14', false, encodeOctetString(keyIdentifier(subjectKey)));
    add('2.5.29.35', false, encodeSequence(encodeTlv(0x80, keyIdentifier(signer.publicKey))));
  }
  if (options.dnsNames) add('2.5.29.17', false, encodeSequence(...options.dnsNames.map((name) => ia5(0x82, name))));
  if (options.aia) {
    const { ocsp = [], caIssuers = [] } = readOptions(options.aia, AIA_NAMES, 'aia');
    add(
      '1.3.6.1.5.5.7.1.1',
      false,
      encodeSequence(
        ...[ocsp].flat().map((url) => encodeSequence(encodeOid('1.3.6.1.5.5.7.48.1'), ia5(0x86, url))),
        ...[caIssuers].flat().map((url) => encodeSequence(encodeOid('1.3.6.1.5.5.7.48.2'), ia5(0x86, url))),
      ),
    );
  }
  if (options.ocspNoCheck) add('1.3.6.1.5.5.7.48.1.5', false, encodeNull());
  if (options.mustStaple) add('1.3.6.1.5.5.7.1.24', false, encodeSequence(encodeInteger(5n)));
  for (const { oid, critical = false, value } of (options.extensions ?? []).map(readExtension))
    add(oid, critical, value);
  return list.length === 0 ? [] : [encodeTlv(0xa3, encodeSequence(...list))];
}

function ia5(tag: number, text: string): Buffer {
  return encodeTlv(tag, Buffer.from(text, 'latin1'));
}

/** A named BIT STRING: DER drops the trailing zero bits (X.690 section 11.2.2). */
function encodeKeyUsage(usage: readonly TestKeyUsage[]): Buffer {
  const numbers = usage.map((name) => keyUsageBits.indexOf(name));
  const last = Math.max(...numbers);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const n of numbers) bytes.writeUInt8(bytes.readUInt8(n >> 3) | (0x80 >> (n & 7)), n >> 3);
  return encodeBitString(bytes, 7 - (last & 7));
}

/** SHA-1 of the subjectPublicKey bits (RFC 5280 section 4.2.1.2, method 1): the same bytes as an OCSP key hash. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(publicKeyBits(key)).digest();
}

/** Content of the subjectPublicKey BIT STRING, without its unused-bits byte. */
export function publicKeyBits(key: KeyObject): Buffer {
  const spki = publicKeyInfo(key);
  const { contentStart, end } = new DerReader(spki).read(0x30);
  const inner = new DerReader(spki, contentStart, end);
  inner.read(0x30);
  const bits = inner.read(0x03);
  return spki.subarray(bits.contentStart + 1, bits.end);
}

/** Exporting a key takes as long as all the rest of a certificate, and many certificates may have one key, or one issuer. */
const exported = new WeakMap<KeyObject, Buffer>();

/** DER of the SubjectPublicKeyInfo of a key, either half. */
function publicKeyInfo(key: KeyObject): Buffer {
  const known = exported.get(key);
  if (known !== undefined) return known;
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  exported.set(key, spki);
  return spki;
}
