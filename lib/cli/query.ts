import { setTimeout as wait } from 'node:timers/promises';
import { maySpeakOtherHash, type OCSPAttempt } from '../client/attempt.js';
import type { CheckResult } from '../client/check-result.js';
import { OCSPClient } from '../client/client.js';
import { FolderCache } from '../client/folder-cache.js';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import { Verifier } from '../ocsp/verification/verifier.js';
import { HashAlgorithm } from '../x509/algorithms.js';
import { ocspUrls } from '../x509/certificate.js';
import { LONGEST_TIME } from '../x509/checks.js';
import { readArguments } from './arguments.js';
import { printable, printableLines } from './colour.js';
import { type Command, ExitCode, print, UsageError } from './command.js';
import { type LiveTarget, liveTarget } from './connect.js';
import { readAllCertificates } from './input.js';
import { onInterruption } from './interruption.js';
import { NONCE_HELP, nonceLengthOrBytes, withNonceDefault } from './nonce-option.js';
import { writeOutput } from './system-error.js';
import { hashOption, questionOf, readTargets, TARGET_HELP, TARGET_OPTIONS, type Target, targetText } from './target.js';
import { EXIT_HELP, POLICY_HELP, POLICY_OPTIONS, readPolicy, report, secondsOption, warnOfIssuer } from './verdict.js';
import { askAgainAt, WATCH_AFTER_FAILURE } from './watch.js';

const HELP = `Usage: openssl-ocsp query --cert CERT.pem --issuer CA.pem [--url URL] [options]

Asks a responder for the status of a certificate, verifies the answer, and explains the decision step by step.

${TARGET_HELP}  --connect HOST[:PORT]   in their place a TLS server (port 443): its staple is verified, and the responder is asked
                          about its certificate. --cert, --serial and --connect may be repeated, and mixed
  --url URL               the responder (those that the certificate names: the next one where one fails or takes long)
  --proxy URL             HTTP proxy (those of http_proxy, https_proxy and no_proxy, in lower or upper case)
  --hash NAME             hash of the CertID: sha1, sha224, sha256, sha384, sha512. Without it sha256, and then sha1
                          where a responder does not know the certificate by that, as old ones do not
${NONCE_HELP}                          (with --nonce-policy required it has to come back)
  --get                   ask by GET where the URL stays within 255 bytes (RFC 9919), and by POST where that fails
  --timeout SECONDS       for each certificate, whoever is asked (10)
  --cache FOLDER          keep verified answers there, and use them in their time
  --watch                 go on, and ask again when it is time, until Ctrl-C or SIGTERM; the exit code is then that
                          of the last answers
  --out FILE              keep the response, verified or not

${POLICY_HELP}
  --json                  the verdict as one object a line; \`verdict\` is good, revoked, unknown or refused

${EXIT_HELP}Of several certificates the worst counts: revoked, refused, unknown, failed, good.
`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  cert: { type: 'string', multiple: true },
  serial: { type: 'string', multiple: true },
  connect: { type: 'string', multiple: true },
  url: { type: 'string' },
  proxy: { type: 'string' },
  hash: { type: 'string' },
  nonce: { type: 'string' },
  get: { type: 'boolean' },
  timeout: { type: 'string' },
  cache: { type: 'string' },
  watch: { type: 'boolean' },
  out: { type: 'string' },
  ...POLICY_OPTIONS,
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

const DEFAULT_TIMEOUT = 10;
const LONGEST_TIMEOUT = 3600;
/** The worst first. */
const SEVERITY = [ExitCode.REVOKED, ExitCode.REFUSED, ExitCode.UNKNOWN, ExitCode.FAILED, ExitCode.OK] as const;
/** Milliseconds between two questions of `--watch`, at least. */
const SHORTEST_WATCH = 1000;

/** `openssl-ocsp query` */
export const queryCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = readArguments(withNonceDefault(args), OPTIONS);
    const timeout = timeoutOption(values.timeout) * 1000;
    const issuer = values.issuer === undefined ? [] : [values.issuer];
    const named = await readTargets({ cert: values.cert, serial: values.serial, issuer });
    const { connect = [] } = values;
    const issuers = connect.length === 0 ? [] : await readAllCertificates(issuer);
    const look = async (): Promise<(Target | Error)[]> => [
      ...named,
      ...(await Promise.all(connect.map((text) => liveTarget(text, issuers, timeout).catch(toFailure)))),
    ];
    if (named.length + connect.length === 0)
      throw new UsageError('--cert, --serial or --connect has to say which certificate is meant');
    if (values.out !== undefined && named.length + connect.length > 1)
      throw new UsageError('--out keeps the response about one certificate');
    if (values.out === '-') throw new UsageError('--out names a file: on standard output is what is told about it');
    const first = await look();
    const targets = first.filter((target): target is Target => !(target instanceof Error));
    const policy = await readPolicy(
      values,
      targets.flatMap(({ chain }) => chain),
    );
    for (const target of targets) {
      if (target.certificate === undefined && values.url === undefined) {
        throw new UsageError('--url is missing: a serial number names no responder');
      }
      warnOfIssuer(target, policy);
    }
    const verifier = new Verifier(policy);
    await using client = clientFor(values, verifier, timeout);
    // No one asked for what a server staples: there is no nonce to come back.
    const stapleVerifier = new Verifier({ ...policy, nonce: 'ignored' });
    const query = new Query(client, stapleVerifier, values);
    if (!values.watch) return await query.all(first);
    let status: number = ExitCode.FAILED;
    using _interruption = onInterruption(() => status);
    for (let round = first; ; round = await look()) {
      status = await query.all(round);
      await wait(query.nextIn());
    }
  },
};

class Query {
  readonly #client: OCSPClient;
  readonly #stapleVerifier: Verifier;
  readonly #values: Values;
  /** When the answers of this round are worth asking for again. */
  #next: number[] = [];

  constructor(client: OCSPClient, stapleVerifier: Verifier, values: Values) {
    this.#client = client;
    this.#stapleVerifier = stapleVerifier;
    this.#values = values;
  }

  /** Asks about all, tells of each, and returns the exit code of the worst. An error: there is no certificate to ask about. */
  async all(targets: readonly (Target | Error)[]): Promise<number> {
    this.#next = [];
    const asked = await Promise.all(
      targets.map(async (target) => {
        if (target instanceof Error) return { target, result: null };
        return { target, result: await this.#client.check(questionOf(target), { fresh: this.#values.watch === true }) };
      }),
    );
    const codes: number[] = [];
    for (const [index, { target, result }] of asked.entries()) {
      if (index > 0 && !this.#values.json) print('');
      try {
        if (result === null) throw target;
        codes.push(this.#tell(target, result));
      } catch (error) {
        this.#next.push(Date.now() + WATCH_AFTER_FAILURE);
        // One alone fails as any command does.
        if (targets.length === 1 && !this.#values.watch) throw error;
        process.stderr.write(`openssl-ocsp query: ${printableLines((error as Error).message)}\n`);
        codes.push(ExitCode.FAILED);
      }
    }
    return worst(codes);
  }

  /** Milliseconds until the first answer is worth asking for again. */
  nextIn(): number {
    return Math.min(LONGEST_TIME, Math.max(SHORTEST_WATCH, Math.min(...this.#next) - Date.now()));
  }

  #tell(target: Target, result: CheckResult): number {
    const { json } = this.#values;
    const stapled = 'staple' in target ? this.#tellStaple(target as LiveTarget) : null;
    const { verdict, attempts, source } = result;
    tellAttempts(attempts, json === true, this.#values.hash !== undefined);
    if (verdict === null) {
      if (stapled === null) throw new Error(failureText(target, result));
      const code = worst([stapled.code, ...this.#keep(stapled.verdict.der)]);
      // A server that staples may well name no responder.
      if (result.outcome === 'not-applicable') {
        this.#next.push(askAgainAt(stapled.verdict, Date.now()));
        return code;
      }
      this.#next.push(Date.now() + WATCH_AFTER_FAILURE);
      process.stderr.write(`openssl-ocsp query: ${printableLines(failureText(target, result))}\n`);
      return worst([code, ExitCode.FAILED]);
    }
    // (Out of the cache, it is what is left where no one has answered.)
    this.#next.push(source === 'network' ? askAgainAt(verdict, Date.now()) : Date.now() + WATCH_AFTER_FAILURE);
    const attempt = attempts.find((item) => item.verdict === verdict);
    const { url = null, method = null, hashAlgorithm: hash = null } = attempt ?? {};
    if (!json && source !== 'network' && source !== null) note('the answer comes from the cache');
    const code = report(verdict, target, json, {
      url,
      method,
      hash,
      serialNumber: target.serial,
      source: source ?? 'network',
    });
    return worst([code, ...(stapled === null ? [] : [stapled.code]), ...this.#keep(verdict.der)]);
  }

  /** Writes the response for --out, once what it says has been told. Returns the exit code of a failure. */
  #keep(der: Uint8Array): number[] {
    const { out } = this.#values;
    if (out === undefined) return [];
    try {
      writeOutput(out, der);
      return [];
    } catch (error) {
      process.stderr.write(`openssl-ocsp query: ${printableLines((error as Error).message)}\n`);
      return [ExitCode.FAILED];
    }
  }

  #tellStaple(target: LiveTarget): { code: number; verdict: Verdict } | null {
    const { staple, certificate } = target;
    if (staple === null) {
      note(`the server of ${printable(targetText(target))} staples nothing`);
      return null;
    }
    const verdict = this.#stapleVerifier.verify(staple, questionOf({ ...target, certificate }));
    if (!this.#values.json) print('Stapled:');
    const about = { url: null, method: null, hash: null, serialNumber: target.serial, source: 'staple' };
    const code = report(verdict, target, this.#values.json, about);
    if (!this.#values.json) print('\nAsked:');
    return { code, verdict };
  }
}

/** The exit code of several. */
function worst(codes: readonly number[]): number {
  return SEVERITY.find((code) => codes.includes(code)) ?? ExitCode.FAILED;
}

function clientFor(values: Values, verifier: Verifier, timeout: number): OCSPClient {
  const { url, proxy, hash, get, cache } = values;
  const nonce = nonceLengthOrBytes(values.nonce);
  if (nonce === undefined && values['nonce-policy'] === 'required') {
    throw new UsageError('--nonce-policy required needs --nonce: what is not sent does not come back');
  }
  try {
    return new OCSPClient({
      verifier,
      timeout,
      method: get ? 'auto' : 'post',
      hash: hash === undefined ? 'auto' : hashOption(hash),
      proxy: proxy ?? 'environment',
      // Whoever runs a command sees whom it asks, and it does so once.
      allowPrivateAddresses: true,
      cache: cache === undefined ? false : { store: new FolderCache(cache) },
      ...(url !== undefined && { responders: [url] }),
      ...(nonce !== undefined && { nonce }),
    });
  } catch (error) {
    throw error instanceof UsageError
      ? error
      : new UsageError(`--url, --proxy or --cache: ${(error as Error).message}`);
  }
}

/** Who answered, and what was tried because of it. */
function tellAttempts(attempts: readonly OCSPAttempt[], onlyNotes: boolean, hasHash: boolean): void {
  let before: OCSPAttempt | undefined;
  for (const attempt of attempts) {
    const { url, method, hashAlgorithm, verdict, reason } = attempt;
    if (before?.verdict && before.hashAlgorithm !== hashAlgorithm && hashAlgorithm === HashAlgorithm.SHA1) {
      const { MALFORMED_REQUEST, INTERNAL_ERROR } = OCSPResponseStatus;
      const { responseStatus } = before.verdict;
      // Which says nothing of the certificate: the nonce, too, may be what the responder did not like.
      const isRefused = responseStatus === MALFORMED_REQUEST || responseStatus === INTERNAL_ERROR;
      const why = isRefused ? before.reason : 'the responder does not know the certificate by SHA-256';
      note(printable(`${why}; asking it by SHA-1`));
    }
    if (verdict !== null && !onlyNotes) process.stderr.write(`asked ${printable(url)} by ${method}\n`);
    else if (verdict === null && before?.verdict) note(printable(`${url}: ${reason}`));
    before = attempt;
  }
  const last = attempts.at(-1);
  if (hasHash && last !== undefined && last.hashAlgorithm !== HashAlgorithm.SHA1 && maySpeakOtherHash(last)) {
    note('some responders know certificates by SHA-1 only; --hash sha1 asks so');
  }
}

function failureText(target: Target, { attempts, reason, outcome }: CheckResult): string {
  if (attempts.length > 0) return [...new Set(attempts.map(({ url, reason: why }) => `${url}: ${why}`))].join('\n');
  const text = targetText(target);
  if (outcome === 'undetermined') return `${text}: ${reason}; --url can say whom to ask`;
  const isNamed = target.certificate !== undefined && ocspUrls(target.certificate).length > 0;
  return isNamed ? `${text}: ${reason}` : `${text} names no responder to ask over HTTP; --url can`;
}

function note(text: string): void {
  process.stderr.write(`note: ${text}\n`);
}

/** A server that cannot be looked at; what is wrong with the command ends it. */
function toFailure(error: unknown): Error {
  if (error instanceof UsageError || !(error instanceof Error)) throw error;
  return error;
}

function timeoutOption(value: string | undefined): number {
  const seconds = secondsOption(value, 'timeout') ?? DEFAULT_TIMEOUT;
  if (seconds === 0 || seconds > LONGEST_TIMEOUT)
    throw new UsageError(`--timeout is not within 1 to ${LONGEST_TIMEOUT}`);
  return seconds;
}
