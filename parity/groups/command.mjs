// `openssl-ocsp ocsp` against `openssl ocsp`: what both print, the exit code, and the files that they write
// (command-cases.mjs). Ours runs inside this process, which is faster, unless it reads standard input.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { openssl, opensslProgram } from '../cli.mjs';

const PARTS = [inRoot('parity', 'command-cases.mjs'), inRoot('dist', 'cli', 'ocsp', 'run.js')];

export const about = 'the command with openssl ocsp: output, exit code, files';
export const needs = ['cli', 'same'];

/** Cases at a time: much of the time is spent waiting. */
const LANES = 2;

export async function run({ compare, differs, scratch }) {
  if (!PARTS.every((file) => existsSync(file))) return 'there is no command of that name yet';
  const [{ COMMAND_CASES }, fixtures, commands, { runOcsp }] = await Promise.all([
    import('../command-cases.mjs'),
    import('../command-fixtures.mjs'),
    import('../command-run.mjs'),
    import('#dist/cli/ocsp/run.js'),
  ]);
  const folder = scratch.path('fixtures');
  mkdirSync(folder);
  fixtures.makeFixtures(folder, opensslProgram);
  const servers = await fixtures.startServers(folder);
  const main = [process.execPath, inRoot('dist', 'cli', 'main.js'), 'ocsp'];
  const both = (entry, lane) => {
    const [one, other] = ['openssl', 'ours'].map((name) => ({
      ...servers,
      folder,
      work: scratch.path(`${name}${lane}`),
    }));
    const theirs = () => commands.runProcess([opensslProgram, 'ocsp'], entry, one);
    const ours = () =>
      needsProcess(entry) ? commands.runProcess(main, entry, other) : inProcess(commands, runOcsp, entry, other);
    return commands.runBoth(entry, theirs, ours, describe);
  };
  const left = COMMAND_CASES.values();
  const again = [];
  const report = (entry, found) => {
    if (entry.differs === undefined) compare(entry.name, found, [], { args: entry.args });
    else differs(entry.name, found.length > 0);
  };
  const lane = async (_, number) => {
    for (const entry of left) {
      const found = await both(entry, number);
      if (found.length > 0 && entry.differs === undefined) again.push(entry);
      else report(entry, found);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
    // The second of the clock may have changed between the two each time: now nothing else is in the way.
    for (const entry of again) report(entry, await both(entry, 0));
  } finally {
    servers.close();
  }
}

/** Whether a case needs a standard input or an environment of its own. */
const needsProcess = ({ args, stdin, env }) => stdin !== undefined || env !== undefined || args.includes('-');

/** What `command-run.mjs` knows of a run, of one in this process. */
async function inProcess({ resolveArgs, readOutputs }, runOcsp, entry, place) {
  rmSync(place.work, { recursive: true, force: true });
  mkdirSync(place.work, { recursive: true });
  const written = { stdout: [], stderr: [] };
  const collect = (name) => ({ write: (chunk) => written[name].push(Buffer.from(chunk)) });
  const streams = { stdout: collect('stdout'), stderr: collect('stderr') };
  const status = await runOcsp(resolveArgs(entry, place), streams);
  const [stdout, stderr] = [Buffer.concat(written.stdout), Buffer.concat(written.stderr).toString()];
  return { status, stdout, stderr, outputs: readOutputs(entry, place) };
}

/** Text of a message, and whether openssl takes it for one at all. */
function describe(bytes) {
  const texts = ['req', 'resp'].map((kind) => {
    const { stdout, status } = openssl(['ocsp', `-${kind}in`, '-', `-${kind}_text`, '-noverify'], { input: bytes });
    return `${status}\n${stdout}`;
  });
  return texts.join('\n');
}
