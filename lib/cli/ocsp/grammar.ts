/** The grammar of OpenSSL's commands: one dash or two, values as the next word or after `=`, everything in order. */
import { PROGRAM, type Session } from './session.js';
import { OPTIONS, type ValueKind } from './table.js';

/** One option as it comes. A name that is not in the table stands for a hash. */
export interface Option {
  readonly name: string;
  /** '' for flags. */
  readonly value: string;
}

/**
 * The options in order, checked one by one: what was read before a mistake has had its effect. Anything that is no option
 * ends them, and is wrong usage.
 */
export function* readOptions(args: readonly string[], session: Session): Generator<Option> {
  let at = 0;
  while (at < args.length) {
    const word = args[at] as string;
    if (!word.startsWith('-')) break;
    at += 1;
    if (word === '--') break;
    const body = word.slice(word.startsWith('--') ? 2 : 1);
    const equals = body.indexOf('=');
    const given = equals < 0 ? body : body.slice(0, equals);
    let value = equals < 0 ? undefined : body.slice(equals + 1);
    const name = given === 'h' ? 'help' : given;
    const kind = OPTIONS.get(name);
    if (kind === undefined) {
      if ((name === '' || OPTIONS.has(name)) && value !== undefined)
        session.usage(`${PROGRAM}: Option -${given} does not take a value`);
      yield { name, value: '' };
      continue;
    }
    if (value === undefined) {
      if (at >= args.length) session.usage(`${PROGRAM}: Option -${name} needs a value`);
      value = args[at] as string;
      at += 1;
    }
    const complaint = checkValue(name, value, kind);
    if (complaint !== undefined) session.usage(`${PROGRAM}: ${complaint}`);
    yield { name, value };
  }
  // OpenSSL 3.0 does not say which word it does not like.
  if (at < args.length) session.usage();
}

const MAX_INT = 2n ** 31n - 1n;
const MAX_LONG = 2n ** 63n - 1n;
const MAX_ULONG = 2n ** 64n - 1n;

/** What is wrong with the value; undefined when nothing is. */
function checkValue(name: string, value: string, kind: ValueKind): string | undefined {
  if (kind === 'text' || kind === 'uri' || kind === 'file' || kind === 'out') return undefined;
  const number = parseNumber(value, kind === 'unsigned');
  if (number === undefined) return numberComplaint(value);
  if (kind === 'integer' || kind === 'unsigned') return undefined;
  if (number > MAX_INT || number < -MAX_INT - 1n) return `Value "${value}" outside integer range`;
  if (kind === 'positive' && number <= 0n) return `Non-positive number "${value}" for option -${name}`;
  if (kind === 'nonneg' && number < 0n) return `Negative number "${value}" for option -${name}`;
  return undefined;
}

/**
 * A whole number as C's `strtol(..., 0)` reads it: sign, `0x`, and a leading 0 for octal. undefined for anything else, and
 * out of 64 bits.
 */
export function parseNumber(text: string, unsigned: boolean = false): bigint | undefined {
  const [, sign, digits] = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text) ?? [];
  if (digits === undefined || digits.length > 64) return undefined;
  const octal = /^0[0-7]/.test(digits);
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  if (unsigned) return magnitude <= MAX_ULONG ? magnitude : undefined;
  if (magnitude > MAX_LONG) return undefined;
  return sign === '-' ? -magnitude : magnitude;
}

function numberComplaint(value: string): string {
  const kind = /^0[xX]/.test(value) ? 'a hexadecimal' : value.startsWith('0') ? 'an octal' : 'a';
  return `Can't parse "${value}" as ${kind} number`;
}

/** C's `atoi`, which stops at whatever is no decimal digit; some options are read so after they were checked. */
export function atoi(text: string): number {
  return Number.parseInt(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? '0', 10);
}
