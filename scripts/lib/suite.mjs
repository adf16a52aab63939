// Running ava's suite, counting its results, and saying where a test hangs.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inRoot, root } from './paths.mjs';
import { ScriptError } from './run.mjs';

/** Which end of a test ava's lines tell of. */
const MARKS = { '✔': 'passed', '✘': 'failed', '-': 'skipped' };

/**
 * Runs compiled tests, prints failures and one line of counts, and throws if anything failed. When nothing has ended for
 * `minutes`, prints where the threads stand, and ava names the tests that hang and ends.
 * @param {{ label: string, execPath?: string, env?: object, minutes?: number, args?: string[] }} options
 *   `execPath` is the Node to run under; `args` are files (as globs) and options for ava
 */
export async function runSuite({
  label,
  execPath = process.execPath,
  env = {},
  minutes = process.env.CI ? 10 : 2,
  args = [],
}) {
  const reports = mkdtempSync(join(tmpdir(), 'openssl-ocsp-reports-'));
  const child = spawn(execPath, [inRoot('scripts', 'lib', 'ava.mjs'), `--timeout=${minutes}m`, '--no-color', ...args], {
    cwd: root,
    env: { ...process.env, ...env, OCSP_REPORTS: reports, FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const hung = setInterval(() => child.kill('SIGUSR2'), minutes * 60_000 - 5000);
  const ended = new Promise((done) => {
    child.on('close', (...result) => done(result));
  });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const seconds = new Map();
  let listed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    hung.refresh();
    // Behind the line come the details of failures, in which signs mean something else.
    if (/^ *─$/.test(line)) listed = true;
    const [, mark] = listed ? [] : (/^ *([✔✘-]) /.exec(line) ?? []);
    if (mark !== undefined) {
      counts[MARKS[mark]] += 1;
      addDuration(seconds, line);
    }
    // What passed or was skipped says nothing new.
    if ((mark === undefined || mark === '✘') && !/^ *─?$|[Rr]eport.*(\.json|completed)/.test(line)) console.log(line);
  }
  const [code, signal] = await ended;
  clearInterval(hung);
  for (const name of readdirSync(reports)) console.log(stacks(JSON.parse(readFileSync(join(reports, name), 'utf8'))));
  rmSync(reports, { recursive: true, force: true });
  // A crash, or a test that hangs, ends the run without a count of its own.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (process.env.CI) {
    const longest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 12);
    console.log(`Seconds by file: ${longest.map(([name, sum]) => `${name} ${Math.round(sum)}`).join(', ')}`);
  }
  if (counts.passed + counts.failed === 0) throw new ScriptError(`${label}: no test ran.`);
  record(label, counts);
  if (code !== 0 || counts.failed > 0) throw new ScriptError(`${label}: failed (${signal ?? `exit code ${code}`}).`);
  return counts;
}

/** Adds what a test took, as ava says it, to the sum of its file. */
function addDuration(seconds, line) {
  const [, name, minutes = 0, number, unit] =
    /^ *[✔✘] (?:\[fail\]: )?(.*) › .* \((?:(\d+)m )?([\d.]+)(m?s)\)/.exec(line) ?? [];
  if (name === undefined) return;
  seconds.set(name, (seconds.get(name) ?? 0) + minutes * 60 + number / (unit === 'ms' ? 1000 : 1));
}

/** Where the workers stand that do not wait for an event. */
function stacks({ workers }) {
  const busy = workers.filter(({ javascriptStack }) => javascriptStack?.stack?.some((line) => line.includes('.js:')));
  if (busy.length === 0) return 'No thread runs JavaScript: the tests below wait for something that does not come.';
  return busy
    .map(({ javascriptStack: { stack } }) => ['A test does not come back from:', ...stack].join('\n    '))
    .join('\n');
}

/** Prints the counts of one run and adds them to the tally that .ci/run sums up. */
export function record(label, { passed, failed, skipped = 0 }) {
  console.log(`${label}: ${passed} tests passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (process.env.OCSP_TEST_TALLY) {
    appendFileSync(process.env.OCSP_TEST_TALLY, `${JSON.stringify({ label, passed, failed, skipped })}\n`);
  }
}
