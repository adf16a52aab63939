// Jest, which loads CommonJS by a require() of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPrograms } from '../../scripts/lib/node-versions.mjs';
import { node } from '../../scripts/lib/run.mjs';

const TEST = `const { loadDerOcspResponse, OCSPError, verifyOcspResponse } = require('openssl-ocsp');
const { buildTestResponse, createTestCa } = require('openssl-ocsp/testing');

test('signs, verifies, refuses', () => {
  const ca = createTestCa();
  // Jest has a Date of its own.
  const { certificate } = ca.issue({ notAfter: new Date(Date.now() + 86_400_000) });
  const answer = buildTestResponse({ entries: [{ certificate, issuer: ca.certificate }], signer: ca });
  expect(verifyOcspResponse(answer, { certificate, issuer: ca.certificate }).status).toBe('good');
  expect(() => loadDerOcspResponse(new Uint8Array(3))).toThrow(OCSPError);
});
`;

/** Runs a test that uses the package installed in `work`. */
export function runJest(work) {
  const folder = installPrograms('jest', { jest: '30.5.2' });
  const project = join(work, 'jest');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  writeFileSync(join(project, 'package.test.js'), TEST);
  node(join(folder, 'node_modules', 'jest', 'bin', 'jest.js'), ['--rootDir', project], { cwd: project });
}
