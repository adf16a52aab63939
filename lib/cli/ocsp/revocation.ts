/** The revocation column of `index.txt`, as `openssl ocsp` unpacks it (`unpack_revinfo`). */
import { asn1Time } from '../../statuses/fields.js';
import { encodeGeneralizedTime, encodeOid } from '../../x509/der.js';
import { parseGeneralizedTime } from '../../x509/time.js';
import { UNKNOWN_OBJECT } from './queue.js';
import type { Session } from './session.js';

/** When and why. */
export interface Revocation {
  readonly time: Date;
  /** CRLReason; undefined where none is given, or not understood. */
  readonly reason: number | undefined;
  /** An extension of the entry: OID, and the DER of its value. */
  readonly extension?: readonly [oid: string, value: Buffer];
}

const REASONS = [
  'unspecified',
  'keycompromise',
  'cacompromise',
  'affiliationchanged',
  'superseded',
  'cessationofoperation',
  'certificatehold',
];
const KEY_COMPROMISE = 1;
const CA_COMPROMISE = 2;
const CERTIFICATE_HOLD = 6;
const REMOVE_FROM_CRL = 8;

const HOLD_INSTRUCTION_CODE = '2.5.29.23';
const INVALIDITY_DATE = '2.5.29.24';
const HOLD_INSTRUCTIONS: ReadonlyMap<string, string> = new Map([
  ['holdInstructionNone', '1.2.840.10040.2.1'],
  ['holdInstructionCallIssuer', '1.2.840.10040.2.2'],
  ['holdInstructionReject', '1.2.840.10040.2.3'],
]);

/** undefined when the time is not one: then there is no answer. A bad reason is said, and left out. */
export function unpackRevocation(session: Session, column: string): Revocation | undefined {
  const [timeText = '', name, ...rest] = column.split(',');
  const argument = rest.length === 0 ? undefined : rest.join(',');
  let time: Date;
  try {
    time = revocationTime(timeText);
  } catch {
    session.say(`invalid revocation date ${timeText}`);
    return undefined;
  }
  if (name === undefined) return { time, reason: undefined };
  return { time, ...(unpackReason(session, name, argument) ?? { reason: undefined }) };
}

/** OpenSSL takes offsets from UTC too, of up to twelve hours and 59 minutes. */
function revocationTime(text: string): Date {
  const [, local, sign, hours, minutes] = /^(\d{10}(?:\d\d)?)([+-])(0\d|1[0-2])([0-5]\d)$/.exec(text) ?? [];
  const bytes = Buffer.from(local === undefined ? text : `${local}Z`, 'latin1');
  const time = asn1Time(bytes, 0, bytes.length);
  if (local === undefined) return time;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return new Date(time.getTime() + (sign === '+' ? -offset : offset));
}

function unpackReason(
  session: Session,
  name: string,
  argument: string | undefined,
): Pick<Revocation, 'reason' | 'extension'> | undefined {
  const lower = name.toLowerCase();
  const known = REASONS.indexOf(lower);
  if (known >= 0) return { reason: known };
  switch (lower) {
    case 'removefromcrl':
      return { reason: REMOVE_FROM_CRL };
    case 'holdinstruction':
      return holdInstruction(session, argument);
    case 'keytime':
      return compromise(session, KEY_COMPROMISE, argument);
    case 'cakeytime':
      return compromise(session, CA_COMPROMISE, argument);
    default:
      session.say(`invalid reason code ${name}`);
      return undefined;
  }
}

function holdInstruction(
  session: Session,
  argument: string | undefined,
): Pick<Revocation, 'reason' | 'extension'> | undefined {
  if (argument === undefined) {
    session.say('missing hold instruction');
    return undefined;
  }
  try {
    const oid = HOLD_INSTRUCTIONS.get(argument) ?? argument;
    return { reason: CERTIFICATE_HOLD, extension: [HOLD_INSTRUCTION_CODE, encodeOid(oid)] };
  } catch {
    session.push(UNKNOWN_OBJECT);
    session.say(`invalid object identifier ${argument}`);
    return undefined;
  }
}

function compromise(
  session: Session,
  reason: number,
  argument: string | undefined,
): Pick<Revocation, 'reason' | 'extension'> | undefined {
  if (argument === undefined) {
    session.say('missing compromised time');
    return undefined;
  }
  try {
    const time = parseGeneralizedTime(Buffer.from(argument, 'latin1'));
    return { reason, extension: [INVALIDITY_DATE, encodeGeneralizedTime(time)] };
  } catch {
    session.say(`invalid compromised time ${argument}`);
    return undefined;
  }
}
