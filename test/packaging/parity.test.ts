import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

// `npm run parity` itself is a stage of its own; here is what would make it say "yes" too easily.
const root = fileURLToPath(new URL('../../..', import.meta.url));

function node(...args: string[]): { status: number | null; output: string; stdout: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return { status, output: stdout + stderr, stdout };
}

test('options', (t) => {
  const help = node('parity/main.mjs', '--help');
  t.is(help.status, 0);
  t.regex(help.output, /Groups: .*builds.*command.*verify/);
  for (const args of [['no-such-group'], ['--cases', '0'], ['--cases', 'x'], ['--no-such-option']]) {
    const { status, output } = node('parity/main.mjs', ...args);
    t.is(status, 1, args.join(' '));
    t.regex(output, /^\s*error: /, args.join(' '));
  }
});

const VERSIONS = '{ library: [3, 0, 22], node: [3, 0, 22], oracle: [3, 0, 22], cli: [3, 0, 22], nodes: [] }';

/** What a tally of the group `reading` says after some comparisons. */
function tally(comparisons: string): { agreements: number; differing: number; excused: object; absent: string[] } {
  const script = `import { Tally } from './parity/tally.mjs';
const tally = new Tally('reading', ${VERSIONS});
${comparisons}
const { agreements, differing, exceptions, absent } = tally;
console.log(JSON.stringify({ agreements, differing, excused: Object.fromEntries(exceptions), absent }));`;
  return JSON.parse(node('--input-type=module', '-e', script).stdout) as ReturnType<typeof tally>;
}

test('a difference counts unless a listed exception covers it, and one that does not occur is told', (t) => {
  const none = tally('');
  t.true(none.absent.includes('reason-codes'));
  t.false(none.absent.includes('long-lengths'), 'not with these versions');
  const some = tally(`tally.compare('a', { b: [1n] }, { b: [1n] });
tally.compare('a', { b: 1 }, { b: '1' });
tally.compare('a', null, undefined);
tally.compare('x.reason', { error: 'ERR_OCSP_MALFORMED' }, 7);
tally.compare('x.reason', { error: 'ERR_OCSP_MALFORMED' }, 1);`);
  t.like(some, { agreements: 1, differing: 3, excused: { 'reason-codes': 1 } });
  t.false(some.absent.includes('reason-codes'));
});

test('a case that is listed as different has to be', (t) => {
  t.like(tally("tally.differs('a', true);"), { differing: 0, excused: { listed: 1 } });
  t.like(tally("tally.differs('a', false);"), { differing: 1, excused: {} });
});
