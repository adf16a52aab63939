/** What README.md shows works as it is written there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, verifyOcspResponse } from 'openssl-ocsp';
import { OCSPClient, type Stapler } from 'openssl-ocsp/client';
import type { Responder } from 'openssl-ocsp/responder';
import { buildTestResponse, createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { httpAnswer, rawServer } from '../helpers/raw-server.js';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const [javascript, shell] = ['js', 'sh'].map((language) =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , code]) => code),
) as [string[], string[]];

test('not longer than one can read at once', (t) => {
  t.true(readme.split('\n').length <= 120);
});

/** An example as the body of an async function that returns the names in its braces. */
function compile(code: string, ...results: string[]): string {
  const body = code.replace(/^import (\{.*?\}) from '(.*?)';$/gms, "const $1 = await load('$2');");
  return `${body}; return { ${results.join(', ')} };`;
}

const AsyncFunction = (async () => {}).constructor as new (
  ...args: string[]
) => (...args: unknown[]) => Promise<Record<string, unknown>>;

/** Runs an example. Its clients may ask on this machine, as the test's responder is here. */
async function run(code: string, names: Readonly<Record<string, unknown>>, ...results: string[]) {
  class LocalClient extends OCSPClient {
    constructor() {
      super({ allowPrivateAddresses: true, timeout: 100_000, hedgeAfter: 50_000 });
    }
  }
  const load = async (name: string): Promise<object> => {
    const exported = (await import(name)) as object;
    return 'OCSPClient' in exported ? { ...exported, OCSPClient: LocalClient } : exported;
  };
  const call = new AsyncFunction('load', ...Object.keys(names), compile(code, ...results));
  return await call(load, ...Object.values(names));
}

const [ask = '', staple = '', answer = ''] = javascript;

test('there are six jobs', (t) => {
  t.is(javascript.length, 3);
  t.deepEqual(
    ['Ask', 'Staple', 'Answer', 'Serve', 'Sign in bulk', 'Replace `openssl ocsp`'].filter(
      (job) => !readme.includes(`\n## ${job}\n`),
    ),
    [],
  );
});

test('asking', async (t) => {
  const ca = createTestCa();
  await using responder = await TestResponder.start(ca);
  const { certificate } = ca.issue({ aia: { ocsp: responder.url } });
  const entries = [{ certificate, issuer: ca.certificate }];
  const derResponse = buildTestResponse({ entries, signer: ca, certificates: [ca.certificate] });
  const names = { certificate, issuer: ca.certificate, derResponse };
  const { client, allowed, outcome } = await run(ask, names, 'client', 'allowed', 'outcome');
  t.deepEqual([allowed, outcome, responder.requests.length], [true, 'good', 1]);
  await (client as OCSPClient).close();
  const revoked = buildTestResponse({ entries: [{ ...entries[0]!, status: 'revoked' }], signer: ca });
  await t.throwsAsync(run(ask, { ...names, derResponse: revoked }), { message: /revoked/ });
});

test('stapling', async (t) => {
  const ca = createTestCa();
  await using responder = await TestResponder.start(ca);
  const site = ca.issue({ dnsNames: ['localhost'], aia: { ocsp: responder.url } });
  const names = { chainPem: site.certificatePem + ca.certificatePem, keyPem: site.privateKeyPem, port: 0 };
  const { server, stapler } = (await run(staple, names, 'server', 'stapler')) as unknown as {
    server: Server;
    stapler: Stapler;
  };
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    port,
    servername: 'localhost',
    ca: ca.certificatePem,
    requestOCSP: true,
  } as ConnectionOptions);
  const [stapled] = (await once(socket, 'OCSPResponse')) as [Buffer];
  t.is(verifyOcspResponse(stapled, { certificate: site.certificate, issuer: ca.certificate }).status, 'good');
  socket.destroy();
  await stapler.close();
  server.close();
});

test('answering', async (t) => {
  const ca = createTestCa();
  const site = ca.issue({ serialNumber: 0x1234abcdn });
  const signer = ca.issueResponder();
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-readme-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'index.txt'), 'V\t301231235959Z\t\t1234ABCD\tunknown\t/CN=a\n');
  const code = answer
    .replace("'index.txt'", `'${join(folder, 'index.txt')}'`)
    .replace(/^createServer/m, 'const server = createServer');
  const names = { caPem: ca.certificatePem, ocspPem: signer.certificatePem, ocspKey: signer.privateKeyPem, port: 0 };
  const { server, responder } = (await run(code, names, 'server', 'responder')) as unknown as {
    server: Server;
    responder: Responder;
  };
  await using client = new OCSPClient({
    responders: [`http://localhost:${(server.address() as AddressInfo).port}/`],
    allowPrivateAddresses: true,
  });
  t.is((await client.check({ certificate: site.certificate, issuer: ca.certificate })).outcome, 'good');
  server.close();
  await responder.close();
});

/** Runs the commands of a document, in its order, in a folder with the files that it names. */
async function runCommands(t: ExecutionContext, lines: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-readme-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const server = await rawServer((socket, request) => httpAnswer(answer)(socket, request));
  t.teardown(() => server.close());
  const ca = createTestCa();
  const site = ca.issue({ serialNumber: 0x1234abcdn, aia: { ocsp: server.url } });
  const answer = buildTestResponse({
    entries: [{ certificate: site.certificate, issuer: ca.certificate }],
    signer: ca,
    certificates: [ca.certificate],
  });
  const responder = ca.issueResponder();
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);
  write('ca.pem', ca.certificatePem);
  write('site.pem', site.certificatePem);
  for (const name of ['signer.pem', 'contract.pem']) write(name, site.certificatePem);
  write('sub-ca.pem', ca.certificatePem);
  write('ocsp.pem', responder.certificatePem);
  write('ocsp.key', responder.privateKeyPem);
  write('index.txt', 'V\t301231235959Z\t\t1234ABCD\tunknown\t/CN=a\n');
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  write('openssl-ocsp', `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(folder, 'openssl-ocsp'), 0o755);
  for (const line of lines) {
    write('response.der', answer);
    const child = spawn('sh', ['-c', line.includes(' serve ') ? `${line} --check` : line], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` },
    });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    t.is(status, 0, `${line}\n${Buffer.concat(output)}`);
    if (!line.includes('> response.der')) continue;
    t.is(loadDerOcspResponse(readFileSync(join(folder, 'response.der'))).certificateStatus, OCSPCertStatus.GOOD);
  }
}

test('the commands', async (t) => {
  const lines = shell.flatMap((code) => code.trim().split('\n'));
  const commands = lines.filter((line) => line.startsWith('openssl-ocsp '));
  t.is(commands.length, 8);
  t.deepEqual(
    lines.filter((line) => !commands.includes(line)),
    ['npm install openssl-ocsp'],
  );
  await runCommands(t, commands);
});

test('the commands of the tutorials', async (t) => {
  const folder = new URL('../../../docs/tutorials/', import.meta.url);
  const lines = readdirSync(folder).flatMap((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8').replace(/^ {3}/gm, '');
    return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, code]) => (code as string).trim().split('\n'));
  });
  const now = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+/, '');
  // (A live server is queried by query-live.test.ts, examples by examples.test.ts, completion by completion.test.ts.)
  const commands = lines
    .filter((line) => !/--connect|^node |^source |request\.der$/.test(line))
    .map((line) => line.replace(/--at \S+/, `--at ${now}`).replace(/ \| jq .*/, ''));
  t.is(commands.length, 10);
  t.is(lines.length, 14);
  await runCommands(t, commands);
});
