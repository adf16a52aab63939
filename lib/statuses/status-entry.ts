import { invalidValue } from '../errors.js';
import type { OCSPCertStatus } from '../ocsp/enums.js';
import type { Extension } from '../x509/extension.js';
import { NameCheck, type OptionNames } from '../x509/options.js';
import type { ReasonName } from '../x509/reason.js';
import type { SerialNumberInput } from '../x509/serial-number.js';
import { isNearly } from '../x509/suggestion.js';

/**
 * The status of one certificate, as a source knows it and a signer takes it. An object may have other members, as the row of a table has
 * other columns; but none whose name is nearly one of these.
 */
export interface StatusEntry {
  /** Serial number; text is hexadecimal. */
  readonly serialNumber: SerialNumberInput;
  /** GOOD, REVOKED or UNKNOWN. */
  readonly status: OCSPCertStatus;
  /** When the certificate was revoked; with REVOKED only, and required there. */
  readonly revocationTime?: Date | null;
  /** Why; with REVOKED only. */
  readonly reason?: ReasonName | null;
  /** Overrides the signer's validity window. */
  readonly thisUpdate?: Date;
  /** Overrides the signer's validity window; null for a response without nextUpdate. */
  readonly nextUpdate?: Date | null;
  /** Extensions of this entry alone. */
  readonly singleExtensions?: Iterable<Extension>;
  /**
   * Which knowledge of the certificate this is, as a row version of a database says it, for a store; see `bulkSign`, whose own
   * `statusVersion` it overrides. Signing takes no notice of it.
   */
  readonly statusVersion?: number;
}

const NAMES: OptionNames<StatusEntry> = {
  serialNumber: true,
  status: true,
  revocationTime: true,
  reason: true,
  thisUpdate: true,
  nextUpdate: true,
  singleExtensions: true,
  statusVersion: true,
};
/** What stands for a member elsewhere: in records, in `OCSPResponseBuilder` and in files. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['certStatus', 'status'],
  ['serial', 'serialNumber'],
  ['revocationReason', 'reason'],
  ['invalidityDate', 'singleExtensions'],
]);

const names = new NameCheck(NAMES, (name) => {
  const meant = OTHER_NAMES.get(name) ?? Object.keys(NAMES).find((known) => isNearly(name, known));
  if (meant !== undefined) throw invalidValue(`an entry has no '${name.slice(0, 64)}': did you mean '${meant}'?`);
});

/**
 * A copy, each member read once, the extensions too: a caller may use one object again for the next entry, and an iterator may end
 * for good, or do anything else. What is no object is given back, to be refused by whoever reads it.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for a name that is nearly that of a member, or stands for one elsewhere.
 */
export function copyEntry(entry: StatusEntry): StatusEntry {
  if (typeof entry !== 'object' || entry === null) return entry;
  names.check(entry);
  const { serialNumber, status, revocationTime, reason, thisUpdate, nextUpdate, singleExtensions, statusVersion } =
    entry;
  const copy: { -readonly [name in keyof StatusEntry]: StatusEntry[name] } = { serialNumber, status };
  if (revocationTime !== undefined) copy.revocationTime = revocationTime;
  if (reason !== undefined) copy.reason = reason;
  if (thisUpdate !== undefined) copy.thisUpdate = thisUpdate;
  if (nextUpdate !== undefined) copy.nextUpdate = nextUpdate;
  if (singleExtensions !== undefined) copy.singleExtensions = listOf(singleExtensions);
  if (statusVersion !== undefined) copy.statusVersion = statusVersion;
  return copy;
}

/** What is no object that can be iterated is given back, too. */
function listOf(extensions: Iterable<Extension>): Iterable<Extension> {
  if (typeof extensions !== 'object' || extensions === null || !(Symbol.iterator in extensions)) return extensions;
  return [...extensions];
}
