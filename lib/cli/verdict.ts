/** What `verify` and `query` share: the options of a verification, and how its verdict is told. */
import type { X509Certificate } from 'node:crypto';
import type { NoncePolicy, SignerRevocationPolicy, VerifierOptions } from '../ocsp/verification/policy.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import { TrustStore } from '../x509/trust-store.js';
import { type Paint, paintFor, printableLines, toJsonLine } from './colour.js';
import { choiceOption, ExitCode, numberOption, print, UsageError } from './command.js';
import { readAllCertificates, readInput, subjectOf } from './input.js';
import { type Target, targetText } from './target.js';

export const POLICY_OPTIONS = {
  trust: { type: 'string', multiple: true },
  'ca-file': { type: 'string' },
  'ca-path': { type: 'string' },
  system: { type: 'boolean' },
  crl: { type: 'string', multiple: true },
  untrusted: { type: 'string', multiple: true },
  'responder-cert': { type: 'string', multiple: true },
  'max-age': { type: 'string' },
  'clock-tolerance': { type: 'string' },
  'nonce-policy': { type: 'string' },
  'signer-revocation': { type: 'string' },
  'security-level': { type: 'string' },
} as const;

export const POLICY_HELP = `What is trusted. Without any of these the issuer is, as it is:
  --trust FILE            certificates that the path of the issuer and of the responder has to end in; may be repeated
  --ca-file FILE          the same, as OpenSSL reads it (-CAfile), with revocation lists
  --ca-path FOLDER        the same, a folder of hashed names (-CApath)
  --system                the certificates that this OpenSSL is configured with
  --responder-cert FILE   a responder that may answer for any CA; may be repeated
  --untrusted FILE        certificates that help to build paths, and to find the responder's; may be repeated

What is accepted:
  --max-age SECONDS       greatest age of thisUpdate (an hour where there is no nextUpdate, else any)
  --clock-tolerance SECONDS  how far clocks may differ (300)
  --nonce-policy NAME     optional (the default: it may be missing, not differ), required, ignored
  --signer-revocation NAME   what becomes of a delegate without id-pkix-ocsp-nocheck: accept (the default), nocheck
                          (it is refused), crl (it is looked up)
  --crl FILE              revocation list for that; may be repeated
  --security-level N      OpenSSL's level for signature and path, 0 to 5 (0)
`;

export const EXIT_HELP = `Exit codes: 0 good, 3 revoked, 4 unknown, 5 the response was refused, 1 failed (there is no verdict), 2 wrong usage.
`;

const NONCE_POLICIES: readonly NoncePolicy[] = ['optional', 'required', 'ignored'];
const REVOCATION_POLICIES: readonly SignerRevocationPolicy[] = ['accept', 'nocheck', 'crl'];
const SECURITY_LEVELS = ['0', '1', '2', '3', '4', '5'] as const;
const EXIT_CODES = { good: ExitCode.OK, revoked: ExitCode.REVOKED, unknown: ExitCode.UNKNOWN } as const;

/** The values of {@link POLICY_OPTIONS}. */
export interface PolicyValues {
  readonly trust?: readonly string[];
  readonly 'ca-file'?: string;
  readonly 'ca-path'?: string;
  readonly system?: boolean;
  readonly crl?: readonly string[];
  readonly untrusted?: readonly string[];
  readonly 'responder-cert'?: readonly string[];
  readonly 'max-age'?: string;
  readonly 'clock-tolerance'?: string;
  readonly 'nonce-policy'?: string;
  readonly 'signer-revocation'?: string;
  readonly 'security-level'?: string;
}

/** The options of a verifier from those of the command; `chain` helps. */
export async function readPolicy(
  values: PolicyValues,
  chain: readonly X509Certificate[] = [],
): Promise<VerifierOptions> {
  const signerRevocation = choiceOption(values['signer-revocation'], 'signer-revocation', REVOCATION_POLICIES);
  // No one would look into it.
  if (values.crl !== undefined && signerRevocation !== 'crl')
    throw new UsageError('--crl requires --signer-revocation crl');
  const trust = await readTrust(values);
  const clockTolerance = secondsOption(values['clock-tolerance'], 'clock-tolerance');
  const maxAge = secondsOption(values['max-age'], 'max-age');
  const nonce = choiceOption(values['nonce-policy'], 'nonce-policy', NONCE_POLICIES);
  const level = choiceOption(values['security-level'], 'security-level', SECURITY_LEVELS);
  if (signerRevocation === 'crl' && trust === undefined) {
    throw new UsageError('--signer-revocation crl requires --crl, and --trust, --ca-file, --ca-path or --system');
  }
  return {
    certificates: [...(await readAllCertificates(values.untrusted)), ...chain],
    trustedResponders: await readAllCertificates(values['responder-cert']),
    ...(trust !== undefined && { trust }),
    ...(clockTolerance !== undefined && { clockTolerance }),
    ...(maxAge !== undefined && { maxAge }),
    ...(nonce !== undefined && { nonce }),
    ...(signerRevocation !== undefined && { signerRevocation }),
    ...(level !== undefined && { securityLevel: Number(level) }),
  };
}

async function readTrust(values: PolicyValues): Promise<TrustStore | undefined> {
  const { trust, crl = [], system, 'ca-file': caFile, 'ca-path': caPath } = values;
  if (trust === undefined && caFile === undefined && caPath === undefined && !system) {
    if (crl.length > 0) throw new UsageError('--crl requires --trust, --ca-file, --ca-path or --system beside it');
    return undefined;
  }
  const crls: Buffer[] = [];
  for (const path of crl) crls.push(await readInput(path));
  return new TrustStore({
    certificates: await readAllCertificates(trust),
    crls,
    ...(caFile !== undefined && { caFile }),
    ...(caPath !== undefined && { caPath }),
    ...(system && { system }),
  });
}

/** A moment in ISO 8601, with its offset from UTC; a day alone begins at midnight UTC. */
export function momentOption(value: string | undefined, option: string): Date | undefined {
  if (value === undefined) return undefined;
  const [, day, time = 'T00:00:00Z'] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(value) ?? [];
  const date = new Date(`${day}${time}`);
  // (30 February would become 2 March; of month 13 there is no text.)
  const exists = !Number.isNaN(date.getTime()) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day as string);
  if (!exists) {
    throw new UsageError(`--${option} is not a moment such as 2026-11-24T12:00:00Z: ${value}`);
  }
  return date;
}

/** A length of time. */
export function secondsOption(value: string | undefined, option: string): number | undefined {
  const seconds = numberOption(value, option);
  if (seconds !== undefined && seconds < 0) throw new UsageError(`--${option} is negative: ${value}`);
  return seconds;
}

/** Tells a verdict, and returns the exit code that goes with it. */
export function report(verdict: Verdict, target: Target | undefined, json: boolean | undefined, more: object): number {
  const { status } = verdict;
  if (json) print(toJsonLine({ verdict: status ?? 'refused', ...more, ...(verdict.toJSON() as object) }));
  else {
    if (target !== undefined) print(headline(target));
    print(paintExplanation(printableLines(verdict.explain()), verdict, paintFor(process.stdout)));
  }
  return status === null ? ExitCode.REFUSED : EXIT_CODES[status];
}

/** Reminds of an issuer that no one has named and no one has validated. */
export function warnOfIssuer({ issuer, issuerFoundIn }: Target, { trust }: VerifierOptions): void {
  if (issuerFoundIn === null || trust !== undefined) return;
  const text = `the issuer ${subjectOf(issuer)} comes from ${issuerFoundIn} and is taken as it is`;
  process.stderr.write(`note: ${text}; --ca-file, --trust or --system would have it validated\n`);
}

function headline(target: Target): string {
  return `${targetText(target)}, issued by ${subjectOf(target.issuer)}`;
}

function paintExplanation(text: string, { status }: Verdict, paint: Paint): string {
  const colour = status === 'good' ? 'green' : status === 'unknown' ? 'yellow' : 'red';
  return text
    .split('\n')
    .map((line) => {
      if (line.startsWith('=>')) return paint(colour, line);
      if (line.startsWith('  yes')) return `  ${paint('green', 'yes')}${line.slice(5)}`;
      return line.startsWith('  no') ? `  ${paint('red', 'no')}${line.slice(4)}` : line;
    })
    .join('\n');
}
