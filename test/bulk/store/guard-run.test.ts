import test from 'ava';
import { guardRun, type RunWriter } from 'openssl-ocsp/bulk';

const ENDED = { code: 'ERR_OCSP_INVALID_VALUE', message: 'the run has ended' };

/** A run that notes what it is told to do; a call whose name is in `fails` fails. */
function noting(fails = new Set<string>()): { run: RunWriter; said: string[] } {
  const said: string[] = [];
  const note = async (call: string): Promise<void> => {
    said.push(`${call} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    said.push(`${call} ends`);
    if (fails.has(call)) throw new Error(`${call} fails`);
  };
  const run: RunWriter = {
    resumeToken: 'token',
    editions: [],
    records: 3,
    append: () => note('append'),
    checkpoint: () => note('checkpoint'),
    commit: async () => {
      await note('commit');
      return { written: 1, kept: 2 };
    },
    close: () => note('close'),
    discard: () => note('discard'),
  };
  return { run: guardRun(run), said };
}

const begunAndEnded = (...calls: string[]): string[] => calls.flatMap((call) => [`${call} begins`, `${call} ends`]);

test('calls are carried out one after the other', async (t) => {
  const { run, said } = noting();
  t.deepEqual([run.resumeToken, run.editions, run.records], ['token', [], 3]);
  const all = await Promise.all([run.append([]), run.checkpoint('1'), run.append([]), run.commit(), run.close()]);
  t.deepEqual(all[3], { written: 1, kept: 2 });
  t.deepEqual(said, begunAndEnded('append', 'checkpoint', 'append', 'commit'));
});

for (const end of ['commit', 'close', 'discard'] as const) {
  test(`after ${end} nothing is done`, async (t) => {
    const { run, said } = noting();
    await run[end]();
    await t.throwsAsync(run.append([]), ENDED);
    await t.throwsAsync(run.checkpoint('1'), ENDED);
    await t.throwsAsync(run.commit(), ENDED);
    await run.close();
    await run.discard();
    t.deepEqual(said, begunAndEnded(end));
  });
}

for (const failing of ['append', 'checkpoint', 'commit'] as const) {
  test(`after ${failing} has failed all that writes fails as it did`, async (t) => {
    const { run, said } = noting(new Set([failing]));
    const calls = { append: () => run.append([]), checkpoint: () => run.checkpoint('1'), commit: () => run.commit() };
    await t.throwsAsync(calls[failing](), { message: `${failing} fails` });
    for (const call of Object.values(calls)) await t.throwsAsync(call(), { message: `${failing} fails` });
    await run.discard();
    await t.throwsAsync(run.append([]), ENDED);
    t.deepEqual(said, begunAndEnded(failing, 'discard'));
  });
}

for (const failing of ['close', 'discard'] as const) {
  test(`a run whose ${failing} fails has ended`, async (t) => {
    const { run } = noting(new Set([failing]));
    await t.throwsAsync(run[failing](), { message: `${failing} fails` });
    await t.throwsAsync(run.append([]), ENDED);
    await t.notThrowsAsync(run[failing]());
  });
}

test('a token that is no text is refused', (t) => {
  const { run, said } = noting();
  t.throws(() => run.checkpoint(7 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.deepEqual(said, []);
});
