/** `--nonce`, `--nonce=LENGTH` and `--nonce=HEX`. */
import { randomBytes } from 'node:crypto';
import { OCSPNonce } from '../x509/extensions/request.js';
import { UsageError } from './command.js';

/** Bytes of a nonce: at least that many has a client to send (RFC 9654 section 2.1). */
const DEFAULT_LENGTH = 32;
const LONGEST = 128;

export const NONCE_HELP = `  --nonce[=LENGTH|HEX]    send a nonce: of 32 bytes, of that many (1 to 128), or this one
`;

/** Gives `--nonce` its default value, since the reader of arguments knows no options whose value may be left out. */
export function withNonceDefault(args: readonly string[]): string[] {
  return args.map((arg) => (arg === '--nonce' ? `--nonce=${DEFAULT_LENGTH}` : arg));
}

/** The nonce that the option asks for. */
export function nonceOption(value: string | undefined): OCSPNonce | undefined {
  const asked = nonceLengthOrBytes(value);
  return asked === undefined ? undefined : new OCSPNonce(typeof asked === 'number' ? randomBytes(asked) : asked);
}

/** How long the nonce has to be, or the nonce itself. A number of up to three digits is a length. */
export function nonceLengthOrBytes(value: string | undefined): number | Buffer | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,3}$/.test(value)) return checkLength(Number(value));
  if (!/^([0-9a-f]{2})+$/i.test(value)) {
    throw new UsageError(`--nonce is neither a length nor hexadecimal digits of whole bytes: ${value}`);
  }
  checkLength(value.length / 2);
  return Buffer.from(value, 'hex');
}

function checkLength(length: number): number {
  if (length < 1 || length > LONGEST) throw new UsageError(`--nonce has 1 to ${LONGEST} bytes, not ${length}`);
  return length;
}
