/** What goes into an answer. */
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { encodeNull, encodeOctetString, encodeOid, encodeSequence, Tag } from '../x509/der.js';
import { Extension } from '../x509/extension.js';
import { ArchiveCutoff } from '../x509/extensions/response.js';
import { OCSPExtensionOID } from '../x509/oids.js';
import { ReasonFlags } from '../x509/reason.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';
import type { AskedNonce } from './request.js';

/** Seconds for which a serial number is said not to have been issued: it may be the next one that is. */
const NOT_ISSUED_PERIOD = 300;

/**
 * When what is said of a serial number that no one knows ends; nothing where there is no nextUpdate at all. (Some keep "unknown" until then,
 * and with it who came too early.)
 */
export function notIssuedTimes(signer: LiveSigner | undefined, now: number): { readonly nextUpdate?: Date } {
  const { thisUpdate = 0, nextUpdate } = signer?.timesAt(now) ?? {};
  if (nextUpdate === undefined) return {};
  const begin = Math.max(thisUpdate, Math.floor(now / 1000));
  return { nextUpdate: new Date(Math.min(nextUpdate, begin + NOT_ISSUED_PERIOD) * 1000) };
}

/** What is said of a serial number that was never issued; undefined for unauthorized. */
export function notIssuedEntry(
  issuer: ResponderIssuer,
  serialNumber: string,
  signer: LiveSigner | undefined,
  now: number,
): StatusEntry | undefined {
  switch (issuer.notIssued) {
    case 'unauthorized':
      return undefined;
    case 'unknown':
      return { serialNumber, status: OCSPCertStatus.UNKNOWN, ...notIssuedTimes(signer, now) };
    case 'good':
      return { serialNumber, status: OCSPCertStatus.GOOD, ...issuer.knowledge.authority.holds?.() };
    case 'revoked':
      // RFC 6960 section 2.2
      return {
        serialNumber,
        status: OCSPCertStatus.REVOKED,
        revocationTime: new Date(0),
        reason: ReasonFlags.certificateHold,
        ...notIssuedTimes(signer, now),
      };
  }
}

/** An entry, as it is signed for an issuer. */
export function entryFor({ archiveCutoff }: ResponderIssuer, entry: StatusEntry, now: number): StatusEntry {
  if (archiveCutoff === undefined) return entry;
  const cutoff = new ArchiveCutoff(new Date(now - archiveCutoff * 1000));
  const own = new Extension(ArchiveCutoff.oid, false, cutoff);
  return { ...entry, singleExtensions: [...(entry.singleExtensions ?? []), own] };
}

/** The responseExtensions element; undefined for none. */
export function responseExtensions(nonce: AskedNonce | null, extendedRevoke: boolean): Buffer | undefined {
  if (nonce === null) return extendedRevoke ? encodeSequence(EXTENDED_REVOKE) : undefined;
  // As it came: old clients do not wrap their nonce, and look for the same bytes.
  const { value } = nonce;
  if (!extendedRevoke && value.length <= SHORT_NONCE) return onlyNonce(value);
  const own = encodeSequence(NONCE, encodeOctetString(value));
  return extendedRevoke ? encodeSequence(own, EXTENDED_REVOKE) : encodeSequence(own);
}

/** Most requests for which something is signed at once bring one: in one piece it takes a tenth of the time. */
function onlyNonce(value: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(NONCE.length + value.length + 6);
  out[0] = Tag.SEQUENCE;
  out[1] = out.length - 2;
  out[2] = Tag.SEQUENCE;
  out[3] = out.length - 4;
  out.set(NONCE, 4);
  out[4 + NONCE.length] = Tag.OCTET_STRING;
  out[5 + NONCE.length] = value.length;
  out.set(value, 6 + NONCE.length);
  return out;
}

const NONCE = encodeOid(OCSPExtensionOID.NONCE);
/** Up to here all lengths have one octet. */
const SHORT_NONCE = 0x7f - (NONCE.length + 4);
const EXTENDED_REVOKE = encodeSequence(encodeOid(OCSPExtensionOID.EXTENDED_REVOKE), encodeOctetString(encodeNull()));
