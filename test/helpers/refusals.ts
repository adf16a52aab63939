import type { ExecutionContext, ThrowsExpectation } from 'ava';
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

/** What `t.throws` is to find, where the message is no matter. */
type Refusal = ThrowsExpectation<Error>;
const withCode = (code: Code): Refusal => ({ name: 'OCSPError', code });
export const malformed: Refusal = withCode('ERR_OCSP_MALFORMED');
export const invalid: Refusal = withCode('ERR_OCSP_INVALID_VALUE');
export const unsupported: Refusal = withCode('ERR_OCSP_UNSUPPORTED_ALGORITHM');
export const duplicate: Refusal = withCode('ERR_OCSP_DUPLICATE_EXTENSION');
export const notFound: Refusal = withCode('ERR_OCSP_EXTENSION_NOT_FOUND');
export const wrongType: Refusal = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' };

/** A wrong value passed where the types forbid it. */
export function wrong<T>(value: unknown): T {
  return value as T;
}
