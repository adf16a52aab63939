/** An outline: titles, and under each of them rows of label and value, then further outlines. */
import { type Paint, printable } from './colour.js';

/** A value as text; bytes, which are wrapped; or what went wrong when it was read. */
export type Value = string | Uint8Array | { readonly error: string };

export interface Outline {
  readonly title: string;
  readonly rows: readonly (readonly [label: string, value: Value])[];
  readonly parts?: readonly Outline[];
}

const LABEL_WIDTH = 18;
const HEX_WIDTH = 64;

/** What `read` returns, or its error: an outline is to be had of every message that loads, whatever is in it. */
export function attempt(read: () => string | Uint8Array): Value {
  try {
    return read();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** The lines of an outline. */
export function outlineLines({ title, rows, parts = [] }: Outline, paint: Paint, indent = ''): string[] {
  const lines = [`${indent}${paint('bold', printable(title))}`];
  for (const [label, value] of rows) {
    const [first = '', ...others] = valueLines(value, paint);
    lines.push(`${indent}  ${paint('dim', printable(label).padEnd(LABEL_WIDTH))} ${first}`.trimEnd());
    for (const line of others) lines.push(`${indent}  ${' '.repeat(LABEL_WIDTH)} ${line}`);
  }
  // (One by one: as arguments of one call, those of a signature of some megabytes are more than the stack holds.)
  for (const part of parts) for (const line of outlineLines(part, paint, `${indent}  `)) lines.push(line);
  return lines;
}

function valueLines(value: Value, paint: Paint): string[] {
  if (typeof value === 'string') return [paintStatus(printable(value), paint)];
  if ('error' in value) return [paint('red', `cannot be read: ${printable(value.error)}`)];
  const hex = Buffer.from(value).toString('hex');
  return hex.match(new RegExp(`.{1,${HEX_WIDTH}}`, 'g')) ?? ['(no bytes)'];
}

const STATUS_COLOURS = { GOOD: 'green', SUCCESSFUL: 'green', REVOKED: 'red', UNKNOWN: 'yellow' } as const;

function paintStatus(text: string, paint: Paint): string {
  return Object.hasOwn(STATUS_COLOURS, text) ? paint(STATUS_COLOURS[text as keyof typeof STATUS_COLOURS], text) : text;
}
