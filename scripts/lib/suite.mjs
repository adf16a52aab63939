// Running the ava suite and counting its results.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { root } from './paths.mjs';
import { bin, ScriptError } from './run.mjs';

/**
 * Runs the compiled suite, prints failures and one line of counts, and throws if anything failed.
 * @param {{ label: string, execPath?: string, prefix?: string[], env?: object, args?: string[] }} options
 *   `execPath` is the Node to run under; `prefix` are arguments before ava's own file (say, another tool that runs Node).
 */
export async function runSuite({ label, execPath = process.execPath, prefix = [], env = {}, args = [] }) {
  const child = spawn(execPath, [...prefix, bin('ava'), '--tap', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let failing = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const point = /^(not )?ok \d+ - (.*)$/.exec(line);
    if (point) {
      const [, not, title] = point;
      const skipped = / # (SKIP|TODO)/.test(title);
      failing = Boolean(not) && !skipped;
      counts[skipped ? 'skipped' : not ? 'failed' : 'passed'] += 1;
      if (failing) console.log(`not ok - ${title}`);
    } else if (failing || !/^(#|TAP |\d+\.\.|\s|$)/.test(line)) {
      // Details of a failure, and whatever tests and tools print themselves.
      console.log(line);
    }
  }
  const [code, signal] = await new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done([child.exitCode, child.signalCode]);
    else child.on('close', (...result) => done(result));
  });
  // A crash ends the run without a test point of its own.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed === 0) throw new ScriptError(`${label}: no test ran.`);
  record(label, counts);
  if (code !== 0 || counts.failed > 0) throw new ScriptError(`${label}: failed (${signal ?? `exit code ${code}`}).`);
  return counts;
}

/** Prints the counts of one run and adds them to the tally that .ci/run sums up. */
export function record(label, { passed, failed, skipped = 0 }) {
  console.log(`${label}: ${passed} tests passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (process.env.OCSP_TEST_TALLY) {
    appendFileSync(process.env.OCSP_TEST_TALLY, `${JSON.stringify({ label, passed, failed, skipped })}\n`);
  }
}
