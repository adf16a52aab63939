/** What goes into an answer. */
import type { CertIdHashIndex, SingleResponseTuple } from '../../typings/binding.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { singleResponseFrom } from '../ocsp/single-response-input.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { encodeNull, encodeOctetString, encodeOid, encodeSequence } from '../x509/der.js';
import { Extension } from '../x509/extension.js';
import { ArchiveCutoff } from '../x509/extensions/response.js';
import { OCSPExtensionOID } from '../x509/oids.js';
import { ReasonFlags } from '../x509/reason.js';
import type { ResponderIssuer } from './issuer.js';
import type { AskedNonce } from './request.js';

/** What is said of a serial number that was never issued; undefined for unauthorized. */
export function notIssuedEntry(issuer: ResponderIssuer, serialNumber: string): StatusEntry | undefined {
  switch (issuer.notIssued) {
    case 'unauthorized':
      return undefined;
    case 'unknown':
      return { serialNumber, status: OCSPCertStatus.UNKNOWN };
    case 'good':
      return { serialNumber, status: OCSPCertStatus.GOOD };
    case 'revoked':
      // RFC 6960 section 2.2
      return {
        serialNumber,
        status: OCSPCertStatus.REVOKED,
        revocationTime: new Date(0),
        reason: ReasonFlags.certificateHold,
      };
  }
}

/** A SingleResponse. `times` are for an entry that brings none; in seconds. */
export function singleFor(
  issuer: ResponderIssuer,
  id: { readonly hash: CertIdHashIndex; readonly serialBytes: Buffer; readonly name: Buffer; readonly key: Buffer },
  entry: StatusEntry,
  times: { readonly thisUpdate: number; readonly nextUpdate: number | undefined; readonly last: number },
  now: number,
): SingleResponseTuple {
  const { status, revocationTime, reason, singleExtensions } = entry;
  const thisUpdate = entry.thisUpdate ?? new Date(times.thisUpdate * 1000);
  const wanted =
    entry.nextUpdate === undefined ? times.nextUpdate : entry.nextUpdate && entry.nextUpdate.getTime() / 1000;
  const nextUpdate = wanted == null ? null : new Date(Math.min(wanted, times.last) * 1000);
  const extensions = [...(singleExtensions ?? [])];
  const { archiveCutoff } = issuer;
  if (archiveCutoff !== undefined) {
    const cutoff = new ArchiveCutoff(new Date(now - archiveCutoff * 1000));
    extensions.push(new Extension(ArchiveCutoff.oid, false, cutoff));
  }
  return singleResponseFrom([id.hash, id.name, id.key, id.serialBytes], {
    certStatus: status,
    thisUpdate,
    nextUpdate,
    revocationTime,
    revocationReason: reason,
    singleExtensions: extensions,
  });
}

/** The responseExtensions element; undefined for none. */
export function responseExtensions(nonce: AskedNonce | null, extendedRevoke: boolean): Buffer | undefined {
  const extensions: Buffer[] = [];
  // As it came: old clients do not wrap their nonce, and look for the same bytes.
  if (nonce !== null) extensions.push(encodeSequence(NONCE, encodeOctetString(nonce.value)));
  if (extendedRevoke) extensions.push(EXTENDED_REVOKE);
  return extensions.length === 0 ? undefined : encodeSequence(...extensions);
}

const NONCE = encodeOid(OCSPExtensionOID.NONCE);
const EXTENDED_REVOKE = encodeSequence(encodeOid(OCSPExtensionOID.EXTENDED_REVOKE), encodeOctetString(encodeNull()));
