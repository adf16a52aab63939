/** The programs of docs/archives.md work as they are written there. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadDerOcspResponse, type OCSPResponse } from 'openssl-ocsp';
import { createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { docPrograms } from '../helpers/doc-programs.js';
import { runProgram } from '../helpers/programs.js';

const { names, folder, load } = docPrograms('archives.md');
const run = (name: string, ...args: string[]) => runProgram(process.execPath, [join(folder, name), ...args]);

test('all programs are known here', (t) => {
  t.deepEqual([...names].sort(), ['gather.mjs', 'judge.mjs', 'references.mjs']);
});

test('gather.mjs, judge.mjs, references.mjs', async (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  await using byRoot = await TestResponder.start(root);
  const ca = root.issueIntermediate({ subject: 'CN=CA', aia: { ocsp: byRoot.url } });
  await using byCa = await TestResponder.start(ca, { signer: ca, response: { responderId: 'name' } });
  const signer = ca.issue({ subject: 'CN=signer', aia: { ocsp: byCa.url } });
  const chain = join(folder, 'chain.pem');
  writeFileSync(chain, [signer, ca, root].map(({ certificatePem }) => certificatePem).join(''));
  const archive = join(folder, 'archive');

  const gathered = await run('gather.mjs', chain, archive, '127.0.0.1');
  t.is(gathered.status, 0, gathered.stderr);
  t.is(readdirSync(archive).filter((name) => name.endsWith('.ors')).length, 2);
  t.is(readdirSync(archive).filter((name) => name.endsWith('.crt')).length, 4);
  const guarded = await run('gather.mjs', chain, join(folder, 'nothing'));
  t.is(guarded.status, 1);
  t.regex(
    guarded.stderr,
    /^CN=signer: no responder gave an answer that counts: 127\.0\.0\.1 is not a public address; .*allowPrivateAddresses/m,
  );

  const now = new Date().toISOString();
  const judged = await run('judge.mjs', chain, archive, now, now);
  t.is(judged.status, 0, judged.stdout + judged.stderr);
  t.regex(judged.stdout, /=> good at /);
  const long = new Date(Date.now() + 10 * 24 * 3_600_000).toISOString();
  t.is((await run('judge.mjs', chain, archive, long)).status, 1);

  const { references } = await load<{ references(response: OCSPResponse): { cades: object; xades: object } }>(
    'references.mjs',
  );
  const responses = readdirSync(archive)
    .filter((name) => name.endsWith('.ors'))
    .map((name) => loadDerOcspResponse(readFileSync(join(archive, name))));
  const kinds = responses.map((response) => {
    const { cades, xades } = references(response);
    t.like(cades, { ocspResponderID: response.responderIdBytes, producedAt: response.producedAt });
    t.like(xades, { ProducedAt: response.producedAt.toISOString() });
    return 'ByName' in xades ? xades.ByName : Object.keys(xades)[0];
  });
  t.deepEqual(kinds.sort(), ['ByKey', 'CN=CA']);
});
