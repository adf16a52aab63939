/** Colours on a terminal, plain text elsewhere, and text of strangers made safe to print. */
import { inspect } from 'node:util';

/** What the command colours with. */
export type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** Puts a colour around a text, or leaves it alone. */
export type Paint = (colour: Colour, text: string) => string;

/** A {@link Paint} for a stream. `FORCE_COLOR` (0: off) goes before `NO_COLOR`, as in Node itself. */
export function paintFor({ isTTY = false }: { readonly isTTY?: boolean }): Paint {
  const { FORCE_COLOR, NO_COLOR, TERM } = process.env;
  let enabled = isTTY && !NO_COLOR && TERM !== 'dumb';
  if (FORCE_COLOR !== undefined) enabled = FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  if (!enabled) return (_colour, text) => text;
  return (colour, text) => {
    const [on, off] = inspect.colors[colour] ?? [0, 0];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  };
}

/** Control characters (escape sequences begin with one), separators of lines, and what invisibly reorders text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu;

/** Text that came from outside, fit for a terminal: what is unprintable in it becomes `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** {@link printable} for text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** A value as JSON in one line that is fit for a terminal; it reads back as the same value. */
export function toJsonLine(value: object): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i).toString(16).padStart(4, '0'))
      .map((digits) => `\\u${digits}`)
      .join(''),
  );
}
