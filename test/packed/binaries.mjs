// What the prebuilt binaries for Linux ask of their hosts, and that they load there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installZig } from '../../scripts/lib/cross.mjs';
import { installNode } from '../../scripts/lib/node-versions.mjs';
import { has, run } from '../../scripts/lib/run.mjs';

/** The glibc of Debian 10, RHEL 8 and Ubuntu 18.10. */
const NEWEST_GLIBC = '2.28';
const LIBRARIES = {
  linux: /^(lib(c|m|dl|pthread)\.so\.\d|ld-linux-[a-z0-9-]+\.so\.\d)$/,
  linuxmusl: /^libc\.so$/,
};
const EXPORTED = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** The names in the table of dynamic symbols, defined or needed, with the version that they are of. */
function dynamicSymbols(file) {
  const lines = run('readelf', ['-W', '--dyn-syms', file], { capture: true }).stdout.split('\n');
  return lines.flatMap((line) => {
    const [, binding, section, name, version] = /(GLOBAL|WEAK) +\w+ +(\w+) ([^@ ]+)(?:@@?(\S+))?/.exec(line) ?? [];
    const defined = section !== 'UND';
    // What is weak need not be there.
    return name === undefined || (binding === 'WEAK' && !defined) ? [] : [{ name, version, defined }];
  });
}

/** What the running Node.js exports: Node-API, and its OpenSSL. */
function hostSymbols() {
  return new Set(dynamicSymbols(process.execPath).flatMap(({ name, defined }) => (defined ? [name] : [])));
}

/** What musl has, by the list that zig links against. */
function muslSymbols() {
  const list = readFileSync(join(dirname(installZig()), 'lib', 'libc', 'musl', 'libc.S'), 'utf8');
  return new Set([...list.matchAll(/^(?:\.globl|\.weak|WEAK64) (\w+)/gm)].map(([, name]) => name));
}

/** What is wrong with a binary of `target`, a line each. */
export function checkBinary(target, file) {
  const [system] = target.split('-');
  const problems = [];
  const libraries = run('readelf', ['-W', '-d', file], { capture: true }).stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g);
  for (const [, library] of libraries)
    if (!LIBRARIES[system].test(library)) problems.push(`${target} needs ${library}`);
  const symbols = dynamicSymbols(file);
  const exported = symbols.flatMap(({ name, defined }) => (defined ? [name] : [])).sort();
  if (String(exported) !== String(EXPORTED)) problems.push(`${target} exports ${exported.join(', ')}`);
  const host = hostSymbols();
  const libc = system === 'linuxmusl' ? muslSymbols() : new Set();
  for (const { name, version } of symbols.filter(({ defined }) => !defined)) {
    const [, glibc] = /^GLIBC_(.+)$/.exec(version ?? '') ?? [];
    const old = glibc?.localeCompare(NEWEST_GLIBC, 'en', { numeric: true }) <= 0;
    if (!(version === undefined ? host.has(name) || libc.has(name) : old))
      problems.push(`${target} needs ${name}${version === undefined ? '' : ` of ${version}`}`);
  }
  return problems;
}

/** Where Debian puts the C library of the other processor. */
const ARM64_ROOT = '/usr/aarch64-linux-gnu';

/** Runs a program that uses the installed package under Node.js for arm64. */
export function runOnArm64(program, cwd) {
  if (!has('qemu-aarch64') || !existsSync(`${ARM64_ROOT}/lib/libstdc++.so.6`)) {
    console.log('Skipped: needs qemu-user and libstdc++6-arm64-cross.');
    return 0;
  }
  run('qemu-aarch64', ['-L', ARM64_ROOT, installNode('22', 'linux-arm64'), program], {
    cwd,
    env: { NODE_OPTIONS: '' },
  });
  return 1;
}

/**
 * Loads the binary into a program on musl that has, by name, what Node.js exports. There is no Node.js for musl in a package
 * registry: this shows that musl's linker and start of libraries take it, not that it works.
 */
export function loadOnMusl(file, work) {
  if (!has('musl-gcc') || !existsSync(file)) {
    console.log(`Skipped: needs musl-tools and ${file}.`);
    return 0;
  }
  const libc = muslSymbols();
  const needed = dynamicSymbols(file).filter(({ name, defined }) => !defined && !libc.has(name));
  const source = join(work, 'musl-host.c');
  writeFileSync(
    source,
    `#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
${needed.map(({ name }) => `void ${name}(void) { abort(); }`).join('\n')}
int main(int count, char **names) {
  void *addon = dlopen(names[1], RTLD_NOW);
  if (addon == NULL || dlsym(addon, "napi_register_module_v1") == NULL) return puts(dlerror()), 1;
  return puts("loaded by musl"), 0;
}
`,
  );
  const host = join(work, 'musl-host');
  run('musl-gcc', ['-rdynamic', '-w', '-o', host, source]);
  run(host, [file]);
  return 1;
}
