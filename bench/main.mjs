// npm run bench: this library, the limit that OpenSSL sets, plain OpenSSL, and the npm peers, in one interleaved run.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { opensslInfo } from 'openssl-ocsp';
import { inRoot } from '../scripts/lib/paths.mjs';
import { main, ScriptError } from '../scripts/lib/run.mjs';
import { chart } from './chart.mjs';
import { measure } from './measure.mjs';
import { loadPeers } from './peers/install.mjs';
import { table } from './table.mjs';

/** One file each; what a group exports is described in groups/common.mjs. */
const GROUPS = readdirSync(new URL('groups', import.meta.url))
  .map((file) => basename(file, '.mjs'))
  .filter((name) => name !== 'common');

/** Many short turns: on a shared machine, whatever disturbs hits few of them. */
const DEFAULT_EFFORT = { rounds: 25, milliseconds: 40 };
const QUICK_EFFORT = { rounds: 1, milliseconds: 2 };

const options = {
  quick: { type: 'boolean', help: 'one short round of the first table of each group: that it runs, not a measurement' },
  rows: { type: 'string', help: 'certificates in the database of the group engines (1000000)' },
  'no-peers': { type: 'boolean', help: 'leave the npm peers out' },
  json: { type: 'string', help: "a file for the results, as JSON ('-': standard output)" },
  svg: { type: 'string', default: inRoot('build', 'bench'), help: 'the folder for the charts (build/bench)' },
};

await main(
  {
    usage: `npm run bench -- [${GROUPS.join('|')} ...] [options]`,
    about: 'Measures this library, the limit, plain OpenSSL and npm peers side by side.',
    options,
  },
  runGroups,
);

async function* noFigures() {}

async function runGroups({ quick, rows: rowsText, 'no-peers': noPeers, json, svg }, names) {
  const unknown = names.find((name) => !GROUPS.includes(name));
  if (unknown !== undefined) throw new ScriptError(`There is no group '${unknown}'; there are ${GROUPS.join(', ')}.`);
  const rows = rowsText === undefined ? undefined : Number(rowsText);
  if (rows !== undefined && !(Number.isSafeInteger(rows) && rows >= 1000))
    throw new ScriptError('--rows must be a whole number from 1000 on.');
  const log = json === '-' ? console.error : console.log;
  const cpu = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} cores`;
  const machine = `${cpu}, Node.js ${process.version}, ${opensslInfo.version}`;
  log(
    `${machine}\nMedians of interleaved rounds. Ratios are to the first row; CPU is that of all threads, and of programs that were started.\nHeap: what V8 allocates for JavaScript objects, each time; memory of Buffers and of C++ is not in it.\n`,
  );

  const peers = noPeers ? [] : await loadPeers();
  const groups = [];
  for (const name of names.length > 0 ? names : GROUPS) {
    const group = await import(`./groups/${name}.mjs`);
    const { heading, tables, figures = noFigures, effort = DEFAULT_EFFORT, missing } = group;
    if (missing !== undefined) {
      log(`${heading}: left out, ${missing}\n`);
      continue;
    }
    const results = [];
    for await (const { title, contenders } of tables({ quick, rows, peers })) {
      const result = { title, rows: await measure(contenders, quick ? QUICK_EFFORT : effort) };
      log(`${table(result)}\n`);
      results.push(result);
      if (quick) break;
    }
    mkdirSync(svg, { recursive: true });
    const file = join(svg, `${name}.svg`);
    writeFileSync(
      file,
      chart({ heading, note: `${machine}. Length: ratio to the first row, measured in one run.`, tables: results }),
    );
    log(`Chart: ${file}\n`);
    const others = [];
    for await (const figure of figures({ quick, rows, peers })) {
      const { name: what, value, unit, goal } = figure;
      log(`  ${what}: ${Number(value.toPrecision(3))} ${unit}${goal && ` (goal: ${goal})`}`);
      others.push(figure);
    }
    groups.push({ name, heading, tables: results, figures: others });
  }
  const peakRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  log(`Peak resident memory: ${peakRssMiB} MiB`);
  const report = JSON.stringify(
    { machine, date: new Date().toISOString(), quick: quick === true, peakRssMiB, groups },
    null,
    2,
  );
  if (json === '-') {
    console.log(report);
  } else if (json) {
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${report}\n`);
  }
}
