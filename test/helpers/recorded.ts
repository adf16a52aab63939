import { createHash, type X509Certificate } from 'node:crypto';
import {
  CertificateIssuer,
  CRLReason,
  CtSignatureAlgorithm,
  CtVersion,
  type Extensions,
  LogEntryType,
  type Name,
  OCSPAcceptableResponses,
  OCSPCertStatus,
  type OCSPError,
  OCSPNonce,
  OCSPResponseStatus,
  type ReasonFlags,
  SignedCertificateTimestamps,
  UnrecognizedExtension,
} from 'openssl-ocsp';

/** What the recordings hold: a JSON value. */
export type Recorded = null | boolean | number | string | Recorded[] | { [key: string]: Recorded };

/** All attributes of a loaded message, or the error of loading it, by the reference's attribute names. */
export type RecordedMessage = { [attribute: string]: Recorded };

/** One input of `cases.json`. */
export interface RecordedCase {
  name: string;
  kind: 'request' | 'response';
  der_hex: string;
  loaded: RecordedMessage;
}

/** Is this the recording of an error? */
export function isError(value: Recorded): value is { error: string; message: string; oid?: string } {
  return typeof value === 'object' && value !== null && 'error' in value;
}

/** The code that stands for one of the reference's errors. */
export function codeFor({ error, message }: { error: string; message: string }): OCSPError['code'] {
  if (error === 'UnsupportedAlgorithm') return 'ERR_OCSP_UNSUPPORTED_ALGORITHM';
  if (error === 'DuplicateExtension') return 'ERR_OCSP_DUPLICATE_EXTENSION';
  if (error !== 'ValueError') throw new Error(`no code for ${error}`);
  if (message.includes('not successful')) return 'ERR_OCSP_UNSUCCESSFUL';
  if (message.includes('SINGLERESP')) return 'ERR_OCSP_NOT_SINGLE';
  return 'ERR_OCSP_MALFORMED';
}

/** Our member for one of the reference's attributes: `revocation_time_utc` is `revocationTime`. */
export function memberFor(attribute: string): string {
  return attribute.replace(/_utc$/, '').replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A value of ours, in the form of the recordings, so that both can be compared as JSON. */
export function asRecorded(attribute: string, value: unknown, recorded: Recorded): Recorded {
  if (value === null) return null;
  switch (memberFor(attribute)) {
    case 'responseStatus':
      return { enum: `OCSPResponseStatus.${OCSPResponseStatus[value as OCSPResponseStatus]}` };
    case 'certificateStatus':
      return { enum: `OCSPCertStatus.${OCSPCertStatus[value as OCSPCertStatus]}` };
    case 'revocationReason':
      return { enum: `ReasonFlags.${pythonReason(value as ReasonFlags)}` };
    case 'hashAlgorithm':
    case 'signatureHashAlgorithm':
      return { hash: value as string };
    case 'signatureAlgorithmOid':
      return { oid: value as string };
    case 'serialNumber':
      return { int: String(value as bigint) };
    case 'producedAt':
    case 'revocationTime':
    case 'thisUpdate':
    case 'nextUpdate': {
      // The reference has each time twice, with and without a time zone.
      const aware = attribute.endsWith('_utc');
      return { time: (value as Date).toISOString().replace(/\.000Z$/, aware ? 'Z' : ''), aware, us: 0 };
    }
    case 'responderName': {
      const name = value as Name;
      return { name_der_hex: name.publicBytes().toString('hex'), name_rfc4514: name.rfc4514String() };
    }
    case 'certificates':
      return (value as X509Certificate[]).map((certificate, i) => ({
        cert_sha256: createHash('sha256').update(certificate.raw).digest('hex'),
        // node:crypto writes names in another form; the bytes are the proof.
        subject: ((recorded as { subject: string }[])[i]?.subject ?? null) as Recorded,
      }));
    case 'extensions':
    case 'singleExtensions':
      return extensionsAsRecorded(value as Extensions);
    case 'responses':
      return (value as Record<string, unknown>[]).map((single, i) =>
        Object.fromEntries(
          Object.entries((recorded as RecordedMessage[])[i] ?? {}).map(([key, part]) => [
            key,
            entryMember(single, key, part),
          ]),
        ),
      );
    default:
      return { hex: (value as Buffer).toString('hex') };
  }
}

/** A member of an entry; where it throws the error that was recorded, the recording. */
function entryMember(single: Record<string, unknown>, attribute: string, recorded: Recorded): Recorded {
  try {
    return asRecorded(attribute, single[memberFor(attribute)], recorded);
  } catch (error) {
    const { code } = error as OCSPError;
    return isError(recorded) && code === codeFor(recorded) ? recorded : { error: code };
  }
}

function extensionsAsRecorded(extensions: Extensions): Recorded {
  return [...extensions].map(({ oid, critical, value }) => ({
    oid,
    critical,
    type: value.constructor.name,
    value: extensionValue(value),
  }));
}

function extensionValue(value: unknown): Recorded {
  if (value instanceof OCSPNonce) return { nonce: value.nonce.toString('hex') };
  if (value instanceof OCSPAcceptableResponses) return [...value];
  if (value instanceof CRLReason) return { reason: value.reason };
  if (value instanceof UnrecognizedExtension) return { oid: value.oid, value_hex: value.value.toString('hex') };
  if (value instanceof CertificateIssuer) {
    return { names: [...value].map((name) => `<${name.constructor.name}(value='${String(name.value)}')>`) };
  }
  if (value instanceof SignedCertificateTimestamps) {
    return [...value].map((sct) => ({
      version: CtVersion[sct.version] as string,
      log_id: sct.logId.toString('hex'),
      timestamp: sct.timestamp
        .toISOString()
        .replace('Z', '000')
        .replace(/\.000000$/, ''),
      entry_type: LogEntryType[sct.entryType] as string,
      signature_hash_algorithm: sct.signatureHashAlgorithm,
      signature_algorithm: CtSignatureAlgorithm[sct.signatureAlgorithm] as string,
      signature: sct.signature.toString('hex'),
      extension_bytes: sct.extensionBytes.toString('hex'),
    }));
  }
  throw new Error(`no recorded form for ${(value as object).constructor.name}`);
}

/** `keyCompromise` is `key_compromise` there, `cACompromise` is `ca_compromise`. */
function pythonReason(reason: ReasonFlags): string {
  const special: Partial<Record<ReasonFlags, string>> = {
    cACompromise: 'ca_compromise',
    aACompromise: 'aa_compromise',
    removeFromCRL: 'remove_from_crl',
  };
  return special[reason] ?? reason.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
