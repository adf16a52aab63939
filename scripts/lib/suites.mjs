// Which test files run again where something else is under them than a plain Node. The whole suite runs once, in `npm test`.
import { readdirSync } from 'node:fs';
import { inRoot } from './paths.mjs';

/** The compiled files of a folder of test/: those named, or all. */
function tests(folder, ...names) {
  const found = () =>
    readdirSync(inRoot('test', folder)).flatMap((name) => (/^(.*)\.test\.ts$/.exec(name) ?? []).slice(1));
  return (names.length > 0 ? names : found()).map((name) => `build/test/${folder}/${name}.test.js`);
}

export const EVERY = readdirSync(inRoot('test'), { recursive: true })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `build/test/${name.slice(0, -2)}js`);

/** Files that load native code with everything it takes: valid, hostile, in threads, to the end of a worker. For sanitizers. */
export const NATIVE = [
  ...tests('bulk', 'external-signer', 'fault', 'response-signer'),
  ...tests('bulk/store', 'find'),
  ...tests('ocsp', 'algorithms', 'bad-arguments', 'bad-serials-and-keys', 'hashless-keys', 'malformed', 'memory'),
  ...tests('ocsp', 'printing', 'recorded-verdicts', 'request-builder', 'request-parts', 'request', 'response-builder'),
  ...tests('ocsp', 'response-builder-refusals', 'response', 'roundtrip', 'worker-threads'),
  ...tests('parity'),
  ...tests('verification'),
  ...tests('x509', 'der', 'pkcs12', 'stored-key'),
];

/** Files whose outcome depends on the OpenSSL underneath. For an addon that carries its own, and for each Node line. */
export const OPENSSL = [
  ...tests('bulk', 'external-signer', 'response-signer'),
  ...tests('cli', 'keys'),
  ...tests('ocsp', 'algorithms', 'hashless-keys', 'memory', 'ml-dsa', 'recorded-verdicts', 'request-builder'),
  ...tests('ocsp', 'response-builder', 'response-builder-refusals', 'roundtrip', 'worker-threads'),
  ...tests('packaging', 'binary', 'cmake'),
  ...tests('parity'),
  ...tests(
    'verification',
    'authorization-matrix',
    'crippled-openssl',
    'known-bugs',
    'openssl-manifest',
    'path-options',
    'plain-certificates',
  ),
  ...tests('verification', 'policies', 'receivers', 'remembered-algorithms', 'signed-requests', 'text', 'threads'),
  ...tests('verification', 'verdict'),
  ...tests('x509', 'algorithms', 'pkcs12', 'stored-key'),
];

/** With those whose outcome depends on the binary interface or on Node's own behaviour. For each Node line. */
export const HOST = [
  ...OPENSSL,
  ...tests('bulk', 'bulk-sign'),
  ...tests('cli', 'main'),
  ...tests('client', 'check', 'dns', 'frameworks', 'guard', 'peer', 'proxy', 'stapler', 'stapling-interop'),
  ...tests('packaging', 'load-guard'),
  ...tests('responder', 'http', 'responder', 'reuse-port', 'store'),
  ...tests('testing', 'response-kit', 'test-ca', 'test-responder'),
];
