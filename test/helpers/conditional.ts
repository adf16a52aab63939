import test from 'ava';
import { opensslCliVersion, sameOpensslVersion } from './openssl-cli.js';

/** `test` where the condition holds; elsewhere what is declared with it is reported as skipped. */
export function testIf(condition: boolean): typeof test.skip {
  return condition ? test : test.skip;
}

/** For tests that run the openssl command. */
export const withCli: typeof test.skip = testIf(opensslCliVersion !== null);

/** For tests that compare with the openssl command where its versions differ. */
export const withSameCli: typeof test.skip = testIf(sameOpensslVersion);
