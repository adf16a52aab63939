/** What the subcommands share. */

/** A subcommand. Exit codes: 0 done, 1 failed, 2 wrong usage. */
export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  readonly help: string;
  /** The command also finds `--help` among its arguments itself. */
  readonly ownGrammar?: boolean;
  /** Returns the exit code. */
  run(args: readonly string[]): Promise<number>;
}

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

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
