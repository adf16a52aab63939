// The command as a whole process, from its start to its end, beside a Node.js that has nothing to do.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url));
const RESPONSE = fileURLToPath(
  new URL('../../test/vectors/reference/x509/ocsp/resp-delegate-unknown-cert.der', import.meta.url),
);

export const heading = 'The command as a whole process';
/** Time of programs is counted in hundredths of a second: a turn has many of them. */
export const effort = { rounds: 9, milliseconds: 1000 };

export function* tables() {
  yield {
    title: 'a small response shown',
    contenders: [
      { name: 'node -e 0', kind: 'limit', run: (n) => node(n, ['-e', '0'], '') },
      {
        name: 'openssl-ocsp inspect',
        kind: 'own',
        run: (n) => node(n, [MAIN, 'inspect', RESPONSE], 'OCSP response'),
      },
    ],
  };
}

function node(times, args, beginning) {
  for (let i = 0; i < times; i += 1) {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0 || !stdout.startsWith(beginning)) throw new Error(`node ${args.join(' ')} failed: ${stderr}`);
  }
}
