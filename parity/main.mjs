// npm run parity: this library and its command against OpenSSL, answer by answer.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { opensslInfo } from 'openssl-ocsp';
import { main, ScriptError } from '../scripts/lib/run.mjs';
import { record } from '../scripts/lib/suite.mjs';
import { opensslVersion, Scratch } from './cli.mjs';
import { EXCEPTIONS } from './exceptions.mjs';
import { ask, prepareOracle } from './oracle.mjs';
import { Random } from './random.mjs';
import { shown, shownPair, Tally } from './tally.mjs';

/**
 * One file each. A group exports `about`, `run(context)` and optionally `needs`: 'cli', and 'same' when the library has to
 * run on the version of OpenSSL that it is compared with (major and minor number).
 */
const GROUPS = readdirSync(new URL('groups', import.meta.url)).map((file) => basename(file, '.mjs'));

const options = {
  seed: { type: 'string', default: '1', help: "what generated cases follow from (1); 'random' draws one" },
  cases: { type: 'string', default: '200', help: 'generated cases per group (200)' },
  node: {
    type: 'string',
    multiple: true,
    help: 'also run the group builds under this Node.js (22, 24, 26); may be repeated',
  },
  without: { type: 'string', multiple: true, help: 'a group that is not run; may be repeated' },
  json: { type: 'boolean', help: 'the result as JSON, and nothing else' },
};
const about = `Compares this library, which OPENSSL_OCSP_BINDING may choose, with libcrypto and the openssl command.

Groups: ${GROUPS.join(', ')}.`;

const bigintText = (_, value) => (typeof value === 'bigint' ? String(value) : value);

/** Of the table. */
const COLUMNS = ['cases', 'agree', 'exceptions', 'differ'];

await main({ usage: 'npm run parity [-- group ...] [options]', about, options }, runGroups);

async function runGroups({ seed: givenSeed, cases: givenCases, node: nodes = [], without = [], json }, named) {
  const unknown = [...named, ...without].find((name) => !GROUPS.includes(name));
  if (unknown !== undefined) throw new ScriptError(`There is no group '${unknown}'; there are ${GROUPS.join(', ')}.`);
  const seed = givenSeed === 'random' ? String(Math.floor(Math.random() * 2 ** 32)) : givenSeed;
  const cases = Number(givenCases);
  if (!Number.isInteger(cases) || cases < 1) throw new ScriptError('--cases takes a whole number, 1 or more.');
  const log = json ? () => {} : console.log;

  const texts = {
    library: opensslInfo.version,
    node: process.versions.openssl,
    oracle: prepareOracle(),
    cli: opensslVersion(),
  };
  const versions = { nodes, ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, numbers(text)])) };
  log(`Library on ${texts.library}; compared with libcrypto ${texts.oracle}, command ${texts.cli ?? '(none)'}.`);
  log(`Node.js ${process.version}; seed ${seed}, ${cases} generated cases per group.\n`);

  const scratch = new Scratch();
  const results = [];
  const names = (named.length > 0 ? named : GROUPS).filter((name) => !without.includes(name));
  for (const name of names) {
    const group = await import(`./groups/${name}.mjs`);
    const tally = new Tally(name, versions);
    const started = performance.now();
    tally.skipped = reasonToSkip(group.needs ?? [], versions);
    if (tally.skipped === undefined) {
      const random = new Random(seed, name);
      const compare = (...comparison) => tally.compare(...comparison);
      const differs = (...difference) => tally.differs(...difference);
      tally.skipped = await group.run({ compare, differs, ask, random, cases, scratch, versions, nodes, seed });
    }
    results.push({ name, about: group.about, tally, seconds: (performance.now() - started) / 1000 });
    log(row(results.at(-1)));
    for (const difference of tally.differences) log(described(name, difference));
    for (const id of tally.absent) log(`  The listed exception '${id}' did not occur.`);
  }
  const failed = results.some(({ tally }) => tally.differing > 0 || tally.absent.length > 0);
  if (json) console.log(JSON.stringify(report({ texts, seed, cases, failed, results }), bigintText, 2));
  log(summary(results));
  if (!json) recordGroups(results);
  if (failed) throw new ScriptError(`There are differences that no exception lists (seed ${seed}).`);
}

function numbers(text) {
  return /(\d+)\.(\d+)\.(\d+)/
    .exec(text ?? '')
    ?.slice(1)
    .map(Number);
}

function reasonToSkip(needs, { library, oracle, cli }) {
  if (needs.includes('cli') && cli === undefined) return 'there is no openssl command';
  const others = [
    ...(needs.includes('same') ? [oracle] : []),
    ...(needs.includes('same') && needs.includes('cli') ? [cli] : []),
  ];
  if (others.every((other) => other[0] === library[0] && other[1] === library[1])) return undefined;
  return 'the library runs on another OpenSSL: build:cmake makes one for it, OPENSSL_OCSP_BINDING chooses it';
}

function row({ name, tally, seconds }) {
  if (tally.skipped !== undefined) return `${name.padEnd(12)} skipped: ${tally.skipped}`;
  const excused = [...tally.exceptions.values()].reduce((sum, count) => sum + count, 0);
  const cells = [tally.cases, tally.agreements, excused, tally.differing];
  const listed = [...tally.exceptions].map(([id, count]) => `${id}: ${count}`).join(', ');
  const figures = cells.map((cell, i) => `${String(cell).padStart(7)} ${COLUMNS[i]}`).join('');
  return `${name.padEnd(12)}${figures}  ${seconds.toFixed(1)} s${listed && `  (${listed})`}`;
}

function described(group, { what, ours, theirs, ...facts }) {
  const [own, other] = shownPair(ours, theirs);
  const lines = Object.entries({ ours: own, OpenSSL: other, ...facts }).map(
    ([name, value]) => `    ${name}: ${shown(value)}`,
  );
  return [`  ${group}: ${what}`, ...lines].join('\n');
}

function summary(results) {
  const sum = (count) => results.reduce((total, { tally }) => total + count(tally), 0);
  const ran = results.filter(({ tally }) => tally.skipped === undefined).length;
  const listed = new Set(EXCEPTIONS.map(({ id }) => id)).size;
  return `\n${sum((tally) => tally.cases)} cases in ${ran} groups: ${sum((tally) => tally.agreements)} agree, ${sum(
    (tally) => tally.differing,
  )} differ; the rest is covered by ${listed} listed exceptions.`;
}

/** A group is a test of the tally that .ci/run sums up. */
function recordGroups(results) {
  const skipped = results.filter(({ tally }) => tally.skipped !== undefined).length;
  const failed = results.filter(({ tally }) => tally.differing > 0 || tally.absent.length > 0).length;
  record('OpenSSL parity, groups', { passed: results.length - skipped - failed, failed, skipped });
}

function report({ texts, seed, cases, failed, results }) {
  const groups = results.map(({ name, about: text, tally, seconds }) => ({
    name,
    about: text,
    skipped: tally.skipped,
    cases: tally.cases,
    agreements: tally.agreements,
    exceptions: Object.fromEntries(tally.exceptions),
    absent: tally.absent,
    differing: tally.differing,
    differences: tally.differences,
    seconds,
  }));
  return { versions: texts, node: process.version, seed, cases, failed, groups };
}
