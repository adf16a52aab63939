/** What the subcommands share. */
import type { OptionSpecs } from './arguments.js';

/** Exit codes. Only `OK` is 0, and only a "good" that was verified is `OK` where a verdict is asked for. */
export const ExitCode = {
  /** Done; with a verdict: good. */
  OK: 0,
  /** Failed: a file, a network, bytes that do not parse. There is no verdict. */
  FAILED: 1,
  /** Options or arguments that make no sense. */
  USAGE: 2,
  /** The verdict is revoked. */
  REVOKED: 3,
  /** The verdict is unknown. */
  UNKNOWN: 4,
  /** The response was refused: it says nothing. */
  REFUSED: 5,
  /** All is signed, but of some certificates the store serves newer or more severe responses. */
  NOT_SERVED: 6,
  /** Whoever reads the output stopped reading: 128 and the number of SIGPIPE, as of any other program. */
  BROKEN_PIPE: 141,
} as const;

/** A subcommand. */
export interface Command {
  readonly help: string;
  /** Its options by name, where {@link help} is to be held against them. */
  readonly options?: OptionSpecs;
  /** The command also finds `--help` among its arguments itself. */
  readonly ownGrammar?: boolean;
  /** Returns the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/** A subcommand in the overview. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** The command: loaded when it is run, for none needs what all others need. */
  load(): Promise<Command>;
}

/** What a subcommand says of itself. */
export type CommandHelp = Pick<CommandEntry, 'name' | 'summary'> & Pick<Command, 'help' | 'options'>;

/** Options or arguments that make no sense. */
export class UsageError extends Error {}

/** The value of an option that has to be there. */
export function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`--${option} is missing`);
  return value;
}

/** A number from an option. */
export function numberOption(value: string | undefined, option: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw new UsageError(`--${option} is not a number: ${value}`);
  return number;
}

/** A whole number, 1 or more, from an option. */
export function countOption(value: string | undefined, option: string): number | undefined {
  const number = numberOption(value, option);
  if (number !== undefined && !(Number.isSafeInteger(number) && number > 0))
    throw new UsageError(`--${option} is not a whole number from 1 on: ${value}`);
  return number;
}

/** One of a list of names from an option. */
export function choiceOption<T extends string>(
  value: string | undefined,
  option: string,
  choices: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  if (!choices.includes(value as T)) throw new UsageError(`--${option} is one of ${choices.join(', ')}, not ${value}`);
  return value as T;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
