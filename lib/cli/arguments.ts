/** The arguments of a command: options with two dashes, and what stands between them. */
import { parseArgs } from 'node:util';
import { closest } from '../x509/suggestion.js';
import { UsageError } from './command.js';

/** An option of a command. One with a value is given once, unless it is `multiple`. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
}

/** The options of a command by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S extends { type: 'boolean' }
  ? boolean
  : S extends { multiple: true }
    ? string[]
    : string;

/** What was given, by name of the option. */
export type OptionValues<T extends OptionSpecs> = { readonly [K in keyof T]?: ValueOf<T[K]> };

/** What a command was called with. */
export interface Arguments<T extends OptionSpecs> {
  readonly values: OptionValues<T>;
  /** Arguments that are no options; a command that takes none never gets here with one. */
  readonly positionals: readonly string[];
}

/**
 * Reads the arguments of a command. All that is given counts, or is an error.
 *
 * @param most - how many arguments that are no options the command takes
 * @throws UsageError
 */
export function readArguments<T extends OptionSpecs>(args: readonly string[], options: T, most = 0): Arguments<T> {
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string | boolean | string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue, index } = token;
    const spec = rawName.startsWith('--') && Object.hasOwn(options, name) ? options[name] : undefined;
    if (spec === undefined) throw unknownOption(args[index] as string, Object.keys(options));
    if (spec.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`--${name} takes no value`);
      values.set(name, true);
      continue;
    }
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    if (!inlineValue && value.startsWith('--'))
      throw new UsageError(`--${name} needs a value; one that begins with two dashes is written --${name}=${value}`);
    const before = values.get(name);
    if (spec.multiple) values.set(name, [...((before as string[] | undefined) ?? []), value]);
    else if (before === undefined) values.set(name, value);
    else throw new UsageError(`--${name} is given twice: ${before} and ${value}`);
  }
  refuseMore(positionals, most);
  return { values: Object.fromEntries(values) as OptionValues<T>, positionals };
}

/** @throws UsageError where there are more arguments than the command takes. */
export function refuseMore(positionals: readonly string[], most: number): void {
  const extra = positionals[most];
  if (extra !== undefined) throw new UsageError(`unexpected argument: ${extra}`);
}

function unknownOption(word: string, names: readonly string[]): UsageError {
  const given = word.split('=', 1)[0] as string;
  const near = closest(given.replace(/^-+/, ''), names);
  return new UsageError(`no such option: ${given}${near === undefined ? '' : `; did you mean --${near}?`}`);
}
