import { invalidArgType, invalidValue, malformed } from '../errors.js';

/** OIDs of signature algorithms, as in `OCSPResponse.signatureAlgorithmOid`. */
export const SignatureAlgorithmOID = {
  RSA_WITH_MD5: '1.2.840.113549.1.1.4',
  RSA_WITH_SHA1: '1.2.840.113549.1.1.5',
  /** The older name of {@link SignatureAlgorithmOID.RSA_WITH_SHA1}, from the OIW. */
  RSA_WITH_SHA1_OIW: '1.3.14.3.2.29',
  RSA_WITH_SHA224: '1.2.840.113549.1.1.14',
  RSA_WITH_SHA256: '1.2.840.113549.1.1.11',
  RSA_WITH_SHA384: '1.2.840.113549.1.1.12',
  RSA_WITH_SHA512: '1.2.840.113549.1.1.13',
  RSA_WITH_SHA3_224: '2.16.840.1.101.3.4.3.13',
  RSA_WITH_SHA3_256: '2.16.840.1.101.3.4.3.14',
  RSA_WITH_SHA3_384: '2.16.840.1.101.3.4.3.15',
  RSA_WITH_SHA3_512: '2.16.840.1.101.3.4.3.16',
  /** The hash is in the parameters (RFC 4055 section 3.1). */
  RSASSA_PSS: '1.2.840.113549.1.1.10',
  ECDSA_WITH_SHA1: '1.2.840.10045.4.1',
  ECDSA_WITH_SHA224: '1.2.840.10045.4.3.1',
  ECDSA_WITH_SHA256: '1.2.840.10045.4.3.2',
  ECDSA_WITH_SHA384: '1.2.840.10045.4.3.3',
  ECDSA_WITH_SHA512: '1.2.840.10045.4.3.4',
  ECDSA_WITH_SHA3_224: '2.16.840.1.101.3.4.3.9',
  ECDSA_WITH_SHA3_256: '2.16.840.1.101.3.4.3.10',
  ECDSA_WITH_SHA3_384: '2.16.840.1.101.3.4.3.11',
  ECDSA_WITH_SHA3_512: '2.16.840.1.101.3.4.3.12',
  DSA_WITH_SHA1: '1.2.840.10040.4.3',
  DSA_WITH_SHA224: '2.16.840.1.101.3.4.3.1',
  DSA_WITH_SHA256: '2.16.840.1.101.3.4.3.2',
  DSA_WITH_SHA384: '2.16.840.1.101.3.4.3.3',
  DSA_WITH_SHA512: '2.16.840.1.101.3.4.3.4',
  DSA_WITH_SHA3_224: '2.16.840.1.101.3.4.3.5',
  DSA_WITH_SHA3_256: '2.16.840.1.101.3.4.3.6',
  DSA_WITH_SHA3_384: '2.16.840.1.101.3.4.3.7',
  DSA_WITH_SHA3_512: '2.16.840.1.101.3.4.3.8',
  ED25519: '1.3.101.112',
  ED448: '1.3.101.113',
  ML_DSA_44: '2.16.840.1.101.3.4.3.17',
  ML_DSA_65: '2.16.840.1.101.3.4.3.18',
  ML_DSA_87: '2.16.840.1.101.3.4.3.19',
  GOSTR3411_94_WITH_3410_2001: '1.2.643.2.2.3',
  GOSTR3410_2012_WITH_3411_2012_256: '1.2.643.7.1.1.3.2',
  GOSTR3410_2012_WITH_3411_2012_512: '1.2.643.7.1.1.3.3',
} as const;

/** OIDs of hash algorithms: in a CertID and in RSASSA-PSS parameters. */
export const HashAlgorithmOID = {
  SHA1: '1.3.14.3.2.26',
  SHA224: '2.16.840.1.101.3.4.2.4',
  SHA256: '2.16.840.1.101.3.4.2.1',
  SHA384: '2.16.840.1.101.3.4.2.2',
  SHA512: '2.16.840.1.101.3.4.2.3',
  SHA3_224: '2.16.840.1.101.3.4.2.7',
  SHA3_256: '2.16.840.1.101.3.4.2.8',
  SHA3_384: '2.16.840.1.101.3.4.2.9',
  SHA3_512: '2.16.840.1.101.3.4.2.10',
} as const;

/** OIDs of the extensions that RFC 6960 section 4.4 defines. */
export const OCSPExtensionOID = {
  NONCE: '1.3.6.1.5.5.7.48.1.2',
  CRL_REFERENCES: '1.3.6.1.5.5.7.48.1.3',
  ACCEPTABLE_RESPONSES: '1.3.6.1.5.5.7.48.1.4',
  NO_CHECK: '1.3.6.1.5.5.7.48.1.5',
  ARCHIVE_CUTOFF: '1.3.6.1.5.5.7.48.1.6',
  SERVICE_LOCATOR: '1.3.6.1.5.5.7.48.1.7',
  PREFERRED_SIGNATURE_ALGORITHMS: '1.3.6.1.5.5.7.48.1.8',
  EXTENDED_REVOKE: '1.3.6.1.5.5.7.48.1.9',
  /** The SCT list of an OCSP response (RFC 6962 section 3.3); the one inside certificates has another OID. */
  SIGNED_CERTIFICATE_TIMESTAMPS: '1.3.6.1.4.1.11129.2.4.5',
} as const;

/** OIDs of CRL entry extensions (RFC 5280 section 5.3), which a single response may carry too (RFC 6960 section 4.4.5). */
export const CRLEntryExtensionOID = {
  CRL_REASON: '2.5.29.21',
  INVALIDITY_DATE: '2.5.29.24',
  CERTIFICATE_ISSUER: '2.5.29.29',
} as const;

/** OIDs of response types (RFC 6960 section 4.2.1), for `OCSPAcceptableResponses`. */
export const OCSPResponseTypeOID = { BASIC: '1.3.6.1.5.5.7.48.1.1' } as const;

/** OIDs of access methods (RFC 5280 section 4.2.2.1), for `ServiceLocator`. */
export const AuthorityInformationAccessOID = {
  OCSP: '1.3.6.1.5.5.7.48.1',
  CA_ISSUERS: '1.3.6.1.5.5.7.48.2',
} as const;

/** OIDs of the attribute types commonly met in names. */
export const NameOID = {
  COMMON_NAME: '2.5.4.3',
  SURNAME: '2.5.4.4',
  SERIAL_NUMBER: '2.5.4.5',
  COUNTRY_NAME: '2.5.4.6',
  LOCALITY_NAME: '2.5.4.7',
  STATE_OR_PROVINCE_NAME: '2.5.4.8',
  STREET_ADDRESS: '2.5.4.9',
  ORGANIZATION_NAME: '2.5.4.10',
  ORGANIZATIONAL_UNIT_NAME: '2.5.4.11',
  TITLE: '2.5.4.12',
  GIVEN_NAME: '2.5.4.42',
  DN_QUALIFIER: '2.5.4.46',
  PSEUDONYM: '2.5.4.65',
  ORGANIZATION_IDENTIFIER: '2.5.4.97',
  USER_ID: '0.9.2342.19200300.100.1.1',
  DOMAIN_COMPONENT: '0.9.2342.19200300.100.1.25',
  EMAIL_ADDRESS: '1.2.840.113549.1.9.1',
  JURISDICTION_COUNTRY_NAME: '1.3.6.1.4.1.311.60.2.1.3',
} as const;

/**
 * Longest accepted OID, in content bytes. RFC 5280 appendix B asks for 20 arcs of 28 bits (80 bytes) and a UUID under
 * 2.25 takes 20; a bound keeps a hostile message from having megabytes of digits formatted.
 */
const MAX_OID_OCTETS = 128;
/** Seven bits take at most three digits and a dot, so longer text cannot fit in the bytes. */
const MAX_OID_TEXT = MAX_OID_OCTETS * 4;
const DOTTED = /^[0-2](\.(0|[1-9]\d*))+$/;

/** The OIDs above, by content bytes (as Latin-1 text) and back: nearly all that messages hold, so not worth decoding. */
const TEXT_OF_KNOWN = new Map<string, string>();
const OCTETS_OF_KNOWN = new Map<string, Buffer>();
const LONGEST_KNOWN = 16;

/** Whether `text` is a dotted OID that DER can carry: 2 or more arcs, no leading zeros, at most 128 content bytes. */
export function isOid(text: string): boolean {
  if (OCTETS_OF_KNOWN.has(text)) return true;
  if (text.length > MAX_OID_TEXT || !DOTTED.test(text)) return false;
  const [first, second] = text.split('.', 2);
  if (first !== '2' && Number(second) > 39) return false;
  return arcsToOctets(text).length <= MAX_OID_OCTETS;
}

/**
 * Checks an argument that has to be a dotted OID, and returns it.
 *
 * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` when it is not an OID.
 */
export function checkOid(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidArgType(name, 'a dotted OID string', value);
  if (!isOid(value)) throw invalidValue(`${name} is not a dotted OID: '${value.slice(0, 64)}'`);
  return value;
}

/**
 * Content bytes (no tag, no length) of a dotted OID.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` when it is not an OID.
 */
export function oidToBytes(dotted: string): Buffer {
  const octets = OCTETS_OF_KNOWN.get(dotted) ?? arcsToOctets(checkOid(dotted, 'oid'));
  const out = Buffer.alloc(octets.length);
  out.set(octets);
  return out;
}

/**
 * The dotted form of the OID whose content bytes are `[start, end)` of `bytes`.
 *
 * @throws `ERR_OCSP_MALFORMED` when empty, over 128 bytes, cut off in an arc, or when an arc is padded (X.690 8.19.2).
 */
export function oidFromBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  const length = end - start;
  if (length === 0) throw malformed(`empty OBJECT IDENTIFIER at byte ${start}`);
  if (length > MAX_OID_OCTETS) {
    throw malformed(`OBJECT IDENTIFIER of ${length} bytes at byte ${start}; at most ${MAX_OID_OCTETS} are read`);
  }
  if (length <= LONGEST_KNOWN) {
    const known = TEXT_OF_KNOWN.get(latin1Of(bytes, start, end));
    if (known !== undefined) return known;
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let atArcStart = true;
  for (const octet of bytes.subarray(start, end)) {
    if (atArcStart && octet === 0x80) throw malformed(`padded OBJECT IDENTIFIER arc at byte ${start}`);
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    atArcStart = octet < 0x80;
    if (atArcStart) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  if (!atArcStart) throw malformed(`OBJECT IDENTIFIER at byte ${start} ends within an arc`);
  // The first number holds two arcs, 40 * first + second, where first is 0, 1 or 2 (X.690 8.19.4).
  const [joint = 0n, ...rest] = arcs;
  const first = joint < 80n ? joint / 40n : 2n;
  return [first, joint - first * 40n, ...rest].join('.');
}

function arcsToOctets(dotted: string): number[] {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let high = arc >> 7n; high > 0n; high >>= 7n) groups.push(Number(high & 0x7fn) | 0x80);
    octets.push(...groups.reverse());
  }
  return octets;
}

function latin1Of(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

for (const table of [
  SignatureAlgorithmOID,
  HashAlgorithmOID,
  OCSPExtensionOID,
  CRLEntryExtensionOID,
  OCSPResponseTypeOID,
  AuthorityInformationAccessOID,
  NameOID,
]) {
  for (const dotted of Object.values(table)) {
    const octets = Buffer.from(arcsToOctets(dotted));
    OCTETS_OF_KNOWN.set(dotted, octets);
    TEXT_OF_KNOWN.set(octets.toString('latin1'), dotted);
  }
}
