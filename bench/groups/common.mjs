// Keys, certificates and messages that the groups share.
import { readFileSync } from 'node:fs';
import { createTestCa } from 'openssl-ocsp/testing';

/** `run` for a function of no arguments. */
export function repeat(operation) {
  return (iterations) => {
    for (let i = 0; i < iterations; i += 1) operation();
  };
}

/** A CA that answers itself, with a key of this type. */
export function makeResponder(key) {
  const ca = createTestCa(key);
  return {
    ca,
    certificate: ca.certificate,
    key: ca.privateKey,
    pkcs8: ca.privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

/** Recorded messages of real responders. */
export function recorded(name) {
  return readFileSync(new URL(`../../test/vectors/reference/x509/${name}`, import.meta.url));
}
