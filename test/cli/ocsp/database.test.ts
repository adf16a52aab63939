// Databases that do not fit into one piece of memory or have odd rows; what is twice, as the openssl command has it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, OCSPRequestBuilder } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { testIf } from '../../helpers/conditional.js';
import { comparable, runInside } from '../../helpers/ocsp-command.js';
import { openssl } from '../../helpers/openssl-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-database-'));
const at = (name: string): string => join(folder, name);
const ca = createTestCa({ subject: 'CN=Database CA' });

test.before(() => {
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ca.key'), ca.privateKeyPem);
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const EXPIRY = '351231235959Z';
const valid = (serial: number, subject = `/CN=host-${serial}`) =>
  `V\t${EXPIRY}\t\t${serial.toString(16).toUpperCase().padStart(6, '0')}\tunknown\t${subject}\n`;
const revoked = (serial: number, revocation: string) =>
  `R\t${EXPIRY}\t${revocation}\t${serial.toString(16).toUpperCase().padStart(6, '0')}\tunknown\t/CN=host\n`;
/** Some megabytes. */
const MANY = Array.from({ length: 60_000 }, (_, i) => valid(i + 1));

function request(name: string, serials: readonly number[]): string {
  const parts = [ca.certificate];
  let builder = new OCSPRequestBuilder();
  for (const serial of serials) {
    const { certificate } = ca.issue({ serialNumber: BigInt(serial) });
    builder = builder.addCertificate(certificate, parts[0] as typeof ca.certificate, 'sha1');
  }
  writeFileSync(at(name), builder.build().publicBytes());
  return at(name);
}

const argsFor = (index: string, question: string, answer: string): string[] => [
  ...['-index', index, '-CA', at('ca.pem'), '-rsigner', at('ca.pem'), '-rkey', at('ca.key')],
  ...['-reqin', question, '-respout', answer, '-ndays', '1'],
];

for (const [name, rows] of [
  ['many rows', MANY],
  ['no newline at the end', [...MANY.slice(0, 40_000), valid(7_000_000).trimEnd()]],
  ['a row longer than any piece', [valid(1, `/CN=${'x'.repeat(3_000_000)}`), ...MANY.slice(1, 100)]],
  ['comments', ['# one\n', ...MANY.slice(0, 30_000), '# two\n', ...MANY.slice(30_000)]],
  ['revoked rows', [revoked(1, '240101000000Z,keyCompromise'), ...MANY.slice(1), revoked(70_000, '240101000000Z')]],
  ['tabs in a subject', [valid(1, '/CN=a\\\tb'), valid(2, '/CN=a\\\tc'), valid(3, '/CN=a')]],
] as const) {
  test(`what is in a database: ${name}`, async (t) => {
    const index = at(`${name}.txt`);
    writeFileSync(index, rows.join(''));
    const asked = [1, 2, 3, 99, 40_000, 59_999, 60_000, 60_001, 70_000, 7_000_000];
    const question = request(`${name}.req`, asked);
    const run = await runInside(argsFor(index, question, at(`${name}.der`)));
    t.is(run.status, 0, run.stderr);
    const kinds = new Map<number, OCSPCertStatus>();
    for (const row of rows) {
      const [type, , , serial = ''] = row.split(/(?<!\\)\t/);
      if (type === 'V' || type === 'R')
        kinds.set(Number.parseInt(serial, 16), type === 'V' ? OCSPCertStatus.GOOD : OCSPCertStatus.REVOKED);
    }
    const answers = loadDerOcspResponse(readFileSync(at(`${name}.der`))).responses;
    t.deepEqual(
      answers.map(({ certificateStatus }) => certificateStatus),
      asked.map((serial) => kinds.get(serial) ?? OCSPCertStatus.UNKNOWN),
    );
  });
}

for (const [name, rows] of [
  ['a serial number twice', [...MANY, valid(5, '/CN=another')]],
  ['a serial number twice, the first one after comments', ['# one\n', '# two\n', ...MANY, valid(50_000, '/CN=other')]],
  ['a subject twice', [...MANY, valid(70_000, '/CN=host-40000')]],
  ['a subject twice, one at the end', [...MANY, valid(70_000, '/CN=host-3')]],
  ['both twice', [...MANY, valid(70_000, '/CN=host-9'), valid(30_000, '/CN=z')]],
  ['a subject that another one begins with', [valid(1, '/CN=a'), valid(2, '/CN=aa'), valid(3, '/CN=')]],
  ['a subject twice, but revoked', [...MANY, revoked(70_000, '240101000000Z'), revoked(70_001, '240101000000Z')]],
  ['a column too many', [...MANY, `${valid(70_000).trimEnd()}\tx\n`]],
  ['a column too few', [...MANY, 'V\t\t\t11\tunknown\n', valid(70_001)]],
  ['an empty row', [...MANY, '\n', valid(70_000)]],
] as const) {
  testIf(comparable)(`as openssl ocsp has it: ${name}`, async (t) => {
    const index = at(`${name}.txt`);
    writeFileSync(index, rows.join(''));
    const args = argsFor(index, request(`${name}.req`, [2]), at(`${name}.der`));
    const theirs = openssl(['ocsp', ...args]);
    const ours = await runInside(args);
    t.is(ours.status, theirs.status);
    t.deepEqual(errorLines(ours.stderr), errorLines(theirs.stderr));
  });
}

/** Without OpenSSL's stack of errors and its words on what is next to a bad row. */
function errorLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('Error creating') || line.startsWith('Problem with'));
}
