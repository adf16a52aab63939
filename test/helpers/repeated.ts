/**
 * How often something is done again and again: processes killed, operations watched for leaks. The scripts that run the suite
 * once more (other versions of Node.js, another OpenSSL, sanitizers, coverage) set OCSP_TEST_REPEATED: a tenth is enough for
 * them.
 */
export function repeated(count: number): number {
  return process.env['OCSP_TEST_REPEATED'] ? Math.ceil(count / 10) : count;
}

/** Every position of `length`, or every ninth of them in such a run. */
export function* positions(length: number): Generator<number> {
  const step = process.env['OCSP_TEST_REPEATED'] ? 9 : 1;
  for (let i = 0; i < length; i += step) yield i;
}
