/** A responder's health as Prometheus reads it (text format 0.0.4). */
import type { ResponderHealth } from './health.js';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** The text of `/metrics`. */
export function metricsText({ ready, issuers, live, cache, answers, uptime }: ResponderHealth): string {
  const names = distinct(issuers.map(({ name }) => name));
  const byName = (value: (issuer: (typeof issuers)[number]) => number): Sample[] =>
    issuers.map((issuer, i) => [{ issuer: names[i] as string }, value(issuer)]);
  return [
    family('ocsp_responses_total', 'counter', 'Answers by what they say.', labelled('type', answers.byType)),
    family(
      'ocsp_response_sources_total',
      'counter',
      'Answers by where they came from.',
      labelled('source', answers.bySource),
    ),
    family('ocsp_path_merged_total', 'counter', 'GET requests that a proxy had merged slashes in.', [
      [{}, answers.pathMerged],
    ]),
    family('ocsp_ready', 'gauge', 'Whether the responder is ready.', [[{}, Number(ready)]]),
    family(
      'ocsp_issuer_ready',
      'gauge',
      'Whether an issuer is ready.',
      byName((issuer) => Number(issuer.ready)),
    ),
    family(
      'ocsp_feed_lag_seconds',
      'gauge',
      'How far an authority may be behind.',
      byName(({ lag }) => lag),
    ),
    family(
      'ocsp_signer_not_after_seconds',
      'gauge',
      'When the certificate of a signer expires, in seconds since 1970.',
      issuers.flatMap(({ signers }, i) =>
        // (A certificate may stand there twice, for two algorithms.)
        [...new Map(signers.map((signer) => [signer.serialNumber, signer.notAfter]))].map(
          ([signer, notAfter]): Sample => [{ issuer: names[i] as string, signer }, notAfter.getTime() / 1000],
        ),
      ),
    ),
    family('ocsp_live_inflight', 'gauge', 'Signatures that are being made.', [[{}, live.inflight]]),
    family('ocsp_live_queue', 'gauge', 'Requests that wait for a signature.', [[{}, live.waiting]]),
    family('ocsp_cache_answers', 'gauge', 'Answers in memory.', [[{}, cache.answers]]),
    family(
      'ocsp_cache_oldest_seconds',
      'gauge',
      'When the oldest answer in memory was signed, in seconds since 1970.',
      cache.oldest === null ? [] : [[{}, cache.oldest.getTime() / 1000]],
    ),
    family('ocsp_cache_bytes', 'gauge', 'Their bytes.', [[{}, cache.bytes]]),
    family('ocsp_uptime_seconds', 'gauge', 'Seconds since the responder was made.', [[{}, uptime]]),
  ].join('');
}

/** The names, where one comes again with its number: of two samples with the same labels the second would be lost. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

function labelled(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
}

function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelsText(labels)} ${numberText(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : 'NaN';
}
