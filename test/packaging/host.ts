// What the tests of this folder share: the root of the repository, and loading the package in a process of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of package.json; compiled tests lie in build/test/packaging. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** The build from source that `npm test` makes. */
export const releaseAddon: string = join(root, 'build', 'Release', 'openssl_ocsp.node');

/** What came of importing the package in a fresh process. */
export interface LoadResult {
  loaded: boolean;
  /** The addons that the process has mapped, when loaded. */
  addons?: string[];
  /** `opensslInfo`, when loaded. */
  info?: { version: string; builtAgainst: string; source: string };
  /** What was thrown, when not. */
  error?: { name: string; code: string; message: string; isOCSPError: boolean; cause: string };
}

const PROBE = `
  const [folder] = process.argv.slice(1);
  const { OCSPError } = await import(folder + 'dist/errors.js');
  let result;
  try {
    const { opensslInfo } = await import(folder + 'dist/binding.js');
    const addons = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
    result = { loaded: true, info: opensslInfo, addons };
  } catch (error) {
    const { name, code, message, cause } = error;
    result = { loaded: false, error: { name, code, message, isOCSPError: error instanceof OCSPError, cause: String(cause) } };
  }
  console.log(JSON.stringify(result));
`;

/** Imports the package that lies in `folder`, with OPENSSL_OCSP_BINDING set to `addon` or unset. */
export function load(addon: string | undefined, folder: string = root): LoadResult {
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env['OPENSSL_OCSP_BINDING'];
  if (addon !== undefined) env['OPENSSL_OCSP_BINDING'] = addon;
  const url = `${pathToFileURL(join(folder, '/'))}`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', PROBE, '--', url], {
    env,
    encoding: 'utf8',
  });
  return JSON.parse(output) as LoadResult;
}

/** The first of these tools that can be started. */
export function findTool(...names: (string | undefined)[]): string | undefined {
  return names.find((name) => name !== undefined && spawnSync(name, ['--version'], { env: plainEnv() }).status === 0);
}

/** The environment without a preloaded sanitizer, which compilers and the like do not survive. */
export function plainEnv(): NodeJS.ProcessEnv {
  const { LD_PRELOAD: _, ...env } = process.env;
  return env;
}

/** Why a test that needs the build from source cannot run, or undefined. */
export function noSourceBuild(): string | undefined {
  if (process.platform !== 'linux') return 'written for ELF';
  return existsSync(releaseAddon) ? undefined : 'there is no build from source';
}
