/** All that proves a chain, gathered to be kept. */
import type { X509Certificate } from 'node:crypto';
import { loadDerOcspResponse, type OCSPResponse } from '../ocsp/response.js';
import type { OCSPStatusAt } from '../ocsp/verification/status-at.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import { type ChainInput, toChain } from '../x509/chain.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { CheckResult } from './check-result.js';
import type { CheckOptions, OCSPClient } from './client.js';
import type { ClientClock } from './clock.js';
import { shortened } from './failures.js';

/** Options of {@link OCSPClient.gatherChain}. */
export type GatherOptions = Pick<CheckOptions, 'signal' | 'fresh'>;

/** What came of the question about one certificate. */
export interface GatheredResult {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  /** `'delegate'`: it signed an answer about another one. */
  readonly role: 'chain' | 'delegate';
  readonly result: CheckResult;
}

/** A certificate that is not proved good. */
export interface MissingProof {
  readonly certificate: X509Certificate;
  readonly role: 'chain' | 'delegate';
  /** For people. */
  readonly reason: string;
}

const OPTIONS: OptionNames<GatherOptions> = { signal: true, fresh: true };

/** What `OCSPClient.gatherChain` found. */
export class GatheredChain {
  /** Whether nothing is missing: all certificates are good, and the answers prove it to who has nothing but what is here. */
  readonly complete: boolean;
  /** What is not proved good, and why. */
  readonly missing: readonly MissingProof[];
  /** The certificates of the chain in their order, and those of signers; each once. */
  readonly certificates: readonly X509Certificate[];
  /** The answers; each once. `publicBytes()` is what PAdES and XAdES hold, `basicResponseBytes` what CAdES does. */
  readonly responses: readonly OCSPResponse[];
  /** Each question and what came of it. */
  readonly results: readonly GatheredResult[];
  /** What the answers say about the moment when they were gathered: what `Verifier.statusAt` will say of them later. */
  readonly proved: OCSPStatusAt;

  /** @internal */
  constructor(facts: Omit<GatheredChain, 'complete' | 'explain'>) {
    this.missing = facts.missing;
    this.certificates = facts.certificates;
    this.responses = facts.responses;
    this.results = facts.results;
    this.proved = facts.proved;
    this.complete = this.missing.length === 0 && this.proved.status === 'good';
  }

  /** What was asked, what came of it, and what is missing. For people; the wording may change. */
  explain(): string {
    const lines = this.results.map(
      ({ certificate, role, result }) => `${role} ${certificate.serialNumber}:\n${result.explain()}`,
    );
    for (const { certificate, role, reason } of this.missing) {
      lines.push(`missing: ${role} ${certificate.serialNumber}: ${reason}`);
    }
    lines.push(this.complete ? '=> complete' : '=> not complete');
    return lines.join('\n');
  }
}

/** Asks about each certificate of a chain, then about the delegates that answered. */
export async function gatherChain(
  client: OCSPClient,
  verifier: Verifier,
  clock: ClientClock,
  chain: ChainInput,
  options: GatherOptions,
): Promise<GatheredChain> {
  const given = readOptions(options, OPTIONS);
  const certificates = toChain(chain);
  const ask = async (
    certificate: X509Certificate,
    issuer: X509Certificate,
    role: GatheredResult['role'],
  ): Promise<GatheredResult> => ({
    certificate,
    issuer,
    role,
    result: await client.check({ certificate, issuer }, given),
  });
  const pairs = certificates.slice(1).map((issuer, i) => [certificates[i] as X509Certificate, issuer] as const);
  const ofChain = await Promise.all(pairs.map(([certificate, issuer]) => ask(certificate, issuer, 'chain')));
  const delegates = uniqueBy(
    ofChain.flatMap(({ issuer, result }) => unprovenSigner(result).map((signer) => ({ signer, issuer }))),
    ({ signer, issuer }) => `${signer.fingerprint512} ${issuer.fingerprint512}`,
  );
  const ofDelegates = await Promise.all(delegates.map(({ signer, issuer }) => ask(signer, issuer, 'delegate')));
  const results = [...ofChain, ...ofDelegates];
  const verdicts = results.flatMap(({ result }) => answerOf(result));
  const responses = uniqueBy(
    // (A verdict takes encodings from the field.)
    verdicts.map(({ der }) => loadDerOcspResponse(der, { strict: 'field' })),
    (response) => response.publicBytes().toString('base64'),
  );
  const signers = verdicts.flatMap(({ signer }) => (signer === null ? [] : [signer]));
  const now = new Date(clock.now());
  const proved = verifier.statusAt(responses, { chain: certificates, at: now, existedAt: now });
  return new GatheredChain({
    missing: missingOf(results, proved),
    certificates: uniqueBy([...certificates, ...signers], ({ fingerprint512 }) => fingerprint512),
    responses,
    results,
    proved,
  });
}

/** The answer that decided, unless its time is over. */
function answerOf({ verdict, source }: CheckResult): Verdict[] {
  return verdict?.usable && source !== 'stale' ? [verdict] : [];
}

/** A delegate that needs an answer about itself. */
function unprovenSigner(result: CheckResult): X509Certificate[] {
  return answerOf(result).flatMap(({ authority, signerHasNoCheck, signer }) =>
    authority === 'delegate' && signerHasNoCheck !== true && signer !== null ? [signer] : [],
  );
}

function missingOf(results: readonly GatheredResult[], { links }: OCSPStatusAt): MissingProof[] {
  const missing = results.flatMap(({ certificate, role, result }) => {
    const reason = missingIn(result, role);
    return reason === null ? [] : [{ certificate, role, reason }];
  });
  // What the answers do not prove although each of them looks well.
  for (const { certificate, status, answers } of links) {
    if (status === 'good' || missing.some((item) => item.certificate === certificate)) continue;
    const reasons = answers.flatMap(({ refusals }) => refusals.map(({ message }) => message));
    missing.push({
      certificate,
      role: 'chain',
      reason: shortened([...new Set(reasons)].join('; ')) || 'its answers contradict each other',
    });
  }
  return missing;
}

function missingIn(result: CheckResult, role: GatheredResult['role']): string | null {
  const { outcome, reason, source } = result;
  if (source === 'stale') return 'there is no newer answer than one whose time is over';
  if (outcome === 'revoked') return 'it is revoked';
  if (outcome === 'unknown') return 'the responder does not know it';
  if (outcome !== 'good') return reason ?? outcome;
  // As `statusAt` has it: no delegate vouches for itself, nor one that needs a proof for another.
  if (role === 'delegate' && unprovenSigner(result).length > 0) {
    return 'the answer about it is signed by a delegate that needs one itself';
  }
  return null;
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
