// `npm run quickstart` leaves nothing in the temporary folder, however it ends.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { testIf } from '../helpers/conditional.js';
import { root } from './host.js';

interface Run {
  /** The first time that a folder of the quickstart was seen. */
  begun: Promise<unknown>;
  /** Exit code or signal, what was printed, and what is left in the temporary folder. */
  ended: Promise<{ status: number | NodeJS.Signals | null; output: string; left: string[] }>;
}

/** The quickstart with a temporary folder of its own and, given its text, another `openssl` command. */
function start(t: ExecutionContext, openssl?: string): Run {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [temporary, bin] = ['tmp', 'bin'].map((name) => join(folder, name)) as [string, string];
  for (const name of [temporary, bin]) mkdirSync(name);
  if (openssl !== undefined) writeFileSync(join(bin, 'openssl'), `#!/bin/sh\n${openssl}\n`, { mode: 0o755 });
  const child = spawn(process.execPath, ['examples/quickstart/main.mjs'], {
    cwd: root,
    env: {
      ...process.env,
      ...{ TMPDIR: temporary, TEMP: temporary, TMP: temporary },
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const begun = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
        if (readdirSync(temporary).length > 0) resolve(undefined);
      });
  });
  const ended = new Promise<Awaited<Run['ended']>>((resolve) =>
    child.on('close', (code, signal) => resolve({ status: code ?? signal, output, left: readdirSync(temporary) })),
  );
  return { begun, ended };
}

test('quickstart ends well', async (t) => {
  const { begun, ended } = start(t);
  const { status, output, left } = await ended;
  t.is(status, 0, output);
  await begun;
  t.deepEqual(left, []);
});

testIf(process.platform !== 'win32')('quickstart fails at its end', async (t) => {
  const { begun, ended } = start(t, 'case "$*" in *-url*) echo "no answer" >&2; exit 1;; esac');
  const { status, output, left } = await ended;
  t.is(status, 1, output);
  t.regex(output, /no answer/);
  await begun;
  t.deepEqual(left, []);
});

testIf(process.platform !== 'win32')('quickstart is interrupted', async (t) => {
  const { begun, ended } = start(t, 'kill -INT "$PPID"');
  const { status, left } = await ended;
  await begun;
  t.is(status, 1);
  t.deepEqual(left, []);
});
