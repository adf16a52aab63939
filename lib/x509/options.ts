/** Options objects as they come in: read once, by name, and without a name that means nothing. */
import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkObject } from './checks.js';
import { closest } from './suggestion.js';

/** The names of the options that `T` has. The compiler asks for every one of them, and for no other. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * The options that are given, in an object of our own. Each is read once, own or inherited, a field or a getter; undefined is
 * as good as left out.
 *
 * @throws What {@link checkNames} throws.
 */
export function readOptions<T extends object>(options: T, names: OptionNames<T>, argument: string = 'options'): T {
  return pickOptions<T>(checkNames(options, names, argument), names);
}

/** Those of some options that `names` has: for a part of what has been read. */
export function pickOptions<T extends object>(options: T, names: OptionNames<T>): T {
  const picked: Partial<T> = {};
  for (const name in names) {
    const value = options[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked as T;
}

/**
 * The object itself, for a caller that reads each option once by destructuring. A name that is none of `names` is refused, on
 * the object as on what it inherits from, short of `Object.prototype`. Methods of a class, which are functions and not
 * enumerable, may be there.
 *
 * @throws TypeError when it is not an object, or a list or bytes; `ERR_OCSP_INVALID_VALUE` for an unknown name.
 */
export function checkNames<T extends object>(
  options: T,
  names: Readonly<Record<string, true>>,
  argument: string = 'options',
): T {
  checkObject(options, argument);
  if (Array.isArray(options) || ArrayBuffer.isView(options) || types.isAnyArrayBuffer(options))
    throw invalidArgType(argument, 'an object of options', options);
  for (
    let level: object = options;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (names[name] !== true && !isMethod(level, name)) throw unknownName(name, Object.keys(names), argument);
    }
  }
  return options;
}

/** Checks the names of objects that come by the million: what has been seen once costs a look-up. */
export class NameCheck {
  readonly #judge: (name: string) => void;
  readonly #fine: Set<string>;
  readonly #prototypes = new WeakSet<object>([Object.prototype]);

  /** @param judge - throws for a name that is none of `names` and may not be there */
  constructor(names: Readonly<Record<string, true>>, judge: (name: string) => void) {
    this.#judge = judge;
    this.#fine = new Set(Object.keys(names));
  }

  /** Looks at what {@link checkNames} looks at, but for properties of the object itself that are not enumerable. */
  check(row: object): void {
    for (const name of Object.keys(row)) this.#take(name);
    let level: object | null = Object.getPrototypeOf(row);
    for (; level !== null && !this.#prototypes.has(level); level = Object.getPrototypeOf(level)) {
      for (const name of Object.getOwnPropertyNames(level)) if (!isMethod(level, name)) this.#take(name);
      this.#prototypes.add(level);
    }
  }

  #take(name: string): void {
    if (this.#fine.has(name)) return;
    this.#judge(name);
    if (this.#fine.size < MOST_NAMES) this.#fine.add(name);
  }
}

/** Names of a kind of objects that are remembered. */
const MOST_NAMES = 1024;

function isMethod(level: object, name: string): boolean {
  const property = Object.getOwnPropertyDescriptor(level, name);
  if (property === undefined) return true;
  // (Another realm has an Object.prototype of its own, whose only accessor this is.)
  return !property.enumerable && (typeof property.value === 'function' || name === '__proto__');
}

/** The error for a name that is none of `names`. */
export function unknownName(name: string, names: readonly string[], argument: string): Error {
  const near = names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? closest(name, names);
  const hint = near === undefined ? `only ${names.join(', ')}` : `did you mean '${near}'?`;
  return invalidValue(`${argument} takes no '${name.slice(0, 64)}': ${hint}`);
}
