import type { RunWriter } from '../store/response-store.js';
import type { Findings } from './checks.js';
import type { Bench, CheckedSerial } from './store-bench.js';

/** (The latter where a program begins two of one store object.) */
const REFUSALS = ['ERR_OCSP_STORE_LOCKED', 'ERR_OCSP_INVALID_VALUE'];

/** One of two runs of one id. After a call that was refused it is out of it. */
interface Rival {
  readonly name: string;
  run?: RunWriter;
  /** What its commit has to serve. */
  records: CheckedSerial[];
  isOut: boolean;
}

/** Begins a run again while it is open; both write, then both commit. Clause S18. */
export async function tryRivalRuns(findings: Findings, bench: Bench): Promise<void> {
  for (const [id, from, isFirstLast] of [
    ['first commits first', 100n, false],
    ['second commits first', 200n, true],
  ] as const) {
    const [first, second]: [Rival, Rival] = [
      { name: 'the first', records: [], isOut: false },
      { name: 'the second', records: [], isOut: false },
    ];
    const attempt = async (rival: Rival, act: () => Promise<unknown>): Promise<void> => {
      if (rival.isOut) return;
      try {
        await act();
      } catch (error) {
        rival.isOut = true;
        const what = `an error of ${rival.name} of two runs of one id`;
        const isRefusal = REFUSALS.includes(String((error as NodeJS.ErrnoException).code));
        findings.holds(what, isRefusal, `a rejection with code ${REFUSALS.join(' or ')}`, error);
      }
    };
    let serial = from;
    const append = (rival: Rival): Promise<void> =>
      attempt(rival, async () => {
        const record = bench.record(serial);
        serial += 1n;
        await rival.run?.append([record]);
        rival.records.push(record);
      });
    const begin = (rival: Rival): Promise<void> =>
      attempt(rival, async () => {
        rival.run = await bench.begin(id, 'discard');
        if (rival.run.resumeToken !== null) rival.records = [bench.record(from)];
      });
    await begin(first);
    await append(first);
    await attempt(first, async () => first.run?.checkpoint('one'));
    await append(first);
    await begin(second);
    for (const rival of [second, first, second]) await append(rival);
    for (const rival of isFirstLast ? [second, first] : [first, second])
      await attempt(rival, async () => {
        await rival.run?.commit();
        await bench.serves(`after the commit of ${rival.name} of two runs of one id`, ...rival.records);
      });
    findings.holds('two runs of one id', !(first.isOut && second.isOut), 'a commit that goes through', 'none');
    for (const { run } of [first, second]) await run?.close();
  }
}
