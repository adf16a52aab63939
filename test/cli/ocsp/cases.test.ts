// Every case of parity/command-cases.mjs, by the openssl command and by ours, on the same files.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Place, parity, type Servers } from '../../helpers/command-cases.js';
import { comparable, runCase } from '../../helpers/ocsp-command.js';
import { openssl, Scratch } from '../../helpers/openssl-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-cases-'));
let servers: Servers;
let place: Place;

test.before(async (t) => {
  if (!comparable) return t.log('the openssl command here is not of the version of the OpenSSL in Node');
  // Proxies of the machine that the tests run on.
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) delete process.env[name];
  parity.makeFixtures(folder);
  servers = await parity.startServers(folder);
  place = { folder, work: join(folder, 'work'), port: servers.port, tlsPort: servers.tlsPort };
});

test.after.always(() => {
  servers?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What openssl says of a message: its text, and for a response whether it verifies. */
function describe(file: Buffer): string {
  using scratch = new Scratch();
  const path = scratch.write('message', file);
  const trust = ['-CAfile', join(folder, 'both-cas.pem')];
  const response = openssl(['ocsp', '-respin', path, '-resp_text', ...trust, '-no-CApath', '-no-CAstore']);
  if (response.stdout !== '') return response.stdout + parity.normalizeText(response.stderr);
  return openssl(['ocsp', '-reqin', path, '-req_text']).stdout;
}

// Both have to answer within the same second of the clock; with a sanitizer they are too slow for that.
const swift = process.env['OCSP_TEST_INSTRUMENTED'] === undefined;
const compared = comparable && swift ? test.serial : test.skip;

for (const entry of parity.COMMAND_CASES) {
  compared(entry.name, async (t) => {
    const differences = await parity.runBoth(
      entry,
      () => parity.runProcess(['openssl', 'ocsp'], entry, place),
      () => runCase(entry, place),
      describe,
    );
    // Where they are meant to differ they do, or the list of differences is wrong.
    if (entry.differs !== undefined) t.true(differences.length > 0, `no difference: ${entry.differs}`);
    else t.deepEqual(differences, []);
  });
}
