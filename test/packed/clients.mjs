// The package clients that people install with, each in the lines that are in use: none may compile anything.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { installNode, installPrograms } from '../../scripts/lib/node-versions.mjs';
import { inRoot, prebuildTarget } from '../../scripts/lib/paths.mjs';
import { ScriptError } from '../../scripts/lib/run.mjs';

/** Where each client comes from. The command is the file that its package.json names so. */
const PACKAGES = {
  npm10: ['npm', 'npm@10.9.9'],
  npm11: ['npm', 'npm@11.21.2'],
  npm12: ['npm', 'npm@12.2.2'],
  yarn1: ['yarn', 'yarn@1.22.22'],
  yarn4: ['yarn', '@yarnpkg/cli-dist@4.18.1'],
  pnpm9: ['pnpm', 'pnpm@9.15.9'],
  pnpm10: ['pnpm', 'pnpm@10.34.8'],
  pnpm11: ['pnpm', 'pnpm@11.28.10'],
  bun: ['bun', '@oven/bun-linux-x64-baseline@1.4.5'],
};
/** A line of Node.js for those that do not run on the oldest. */
const NODE = { npm12: '24', pnpm11: '24' };

const PACKAGE = 'openssl-ocsp';
const TARBALL = 'tarball';
const npmRow = (client) => [
  [client, 'from a registry, then ci', ['install', PACKAGE], ['ci']],
  [client, 'from a file, then ci', ['install', TARBALL], ['ci']],
  [client, 'without scripts', ['install', '--ignore-scripts', PACKAGE], ['ci', '--ignore-scripts']],
];
const pnpmRow = (client) => [
  [client, 'from a registry, then frozen', ['add', PACKAGE], ['install', '--frozen-lockfile']],
  [client, 'from a file', ['add', TARBALL], ['install', '--frozen-lockfile']],
];
/** Client, what is tried, the first installation, one by the lock file after that; settings of yarn 4. */
const TABLE = [
  ...['npm10', 'npm11', 'npm12'].flatMap(npmRow),
  ['yarn1', 'from a registry, then frozen', ['add', PACKAGE], ['install', '--frozen-lockfile']],
  ['yarn1', 'from a file', ['add', `file:${TARBALL}`], ['install']],
  ['yarn4', 'Plug’n’Play', ['add', PACKAGE], ['install', '--immutable'], 'nodeLinker: pnp'],
  ['yarn4', 'node_modules', ['add', PACKAGE], ['install', '--immutable'], 'nodeLinker: node-modules'],
  ...['pnpm9', 'pnpm10', 'pnpm11'].flatMap(pnpmRow),
  ['bun', 'from a registry, then frozen', ['add', PACKAGE], ['install', '--frozen-lockfile']],
];

/** What a client may start; and what would compile, which says so instead. */
const TOOLS = ['sh', 'env', 'sed', 'dirname', 'basename', 'uname', 'cat', 'readlink'];
const COMPILERS = [
  'make',
  'gmake',
  'cmake',
  'cc',
  'gcc',
  'c++',
  'g++',
  'clang',
  'clang++',
  'python',
  'python3',
  'node-gyp',
];

/** Loads the package, uses it, and tells which addon that took. */
const PROGRAM = `import('openssl-ocsp').then(({ loadDerOcspResponse }) => {
  loadDerOcspResponse(Buffer.from('30030a0106', 'hex'));
  const addons = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
  console.log(addons.length === 1 && /openssl-ocsp.prebuilds.[^/]*$/.test(addons[0]) ? 'used' : addons);
});`;

/**
 * Installs the tarball with every client, where neither compiler nor make is found, and uses it; two at a time.
 * Returns how many rows of the table passed.
 */
export async function installWithEveryClient(work, tarball) {
  if (prebuildTarget() !== 'linux-x64') {
    console.log(`Skipped: the clients are run on linux-x64 (glibc) only, this is ${prebuildTarget()}.`);
    return 0;
  }
  installClients();
  const registry = await serve(tarball);
  const rows = TABLE.map((row, index) => ({ row, folder: join(work, `client-${index}`) }));
  const problems = [];
  const worker = async () => {
    for (let next = rows.shift(); next !== undefined; next = rows.shift()) {
      const { row, folder } = next;
      const begin = Date.now();
      const problem = await tryRow(row, folder, tarball, registry.url);
      console.log(`${row[0]} ${row[1]}: ${problem ?? 'works'} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
      if (problem !== undefined) problems.push(row);
      rmSync(folder, { recursive: true, force: true });
    }
  };
  await Promise.all([worker(), worker()]);
  registry.close();
  if (problems.length > 0) throw new ScriptError(`Not right with ${problems.map(([name]) => name).join(', ')}.`);
  return TABLE.length;
}

/** What is wrong with one row of the table, or undefined. */
async function tryRow([client, , first, second, settings], folder, tarball, registry) {
  const environment = layOut(folder, client, registry, settings);
  const run = (command, args) => start(command, args, join(folder, 'project'), environment);
  const plugged = settings === 'nodeLinker: pnp';
  const command = executable(client);
  const installer = (args) => run(command[0], [...command.slice(1), ...args]);
  for (const args of [first, second]) {
    const { status, output } = await installer(args.map((arg) => arg.replace(TARBALL, tarball)));
    if (status !== 0) return `'${args.join(' ')}' failed (${status})\n${output}`;
    if (/gyp|\b(install|build) scripts?\b/i.test(output)) return `'${args.join(' ')}' speaks of building\n${output}`;
    if (existsSync(environment.COMPILED))
      return `'${args.join(' ')}' compiles: ${readFileSync(environment.COMPILED, 'utf8')}\n${output}`;
    const node = ['node', '-e', PROGRAM];
    const used = await (plugged ? installer(node) : run('node', node.slice(1)));
    if (used.output !== 'used\n') return `the package does not work after '${args.join(' ')}'\n${used.output}`;
    for (const [words, expected] of [
      [['version'], /^openssl-ocsp \d/],
      [['inspect', '--help'], /^Usage: openssl-ocsp inspect/],
    ]) {
      const told = await (plugged
        ? installer(['openssl-ocsp', ...words])
        : run(join(folder, 'project', 'node_modules', '.bin', 'openssl-ocsp'), words));
      if (!expected.test(told.output)) return `'openssl-ocsp ${words.join(' ')}' does not work\n${told.output}`;
    }
    for (const name of ['node_modules', '.yarn/unplugged'])
      rmSync(join(folder, 'project', name), { recursive: true, force: true });
  }
  return undefined;
}

/** A project, a home and a path of its own for one run of one client. Returns the environment. */
function layOut(folder, client, registry, settings = '') {
  const [bin, home, project] = ['bin', 'home', 'project'].map((name) => join(folder, name));
  for (const path of [bin, home, project]) mkdirSync(path, { recursive: true });
  for (const name of TOOLS) {
    const path = ['/bin', '/usr/bin'].map((place) => join(place, name)).find(existsSync);
    if (path !== undefined) symlinkSync(path, join(bin, name));
  }
  const compiled = join(folder, 'compiled');
  for (const name of COMPILERS)
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >>'${compiled}'\nexit 1\n`, { mode: 0o755 });
  symlinkSync(nodeFor(client), join(bin, 'node'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true }));
  writeFileSync(join(project, '.npmrc'), `registry=${registry}\naudit=false\nfund=false\nupdate-notifier=false\n`);
  writeFileSync(
    join(project, '.yarnrc.yml'),
    `${settings}\nnpmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\n`,
  );
  writeFileSync(join(project, 'yarn.lock'), '');
  return { PATH: bin, HOME: home, TMPDIR: home, COMPILED: compiled, NO_COLOR: '1' };
}

const nodeFor = (client) => (NODE[client] === undefined ? process.execPath : installNode(NODE[client]));

function executable(client) {
  const folder = inRoot('.matrix', 'clients', 'node_modules', client);
  const [command] = PACKAGES[client];
  if (command === 'bun') return [join(folder, 'bin', 'bun')];
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return ['node', join(folder, bin[command])];
}

/** The clients, side by side under the names of the table. */
const installClients = () =>
  installPrograms(
    'clients',
    Object.fromEntries(Object.entries(PACKAGES).map(([name, [, from]]) => [name, `npm:${from}`])),
  );

/** A registry on loopback that knows this package and no other. */
async function serve(tarball) {
  const bytes = readFileSync(tarball);
  const { scripts, ...manifest } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const { name, version } = manifest;
  const server = createServer((request, response) => {
    if (request.url === '/package.tgz') return response.end(bytes);
    if (request.url !== `/${name}`) return response.writeHead(404).end('{}');
    const dist = {
      tarball: `http://127.0.0.1:${server.address().port}/package.tgz`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
    };
    // Some clients take nothing that was published today.
    const time = { [version]: '2020-01-01T00:00:00.000Z' };
    const versions = { [version]: { ...manifest, dist } };
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions, time }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Runs a program of the given path to its end. */
function start(command, args, cwd, env) {
  const file = command.includes('/') ? command : join(env.PATH, command);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? signal, output }));
  });
}
