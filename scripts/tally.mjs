// The last lines of .ci/run: what failed, and all test counts of the run in one line of its own.
import { existsSync, readFileSync } from 'node:fs';
import { main } from './lib/run.mjs';

const about = 'Sums the counts that test scripts append to the file which OCSP_TEST_TALLY names.';

await main({ usage: 'node scripts/tally.mjs <file>', about }, (_values, [file]) => {
  const runs = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
  for (const { label, passed, failed, skipped, failures } of runs) {
    console.log(`  ${label}: ${passed} / ${failed} / ${skipped} skipped`);
    for (const line of failures.slice(0, 200)) console.log(`    ${line}`);
  }
  const sum = (key) => runs.reduce((total, run) => total + run[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
});
