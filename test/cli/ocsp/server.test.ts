/** `ocsp -port`, held against `openssl ocsp -port`: asked the same, it says the same. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createTestCa } from 'openssl-ocsp/testing';
import { withCli, withSameCli } from '../../helpers/conditional.js';
import { freePort } from '../../helpers/free-port.js';
import { ocspProcess } from '../../helpers/ocsp-command.js';
import { Scratch } from '../../helpers/openssl-cli.js';
import { runProgram } from '../../helpers/programs.js';

const ca = createTestCa({ subject: 'CN=Port CA', keyType: 'rsa' });
const delegate = ca.issueResponder({ keyType: 'rsa' });
const leaf = ca.issue({ serialNumber: 0x1001n });
const V = 'V\t301231235959Z\t\t1001\tunknown\t/CN=a\n';
const R = 'R\t301231235959Z\t260102030405Z,keyCompromise\t1002\tunknown\t/CN=b\n';

function files(t: ExecutionContext): Scratch {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  scratch.write('ca.pem', ca.certificatePem);
  scratch.write('ocsp.pem', delegate.certificatePem);
  scratch.write('ocsp.key', delegate.privateKeyPem);
  scratch.write('leaf.pem', leaf.certificatePem);
  scratch.write('index.txt', V + R);
  return scratch;
}

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number | null>;
}

async function start(
  t: ExecutionContext,
  program: readonly string[],
  scratch: Scratch,
  options: readonly string[],
): Promise<Server> {
  const port = await freePort();
  const [name = '', ...args] = program;
  const own = ['-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', 'ocsp.pem', '-rkey', 'ocsp.key'];
  const child = spawn(name, [...args, '-port', String(port), ...own, ...options], {
    cwd: scratch.path('.'),
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const server: Server = { child, port, stdout: '', stderr: '', ended };
  const listening = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      server.stdout += chunk;
      if (server.stdout.includes('ACCEPT ')) resolve();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      server.stderr += chunk;
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${server.stderr}`)));
  });
  await listening;
  return server;
}

const ask = (scratch: Scratch, { port }: Server, ...args: string[]) =>
  runProgram('openssl', [
    'ocsp',
    ...['-url', `http://127.0.0.1:${port}`, '-CAfile', scratch.path('ca.pem'), '-issuer', scratch.path('ca.pem')],
    ...args,
  ]);

/** What differs from run to run. */
function constant(text: string, { port }: Server): string {
  return text
    .replaceAll(String(port), 'PORT')
    .replace(/PID=\d+/g, 'PID')
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT/g, 'TIME')
    .replace(/HTTP\/1\.[01]/g, 'HTTP')
    .replace(/(Signature Value:\n)( +[0-9a-f:]+\n)+/g, '$1')
    .replace(/(Signature Algorithm: sha256WithRSAEncryption\n)( {9}[0-9a-f:]+\n)+/g, '$1')
    .replace(/\n+$/, '\n');
}

const QUESTIONS: readonly (readonly string[])[] = [
  ['-no_nonce', '-cert', 'leaf.pem'],
  ['-no_nonce', '-serial', '0x1002'],
  ['-no_nonce', '-sha256', '-serial', '0x1003'],
  ['-no_nonce', '-cert', 'leaf.pem', '-serial', '0x1002', '-serial', '0x1003'],
];
/** A file, of which each of the two has its own. */
const OUT = 'log.txt';
const OPTIONS: readonly (readonly string[])[] = [
  [],
  ['-ndays', '3', '-resp_key_id'],
  ['-nmin', '5', '-resp_no_certs'],
  ['-rcid', 'sha384'],
  ['-text'],
  ['-ignore_err', '-timeout', '60'],
  ['-text', '-out', OUT],
];

for (const options of OPTIONS)
  withSameCli(`-port ${options.join(' ')}: clients, lines and exit code are those of openssl`, async (t) => {
    const scratch = files(t);
    const count = ['-nrequest', String(QUESTIONS.length)];
    const given = (who: string) => [...options.map((one) => (one === OUT ? who + OUT : one)), ...count];
    const [theirs, ours] = await Promise.all([
      start(t, ['openssl', 'ocsp'], scratch, given('theirs-')),
      start(t, ocspProcess, scratch, given('ours-')),
    ]);
    for (const question of QUESTIONS) {
      const args = question.map((one) => (one === 'leaf.pem' ? scratch.path(one) : one));
      const [expected, actual] = [await ask(scratch, theirs, ...args), await ask(scratch, ours, ...args)];
      t.is(actual.status, expected.status, question.join(' '));
      t.is(constant(actual.stdout, ours), constant(expected.stdout, theirs), question.join(' '));
      t.is(
        actual.stderr.replace(/^[0-9A-F]+:/gm, ''),
        expected.stderr.replace(/^[0-9A-F]+:/gm, ''),
        question.join(' '),
      );
    }
    t.is(await ours.ended, await theirs.ended);
    t.is(constant(ours.stdout, ours), constant(theirs.stdout, theirs));
    t.is(constant(ours.stderr, ours), constant(theirs.stderr, theirs));
    if (!options.includes(OUT)) return;
    const written = (who: string, server: Server) => constant(scratch.read(who + OUT).toString(), server);
    t.is(written('ours-', ours), written('theirs-', theirs));
    t.regex(written('ours-', ours), /OCSP Response Data/);
  });

withCli(
  '-port: a list that is replaced, damaged, and gone; requests that are none; a client that says nothing',
  async (t) => {
    const scratch = files(t);
    const server = await start(t, ocspProcess, scratch, ['-timeout', '10']);
    const status = async (): Promise<string> =>
      (await ask(scratch, server, '-no_nonce', '-cert', scratch.path('leaf.pem'))).stdout;
    t.regex(await status(), /: good/);
    const silent = connect(server.port, '127.0.0.1');
    silent.on('error', () => undefined);
    const closed = new Promise((resolve) => silent.on('close', resolve));
    scratch.write('index.txt', 'nonsense\n');
    t.regex(await status(), /: good/);
    t.regex(server.stderr, /error reloading updated index: index\.txt/);
    scratch.write('new.txt', `${R}R\t301231235959Z\t260102030405Z\t1001\tunknown\t/CN=a\n`);
    renameSync(scratch.path('new.txt'), scratch.path('index.txt'));
    t.regex(await status(), /: revoked/);
    for (const [method, body, expected] of [
      ['POST', 'x', '30030a0101'],
      ['POST', '', '30030a0101'],
      ['GET', undefined, '30030a0101'],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${server.port}/nonsense`, {
        method,
        // A connection that is kept may end just when it is used again.
        headers: { Connection: 'close' },
        ...(body === undefined ? {} : { body }),
      });
      t.is(Buffer.from(await response.arrayBuffer()).toString('hex'), expected);
      t.is(response.status, 400);
    }
    t.is(
      (await fetch(`http://127.0.0.1:${server.port}/`, { method: 'DELETE', headers: { Connection: 'close' } })).status,
      400,
    );
    t.regex(server.stdout, /Responder Error: malformedrequest \(1\)/);
    await closed;
    t.regex(await status(), /: revoked/);
    t.is(server.child.exitCode, null);
  },
);

withCli('-port: a list that is replaced while it is read at the start is read again', async (t) => {
  const scratch = files(t);
  scratch.write('new.txt', `${R}R\t301231235959Z\t260102030405Z\t1001\tunknown\t/CN=a\n`);
  // Replaces it once it is open.
  const preload = scratch.write(
    'replace.mjs',
    `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { openSync } = fs;
    let isDone = false;
    fs.openSync = (path, ...rest) => {
      const descriptor = openSync(path, ...rest);
      if (!isDone && path === 'index.txt') {
        isDone = true;
        fs.renameSync('new.txt', 'index.txt');
      }
      return descriptor;
    };
    syncBuiltinESMExports();`,
  );
  const [node = '', ...args] = ocspProcess;
  const server = await start(t, [node, '--import', preload, ...args], scratch, []);
  const { stdout } = await ask(scratch, server, '-no_nonce', '-cert', scratch.path('leaf.pem'));
  t.false(existsSync(scratch.path('new.txt')));
  t.regex(stdout, /: revoked/);
});

test('-port -multi: several processes, and an end', async (t) => {
  const scratch = files(t);
  const server = await start(t, ocspProcess, scratch, ['-multi', '2']);
  const asked = await Promise.all(
    Array.from({ length: 6 }, () => fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'x' })),
  );
  t.deepEqual([...new Set(asked.map(({ status }) => status))], [400]);
  server.child.kill('SIGTERM');
  t.is(await server.ended, 0);
  // Where the port is another one's, no process can listen.
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const failed = await t.throwsAsync(start(t, ocspProcess, scratch, ['-multi', '2', '-port', String(port)]));
  t.regex(String(failed?.message), /EADDRINUSE/);
});

test('-port -multi -nrequest: when each process has answered so many, all have ended', async (t) => {
  const server = await start(t, ocspProcess, files(t), ['-multi', '1', '-nrequest', '1']);
  t.is((await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'x' })).status, 400);
  t.is(await server.ended, 0);
});

withCli('a file of -out that takes no more: a line for each, and the answers go on', async (t) => {
  const scratch = files(t);
  const options = ['-out', '/dev/full', '-req_text', '-resp_text', '-nrequest', '3'];
  const server = await start(t, ocspProcess, scratch, options);
  for (let i = 0; i < 2; i += 1) {
    const { stdout } = await ask(scratch, server, '-no_nonce', '-cert', scratch.path('leaf.pem'));
    t.regex(stdout, /: good/);
  }
  const body = await (
    await fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', body: 'no request' })
  ).arrayBuffer();
  t.deepEqual(Buffer.from(body), Buffer.from('30030a0101', 'hex'));
  t.is(await server.ended, 0);
  t.is(server.stderr.match(/ENOSPC/g)?.length, 5);
});
