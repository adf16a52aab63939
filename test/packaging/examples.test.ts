/** Each program of examples/ is complete, is type-checked, and works. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspRequest, verifyOcspResponse } from 'openssl-ocsp';
import { OCSPClient } from 'openssl-ocsp/client';
import { buildTestResponse, createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { scratch } from '../bulk/scratch.js';
import { freePort } from '../helpers/free-port.js';
import { runProgram } from '../helpers/programs.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const example = (name: string): string => join(root, 'examples', name);
const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'));
const run = (name: string, ...args: string[]) => runProgram(process.execPath, [example(name), ...args]);

const ca = createTestCa();

/** Starts a program that serves; it ends by SIGTERM, and well. */
async function start(t: ExecutionContext, name: string, ...args: string[]): Promise<() => Promise<void>> {
  const child: ChildProcess = spawn(process.execPath, [example(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  t.teardown(() => child.kill('SIGKILL'));
  await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    closed.then(() => {
      throw new Error(`${name} ended`);
    }),
  ]);
  return async () => {
    child.kill('SIGTERM');
    t.deepEqual(await closed, [0, null], name);
  };
}

function files(t: ExecutionContext, contents: Readonly<Record<string, string | Uint8Array>>): (name: string) => string {
  const folder = scratch(t);
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
  return (name) => join(folder, name);
}

test('there are eight, of at most 60 lines, and a document that lists them', (t) => {
  t.is(names.length, 8);
  const document = readFileSync(example('README.md'), 'utf8');
  for (const name of names) {
    t.true(document.includes(`[${name}](${name})`), name);
    t.true(readFileSync(example(name), 'utf8').split('\n').length <= 61, name);
  }
});

test('types', (t) => {
  const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
  t.notThrows(() => execFileSync(process.execPath, [tsc, '-p', example('tsconfig.json')], { encoding: 'utf8' }));
});

test('without arguments they tell their usage', async (t) => {
  for (const name of names) {
    const { status, stderr } = await run(name);
    t.is(status, 1, name);
    t.true(stderr.includes(`Error: usage: node ${name} `), stderr);
  }
});

test('ask.mjs', async (t) => {
  await using responder = await TestResponder.start(ca);
  const leaf = ca.issue({ aia: { ocsp: responder.url } });
  const at = files(t, { 'chain.pem': leaf.certificatePem + ca.certificatePem });
  const ask = (...hosts: string[]) => run('ask.mjs', at('chain.pem'), at('cache'), ...hosts);
  t.regex((await ask()).stderr, /not a public address/);
  t.like(await ask('127.0.0.1'), { status: 0, stdout: 'good, from network\n' });
  t.like(await ask('127.0.0.1'), { status: 0, stdout: 'good, from cache\n' });
  t.is(responder.requests.length, 1);
});

test('staple.mjs', async (t) => {
  await using responder = await TestResponder.start(ca);
  const site = ca.issue({ dnsNames: ['localhost'], aia: { ocsp: responder.url } });
  const at = files(t, { 'chain.pem': site.certificatePem + ca.certificatePem, 'key.pem': site.privateKeyPem });
  const port = await freePort();
  const end = await start(t, 'staple.mjs', at('chain.pem'), at('key.pem'), String(port), at('cache'), '127.0.0.1');
  const socket = connect({
    port,
    servername: 'localhost',
    ca: ca.certificatePem,
    requestOCSP: true,
  } as ConnectionOptions);
  const [staple] = (await once(socket, 'OCSPResponse')) as [Buffer];
  t.is(verifyOcspResponse(staple, { certificate: site.certificate, issuer: ca.certificate }).status, 'good');
  socket.destroy();
  await end();
});

test('gateway.mjs', async (t) => {
  await using responder = await TestResponder.start(ca);
  const site = ca.issue({ dnsNames: ['localhost'] });
  const at = files(t, {
    'chain.pem': site.certificatePem + ca.certificatePem,
    'key.pem': site.privateKeyPem,
    'ca.pem': ca.certificatePem,
  });
  const port = await freePort();
  const end = await start(t, 'gateway.mjs', at('chain.pem'), at('key.pem'), at('ca.pem'), String(port), '127.0.0.1');
  for (const [behaviour, expected] of [
    ['good', 200],
    ['revoked', 403],
    ['gone', 403],
  ] as const) {
    responder.behaviour = behaviour;
    const user = ca.issue({ extendedKeyUsage: ['clientAuth'], aia: { ocsp: responder.url } });
    const identity = { cert: user.certificatePem, key: user.privateKeyPem, ca: ca.certificatePem, agent: false };
    const call = request({ host: 'localhost', port, ...identity }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    t.is(response.statusCode, expected, behaviour);
  }
  await end();
});

test('respond.mjs and bulk.mjs', async (t) => {
  const signer = ca.issueResponder();
  const leaf = ca.issue({ serialNumber: 0x1234abcdn });
  const at = files(t, {
    'ca.pem': ca.certificatePem,
    'ocsp.pem': signer.certificatePem,
    'ocsp.key': signer.privateKeyPem,
    'index.txt': 'V\t301231235959Z\t\t1234ABCD\tunknown\t/CN=a\nV\t301231235959Z\t\t1234ABCE\tunknown\t/CN=b\n',
  });
  const inputs = ['ca.pem', 'ocsp.pem', 'ocsp.key', 'index.txt'].map(at);
  const question = { certificate: leaf.certificate, issuer: ca.certificate };
  const port = await freePort();
  const end = await start(t, 'respond.mjs', ...inputs, String(port));
  await using client = new OCSPClient({ responders: [`http://localhost:${port}/`], allowPrivateAddresses: true });
  t.is((await client.check(question)).outcome, 'good');
  await end();

  const { status, stdout, stderr } = await run('bulk.mjs', ...inputs, at('store'), '1234ABCD');
  t.is(status, 0, stderr);
  const [summary, response = ''] = stdout.split('\n');
  t.is(summary, '2 certificates, 4 responses, 2 served');
  t.is(verifyOcspResponse(Buffer.from(response, 'base64'), question).status, 'good');
});

test('verify-archived.mjs', async (t) => {
  const leaf = ca.issue({ notBefore: new Date('2024-01-01T00:00:00Z') });
  const old = createTestCa({ notBefore: new Date('2024-01-01T00:00:00Z') });
  const site = old.issue({ notBefore: new Date('2024-01-01T00:00:00Z') });
  const made = new Date('2024-05-01T12:00:00Z');
  const answer = (status: 'good' | 'revoked'): Buffer =>
    buildTestResponse({
      entries: [
        {
          certificate: site.certificate,
          issuer: old.certificate,
          status,
          revocationTime: new Date('2024-05-01T11:00:00Z'),
          thisUpdate: made,
          nextUpdate: new Date('2024-05-02T12:00:00Z'),
        },
      ],
      signer: old,
      producedAt: made,
      certificates: [old.certificate],
    });
  const at = files(t, {
    'good.der': answer('good'),
    'revoked.der': answer('revoked'),
    'site.pem': site.certificatePem,
    'ca.pem': old.certificatePem,
    'other.pem': leaf.certificatePem,
  });
  const verify = (file: string, ...more: string[]) =>
    run('verify-archived.mjs', at(file), at('site.pem'), at('ca.pem'), ...more);
  const good = await verify('good.der');
  t.is(good.status, 0, good.stdout);
  t.regex(good.stdout, /2024-05-01T12:00:00.000Z to 2024-05-02T12:00:00.000Z/);
  t.is((await verify('good.der', '2026-01-01T00:00:00Z')).status, 1);
  // Made later than that.
  t.is((await verify('good.der', '2024-05-01T11:30:00Z')).status, 0);
  t.is((await verify('good.der', '2024-05-01T11:30:00Z', '2024-05-01T11:45:00Z')).status, 1);
  const revoked = await verify('revoked.der');
  t.is(revoked.status, 1);
  t.is((await verify('revoked.der', '2024-05-01T10:00:00Z')).status, 0);
  t.regex(revoked.stdout, /\nrevoked since 2024-05-01T11:00:00.000Z\n$/);
});

test('request.mjs', async (t) => {
  const leaf = ca.issue({ serialNumber: 1234n });
  const at = files(t, { 'site.pem': leaf.certificatePem, 'ca.pem': ca.certificatePem });
  const child = spawn(process.execPath, [example('request.mjs'), at('site.pem'), at('ca.pem')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  t.deepEqual(await once(child, 'close'), [0, null]);
  const { serialNumber, extensions } = loadDerOcspRequest(Buffer.concat(chunks));
  t.deepEqual([serialNumber, extensions.length], [1234n, 1]);
});

test('express.mjs', async (t) => {
  await using responder = await TestResponder.start(ca);
  responder.behaviour = 'revoked';
  const leaf = ca.issue({ aia: { ocsp: responder.url } });
  const at = files(t, { 'ca.pem': ca.certificatePem });
  const port = await freePort();
  const end = await start(t, 'express.mjs', at('ca.pem'), String(port), '127.0.0.1');
  const post = (body: string) => fetch(`http://localhost:${port}/status`, { method: 'POST', body });
  const answer = await post(leaf.certificatePem);
  t.like(await answer.json(), { outcome: 'revoked', allowed: false, source: 'network' });
  for (const wrong of ['', 'hello', createTestCa().certificatePem]) t.is((await post(wrong)).status, 400, wrong);
  await end();
});
