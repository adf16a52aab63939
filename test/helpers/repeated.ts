/**
 * How often a process is killed. The scripts that run the suite once more (other versions of Node.js, sanitizers, coverage) set
 * OCSP_TEST_REPEATED: a tenth is enough for them.
 */
export function killCount(count: number): number {
  return process.env['OCSP_TEST_REPEATED'] ? Math.ceil(count / 10) : count;
}
