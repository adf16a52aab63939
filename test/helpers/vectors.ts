import { readFileSync } from 'node:fs';

/** test/vectors/, seen from build/test/helpers/. */
const root = new URL('../../../test/vectors/', import.meta.url);

/** The bytes of a file under test/vectors/. */
export function vector(path: string): Buffer {
  return readFileSync(new URL(path, root));
}

/** A file under test/vectors/ as text. */
export function vectorText(path: string): string {
  return vector(path).toString('utf8');
}

/** A JSON file under test/vectors/. */
export function vectorJson<T>(path: string): T {
  return JSON.parse(vectorText(path)) as T;
}

/** The bytes of `reference/x509/ocsp/NAME.der`. */
export function referenceOcsp(name: string): Buffer {
  return vector(`reference/x509/ocsp/${name}.der`);
}

/** The DER in a base64 file without PEM armour, as OpenSSL's own OCSP test data has it. */
export function base64Vector(path: string): Buffer {
  return Buffer.from(vectorText(path), 'base64');
}
