/** How `openssl-ocsp serve` is run: sockets that others open, signals, several processes, TLS. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type Server } from 'node:net';
import test from 'ava';
import { command } from '../helpers/command.js';
import { testIf } from '../helpers/conditional.js';
import { freePort } from '../helpers/free-port.js';
import { runProgram } from '../helpers/programs.js';
import { ask, statusIn } from '../responder/fixtures.js';
import { basic, ca, folder, launch, leaf, post, question, start, statusAt } from './serve-process.js';

const python = (await runProgram('python3', ['--version'])).status === 0;
const withPython = testIf(python);
const withSystemd = testIf(python && (await runProgram('systemd-notify', ['--version'])).status === 0);

/** A socket that listens, and its descriptor. */
async function listening(): Promise<{ server: Server; port: number; fd: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return { server, port, fd };
}

test('fd:NUMBER: a socket that somebody else has opened', async (t) => {
  const at = folder(t);
  const { server, port, fd } = await listening();
  const served = await start(t, [...basic(at), '--listen', 'fd:3'], { descriptors: [fd] });
  server.close();
  for (let i = 0; i < 3; i += 1) t.is(await statusAt({ port }), 'good');
  t.is(await served.end(), 0);
  await t.throwsAsync(statusAt({ port }), { code: 'ECONNREFUSED' });
});

test('fd:NUMBER that is no socket: an error, not a server that no one reaches', async (t) => {
  const at = folder(t);
  await t.throwsAsync(start(t, [...basic(at), '--listen', 'fd:9']), { message: /ended with 1 before listening/ });
});

/** Starts what follows it as systemd does: with its own number, and sockets. */
const ACTIVATE = `import os, sys, socket
listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid() if sys.argv[2] == "own" else 1))
os.execvp(sys.argv[3], sys.argv[3:])
`;

withPython('socket activation: the socket that systemd hands over, by one process and by several', async (t) => {
  const at = folder(t);
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  for (const processes of [1, 2]) {
    const port = await freePort();
    writeFileSync(at('serve.json'), JSON.stringify({ issuers: [issuer], processes }));
    const prefix = ['python3', '-c', ACTIVATE, String(port), 'own'];
    const served = await start(t, ['--config', at('serve.json')], { prefix });
    await served.event('listening', processes);
    for (let i = 0; i < 4; i += 1) t.is(await statusAt({ port }), 'good');
    t.is(await served.end(), 0);
  }
});

withPython('socket activation: what was meant for another process is not taken', async (t) => {
  const at = folder(t);
  const [other, port] = [await freePort(), await freePort()];
  writeFileSync(
    at('serve.json'),
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' }],
    }),
  );
  await start(t, ['--config', at('serve.json')], { prefix: ['python3', '-c', ACTIVATE, String(other), 'other'] });
  t.is(await statusAt({ port }), 'good');
});

/** Prints what comes on a datagram socket, a line each. */
const HEAR = `import os, sys, socket
hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
hearing.bind(sys.argv[1])
print("hearing", flush=True)
while True:
  heard = " ".join(hearing.recv(4096).decode().split())
  if heard != "BARRIER=1": print(heard, flush=True)
`;

withSystemd('systemd is told when it is ready, reloads, also in vain, and stops', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const ear = spawn('python3', ['-c', HEAR, at('notify')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => ear.kill());
  let heard = '';
  ear.stdout.on('data', (chunk: Buffer) => {
    heard += chunk;
  });
  const hears = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(heard)) await once(ear.stdout, 'data');
  };
  await hears(/^hearing/);
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  const config = JSON.stringify({ listen: `127.0.0.1:${port}`, issuers: [issuer] });
  writeFileSync(at('serve.json'), config);
  const served = await start(t, ['--config', at('serve.json')], { env: { NOTIFY_SOCKET: at('notify') } });
  await hears(/READY=1\s*$/);
  served.child.kill('SIGHUP');
  await hears(/RELOADING=1 MONOTONIC_USEC=\d+\s+READY=1\s*$/);
  writeFileSync(at('serve.json'), '{');
  served.child.kill('SIGHUP');
  await hears(/(RELOADING=1 MONOTONIC_USEC=\d+\s+READY=1\s+){2}$/);
  t.is(await statusAt({ port }), 'good');
  t.is(await served.end(), 0);
  await hears(/STOPPING=1\s*$/);
  t.pass();
});

test('NOTIFY_SOCKET without the program that tells: said in the log, and it answers', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const env = { NOTIFY_SOCKET: at('notify'), PATH: at('nowhere') };
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`], { env });
  t.regex(String((await served.event('systemd-notify'))['message']), /systemd-notify/);
  t.is(await statusAt({ port }), 'good');
  t.is(await served.end(), 0);
});

test('TLS', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const own = ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  writeFileSync(at('tls.pem'), own.certificatePem);
  writeFileSync(at('tls.key'), own.privateKeyPem);
  const config = {
    listen: `127.0.0.1:${port}`,
    tls: { certificate: 'tls.pem', key: 'tls.key' },
    issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' }],
  };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  t.is((await served.event('listening'))['url'], `https://127.0.0.1:${port}`);
  const body = await new Promise<Buffer>((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername: 'localhost', method: 'POST', ca: ca.certificatePem };
    const request = httpsRequest({ ...options, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve(Buffer.concat(chunks));
    });
    request.on('error', reject).end(question);
  });
  t.is(statusIn(body, question, ca), 'good');
  // Who speaks plain HTTP is told nothing, and harms no one.
  await t.throwsAsync(post({ port }, question));
  t.is(await served.end(), 0);
});

test('SIGTERM: what is under way is answered, and no one else', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  const head = `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${question.length}\r\n\r\n`;
  const sockets = [0, 1, 2].map(() => connect(port, '127.0.0.1'));
  const replies = sockets.map((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
    return new Promise<Buffer>((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks))));
  });
  for (const socket of sockets) socket.write(Buffer.concat([Buffer.from(head), question.subarray(0, 10)]));
  // "100 Continue": the request has been taken.
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
  const ended = served.end();
  await served.event('stopping');
  await t.throwsAsync(statusAt({ port }), { code: 'ECONNREFUSED' });
  for (const socket of sockets) socket.write(question.subarray(10));
  for (const replied of await Promise.all(replies)) {
    const reply = replied.subarray('HTTP/1.1 100 Continue\r\n\r\n'.length);
    const end = reply.indexOf('\r\n\r\n');
    t.regex(reply.toString('latin1', 0, end), /^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close/i);
    t.is(statusIn(reply.subarray(end + 4), question, ca), 'good');
  }
  t.is(await ended, 0);
});

test('SIGTERM: a client that never finishes is waited for as long as the configuration says', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  const config = { listen: `127.0.0.1:${port}`, issuers: [issuer], shutdownTimeout: 0 };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx');
  t.is(await statusAt({ port }), 'good');
  t.is(await served.end(), 0);
  await closed;
});

/** A configuration of several processes. */
function several(at: (name: string) => string, address: string): string[] {
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  writeFileSync(at('serve.json'), JSON.stringify({ listen: address, issuers: [issuer], processes: 2 }));
  return ['--config', at('serve.json')];
}

test('several processes: a socket that a killed process left is taken by all of them', async (t) => {
  const at = folder(t);
  const socketPath = at('socket');
  const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', program, socketPath]), 'exit');
  t.true(existsSync(socketPath));
  const served = await start(t, several(at, `unix:${socketPath}`));
  await served.event('listening', 2);
  for (let i = 0; i < 4; i += 1) t.is(await statusAt({ socketPath }), 'good');
  t.is(await served.end(), 0);
});

test('several processes: those that cannot begin end, and are tried again', async (t) => {
  const at = folder(t);
  const { server, port } = await listening();
  const served = launch(t, several(at, `127.0.0.1:${port}`));
  t.is((await served.event('process ended', 2))['code'], 1);
  server.close();
  await served.event('listening', 2);
  t.is(await statusAt({ port }), 'good');
  t.is(await served.end(), 0);
});

const BUSY = `
import signal, socket, sys
busy = socket.socket(socket.AF_UNIX)
busy.bind(sys.argv[1])
busy.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect(sys.argv[1])
print("busy", flush=True)
signal.pause()
`;

withPython('a unix socket whose server is busy is not taken away from it', async (t) => {
  const at = folder(t);
  const busy = spawn('python3', ['-c', BUSY, at('socket')]);
  t.teardown(() => busy.kill('SIGKILL'));
  await once(busy.stdout, 'data');
  await t.throwsAsync(start(t, [...basic(at), '--listen', `unix:${at('socket')}`]), { message: /EADDRINUSE/ });
  t.true(existsSync(at('socket')));
});

test('a unix socket whose path would be cut off, or whose folder is missing, is an error that says so', async (t) => {
  const at = folder(t);
  const path = (bytes: number): string => at('ü'.padEnd(bytes - Buffer.byteLength(at('ü')) + 1, 'x'));
  const most = process.platform === 'linux' ? 107 : 103;
  const served = await start(t, [...basic(at), '--listen', `unix:${path(most)}`]);
  t.is(await statusAt({ socketPath: path(most) }), 'good');
  t.is(await served.end(), 0);
  for (const option of ['--listen', '--admin']) {
    const long = await command(['serve', ...basic(at), option, `unix:${path(most + 1)}`, '--check']);
    t.is(long.status, 2);
    t.true(long.stderr.startsWith(`openssl-ocsp serve: ${option}: the path of a socket has at most ${most} bytes: `));
    const missing = await command(['serve', ...basic(at), option, `unix:${at('none/socket')}`]);
    t.is(missing.status, 1);
    t.is(missing.stderr, `openssl-ocsp serve: cannot listen at ${at('none/socket')}: no such folder\n`);
  }
});

test('the unix socket is gone with its server', async (t) => {
  const at = folder(t);
  const served = await start(t, [...basic(at), '--listen', `unix:${at('socket')}`]);
  t.is(await statusAt({ socketPath: at('socket') }), 'good');
  t.is(await served.end(), 0);
  t.false(existsSync(at('socket')));
  // What is no socket is left alone.
  writeFileSync(at('file'), 'precious');
  await t.throwsAsync(start(t, [...basic(at), '--listen', `unix:${at('file')}`]), { message: /ended with 1/ });
  t.is(readFileSync(at('file'), 'utf8'), 'precious');
});

test('a signer that is replaced by SIGHUP signs what comes next; what was signed before is told by its own', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  t.is(await statusAt({ port }), 'good');
  const next = ca.issueResponder({ subject: 'CN=Next' });
  writeFileSync(at('ocsp.pem'), next.certificatePem);
  writeFileSync(at('ocsp.key'), next.privateKeyPem);
  served.child.kill('SIGHUP');
  await served.event('reloaded');
  const body = await post({ port }, question);
  t.is(statusIn(body, question, ca), 'good');
  t.true(body.includes('Next'));
  // A key that is not that of the certificate: the old ones go on.
  writeFileSync(at('ocsp.key'), leaf.privateKeyPem);
  served.child.kill('SIGHUP');
  await served.event('reload');
  const nonced = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'good');
});
