// What the linker made of the addon.
import { execFileSync } from 'node:child_process';
import { testIf } from '../helpers/conditional.js';
import { findTool, load, noSourceBuild, plainEnv, releaseAddon } from './host.js';

const readelf = noSourceBuild() === undefined ? findTool('readelf') : undefined;
const onElf = testIf(noSourceBuild() === undefined);
const withReadelf = testIf(readelf !== undefined);
const read = (...args: string[]): string =>
  execFileSync(readelf as string, ['-W', ...args, releaseAddon], { encoding: 'utf8', env: plainEnv() });

withReadelf('links no OpenSSL of its own', (t) => {
  const needed = [...read('-d').matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]);
  t.true(needed.length > 0);
  t.deepEqual(
    needed.filter((library) => /ssl|crypto/.test(library ?? '')),
    [],
  );
});

withReadelf('resolves all symbols at load and stays mapped', (t) => {
  const dynamic = read('-d');
  t.regex(dynamic, /BIND_NOW/);
  t.regex(dynamic, /NODELETE/);
  t.regex(read('-l'), /GNU_RELRO/);
  t.notRegex(read('-l'), /GNU_STACK.*RWE/);
});

withReadelf("exports nothing but Node-API's entry points", (t) => {
  const exported = read('--dyn-syms')
    .split('\n')
    .filter((line) => /\b(GLOBAL|WEAK|UNIQUE)\b/.test(line) && !/\bUND\b/.test(line))
    .map((line) => line.trim().split(/\s+/).at(-1) as string)
    // The C++ library makes some of its own data unique in the process.
    .filter((name) => !name.startsWith('_ZZNSt') && !name.startsWith('_ZNSt'));
  t.deepEqual(exported.sort(), ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
});

onElf('calls the OpenSSL of the running Node', (t) => {
  const { info } = load(releaseAddon);
  t.true(info?.version.includes(process.versions.openssl.replace(/\+.*/, '')), info?.version);
  t.notRegex(info?.source ?? '', /openssl_ocsp|libcrypto/);
});
