/** Every cell of the table in docs/interop.md, by a run of the program. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { buildTestResponse, createTestCa, type TestEntry, type TestResponseOptions } from 'openssl-ocsp/testing';
import { scratch } from '../bulk/scratch.js';
import { runProgram } from '../helpers/programs.js';

const ca = createTestCa();
const site = ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
const other = ca.issue();
const entry: TestEntry = { certificate: site.certificate, issuer: ca.certificate };

const answer = (more: Partial<TestResponseOptions> = {}): Buffer =>
  buildTestResponse({ entries: [entry], signer: ca, certificates: [ca.certificate], ...more });
const delegated = (
  options: Parameters<typeof ca.issueResponder>[0],
  more: Partial<TestResponseOptions> = {},
): Buffer => {
  const signer = ca.issueResponder(options);
  return answer({ signer, certificates: [signer.certificate], ...more });
};

/** By the heads of the columns. */
const ANSWERS: Readonly<Record<string, () => Buffer>> = {
  CA: () => answer({ certificates: [] }),
  'CA inside': () => answer(),
  delegate: () => delegated({}),
  'by name': () => answer({ certificates: [], responderId: 'name' }),
  'SHA-256': () => answer({ entries: [{ ...entry, hash: 'sha256' }] }),
  'no nextUpdate': () => answer({ entries: [{ ...entry, nextUpdate: null }] }),
  second: () => answer({ entries: [{ ...entry, certificate: other.certificate }, entry] }),
  PSS: () => delegated({ keyType: 'rsa' }, { rsaPadding: 'pss' } as Partial<TestResponseOptions>),
  Ed25519: () => delegated({ keyType: 'ed25519' }),
};

/** Whether a program takes an answer; `at` is a folder with ca.pem and site.pem. */
type Takes = (at: (name: string) => string, der: Buffer) => Promise<boolean>;

const openssl =
  (...options: string[]): Takes =>
  async (at, der) => {
    writeFileSync(at('r.der'), der);
    const files = ['-issuer', at('ca.pem'), '-cert', at('site.pem'), '-CAfile', at('ca.pem'), '-respin', at('r.der')];
    const { stdout, stderr } = await runProgram('openssl', ['ocsp', ...options, ...files]);
    return stderr.includes('Response verify OK') && stdout.includes('site.pem: good');
  };

/** A client of a TLS server that staples the answer. */
const stapled =
  (run: (at: (name: string) => string, port: number) => Promise<boolean>): Takes =>
  async (at, der) => {
    const cert = site.certificatePem + ca.certificatePem;
    const server = createServer({ cert, key: site.privateKeyPem }, (socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, der));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    try {
      return await run(at, (server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  };

interface Program {
  /** What it prints of its version, where it is the one of the document. */
  readonly version: readonly [program: string, args: readonly string[], expected: RegExp];
  readonly takes: Takes;
}

/** By the first words of the rows. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  'openssl ocsp -respin': { version: ['openssl', ['version'], /^OpenSSL 3\.0\./], takes: openssl() },
  'openssl ocsp -sha256': { version: ['openssl', ['version'], /^OpenSSL 3\.0\./], takes: openssl('-sha256') },
  ocsptool: {
    version: ['ocsptool', ['--version'], /3\.7\.9/],
    takes: async (at, der) => {
      writeFileSync(at('r.der'), der);
      const args = ['--verify-response', '--infile', at('r.der'), '--load-trust', at('ca.pem')];
      return (await runProgram('ocsptool', args)).status === 0;
    },
  },
  'gnutls-cli': {
    version: ['gnutls-cli', ['--version'], /3\.7\.9/],
    takes: stapled(async (at, port) => {
      const args = ['--x509cafile', at('ca.pem'), '-p', String(port), 'localhost'];
      const { stdout } = await runProgram('gnutls-cli', args);
      return stdout.includes('OCSP status request') && stdout.includes('The certificate is trusted');
    }),
  },
  'curl --cert-status': {
    version: ['curl', ['--version'], /^curl 7\.88\.1.*OpenSSL/],
    takes: stapled(async (at, port) => {
      const args = ['--silent', '--cert-status', '--cacert', at('ca.pem'), `https://localhost:${port}/`];
      return (await runProgram('curl', args)).status === 0;
    }),
  },
};

function isThere([program, args, expected]: Program['version']): boolean {
  try {
    return expected.test(execFileSync(program, args, { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

const document = readFileSync(new URL('../../../docs/interop.md', import.meta.url), 'utf8');
const [, ...heads] =
  /^\| program \|(.*)\|$/m
    .exec(document)?.[0]
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim()) ?? [];

test('the table has the columns and rows that are run', (t) => {
  t.deepEqual(heads, Object.keys(ANSWERS));
  for (const name of Object.keys(PROGRAMS)) t.true(document.includes(`\n| \`${name}`), name);
});

for (const [name, { version, takes }] of Object.entries(PROGRAMS)) {
  (isThere(version) ? test : test.skip)(`${name} does what docs/interop.md says`, async (t: ExecutionContext) => {
    const folder = scratch(t);
    const at = (file: string): string => join(folder, file);
    writeFileSync(at('ca.pem'), ca.certificatePem);
    writeFileSync(at('site.pem'), site.certificatePem);
    const cells: string[] = [];
    for (const make of Object.values(ANSWERS)) cells.push((await takes(at, make())) ? 'yes' : '**no**');
    const row = document.split('\n').find((line) => line.startsWith(`| \`${name}`)) ?? '';
    t.deepEqual(
      row
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim()),
      cells,
    );
  });
}
