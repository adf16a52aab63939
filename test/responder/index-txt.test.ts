/** An index.txt that changes under a responder: a revocation for ever stays, whatever a later list says, or does not say. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { indexTxtAuthority } from 'openssl-ocsp/responder';
import { scratch } from '../bulk/scratch.js';
import { ask, makeResponder } from './fixtures.js';

const GOOD_ROW = 'V\t301231235959Z\t\t1001\tunknown\t/CN=good\n';
const row = (revocation: string): string => `R\t301231235959Z\t260102030405Z,${revocation}\t1002\tunknown\t/CN=x\n`;
/** The list is looked at again, and what has fewer rows counts, once it has been as it is for three seconds. */
const SETTLED = 3100;

test('neither a list without the row, nor one that says "hold" and then "good", takes a revocation for ever back', async (t) => {
  const path = join(scratch(t), 'index.txt');
  const write = (text: string): void => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  write(GOOD_ROW + row('keyCompromise'));
  const authority = indexTxtAuthority(path, { interval: 60_000 });
  const responder = makeResponder(t, { authority, notIssued: 'good' });
  await responder.ready();
  const status = async (): Promise<unknown> =>
    loadDerOcspResponse((await responder.answer(ask(['1002']))).der).certificateStatus;
  t.is(await status(), OCSPCertStatus.REVOKED);
  write(GOOD_ROW + row('certificateHold'));
  await authority.refresh?.();
  write(GOOD_ROW + GOOD_ROW.replace('1001', '1002'));
  await authority.refresh?.();
  t.is(await status(), OCSPCertStatus.REVOKED);
  write(GOOD_ROW);
  await authority.refresh?.();
  await new Promise((resolve) => setTimeout(resolve, SETTLED));
  await authority.refresh?.();
  t.is(await status(), OCSPCertStatus.REVOKED);
});

test('a list that cannot be read is late from then on, however seldom it is looked at', async (t) => {
  const path = join(scratch(t), 'index.txt');
  writeFileSync(path, GOOD_ROW);
  const authority = indexTxtAuthority(path, { interval: 60_000 });
  const responder = makeResponder(t, { authority });
  await responder.ready();
  const lag = async (): Promise<number | undefined> => {
    await authority.refresh?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return authority.lag?.();
  };
  t.is(await lag(), 0);
  renameSync(path, `${path}.away`);
  const first = (await lag()) ?? 0;
  t.true(first > 0);
  t.true(((await lag()) ?? 0) > first);
  renameSync(`${path}.away`, path);
  t.is(await lag(), 0);
});

test('a list that cannot be read is a warning of the process, unless somebody is told', async (t) => {
  const path = join(scratch(t), 'index.txt');
  const warnings: Error[] = [];
  const take = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', take);
  t.teardown(() => process.off('warning', take));
  const told: unknown[] = [];
  const authorities = [indexTxtAuthority(path), indexTxtAuthority(path, { onError: (error) => told.push(error) })];
  for (const authority of authorities) await makeResponder(t, { authority }).ready();
  // (A warning is told of in the next turn.)
  await new Promise((resolve) => setImmediate(resolve));
  const about = warnings.filter(({ message }) => message.includes(path));
  t.is(about.length, 1);
  t.is(about[0]?.name, 'OCSPWarning');
  t.regex(about[0]?.message ?? '', /index\.txt cannot be read: .*ENOENT/);
  t.is(told.length, 1);
});

test('who throws when told that a list cannot be read has it read all the same, once it can be', async (t) => {
  const path = join(scratch(t), 'index.txt');
  let told = 0;
  const onError = (): void => {
    told += 1;
    throw new Error('in onError');
  };
  const authority = indexTxtAuthority(path, { interval: 10, onError });
  const responder = makeResponder(t, { authority });
  await responder.ready();
  t.is(told, 1);
  writeFileSync(path, GOOD_ROW);
  const { GOOD } = OCSPCertStatus;
  for (;;) {
    const response = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
    if (response.responseStatus === 0) {
      t.is(response.certificateStatus, GOOD);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('an interval that no timer keeps is an error', (t) => {
  for (const interval of [0, -1, Number.NaN])
    t.throws(() => indexTxtAuthority('index.txt', { interval }), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => indexTxtAuthority('index.txt', { interval: '1' } as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
