// Runs a case of port-cases.mjs with one command that listens: what clients were answered, the lines, the exit code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { normalizeText, readOutputs, resolveArgs } from './command-run.mjs';

/** Milliseconds in which a server ends by itself after the last request of its case. */
const PATIENCE = 60_000;

/**
 * @param {string[]} command - program and its first arguments, such as ['openssl', 'ocsp']
 * @param {import('./port-cases.mjs').PortCase} entry
 * @param {{ folder: string, work: string }} place - fixtures, and a folder to write in
 * @param {(body: Buffer) => string} describe - text and verdict of a response
 */
async function runPort([program, ...first], entry, { folder, work }, describe) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  copyFileSync(join(folder, 'index.txt'), join(work, 'index.txt'));
  const port = await freePort();
  const place = { folder, work, port };
  const child = spawn(program, [...first, '-port', String(port), ...resolveArgs(entry, place)], {
    env: { ...process.env, OPENSSL_CONF: '/dev/null', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // With those that it starts.
    detached: true,
  });
  const said = { stdout: '', stderr: '' };
  const ended = once(child, 'close');
  const listening = new Promise((resolve) => {
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (chunk) => {
        said[name] += chunk;
        if (said.stdout.includes('ACCEPT ')) resolve();
      });
  });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), PATIENCE);
  const replies = [];
  try {
    await Promise.race([listening, ended]);
    for (const request of child.exitCode === null ? entry.requests : []) {
      if (request.index !== undefined) {
        copyFileSync(join(folder, request.index), join(work, 'index.new'));
        renameSync(join(work, 'index.new'), join(work, 'index.txt'));
        continue;
      }
      replies.push(describeReply(await exchange(port, wire(request, folder)), describe));
    }
    if (entry.signal !== undefined) child.kill(entry.signal);
    const [status] = await ended;
    const plain = (text) => withQueueLast(constant(text, port, work));
    const told = { status, stderr: plain(said.stderr) };
    if (entry.connects === false) return told;
    return { ...told, stdout: plain(said.stdout), replies, outputs: outputs(entry, place) };
  } finally {
    clearTimeout(timer);
  }
}

/** What differs between two outcomes, as lines for people. */
function comparePort(expected, actual) {
  const differences = [];
  for (const what of ['status', 'stdout', 'stderr', 'replies', 'outputs']) {
    const [one, other] = [expected, actual].map((outcome) => String(JSON.stringify(outcome[what], null, 1)));
    if (one === other) continue;
    const [lines, others] = [one.split('\n'), other.split('\n')];
    const missing = lines.filter((line) => !others.includes(line)).map((line) => `- ${line}`);
    const added = others.filter((line) => !lines.includes(line)).map((line) => `+ ${line}`);
    differences.push(`${what}, ${lines.length} and ${others.length} lines:\n${[...missing, ...added].join('\n')}`);
  }
  return differences;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Bytes of a request; of HTTP/1.0, after which a connection ends. */
function wire({ raw, get, post, path = '/' }, folder) {
  if (raw !== undefined) return Buffer.from(raw, 'latin1');
  const body = readFileSync(join(folder, post ?? get));
  if (get !== undefined)
    return Buffer.from(`GET ${path}${encodeURIComponent(body.toString('base64'))} HTTP/1.0\r\n\r\n`);
  const type = 'Content-Type: application/ocsp-request';
  return Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.0\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n`),
    body,
  ]);
}

function exchange(port, bytes) {
  return new Promise((resolve) => {
    const chunks = [];
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

/** Status, media type, and what openssl says of the body. */
function describeReply(bytes, describe) {
  if (bytes.length === 0) return 'no reply';
  const text = bytes.toString('latin1');
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
  // OpenSSL sends an answer also behind the empty reply to what is no request.
  const begin = text.lastIndexOf('HTTP/1.');
  const end = text.indexOf('\r\n\r\n', begin);
  const [, type] = /^content-type: *(.*)$/im.exec(text.slice(begin, end)) ?? [];
  return [`${status} ${type}`, ...(type ? constant(describe(bytes.subarray(end + 4))).split('\n') : [])];
}

const TIME = /[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT/g;

/** Without what differs from run to run: times as seconds after producedAt, ports, processes, signatures. */
function constant(text, port, work) {
  let produced;
  return normalizeText(text)
    .replace(/(Produced At|This Update|Next Update): (.*)/g, (_, name, time) => {
      const at = Date.parse(time) / 1000;
      if (name === 'Produced At') produced = at;
      // OpenSSL reads the clock for each: a second may end in between. All times of the cases are whole minutes.
      const seconds = at - produced;
      return `${name}: ${(seconds + 1) % 60 === 0 ? seconds + 1 : seconds} s`;
    })
    .replace(TIME, 'TIME')
    .replace(/PID=\d+/g, 'PID')
    .replace(/^child PID array:.*$/gm, 'child PID array')
    .replace(/^ {4,}([0-9a-f]{2}:)*[0-9a-f]{2}:?\n/gm, '')
    .replaceAll(port === undefined ? '\0' : `:${port}`, ':PORT')
    .replaceAll(work ?? '\0', 'WORK');
}

/** OpenSSL prints its error queue at its end, of which a server has none: then what an entry says of bad DER does not matter. */
function withQueueLast(text) {
  const lines = text.split('\n');
  const isEntry = (line) => /^error:/.test(line);
  const entries = lines.filter((line) => isEntry(line) && !line.includes('asn1 encoding routines'));
  return [...lines.filter((line) => !isEntry(line)), ...entries].join('\n');
}

function outputs(entry, place) {
  const files = Object.entries(readOutputs(entry, place));
  return Object.fromEntries(files.map(([name, bytes]) => [name, bytes && constant(bytes.toString('latin1'))]));
}

/** Both commands at once, on the same files. */
export async function comparePortCase(entry, commands, folder, work, describe) {
  const [expected, actual] = await Promise.all(
    commands.map((command, i) => runPort(command, entry, { folder, work: `${work}-${i}` }, describe)),
  );
  return comparePort(expected, actual);
}
