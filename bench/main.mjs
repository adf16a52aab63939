// npm run bench: this library, the limit that OpenSSL sets, plain OpenSSL, and the npm peers, in one interleaved run.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { opensslInfo } from 'openssl-ocsp';
import { chart, formatRate, formatRatio } from './chart.mjs';
import { measure } from './measure.mjs';
import { loadPeers } from './peers.mjs';

const GROUPS = ['sign', 'parse', 'request'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    'no-peers': { type: 'boolean' },
    json: { type: 'string' },
    svg: { type: 'string', default: 'build/bench/chart.svg' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help || positionals.some((name) => !GROUPS.includes(name))) {
  console.log(`Usage: npm run bench -- [${GROUPS.join('|')} ...] [options]

  --quick         few rounds and the first table of each group only: a check that it runs, not a measurement
  --no-peers      leave the npm peers out
  --json <file>   results for machines ('-' for standard output)
  --svg <file>    where the chart goes (build/bench/chart.svg)`);
  process.exit(values.help ? 0 : 2);
}

const quick = values.quick === true;
const peers = values['no-peers']
  ? {}
  : await loadPeers(['@peculiar/asn1-schema', '@peculiar/asn1-ocsp', 'pkijs', 'asn1js', 'jsrsasign', 'ocsp']);
const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, Node.js ${process.version}, ${opensslInfo.version}`;
const log = values.json === '-' ? console.error : console.log;
log(`${machine}\nMedians of rounds in turn; the ratio is to the first row, pair by pair. CPU counts all threads.\n`);

const results = [];
for (const name of positionals.length > 0 ? positionals : GROUPS) {
  const group = await import(`./groups/${name}.mjs`);
  for (const { title, contenders } of await group.tables({ quick, peers })) {
    const rows = await measure(contenders, quick ? { rounds: 1, milliseconds: 5 } : { rounds: 9, milliseconds: 150 });
    print(title, rows);
    results.push({ group: group.title, title, rows });
  }
}
const peakRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
log(`peak resident memory: ${peakRssMiB} MiB`);

mkdirSync('build/bench', { recursive: true });
writeFileSync(values.svg, chart(results));
log(`chart: ${values.svg}`);
const report = JSON.stringify({ machine, date: new Date().toISOString(), peakRssMiB, results }, null, 2);
if (values.json === '-') console.log(report);
else if (values.json) writeFileSync(values.json, `${report}\n`);

function print(title, rows) {
  log(title);
  for (const { name, opsPerSecond, microseconds, cpuMicroseconds, ratio } of rows) {
    const rate = formatRate(opsPerSecond).padStart(12);
    const time = `${microseconds.toFixed(2)} us`.padStart(12);
    const cpu = `${cpuMicroseconds.toFixed(2)} us CPU`.padStart(16);
    log(`  ${name.padEnd(38)}${rate}${time}${cpu}${formatRatio(ratio).padStart(9)}`);
  }
  log('');
}
