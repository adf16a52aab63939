import { readdirSync } from 'node:fs';
import { reading } from './system-error.js';

/**
 * Opening would make a store. Of a folder that was mistyped, or whose volume is not there, "no problems" would be no answer, nor would
 * "not revoked".
 *
 * @throws An Error where there is none.
 */
export function checkIsStore(folder: string): void {
  const names = reading(folder, () => readdirSync(folder));
  if (!names.some((name) => name === 'MANIFEST' || name.endsWith('.seg')))
    throw new Error(`there is no store in ${folder}`);
}
