import { type InspectOptionsStylized, inspect } from 'node:util';

/** What `JSON.stringify` can write. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** No number of a certificate or list is longer (RFC 5280: 20 bytes). */
const LONG = 1n << 512n;

/** An integer for JSON: decimal; after `0x`, hexadecimal, when it is so long that decimal digits would take their time. */
export function integerToJson(value: bigint): string {
  if (value < LONG && value > -LONG) return value.toString();
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/**
 * An immutable value: compared by content, printable as JSON, and shown by `console.log` as what it holds.
 *
 * In JSON, bytes are lower-case hex, dates ISO 8601, serial numbers hexadecimal as `X509Certificate` has them, and other integers
 * decimal strings.
 */
export abstract class ValueObject {
  /** Only what a constructor has made has it; `Object.create(SomeClass.prototype)` has not. */
  readonly #made: true = true;

  /** Whether `other` is an object of the same class. */
  protected isSameClass(other: unknown): other is this {
    return (
      this.#made &&
      typeof other === 'object' &&
      other !== null &&
      #made in other &&
      other.constructor === this.constructor
    );
  }

  /** Whether `other` is the same kind of value with the same content; anything else is `false`, never an error. */
  abstract equals(other: unknown): boolean;

  /** The content for `JSON.stringify`. */
  abstract toJSON(): Json;

  // Not a method declaration: `isolatedDeclarations` allows no computed name but the well-known symbols in a class.
  static {
    Object.defineProperty(ValueObject.prototype, inspect.custom, {
      value(this: ValueObject, depth: number, options: InspectOptionsStylized): string {
        const name = this.constructor.name;
        if (depth < 0 || !(#made in this)) return options.stylize(`[${name}]`, 'special');
        // Messages nest deeper than the two levels that are usual, and what is deepest matters most.
        return `${name} ${inspect(this.toJSON(), { ...options, depth: null })}`;
      },
      configurable: true,
      writable: true,
    });
  }
}
