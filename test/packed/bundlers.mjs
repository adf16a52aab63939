// Bundlers that people put the package through: kept external it works, bundled it says what to do.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installPrograms } from '../../scripts/lib/node-versions.mjs';
import { run, ScriptError } from '../../scripts/lib/run.mjs';

const PACKAGES = { esbuild: '0.28.2', vite: '8.4.0', webpack: '5.113.0' };
const load = async (name) => {
  const folder = installPrograms('bundlers', PACKAGES);
  return import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)));
};

const PROGRAM = `import { loadDerOcspResponse } from 'openssl-ocsp';
loadDerOcspResponse(Buffer.from('30030a0106', 'hex'));
console.log('used');
`;

/** How each is told to keep the package out of the bundle: the settings of docs/installation.md. */
const TABLE = [
  ...['esm', 'cjs'].map((format) => [
    `esbuild, ${format}`,
    async (entryPoint, outfile, external) => {
      const { build } = await load('esbuild');
      const options = external ? { external: ['openssl-ocsp'] } : {};
      await build({
        entryPoints: [entryPoint],
        outfile,
        bundle: true,
        platform: 'node',
        format,
        logLevel: 'error',
        ...options,
      });
    },
    format === 'esm' ? 'mjs' : 'cjs',
  ]),
  [
    'webpack, module',
    (...files) => webpack(...files, 'module openssl-ocsp', { module: true, chunkFormat: 'module' }),
    'mjs',
  ],
  ['webpack, commonjs', (...files) => webpack(...files, 'import openssl-ocsp'), 'cjs'],
  [
    'vite, server-side',
    async (entry, outfile, external) => {
      const { build } = await load('vite');
      await build({
        configFile: false,
        logLevel: 'error',
        root: join(entry, '..'),
        // It keeps packages external by itself.
        ssr: external ? {} : { noExternal: ['openssl-ocsp'] },
        build: {
          ssr: entry,
          outDir: join(outfile, '..'),
          emptyOutDir: false,
          rollupOptions: { output: { entryFileNames: outfile.replace(/^.*[\\/]/, '') } },
        },
      });
    },
    'mjs',
  ],
];

async function webpack(entry, outfile, external, how, library) {
  const { default: compile } = await load('webpack');
  const options = {
    mode: 'production',
    target: 'node20',
    entry,
    externals: external ? { 'openssl-ocsp': how } : {},
    output: { path: join(outfile, '..'), filename: outfile.replace(/^.*[\\/]/, ''), ...library },
    experiments: { outputModule: library !== undefined },
  };
  const stats = await new Promise((resolve, reject) =>
    compile(options, (error, result) => (error ? reject(error) : resolve(result))),
  );
  if (stats.hasErrors()) throw new ScriptError(stats.toString({ colors: false }));
}

/** Bundles a program that uses the package installed in `work`; runs the bundles. Returns how many rows passed. */
export async function bundle(work) {
  const project = join(work, 'bundled');
  mkdirSync(project);
  const entry = join(project, 'program.mjs');
  writeFileSync(entry, PROGRAM);
  const bundles = [];
  for (const [index, [name, build, extension]] of TABLE.entries())
    for (const external of [true, false]) {
      const file = join(project, `bundle-${index}-${external ? 'external' : 'whole'}`, `bundle.${extension}`);
      await build(entry, file, external);
      bundles.push({ name, external, file });
    }
  const problems = [];
  const check = ({ name, external, file }) => {
    const { status, stdout, stderr } = run(process.execPath, [file], {
      cwd: project,
      capture: true,
      allowFailure: true,
    });
    const right = external
      ? status === 0 && stdout === 'used\n'
      : status !== 0 && /ERR_OCSP_ADDON_UNAVAILABLE/.test(stderr) && /keep openssl-ocsp external/.test(stderr);
    const what = `${name}, ${external ? 'external' : 'in the bundle'}`;
    console.log(`${what}: ${right ? 'as documented' : `\n${stdout}${stderr}`}`);
    if (!right) problems.push(what);
  };
  for (const made of bundles) if (made.external) check(made);
  // As on a host that has the bundle alone: some bundles name the place that the package was taken from.
  const installed = join(work, 'node_modules', 'openssl-ocsp');
  renameSync(installed, `${installed}-away`);
  try {
    for (const made of bundles) if (!made.external) check(made);
  } finally {
    renameSync(`${installed}-away`, installed);
  }
  if (problems.length > 0) throw new ScriptError(`Not right: ${problems.join('; ')}.`);
  return bundles.length;
}
