// npm run bench:scale: whether bulk signing stays as quick, as small and as polite to the event loop when lists grow, and how
// fast lists are read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { opensslInfo } from 'openssl-ocsp';
import { inRoot } from '../scripts/lib/paths.mjs';
import { main, node, ScriptError } from '../scripts/lib/run.mjs';
import { chart } from './chart.mjs';
import { formatRate } from './table.mjs';

const options = {
  most: { type: 'string', default: '1e6', help: 'responses of the largest run, up to 1e8 (1e6)' },
  key: { type: 'string', default: 'ec', help: 'ec (P-256), ed25519 or rsa (ec)' },
  rows: { type: 'string', default: '3e5', help: 'rows of the lists that are read (3e5)' },
  svg: { type: 'string', default: inRoot('build', 'bench'), help: 'the folder for the chart (build/bench)' },
  quick: { type: 'boolean', help: 'a hundred responses: that it runs, not a measurement' },
};
const FORMATS = ['index.txt', 'CSV', 'NDJSON', 'CRL'];
const WORKER = fileURLToPath(new URL('scale/worker.mjs', import.meta.url));

/** What a process found that did a job of a size. */
function measure(job, size, key) {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-scale-'));
  try {
    const args = [job, String(size), key, folder];
    // Lists are written by another process than reads them, whose memory is what counts.
    if (FORMATS.includes(job)) node(WORKER, [...args, 'prepare']);
    return JSON.parse(node(WORKER, args, { capture: true }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const loop = (p99, max) => [`${p99.toFixed(1)} ms`, `${max.toFixed(1)} ms`];

function print(name, cells) {
  console.log(`${name.padEnd(28)}${cells.map((cell) => cell.padStart(13)).join('')}`);
}

function whole(text, option) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1e8)
    throw new ScriptError(`--${option} is no whole number to 1e8: ${text}`);
  return value;
}

await main(
  {
    usage: 'npm run bench:scale -- [options]',
    about: 'Measures rate, memory and event loop of bulk signing as lists grow, and how fast lists are read.',
    options,
  },
  ({ most, key, rows, svg, quick }) => {
    const largest = quick ? 100 : whole(most, 'most');
    const read = quick ? 100 : whole(rows, 'rows');
    const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.version}, ${opensslInfo.version}`;
    console.log(machine);
    console.log(
      'Each line is a process of its own. CPU: rate by the CPU time of all threads, which other programs disturb less.\n',
    );
    const sizes = quick ? [largest] : [];
    for (let size = 1000; size < largest; size *= 10) sizes.push(size);
    if (!quick) sizes.push(largest);

    print(`Signing, ${key}`, ['wall', 'CPU', 'peak RSS', 'loop p99', 'loop max', 'bytes each']);
    const tables = [];
    for (const job of ['signAll', 'bulkSign']) {
      const bars = [];
      for (const size of sizes) {
        const { seconds, cpuSeconds, peakMiB, p99, max, octets } = measure(job, size, key);
        const cells = [formatRate(size / seconds), formatRate(size / cpuSeconds), `${peakMiB} MiB`];
        print(`  ${job}, ${size}`, [...cells, ...loop(p99, max), (octets / size).toFixed(1)]);
        const opsPerSecond = size / cpuSeconds;
        bars.push({
          name: `${size} responses, ${peakMiB} MiB at most`,
          kind: 'own',
          opsPerSecond,
          ratio: opsPerSecond / (bars[0]?.opsPerSecond ?? opsPerSecond),
        });
      }
      tables.push({ title: `${job}, ${key}: rate by CPU time`, rows: bars });
    }
    print('Reading a list', ['wall', 'CPU', 'peak RSS', 'loop p99', 'loop max', 'bytes each']);
    for (const format of FORMATS) {
      const { seconds, cpuSeconds, peakMiB, p99, max, octets } = measure(format, read, key);
      const cells = [formatRate(read / seconds), formatRate(read / cpuSeconds), `${peakMiB} MiB`];
      print(`  ${format}, ${read}`, [...cells, ...loop(p99, max), (octets / read).toFixed(1)]);
    }
    mkdirSync(svg, { recursive: true });
    const file = join(svg, 'bulk-scale.svg');
    const note = `${machine}. Length: ratio to the shortest list.`;
    writeFileSync(file, chart({ heading: 'Bulk signing as lists grow', note, tables }));
    console.log(`\nChart: ${file}`);
  },
);
