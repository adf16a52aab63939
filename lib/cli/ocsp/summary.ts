/** The summary: a few lines for each certificate that was asked about (`print_ocsp_summary`). */
import type { OCSPResponse } from '../../ocsp/response.js';
import { contextTag, DerReader, Tag, type Tlv } from '../../x509/der.js';
import { parseGeneralizedTime } from '../../x509/time.js';
import type { Session } from './session.js';
import { isAtLeast, type Settings } from './settings.js';

/** One SingleResponse as it stands in the message. Times are text: OpenSSL lets forms through that are no DER. */
interface Entry {
  readonly certId: Buffer;
  readonly status: number;
  readonly thisUpdate: string;
  readonly nextUpdate: string | undefined;
  readonly revocationTime: string;
  readonly reason: number | undefined;
}

const STATUSES = ['good', 'revoked', 'unknown'];
const REVOKED = 1;
const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  '(UNKNOWN)',
  'removeFromCRL',
];
const NEW_REASONS = ['privilegeWithdrawn', 'aACompromise'];

/** Prints it. false when the response has no status for one of the certificates. */
export function printSummary(session: Session, response: OCSPResponse, settings: Settings): boolean {
  if (settings.asked.length === 0) return true;
  const entries = readEntries(response);
  let complete = true;
  for (const { name, certId } of settings.asked) {
    session.print(`${name}: `);
    const wanted = certIdKey(certId);
    const entry = entries.find((candidate) => certIdKey(candidate.certId) === wanted);
    if (entry === undefined) {
      session.print('ERROR: No Status found.\n');
      complete = false;
      continue;
    }
    const faults = timeFaults(entry, settings);
    if (faults.length > 0) {
      session.push(...faults);
      session.print(`WARNING: Status times invalid.\n${session.takeErrors().join('\n')}\n`);
    }
    session.print(describe(entry));
  }
  return complete;
}

function describe({ status, thisUpdate, nextUpdate, revocationTime, reason }: Entry): string {
  const lines = [STATUSES[status] ?? '(UNKNOWN)', `\tThis Update: ${timeText(thisUpdate)}`];
  if (nextUpdate !== undefined) lines.push(`\tNext Update: ${timeText(nextUpdate)}`);
  if (status === REVOKED) {
    if (reason !== undefined) lines.push(`\tReason: ${reasonText(reason)}`);
    lines.push(`\tRevocation Time: ${timeText(revocationTime)}`);
  }
  return `${lines.join('\n')}\n`;
}

function reasonText(reason: number): string {
  const names = isAtLeast(3, 2) ? [...REASONS, ...NEW_REASONS] : REASONS;
  return names[reason] ?? '(UNKNOWN)';
}

/** What decides whether CertIDs are the same (`OCSP_id_cmp`): parameters of the hash do not. */
function certIdKey(certId: Buffer): string {
  const reader = new DerReader(certId).enter(Tag.SEQUENCE);
  const oid = reader.enter(Tag.SEQUENCE).readOid();
  const [nameHash, keyHash] = [reader.readOctetString(), reader.readOctetString()];
  return [
    oid,
    nameHash.toString('hex'),
    keyHash.toString('hex'),
    reader.copyContent(reader.read(Tag.INTEGER)).toString('hex'),
  ].join(' ');
}

function readEntries(response: OCSPResponse): Entry[] {
  const data = new DerReader(response.tbsResponseBytes).enter(Tag.SEQUENCE);
  data.optional(contextTag(0));
  data.readTlv();
  data.readTlv();
  const list = data.enter(Tag.SEQUENCE);
  const entries: Entry[] = [];
  while (!list.atEnd) entries.push(readEntry(list.enter(Tag.SEQUENCE)));
  return entries;
}

function readEntry(reader: DerReader): Entry {
  const text = ({ contentStart, end }: Tlv): string =>
    Buffer.from(reader.bytes.subarray(contentStart, end)).toString('latin1');
  const certId = reader.copyTlv(reader.read(Tag.SEQUENCE));
  const status = reader.readTlv();
  const thisUpdate = text(reader.readTlv());
  const next = reader.optional(contextTag(0));
  const inner = next && new DerReader(reader.bytes, next.contentStart, next.end).readTlv();
  const entry = { certId, status: status.tag & 0x1f, thisUpdate, nextUpdate: inner && text(inner) };
  if (entry.status !== REVOKED) return { ...entry, revocationTime: '', reason: undefined };
  const info = new DerReader(reader.bytes, status.contentStart, status.end);
  const revocationTime = text(info.readTlv());
  const wrapped = info.optional(contextTag(0));
  if (wrapped === undefined) return { ...entry, revocationTime, reason: undefined };
  const { contentStart, end } = new DerReader(reader.bytes, wrapped.contentStart, wrapped.end).readTlv();
  const reason = Number(BigInt(`0x${Buffer.from(reader.bytes.subarray(contentStart, end)).toString('hex') || '0'}`));
  return { ...entry, revocationTime, reason };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Oct 11 08:41:13 2012 GMT` */
function timeText(text: string): string {
  const [, whole = '', fraction = ''] = /^(\d{14})(\.\d+)?Z$/.exec(text) ?? [];
  const time = secondsOf(`${whole}Z`);
  if (time === undefined) return 'Bad time value';
  const date = new Date(time * 1000);
  const clock = `${whole.slice(8, 10)}:${whole.slice(10, 12)}:${whole.slice(12, 14)}${fraction}`;
  return `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${clock} ${date.getUTCFullYear()} GMT`;
}

/** Seconds since 1970-01-01; undefined for what is not `YYYYMMDDHHMMSSZ`. */
function secondsOf(text: string): number | undefined {
  try {
    return parseGeneralizedTime(Buffer.from(text, 'latin1')).getTime() / 1000;
  } catch {
    return undefined;
  }
}

const fault = (code: string, reason: string): { code: string; library: string; reason: string } => ({
  code,
  library: 'OCSP routines',
  reason,
});
const FAULTS = {
  thisUpdate: fault('1380007B', 'error in thisupdate field'),
  nextUpdate: fault('1380007A', 'error in nextupdate field'),
  notYetValid: fault('1380007E', 'status not yet valid'),
  tooOld: fault('1380007F', 'status too old'),
  expired: fault('1380007D', 'status expired'),
  inverted: fault('1380007C', 'nextupdate before thisupdate'),
};

/**
 * OpenSSL's `OCSP_check_validity` in the order of its complaints. A time with a fraction or an offset, which OpenSSL
 * takes for right whatever it says, is an error in the field.
 */
function timeFaults({ thisUpdate, nextUpdate }: Entry, { tolerance, maxAge }: Settings): (typeof FAULTS)['expired'][] {
  const faults: (typeof FAULTS)['expired'][] = [];
  const now = BigInt(Math.floor(Date.now() / 1000));
  const begin = secondsOf(thisUpdate);
  if (begin === undefined) faults.push(FAULTS.thisUpdate);
  else {
    if (BigInt(begin) > now + tolerance) faults.push(FAULTS.notYetValid);
    // OpenSSL 3 takes equal for earlier.
    if (maxAge !== undefined && maxAge >= 0n && BigInt(begin) <= now - maxAge) faults.push(FAULTS.tooOld);
  }
  if (nextUpdate === undefined) return faults;
  const end = secondsOf(nextUpdate);
  if (end === undefined) faults.push(FAULTS.nextUpdate);
  else if (BigInt(end) <= now - tolerance) faults.push(FAULTS.expired);
  // OpenSSL compares lengths, then characters, whether these are times or not.
  const { length } = thisUpdate;
  if (nextUpdate.length < length || (nextUpdate.length === length && nextUpdate < thisUpdate)) {
    faults.push(FAULTS.inverted);
  }
  return faults;
}
