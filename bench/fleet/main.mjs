// npm run simulate: a day of a large fleet, by counting.

import { main, ScriptError } from '../../scripts/lib/run.mjs';
import { BYTES, DAY, DEFAULTS, simulateDay } from './fleet-day.mjs';

const HELP = {
  certificates: 'certificates that are answered for',
  hashes: 'CertID hashes that each is answered by',
  refresh: 'days from one answer to the next',
  cores: 'cores that sign',
  rate: 'answers that a core signs in a second (20,000: P-256; 1,900: RSA-2048)',
  mass: 'part of the certificates that is revoked in one transaction at ten',
  outage: 'hours without any signer, from two in the afternoon on',
  news: 'rows of news that a responder reads in a second',
};

await main(
  {
    usage: 'npm run simulate [-- options]',
    about:
      'A day of a large fleet: refresh, revocations, one of very many certificates at once, an hour without signers.',
    options: Object.fromEntries(
      Object.entries(HELP).map(([name, help]) => [name, { type: 'string', help: `${help} (${DEFAULTS[name]})` }]),
    ),
  },
  (values) => {
    const given = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, number(name, text)]));
    report(simulateDay(given));
  },
);

function number(name, text) {
  const value = Number(text);
  const isPositive = name === 'mass' || name === 'outage' ? value >= 0 : value > 0;
  if (!isPositive || value === Number.POSITIVE_INFINITY)
    throw new ScriptError(`--${name} is no such number: '${text}'`);
  return value;
}

function report({ fleet, hours, day }) {
  const { certificates, hashes, refresh, validity, cores, rate, mass, soon, purges } = fleet;
  const whole = (value) => Math.round(value).toLocaleString('en');
  const span = (seconds) => (seconds < 120 ? `${whole(seconds)} s` : `${(seconds / 3600).toFixed(2)} h`);
  const size = (bytes) => {
    if (bytes < 1e9) return `${whole(bytes / 1e6)} MB`;
    return bytes < 1e10 ? `${(bytes / 1e9).toFixed(1)} GB` : `${whole(bytes / 1e9)} GB`;
  };
  console.log(
    `${whole(certificates)} certificates, ${hashes} answers each, again every ${refresh} days; ${cores} cores, ${whole(rate)} answers/s each\n`,
  );
  console.log('hour  refreshed/s  revocations signed    busy         queue  latest refresh');
  for (const [i, hour] of hours.entries()) {
    const cells = [
      whole(hour.refreshed / 3600).padStart(12),
      whole(hour.revocations).padStart(20),
      `${(hour.busy * 100).toFixed(1)} %`.padStart(8),
      whole(hour.queue).padStart(14),
      span(hour.late).padStart(16),
    ];
    console.log(`${String(i).padStart(4)}${cells.join('')}`);
  }
  const average = (certificates * hashes) / (refresh * DAY);
  const revokedAtOnce = certificates * mass;
  const lines = [
    `${whole(average)} answers/s are due on average: ${(average / rate).toFixed(2)} cores`,
    `all of them again in a day: ${whole((certificates * hashes) / DAY)}/s; in an hour: ${whole((certificates * hashes) / 3600)}/s, ${((certificates * hashes) / 3600 / rate).toFixed(1)} cores`,
    `${whole(Math.ceil(certificates / 250_000))} ranges of 250,000 in the ledger, each ${((250_000 * hashes) / rate).toFixed(1)} core-seconds`,
    `${whole(revokedAtOnce)} revoked at once: signed after ${day.massSigned === null ? 'more than the day' : span(day.massSigned)}`,
    `  read by a responder in ${span(day.lag)}; for ${span(day.behind)} of the day it is more than ${soon} s behind, and asks the database about each certificate`,
    `  dropped by a CDN at ${purges}/s in ${day.purgeHours.toFixed(0)} h: keep max-age at an hour`,
    `the latest refresh comes ${span(day.late)} after it was due; an answer has ${span((validity - refresh) * DAY)}${day.isExpired ? ': ANSWERS EXPIRE' : ''}`,
    `${whole(day.left)} answers are left over at the end of the day`,
    `PostgreSQL ${size(certificates * (BYTES.table + BYTES.key))}, segments ${size(certificates * hashes * BYTES.segment)}, Valkey ${size(certificates * hashes * BYTES.valkey)} for all and ${size(certificates * hashes * BYTES.valkey * 0.02)} for the 2 % that are asked for`,
    `the revoked at once take ${size(revokedAtOnce * BYTES.revoked)} in each responder`,
  ];
  console.log(`\n${lines.join('\n')}`);
  if (day.isExpired || day.left > average * 3600) process.exitCode = 1;
}
