import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';

/** Milliseconds that `setTimeout` takes at the most: what is longer fires at once. */
export const LONGEST_TIME: number = 2 ** 31 - 1;

/**
 * Checks an argument that has to be bytes. It is not copied.
 *
 * @throws TypeError when it is not a Uint8Array (a Buffer is one).
 */
export function checkBytes(value: unknown, name: string): Uint8Array {
  if (!types.isUint8Array(value)) throw invalidArgType(name, 'an instance of Uint8Array', value);
  return value;
}

/**
 * Checks an argument that has to be an iterable, and converts each item. The iterable is read once; the list is frozen.
 *
 * @throws TypeError when it is not iterable, or is text or bytes; whatever `convert` throws.
 */
export function checkList<T>(items: unknown, name: string, convert: (item: unknown) => T): readonly T[] {
  if (typeof items === 'string' || types.isUint8Array(items)) throw invalidArgType(name, 'a list', items);
  const iterable = items as Partial<Iterable<unknown>> | null | undefined;
  if (typeof iterable?.[Symbol.iterator] !== 'function') throw invalidArgType(name, 'iterable', items);
  return Object.freeze(Array.from(iterable as Iterable<unknown>, (item) => convert(item)));
}

/**
 * Checks an argument that has to be an object with fields.
 *
 * @throws TypeError when it is not an object.
 */
export function checkObject<T extends object>(value: T, name: string): T {
  if (typeof value !== 'object' || value === null) throw invalidArgType(name, 'an object', value);
  return value;
}

/**
 * Checks an argument that has to be a string of whole Unicode characters.
 *
 * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` for half a surrogate pair, which no encoding carries.
 */
export function checkText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidArgType(name, 'a string', value);
  if (/\p{Surrogate}/u.test(value)) throw invalidValue(`${name} has half a surrogate pair`);
  return value;
}

/** A number that is more than 0 and less than 10^9, also a fraction. */
export function checkPositive(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!(value > 0 && value < 1e9)) throw invalidValue(`${name} must be more than 0 and less than 10^9`);
  return value;
}
