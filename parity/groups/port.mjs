// `openssl-ocsp ocsp -port` against `openssl ocsp -port`: what clients are answered, the lines, the exit code
// (port-cases.mjs).
import { mkdirSync } from 'node:fs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { openssl, opensslProgram } from '../cli.mjs';
import { makeFixtures } from '../command-fixtures.mjs';
import { PORT_CASES } from '../port-cases.mjs';
import { comparePortCase } from '../port-run.mjs';

export const about = 'the command with openssl ocsp -port: answers, lines, exit code';
export const needs = ['cli', 'same'];

/** Cases at a time: much of the time is spent waiting. */
const LANES = 2;

export async function run({ compare, differs, scratch }) {
  const folder = scratch.path('port-fixtures');
  mkdirSync(folder);
  makeFixtures(folder, opensslProgram);
  const commands = [
    [opensslProgram, 'ocsp'],
    [process.execPath, inRoot('dist', 'cli', 'main.js'), 'ocsp'],
  ];
  const trust = ['-CAfile', `${folder}/ca.pem`, '-no-CApath', '-no-CAstore'];
  const describe = (body) => {
    const { stdout, stderr } = openssl(['ocsp', '-respin', '-', '-resp_text', ...trust], { input: body });
    return stdout + stderr;
  };
  const left = PORT_CASES.values();
  const lane = async (_, number) => {
    for (const entry of left) {
      const found = await comparePortCase(entry, commands, folder, scratch.path(`port${number}`), describe);
      if (entry.differs === undefined) compare(entry.name, found, [], { args: entry.args });
      else differs(entry.name, found.length > 0);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
