/** Messages as OpenSSL prints them (`OCSP_REQUEST_print`, `OCSP_RESPONSE_print`). */
import { native } from '../binding.js';
import type { OCSPError } from '../errors.js';

/** The text as far as OpenSSL got, and why it got no further; null when that is all. */
export interface Printed {
  /** As OpenSSL writes it: names in a message need not be UTF-8. */
  readonly text: Buffer;
  readonly error: OCSPError | null;
}

export function printRequest(der: Uint8Array): Printed {
  return toPrinted(native.printRequest(der));
}

export function printResponse(der: Uint8Array): Printed {
  return toPrinted(native.printResponse(der));
}

function toPrinted([text, error]: [text: Buffer, error?: Error]): Printed {
  return { text, error: (error as OCSPError | undefined) ?? null };
}

/** The text, where nothing is missing. */
export function wholeBytes({ text, error }: Printed): Buffer {
  if (error !== null) throw error;
  return text;
}

/** The same as far as it is UTF-8. */
export function wholeText(printed: Printed): string {
  return wholeBytes(printed).toString();
}
