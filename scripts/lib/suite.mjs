// Running ava's suite, counting its results, and saying where a test hangs.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inRoot, root } from './paths.mjs';
import { ScriptError } from './run.mjs';

/** Which end of a test ava's lines tell of. */
const MARKS = { '✔': 'passed', '✘': 'failed', '-': 'skipped' };

/**
 * Files that one process of ava runs, each in a worker. A process for all of them grows to a gigabyte and more, and
 * copies its page tables whenever it starts a program: that took more time than the tests.
 */
const FILES_PER_PROCESS = 6;

/**
 * Runs compiled tests, prints failures and one line of counts, and throws if anything failed. When nothing has ended for
 * `minutes`, prints where the threads stand, and ava names the tests that hang and ends.
 * @param {{ label: string, files: string[], execPath?: string, env?: object, minutes?: number, match?: string }} options
 *   `execPath` is the Node to run under; `match` a pattern of titles,
 *   which some file must have
 */
export async function runSuite({
  label,
  files,
  execPath = process.execPath,
  env = {},
  minutes = process.env.CI ? 10 : 2,
  match,
}) {
  // What is done ten times as often takes ten times as long.
  minutes *= Math.max(1, Number({ ...process.env, ...env }.OCSP_TEST_REPEATED ?? 1));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const bad = [];
  const waiting = [...files];
  const options = [`--timeout=${minutes}m`, '--concurrency=1', ...(match === undefined ? [] : [`--match=${match}`])];
  const take = async () => {
    while (waiting.length > 0) {
      const args = [...options, ...waiting.splice(0, match === undefined ? FILES_PER_PROCESS : waiting.length)];
      const ended = await runAva({ execPath, env, minutes, args, counts, failures });
      if (ended !== undefined) bad.push(ended);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, take));
  // A crash, or a test that hangs, ends a run without a count of its own.
  if (bad.length > 0 && counts.failed === 0) counts.failed = bad.length;
  if (counts.passed + counts.failed === 0) throw new ScriptError(`${label}: no test ran.`);
  record(label, { ...counts, failures });
  if (bad.length > 0 || counts.failed > 0) throw new ScriptError(`${label}: failed (${bad.join(', ')}).`);
  return counts;
}

/** One process of ava, added to counts and failures; says how it ended if that was not well. */
async function runAva({ execPath, env, minutes, args, counts, failures }) {
  const reports = mkdtempSync(join(tmpdir(), 'openssl-ocsp-reports-'));
  const child = spawn(execPath, [inRoot('scripts', 'lib', 'ava.mjs'), '--no-color', ...args], {
    cwd: root,
    env: { ...process.env, ...env, OCSP_REPORTS: reports, FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const hung = setInterval(() => child.kill('SIGUSR2'), minutes * 60_000 - 5000);
  const ended = new Promise((done) => {
    child.on('close', (...result) => done(result));
  });
  let listed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    hung.refresh();
    // Behind the line come the details of failures, in which signs mean something else.
    if (/^ *─$/.test(line)) listed = true;
    const [, mark] = listed ? [] : (/^ *([✔✘-]) /.exec(line) ?? []);
    if (mark !== undefined) counts[MARKS[mark]] += 1;
    // What passed or was skipped says nothing new.
    if ((mark !== undefined && mark !== '✘') || /^ *─?$|^ *\d+ tests? passed|[Rr]eport.*(\.json|completed)/.test(line))
      continue;
    console.log(line);
    if (mark === '✘' || (listed && !/tests? skipped$/.test(line))) failures.push(line);
  }
  const [code, signal] = await ended;
  clearInterval(hung);
  for (const name of readdirSync(reports)) console.log(stacks(JSON.parse(readFileSync(join(reports, name), 'utf8'))));
  rmSync(reports, { recursive: true, force: true });
  return code === 0 ? undefined : (signal ?? `exit code ${code}`);
}

/** Where the workers stand that do not wait for an event. */
function stacks({ workers }) {
  const busy = workers.filter(({ javascriptStack }) => javascriptStack?.stack?.some((line) => line.includes('.js:')));
  if (busy.length === 0) return 'No thread runs JavaScript: the tests below wait for something that does not come.';
  return busy
    .map(({ javascriptStack: { stack } }) => ['A test does not come back from:', ...stack].join('\n    '))
    .join('\n');
}

/** Prints the counts of one run and adds them to the tally that .ci/run sums up, with what ava said of its failures. */
export function record(label, { passed, failed, skipped = 0, failures = [] }) {
  console.log(`${label}: ${passed} tests passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (process.env.OCSP_TEST_TALLY) {
    appendFileSync(process.env.OCSP_TEST_TALLY, `${JSON.stringify({ label, passed, failed, skipped, failures })}\n`);
  }
}
