// A build from the sources in the installed package, by the command that the error names.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHeaders } from '../../scripts/lib/addon.mjs';
import { prebuildTarget } from '../../scripts/lib/paths.mjs';
import { node, run, ScriptError } from '../../scripts/lib/run.mjs';

const PROGRAM = `import { loadDerOcspResponse } from 'openssl-ocsp';
loadDerOcspResponse(Buffer.from('30030a0106', 'hex'));
console.log(process.report.getReport().sharedObjects.filter((file) => file.endsWith('openssl_ocsp.node')).length);
`;

/** A copy of the package installed in `work` whose binary does not load: the error names a command, after which it works. */
export function buildInstalled(work) {
  if (process.platform === 'win32') {
    console.log('Skipped: the command is run by sh.');
    return 0;
  }
  const project = join(work, 'built');
  const installed = join(project, 'node_modules', 'openssl-ocsp');
  mkdirSync(project);
  cpSync(join(work, 'node_modules', 'openssl-ocsp'), installed, { recursive: true });
  writeFileSync(join(installed, 'prebuilds', `${prebuildTarget()}.node`), 'of no use');
  const program = join(project, 'program.mjs');
  writeFileSync(program, PROGRAM);

  const refused = node(program, [], { cwd: project, capture: true, allowFailure: true });
  const [, command] = /: (npx --yes node-gyp@12 rebuild --directory ".+?")/.exec(refused.stderr) ?? [];
  if (refused.status === 0 || command === undefined)
    throw new ScriptError(`The error names no command:\n${refused.stderr}`);
  const headers = localHeaders();
  run('sh', ['-c', command], { cwd: project, env: headers === undefined ? {} : { npm_config_nodedir: headers } });
  const { stdout } = node(program, [], { cwd: project, capture: true });
  if (stdout !== '1\n') throw new ScriptError('The build was not used.');
  return 1;
}
