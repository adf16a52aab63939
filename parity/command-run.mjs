// Runs the cases of command-cases.mjs with two commands, and says what differs.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a command left behind.
 *
 * @typedef {{ status: number | null, stdout: Buffer, stderr: string, outputs: Record<string, Buffer | null> }} Outcome
 * @typedef {{ folder: string, work: string, port: number, tlsPort: number }} Place fixtures, a folder to write in, servers
 */

/** The arguments of a case, with paths and ports in them. */
export function resolveArgs(entry, { folder, work, port, tlsPort }) {
  return entry.args.map((arg) =>
    arg
      .replace(/(^|[=:])@(?=\w)/, `$1${folder}/`)
      .replace(/^%/, `${work}/`)
      .replace('{port}', String(port))
      .replace('{tlsPort}', String(tlsPort)),
  );
}

/** The environment of a case: no configuration file, no proxy but what the case sets. */
export function resolveEnv(entry, { folder }) {
  const own = Object.entries(entry.env ?? {}).map(([name, value]) => [name, value.replace(/^@/, `${folder}/`)]);
  const env = { ...process.env, OPENSSL_CONF: '/dev/null', ...Object.fromEntries(own) };
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY']) {
    if (entry.env?.[name] === undefined) delete env[name];
  }
  return env;
}

/** Bytes for standard input; empty where a case gives none. */
export function stdinOf(entry, { folder }) {
  return entry.stdin === undefined ? Buffer.alloc(0) : readFileSync(join(folder, entry.stdin));
}

/**
 * Runs a command as a process of its own.
 *
 * @param {string[]} command - program and its first arguments, such as ['openssl', 'ocsp']
 * @param {Place} place
 * @returns {Promise<Outcome>}
 */
export function runProcess([program, ...first], entry, place) {
  rmSync(place.work, { recursive: true, force: true });
  mkdirSync(place.work, { recursive: true });
  return new Promise((resolve, reject) => {
    // A session of its own: no one may be asked for a passphrase.
    const child = spawn(program, [...first, ...resolveArgs(entry, place)], {
      env: resolveEnv(entry, place),
      detached: true,
    });
    const stdout = [];
    const stderr = [];
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.on('error', reject);
    // Who does not read is gone before everything is written.
    child.stdin.on('error', () => {});
    child.stdin.end(stdinOf(entry, place));
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.on('close', (status) => {
      clearTimeout(timer);
      const text = Buffer.concat(stderr).toString('utf8');
      resolve({ status, stdout: Buffer.concat(stdout), stderr: text, outputs: readOutputs(entry, place) });
    });
  });
}

/** The files that a case writes; null for one that is not there. */
export function readOutputs(entry, { work }) {
  const read = (name) => (existsSync(join(work, name)) ? readFileSync(join(work, name)) : null);
  return Object.fromEntries((entry.outputs ?? []).map((name) => [name, read(name)]));
}

/**
 * An entry of OpenSSL's error queue keeps its code, library, reason and data. The thread, the function, the file and the
 * line are of no use to a script, and differ between builds.
 */
const QUEUE_ENTRY = /^[0-9A-F]{8,16}:error:([0-9A-F]{8}):([^:\n]*):[^:\n]*:([^:\n]*):[^:\n]*:\d*:(.*)$/gm;
/** Text and DER of a nonce of 16 bytes. */
const NONCE_TEXT = /(OCSP Nonce: \n\s+0410)[0-9A-F]{32}/g;
const NONCE_DER = Buffer.from('2b060105050730010204120410', 'hex');

export function normalizeText(text) {
  return text.replace(QUEUE_ENTRY, 'error:$1:$2:$3:$4').replace(NONCE_TEXT, '$1*');
}

function withoutQueue(text) {
  return text.replace(/^error:[0-9A-F]{8}:.*\n/gm, '');
}

function withoutNonce(bytes) {
  if (bytes === null) return null;
  const at = bytes.indexOf(NONCE_DER);
  if (at < 0) return bytes;
  const begin = at + NONCE_DER.length;
  return Buffer.concat([bytes.subarray(0, begin), Buffer.alloc(16), bytes.subarray(begin + 16)]);
}

/** Without the lines of signatures, which some algorithms make again each time. */
function withoutSignatures(text) {
  return text.replace(/^( {8}([0-9a-f]{2}:)*[0-9a-f]{2}:?)$/gm, '        *');
}

/**
 * What differs, as lines for people; empty when nothing does.
 *
 * @param {Outcome} expected - of openssl
 * @param {Outcome} actual
 * @param {(file: Buffer) => string} describe - for compareOutputs 'verified': text and verdict by openssl
 */
export function compareOutcomes(entry, expected, actual, describe) {
  const differences = [];
  const compare = (what, one, other) => {
    if (one !== other) differences.push(`${what}:\n--- openssl\n${one}\n+++ ours\n${other}`);
  };
  compare('exit code', expected.status, actual.status);
  if (entry.stdout !== 'none') {
    const text = (outcome) => normalizeText(outcome.stdout.toString('latin1'));
    compare('stdout', text(expected), text(actual));
  }
  const errors = ({ stderr }) => (entry.stderr === 'lines' ? withoutQueue : String)(normalizeText(stderr));
  compare('stderr', errors(expected), errors(actual));
  for (const name of entry.outputs ?? []) {
    const [one, other] = [expected.outputs[name], actual.outputs[name]];
    if (entry.compareOutputs === 'verified' && one !== null && other !== null) {
      compare(name, withoutSignatures(describe(one)), withoutSignatures(describe(other)));
    } else {
      const shown = (bytes) => withoutNonce(bytes)?.toString('hex') ?? '(not there)';
      compare(name, shown(one), shown(other));
    }
  }
  return differences;
}

/**
 * Runs a case with both, again and again while the second of the clock changes between them. Ours goes first: it starts
 * slowly and reads the clock late, openssl does so at once.
 *
 * @param {() => Promise<Outcome>} runOpenssl
 * @param {() => Promise<Outcome>} runOurs
 */
export async function runBoth(entry, runOpenssl, runOurs, describe) {
  let differences = [];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const begin = Math.floor(Date.now() / 1000);
    const actual = await runOurs();
    const expected = await runOpenssl();
    differences = compareOutcomes(entry, expected, actual, describe);
    if (differences.length === 0 || begin === Math.floor(Date.now() / 1000)) break;
  }
  return differences;
}
