import { invalidArgType, invalidValue } from '../errors.js';
import type { RunWriter } from './response-store.js';

/**
 * A run as {@link RunWriter} has it, over one that only does what it is told: calls are carried out one after the other, after a failure
 * every call fails, and once the run has ended `close` and `discard` do nothing, and the others are refused
 * with `ERR_OCSP_INVALID_VALUE`.
 *
 * @param run - what each call does. It gets no call beside another one, and none after its end.
 */
export function guardRun(run: RunWriter): RunWriter {
  let turn: Promise<unknown> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;
  let hasEnded = false;
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const result = turn.then(action);
    turn = result.catch(() => undefined);
    return result;
  };
  // After an error no one knows what has been written: only the next `beginRun`, which looks, may go on.
  const step = <T>(action: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      if (hasEnded) throw invalidValue('the run has ended');
      if (failure !== undefined) throw failure.error;
      try {
        return await action();
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
  const end = (action: () => Promise<void>): Promise<void> =>
    inTurn(async () => {
      if (hasEnded) return;
      hasEnded = true;
      await action();
    });
  return {
    resumeToken: run.resumeToken,
    get editions() {
      return run.editions;
    },
    get records() {
      return run.records;
    },
    append: (batch) => step(() => run.append(batch)),
    checkpoint: (token) => {
      if (typeof token !== 'string') throw invalidArgType('token', 'a string', token);
      return step(() => run.checkpoint(token));
    },
    commit: (edition) =>
      step(async () => {
        const result = await run.commit(edition);
        hasEnded = true;
        return result;
      }),
    close: () => end(() => run.close()),
    discard: () => end(() => run.discard()),
  };
}
