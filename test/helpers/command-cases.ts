/** Typed entry to parity/: command lines that both commands are run with. */

export interface CommandCase {
  name: string;
  args: string[];
  outputs?: string[];
  compareOutputs?: 'bytes' | 'verified';
  env?: Record<string, string>;
  stdin?: string;
  differs?: string;
}

export interface Outcome {
  status: number | null;
  stdout: Buffer;
  stderr: string;
  outputs: Record<string, Buffer | null>;
}

/** Fixtures, a folder to write in, and servers. */
export interface Place {
  folder: string;
  work: string;
  port: number;
  tlsPort: number;
}

/** What came over the wire. */
export interface WireRequest {
  httpVersion: string;
  method: string;
  url: string;
  rawHeaders: string[];
  body: Buffer;
}

export interface Servers {
  port: number;
  tlsPort: number;
  requests: WireRequest[];
  close(): void;
}

interface Parity {
  COMMAND_CASES: CommandCase[];
  makeFixtures(folder: string, openssl?: string): void;
  startServers(folder: string): Promise<Servers>;
  resolveArgs(entry: CommandCase, place: Place): string[];
  readOutputs(entry: CommandCase, place: Place): Outcome['outputs'];
  runProcess(command: string[], entry: CommandCase, place: Place): Promise<Outcome>;
  runBoth(
    entry: CommandCase,
    runOpenssl: () => Promise<Outcome>,
    runOurs: () => Promise<Outcome>,
    describe: (file: Buffer) => string,
  ): Promise<string[]>;
  normalizeText(text: string): string;
}

/** parity/, seen from build/test/helpers/. */
async function load(name: string): Promise<object> {
  return (await import(new URL(`../../../parity/${name}`, import.meta.url).href)) as object;
}

export const parity = Object.assign(
  {},
  await load('command-fixtures.mjs'),
  await load('command-cases.mjs'),
  await load('command-run.mjs'),
) as Parity;
