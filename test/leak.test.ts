import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testIf } from './helpers/conditional.js';

/**
 * Resident memory of a process of its own over many operations, garbage collected in between. The limit is far above what
 * the allocator wastes and far below what the smallest leak per operation would come to.
 */
const LIMIT_MIB = 6;
const script = fileURLToPath(new URL('./helpers/leak-loop.js', import.meta.url));

// A sanitizer keeps freed memory in quarantine, and reports leaks by itself.
const flat = testIf(!process.env['OCSP_TEST_INSTRUMENTED']);

const verification = ['verdict', 'verify-many', 'verify-again', 'basic-verify', 'trust-store'];
const others = ['load', 'build', 'refuse', 'sign', 'sign-async', 'key', 'sign-all', 'index-txt'];

for (const operation of [...others, ...verification]) {
  flat(`memory stays flat: ${operation}`, (t) => {
    // Counting lines would cost more than the operations do.
    const env = { ...process.env, NODE_V8_COVERAGE: '' };
    // What V8 has for new objects grows from 1 to 16 MiB at a time of its choice, which looks like a leak.
    const flags = ['--expose-gc', '--max-semi-space-size=1'];
    const run = spawnSync(process.execPath, [...flags, script, operation], { encoding: 'utf8', env });
    t.is(run.status, 0, run.stderr);
    const { operations, growthMiB } = JSON.parse(run.stdout) as { operations: number; growthMiB: number };
    t.log(`${operations} operations, ${growthMiB.toFixed(1)} MiB`);
    t.true(growthMiB < LIMIT_MIB, `grew by ${growthMiB} MiB`);
  });
}
