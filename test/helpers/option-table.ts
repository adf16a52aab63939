import test from 'ava';
import { OCSPError } from 'openssl-ocsp';

/** A function that takes options, and enough of them to see that it takes them all. */
export interface EntryPoint<T extends object> {
  /** Calls it; the result tells one outcome from another. */
  readonly call: (options: T) => unknown;
  /** What the call succeeds with. */
  readonly base: T;
  /** For each option a value, beside those of `base`, that makes another outcome. */
  readonly changes: { readonly [name in keyof Required<T>]: unknown };
  /** Options that `call` does not see the effect of; that they are read is seen all the same. */
  readonly unseen?: readonly (keyof T)[];
  /** Whether it takes a list in place of options. */
  readonly takesLists?: boolean;
}

/** What came of a call: the result, or the error. */
async function outcomeOf<T extends object>({ call }: EntryPoint<T>, options: object): Promise<string> {
  try {
    return `result ${JSON.stringify(await call(options as T))}`;
  } catch (error) {
    return `error ${(error as Error).message}`;
  }
}

/** An object of a class whose getters have these values. */
export function withGetters(values: object): object {
  class Options {}
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(Options.prototype, name, { get: () => value, configurable: true });
  }
  return new Options();
}

/** Tests that an entry point reads each option once, own or not, and refuses what is none. */
export function testOptions<T extends object>(name: string, entryPoint: EntryPoint<T>): void {
  const { base, changes } = entryPoint;
  const names = Object.keys(changes) as (keyof T & string)[];

  test.serial(`${name}: each option takes effect, own or inherited`, async (t) => {
    const before = await outcomeOf(entryPoint, base);
    for (const option of names) {
      const changed = { ...base, [option]: changes[option] };
      const own = await outcomeOf(entryPoint, changed);
      if (!entryPoint.unseen?.includes(option)) t.not(own, before, `${option}: the change is seen`);
      t.notRegex(own, new RegExp(`takes no '${option}'`));
      const { [option]: value, ...others } = changed as Record<string, unknown>;
      const forms = {
        getters: withGetters(changed),
        'a getter beside own properties': Object.assign(withGetters({ [option]: value }), others),
        'a prototype with defaults': Object.assign(Object.create({ [option]: value }), others),
        'a proxy': new Proxy({}, { get: (_, key) => Reflect.get(changed, key) }),
        'no prototype': Object.assign(Object.create(null), changed),
      };
      for (const [form, options] of Object.entries(forms)) {
        t.is(await outcomeOf(entryPoint, options), own, `${option} by ${form}`);
      }
    }
  });

  test.serial(`${name}: each option is read once`, async (t) => {
    const reads = new Map<string | symbol, number>();
    const counting = new Proxy(base, {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key);
      },
    });
    const outcome = await outcomeOf(entryPoint, counting);
    t.regex(outcome, /^result/);
    for (const option of names) t.is(reads.get(option), 1, option);
    for (const key of reads.keys()) t.true((names as (string | symbol)[]).includes(key), String(key));
  });

  test.serial(`${name}: a name that means nothing is refused`, async (t) => {
    const refused = async (options: object, unknown: string): Promise<void> => {
      const call = async (): Promise<unknown> => entryPoint.call(options as T);
      const error = await t.throwsAsync(call, { instanceOf: OCSPError, code: 'ERR_OCSP_INVALID_VALUE' }, unknown);
      t.true(error?.message.includes(`'${unknown}'`), error?.message);
    };
    for (const unknown of [...names.map((option) => `${option}_`), 'x', '0', '__proto__']) {
      await refused({ ...base, [unknown]: undefined }, unknown);
      await refused(Object.assign(Object.create({ [unknown]: 1 }), base), unknown);
    }
    for (const option of names) await refused(Object.assign(withGetters({ [`${option}s_`]: 1 }), base), `${option}s_`);
    for (const option of names) {
      const error = await t.throwsAsync(async () => entryPoint.call({ ...base, [`${option}x`]: 1 } as T));
      t.true(error?.message.includes(`did you mean '`), error?.message);
    }
    class WithMethods {
      static of(values: object): WithMethods {
        return Object.assign(new WithMethods(), values);
      }
      reload(): void {}
      toString(): string {
        return '';
      }
    }
    t.is(await outcomeOf(entryPoint, WithMethods.of(base)), await outcomeOf(entryPoint, base), 'methods may be there');
  });

  test.serial(`${name}: what are no options`, async (t) => {
    for (const wrong of [
      null,
      1,
      'options',
      () => 1,
      ...(entryPoint.takesLists ? [] : [[], [base]]),
      Buffer.alloc(2),
      new ArrayBuffer(2),
    ]) {
      await t.throwsAsync(async () => entryPoint.call(wrong as unknown as T), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
  });
}
