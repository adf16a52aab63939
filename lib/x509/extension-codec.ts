import { malformed, OCSPError } from '../errors.js';
import {
  DerReader,
  encodeBoolean,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSequenceOf,
  Tag,
} from './der.js';
import {
  duplicateExtension,
  Extension,
  type ExtensionClass,
  Extensions,
  type ExtensionType,
  UnrecognizedExtension,
} from './extension.js';
import { CertificateIssuer, CRLReason, InvalidityDate } from './extensions/crl-entry.js';
import { OCSPAcceptableResponses, OCSPNonce, PreferredSignatureAlgorithms } from './extensions/request.js';
import { ArchiveCutoff, CrlID, ExtendedRevoke } from './extensions/response.js';
import { ServiceLocator } from './extensions/service-locator.js';
import { SignedCertificateTimestamps } from './sct.js';

export { checkExtension, type ExtensionType } from './extension.js';

/** The four places of an OCSP message that hold extensions. */
export type ExtensionSlot =
  /** requestExtensions of TBSRequest. */
  | 'request'
  /** singleRequestExtensions of Request. */
  | 'singleRequest'
  /** responseExtensions of ResponseData. */
  | 'response'
  /** singleExtensions of SingleResponse. */
  | 'singleResponse';

interface ReadableExtension extends ExtensionClass {
  fromDer(value: Uint8Array): ExtensionType;
}

/**
 * Where each type is recognised. Anywhere else, and for every other OID, critical or not, the value is an
 * `UnrecognizedExtension`: it is for the caller to refuse critical extensions that the caller does not understand.
 * `OCSPNoCheck` has no row: it belongs in certificates.
 */
const RECOGNIZED_IN: readonly (readonly [type: ReadableExtension, slots: readonly ExtensionSlot[], source: string])[] =
  [
    [OCSPNonce, ['request', 'response'], 'RFC 9654 section 2.1'],
    [OCSPAcceptableResponses, ['request'], 'RFC 6960 section 4.4.3'],
    [PreferredSignatureAlgorithms, ['request'], 'RFC 6960 section 4.4.7'],
    [ServiceLocator, ['singleRequest'], 'RFC 6960 section 4.4.6'],
    [ExtendedRevoke, ['response'], 'RFC 6960 section 4.4.8'],
    [CrlID, ['singleResponse'], 'RFC 6960 section 4.4.2'],
    [ArchiveCutoff, ['singleResponse'], 'RFC 6960 section 4.4.4'],
    [CRLReason, ['singleResponse'], 'RFC 6960 section 4.4.5, RFC 5280 section 5.3.1'],
    [InvalidityDate, ['singleResponse'], 'RFC 6960 section 4.4.5, RFC 5280 section 5.3.2'],
    [CertificateIssuer, ['singleResponse'], 'RFC 6960 section 4.4.5, RFC 5280 section 5.3.3'],
    [SignedCertificateTimestamps, ['singleResponse'], 'RFC 6962 section 3.3'],
  ];

const TYPES_OF_SLOT: Readonly<Record<ExtensionSlot, ReadonlyMap<string, ReadableExtension>>> = {
  request: typesOf('request'),
  singleRequest: typesOf('singleRequest'),
  response: typesOf('response'),
  singleResponse: typesOf('singleResponse'),
};

function typesOf(slot: ExtensionSlot): ReadonlyMap<string, ReadableExtension> {
  return new Map(RECOGNIZED_IN.filter(([, slots]) => slots.includes(slot)).map(([type]) => [type.oid, type]));
}

/**
 * Reads an extension list. The time is linear in its length.
 *
 * @param der - bytes that hold the list
 * @param start - first content byte of the SEQUENCE OF Extension
 * @param end - one past the last content byte
 * @param slot - where the list stands, which decides what is recognised
 * @throws `ERR_OCSP_MALFORMED` when the list, or the value of a recognised extension, does not parse;
 * `ERR_OCSP_DUPLICATE_EXTENSION` when an OID occurs twice. Both with `oid` where one extension is to blame.
 */
export function parseExtensions(der: Uint8Array, start: number, end: number, slot: ExtensionSlot): Extensions {
  const reader = new DerReader(der, start, end);
  const raw = new Map<string, { critical: boolean; value: Uint8Array }>();
  // The whole list first: that an OID is there twice matters more than what either of them says.
  while (!reader.atEnd) {
    const sequence = reader.enter(Tag.SEQUENCE, 'Extension');
    const oid = sequence.readOid('Extension.extnID');
    // That FALSE is the default and so not to be written is a matter of the message's DER, checked when it is loaded.
    const flag = sequence.optional(Tag.BOOLEAN, 'Extension.critical');
    if (flag !== undefined && flag.end - flag.contentStart !== 1) {
      throw malformed(`Extension.critical at byte ${flag.start} is not one byte`, { oid });
    }
    const { contentStart, end: valueEnd } = sequence.read(Tag.OCTET_STRING, 'Extension.extnValue');
    sequence.done('Extension');
    if (raw.has(oid)) throw duplicateExtension(oid);
    raw.set(oid, {
      critical: flag !== undefined && der[flag.contentStart] !== 0,
      value: der.subarray(contentStart, valueEnd),
    });
  }
  const types = TYPES_OF_SLOT[slot];
  return new Extensions(
    Array.from(
      raw,
      ([oid, { critical, value }]) => new Extension(oid, critical, readValue(types.get(oid), oid, value)),
    ),
  );
}

/**
 * DER of an extension list: SEQUENCE OF Extension, in the given order. `critical FALSE` is the default, so not written.
 */
export function encodeExtensions(extensions: readonly Extension[]): Buffer {
  return encodeSequenceOf(
    extensions.map(({ oid, critical, value }) =>
      encodeSequence(
        encodeOid(oid),
        ...(critical ? [encodeBoolean(true)] : []),
        encodeOctetString(value.publicBytes()),
      ),
    ),
  );
}

function readValue(type: ReadableExtension | undefined, oid: string, value: Uint8Array): ExtensionType {
  if (type === undefined) return new UnrecognizedExtension(oid, value);
  try {
    return type.fromDer(value);
  } catch (cause) {
    if (!(cause instanceof OCSPError)) throw cause;
    throw malformed(`${type.name} extension: ${cause.message}`, { oid, cause });
  }
}
