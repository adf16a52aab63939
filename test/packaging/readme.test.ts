/** What README.md shows works as it is written there. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, OCSPRequestBuilder } from 'openssl-ocsp';
import { buildTestResponse, createTestCa } from 'openssl-ocsp/testing';
import { httpAnswer, rawServer } from '../helpers/raw-server.js';
import { vector, vectorText } from '../helpers/vectors.js';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const [javascript, shell] = ['js', 'sh'].map((language) =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , code]) => code),
) as [string[], string[]];

/**
 * An example as the body of an async function that returns what the statements gave which name their value in a comment,
 * with that value.
 */
function compile(code: string): string {
  return code
    .replace(/^import (\{.*?\}) from '(.*?)';$/gms, "const $1 = await import('$2');")
    .replace(/^(\w.*);\s*\/\/ (\S+)$/gm, (whole, statement: string, comment: string) => {
      const value = /^[\w-]+\/[\w/-]+$|^MEM/.test(comment) ? JSON.stringify(comment) : comment;
      return statement.startsWith('const ') ? whole : `results.push([${statement}, ${value}]);`;
    });
}

test('the examples in JavaScript', async (t) => {
  const ca = createTestCa();
  const certificate = ca.issue().certificate;
  const examples = javascript.map(compile);
  t.is(examples.length, 4);
  const answer = buildTestResponse({
    entries: [{ certificate, issuer: ca.certificate }],
    signer: ca,
    certificates: [ca.certificate],
  });
  let expectations = 0;
  for (const example of examples) {
    const isVerification = example.includes('verifyOcspResponse');
    const names = {
      cert: isVerification ? certificate : vectorText('reference/seed/pem_cert.pem'),
      issuer: isVerification ? ca.certificate : vectorText('reference/seed/pem_issuer.pem'),
      request: new OCSPRequestBuilder().addCertificate(certificate, ca.certificate, 'sha256').build(),
      derRequest: vector('reference/seed/der_ocsp_req.der'),
      derResponse: answer,
      responderCert: vectorText('reference/seed/pem_responder_cert.pem'),
      responderKey: vectorText('reference/seed/pem_responder_key.pem'),
      connect: () => results.push(['connected', 'connected']),
    };
    const results: [unknown, unknown][] = [];
    // An import() inside a Function would be resolved from nowhere in particular.
    const body = `{ ${example.replaceAll('await import(', 'await load(')} }`;
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
    const load = (name: string): Promise<unknown> => import(name);
    await new AsyncFunction('load', 'results', ...Object.keys(names), body)(load, results, ...Object.values(names));
    for (const [value, expected] of results) t.deepEqual(value, expected, example);
    expectations += results.length;
  }
  t.is(expectations, 5);
});

test('the commands', async (t) => {
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
  write('ocsp.pem', responder.certificatePem);
  write('ocsp.key', responder.privateKeyPem);
  write('index.txt', 'V\t301231235959Z\t\t1234ABCD\tunknown\t/CN=a\n');
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  write('openssl-ocsp', `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(folder, 'openssl-ocsp'), 0o755);
  const lines = shell.flatMap((code) => code.trim().split('\n')).filter((line) => line.startsWith('openssl-ocsp '));
  t.is(lines.length, 8);
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
});
