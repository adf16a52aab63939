/** Messages as OpenSSL prints them (`OCSP_REQUEST_print`, `OCSP_RESPONSE_print`). */
import { native } from '../binding.js';
import type { OCSPError } from '../errors.js';

/** The text as far as OpenSSL got, and why it got no further; null when that is all. */
export interface Printed {
  readonly text: string;
  readonly error: OCSPError | null;
}

export function printRequest(der: Uint8Array): Printed {
  return toPrinted(native.printRequest(der));
}

export function printResponse(der: Uint8Array): Printed {
  return toPrinted(native.printResponse(der));
}

function toPrinted([text, error]: [text: string, error?: Error]): Printed {
  return { text, error: (error as OCSPError | undefined) ?? null };
}

/** The text, where nothing is missing. */
export function wholeText({ text, error }: Printed): string {
  if (error !== null) throw error;
  return text;
}
