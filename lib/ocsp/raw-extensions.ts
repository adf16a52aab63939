/** Extension lists as a verifier looks at them: what is critical, what is there twice, and the bytes of a value. */
import { malformed } from '../errors.js';
import { DerReader, Tag } from '../x509/der.js';
import { duplicateExtension } from '../x509/extension.js';
import { CRLEntryExtensionOID, OCSPExtensionOID } from '../x509/oids.js';

/** One Extension, its value unread: a verifier must not stumble over a value that means nothing to it. */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of the extnValue OCTET STRING. Not a copy. */
  readonly value: Uint8Array;
}

/**
 * What a verifier understands, so that it may be critical. certificateIssuer is not among it: it makes an entry speak of
 * another CA than the CertID does.
 */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OCSPExtensionOID.NONCE,
  OCSPExtensionOID.CRL_REFERENCES,
  OCSPExtensionOID.ARCHIVE_CUTOFF,
  OCSPExtensionOID.EXTENDED_REVOKE,
  OCSPExtensionOID.SIGNED_CERTIFICATE_TIMESTAMPS,
  CRLEntryExtensionOID.CRL_REASON,
  CRLEntryExtensionOID.INVALIDITY_DATE,
]);

/**
 * Reads `[start, end)`, the content of a SEQUENCE OF Extension.
 *
 * @throws `ERR_OCSP_MALFORMED`; `ERR_OCSP_DUPLICATE_EXTENSION`.
 */
export function readRawExtensions(der: Uint8Array, start: number, end: number): RawExtension[] {
  const reader = new DerReader(der, start, end);
  const list: RawExtension[] = [];
  const seen = new Set<string>();
  while (!reader.atEnd) {
    const sequence = reader.enter(Tag.SEQUENCE, 'Extension');
    const oid = sequence.readOid('Extension.extnID');
    const flag = sequence.optional(Tag.BOOLEAN, 'Extension.critical');
    if (flag !== undefined && flag.end - flag.contentStart !== 1) throw malformed('Extension.critical is not one byte');
    const value = sequence.read(Tag.OCTET_STRING, 'Extension.extnValue');
    sequence.done('Extension');
    if (seen.has(oid)) throw duplicateExtension(oid);
    seen.add(oid);
    list.push({
      oid,
      critical: flag !== undefined && der[flag.contentStart] !== 0,
      value: der.subarray(value.contentStart, value.end),
    });
  }
  return list;
}

/** Whether a verifier has to refuse what holds this extension: it is critical, and not understood. */
export function isUnknownCritical({ oid, critical }: RawExtension): boolean {
  return critical && !UNDERSTOOD.has(oid);
}

/** The bytes of the nonce extension; null when there is none. */
export function nonceOf(extensions: readonly RawExtension[]): Uint8Array | null {
  return extensions.find(({ oid }) => oid === OCSPExtensionOID.NONCE)?.value ?? null;
}
