/**
 * What OCSP_TEST_REPEATED multiplies repetitions by: processes killed, operations watched for leaks. A tenth is enough where
 * the suite runs once more (other versions of Node.js, another OpenSSL, sanitizers); a full run takes ten times as many.
 */
const factor = Number(process.env['OCSP_TEST_REPEATED'] ?? 1);

/** How often something is done again and again. */
export function repeated(count: number): number {
  return Math.ceil(count * factor);
}

/** Every position of `length`, or every ninth of them where a tenth is enough. */
export function* positions(length: number): Generator<number> {
  for (let i = 0; i < length; i += factor < 1 ? 9 : 1) yield i;
}
