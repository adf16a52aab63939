import { invalidValue, malformed } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { Extension } from '../x509/extension.js';
import { InvalidityDate } from '../x509/extensions/crl-entry.js';
import { isNearly } from '../x509/suggestion.js';
import { reasonFromText, serialFromDecimalText, serialFromHexText, statusFromText, timeFromText } from './fields.js';
import type { StatusEntry } from './status-entry.js';

/** The members of a row, by name; null, undefined and the empty string are the same: nothing there. */
export interface EntryFields {
  readonly serial?: unknown;
  readonly status?: unknown;
  readonly revocationTime?: unknown;
  readonly reason?: unknown;
  readonly thisUpdate?: unknown;
  readonly nextUpdate?: unknown;
  readonly invalidityDate?: unknown;
  /** That of the entry, a whole number. */
  readonly statusVersion?: unknown;
}

/** Name of a member. */
export type FieldName = keyof EntryFields;

const FIELD_OF: ReadonlyMap<string, FieldName> = new Map<string, FieldName>([
  ['serial', 'serial'],
  ['serialnumber', 'serial'],
  ['status', 'status'],
  ['revocationtime', 'revocationTime'],
  ['reason', 'reason'],
  ['thisupdate', 'thisUpdate'],
  ['nextupdate', 'nextUpdate'],
  ['invaliditydate', 'invalidityDate'],
  ['statusversion', 'statusVersion'],
]);

/** Names that are those of other members or columns: of no interest here. */
const others = new Set<string>();
const MOST_OTHERS = 1024;

/**
 * The member that a column or a JSON member of this name is, in any case; undefined for what is of no interest here.
 *
 * @throws `ERR_OCSP_MALFORMED` for a name that is nearly one of these: no one would read what it says.
 */
export function fieldNamed(name: string): FieldName | undefined {
  if (others.has(name)) return undefined;
  const field = FIELD_OF.get(name) ?? FIELD_OF.get(name.trim().toLowerCase());
  if (field !== undefined) return field;
  const meant = OTHER_NAMES.get(name) ?? [...FIELD_OF.keys()].find((known) => isNearly(name, known));
  if (meant !== undefined)
    throw malformed(`there is no '${name.slice(0, 64)}': did you mean '${FIELD_OF.get(meant) ?? meant}'?`);
  if (others.size < MOST_OTHERS) others.add(name);
  return undefined;
}

/** What stands for a member elsewhere. */
const OTHER_NAMES: ReadonlyMap<string, FieldName> = new Map<string, FieldName>([
  ['certStatus', 'status'],
  ['revocationReason', 'reason'],
]);

/** How serial numbers are written: `hex`, after `0x` or not, or `decimal`. */
export type SerialFormat = 'hex' | 'decimal';

/** @throws `ERR_OCSP_INVALID_VALUE` */
export function checkSerialFormat(format: SerialFormat, name: string): SerialFormat {
  if (format !== 'hex' && format !== 'decimal') throw invalidValue(`${name} is neither hex nor decimal`);
  return format;
}

/** A serial number in text. */
export function serialFromText(text: string, format: SerialFormat): string | bigint {
  return format === 'decimal' ? serialFromDecimalText(text) : serialFromHexText(text);
}

/** An entry of named values: strings, or numbers for serial and status. */
export function entryFromFields(fields: EntryFields, serials: SerialFormat): StatusEntry {
  const serialNumber = serialOf(fields.serial, serials);
  const status = statusOf(fields.status);
  const revocationTime = timeOf(fields.revocationTime, 'revocationTime');
  const reasonText = textOf(fields.reason, 'reason');
  const thisUpdate = timeOf(fields.thisUpdate, 'thisUpdate');
  const nextUpdate = timeOf(fields.nextUpdate, 'nextUpdate');
  const invalidity = timeOf(fields.invalidityDate, 'invalidityDate');
  const statusVersion = wholeOf(fields.statusVersion, 'statusVersion');
  if (status === OCSPCertStatus.REVOKED) {
    if (revocationTime === undefined) throw malformed('revoked, but no revocationTime');
  } else if (revocationTime !== undefined || reasonText !== undefined || invalidity !== undefined) {
    throw malformed('revocationTime, reason or invalidityDate, but the status is not revoked');
  }
  const reason = reasonText === undefined ? null : reasonFromText(reasonText);
  const entry = { serialNumber, status, revocationTime: revocationTime ?? null, reason };
  // Spreading costs more than all the rest, and hardly any row needs it.
  const isPlain = thisUpdate === undefined && nextUpdate === undefined && invalidity === undefined;
  if (isPlain && statusVersion === undefined) return entry;
  return {
    ...entry,
    ...(thisUpdate && { thisUpdate }),
    ...(nextUpdate && { nextUpdate }),
    ...(statusVersion !== undefined && { statusVersion }),
    ...(invalidity && {
      singleExtensions: [new Extension(InvalidityDate.oid, false, new InvalidityDate(invalidity))],
    }),
  };
}

function serialOf(value: unknown, format: SerialFormat): string | bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw malformed(`serial number ${value} is not exact; write it as text`);
    return BigInt(value);
  }
  const text = textOf(value, 'serial');
  if (text === undefined) throw malformed('no serial number');
  return serialFromText(text, format);
}

function statusOf(value: unknown): OCSPCertStatus {
  const text = typeof value === 'number' ? String(value) : textOf(value, 'status');
  if (text === undefined) throw malformed('no status');
  return statusFromText(text);
}

function timeOf(value: unknown, name: string): Date | undefined {
  const text = textOf(value, name);
  return text === undefined ? undefined : timeFromText(text);
}

function wholeOf(value: unknown, name: string): number | undefined {
  const text = typeof value === 'number' ? String(value) : textOf(value, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw malformed(`${name} is not a whole number: '${text.slice(0, 64)}'`);
  return Number(text);
}

function textOf(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw malformed(`${name} is not text`);
  return value;
}
