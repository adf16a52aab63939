import type { ExecutionContext } from 'ava';
import { OCSPError } from 'openssl-ocsp';

type Code = OCSPError['code'];

/** The call throws an OCSPError with this code and a message that says something. Returns the error. */
export function refuses(t: ExecutionContext, code: Code, call: () => unknown, what?: string): OCSPError | undefined {
  const error = t.throws(call, { instanceOf: OCSPError, code }, what ?? code);
  if (error) t.true(error.message.length > 10, `a message that says what was wrong: ${error.message}`);
  return error;
}

/** The call throws a TypeError with Node's code for a wrong argument type. */
export function refusesType(t: ExecutionContext, call: () => unknown, what?: string): void {
  t.throws(call, { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }, what);
}

/** A wrong value passed where the types forbid it. */
export function wrong<T>(value: unknown): T {
  return value as T;
}
