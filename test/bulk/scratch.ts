import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A folder that is removed at the end of the test. */
export function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
