import { writeFileSync } from 'node:fs';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import { OCSPRequestBuilder } from '../ocsp/request-builder.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import { verifyOcspResponse } from '../ocsp/verification/verifier.js';
import { HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { ocspUrls } from '../x509/certificate.js';
import { readArguments } from './arguments.js';
import { printable } from './colour.js';
import { type Command, UsageError } from './command.js';
import { type Answer, type AskOptions, ask, httpUrl } from './http.js';
import { NONCE_HELP, nonceOption, withNonceDefault } from './nonce-option.js';
import {
  addTarget,
  hashOption,
  questionOf,
  readTarget,
  TARGET_HELP,
  TARGET_OPTIONS,
  type Target,
  targetText,
} from './target.js';
import { EXIT_HELP, POLICY_HELP, POLICY_OPTIONS, readPolicy, report, secondsOption, warnOfIssuer } from './verdict.js';

const HELP = `Usage: openssl-ocsp query --cert CERT.pem --issuer CA.pem [--url URL] [options]

Asks a responder for the status of a certificate, verifies the answer, and explains the decision step by step.

${TARGET_HELP}  --url URL               the responder (those that the certificate names, one after the other until one answers)
  --hash NAME             hash of the CertID: sha1, sha224, sha256, sha384, sha512. Without it sha256, and then sha1
                          where a responder does not know the certificate by that, as old ones do not
${NONCE_HELP}                          (with --nonce-policy required it has to come back)
  --get                   ask by GET where the URL stays within 255 octets, as RFC 9919 has it, else by POST
  --timeout SECONDS       for each responder (10)
  --out FILE              keep the response, verified or not

${POLICY_HELP}
  --json                  the verdict as one object; \`verdict\` is good, revoked, unknown or refused

${EXIT_HELP}`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  url: { type: 'string' },
  hash: { type: 'string' },
  nonce: { type: 'string' },
  get: { type: 'boolean' },
  timeout: { type: 'string' },
  out: { type: 'string' },
  ...POLICY_OPTIONS,
  json: { type: 'boolean' },
} as const;

const DEFAULT_TIMEOUT = 10;
const LONGEST_TIMEOUT = 3600;
/** Responders that are asked, at most: the list comes from a stranger. */
const MOST_RESPONDERS = 4;

/** `openssl-ocsp query` */
export const queryCommand: Command = {
  name: 'query',
  summary: 'ask a responder over HTTP, and verify what it answers',
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = readArguments(withNonceDefault(args), OPTIONS);
    const hash = hashOption(values.hash);
    const nonce = nonceOption(values.nonce);
    if (nonce === undefined && values['nonce-policy'] === 'required') {
      throw new UsageError('--nonce-policy required wants --nonce: what is not sent does not come back');
    }
    const askOptions = { get: values.get === true, timeoutSeconds: timeoutOption(values.timeout) };
    const policy = await readPolicy(values);
    const target = await readTarget(values);
    if (target === undefined) throw new UsageError('--cert or --serial has to say which certificate is meant');
    const urls = responders(target, values.url);
    warnOfIssuer(target, policy);

    const exchange: Exchanger = async (servers, certIdHash) => {
      let builder = addTarget(new OCSPRequestBuilder(), target, certIdHash);
      if (nonce !== undefined) builder = builder.addExtension(nonce, false);
      const request = builder.build();
      const [responder, answer] = await askOneOf(servers, request.publicBytes(), askOptions);
      if (!values.json) process.stderr.write(`asked ${printable(answer.url)} by ${answer.method}\n`);
      const verdict = verifyOcspResponse(answer.body, { ...questionOf(target), request, ...policy });
      return { responder, answer, hash: certIdHash, verdict };
    };
    let result = await exchange(urls, hash);
    if (maySpeakSha1(result)) {
      if (values.hash === undefined) result = await askBySha1(result, exchange);
      else note('some responders know certificates by SHA-1 only; --hash sha1 asks so');
    }
    const { answer, verdict } = result;
    const { body, url, method } = answer;
    if (values.out !== undefined) writeFileSync(values.out, body);
    return report(verdict, target, values.json, { url, method, hash: result.hash, serialNumber: target.serial });
  },
};

/** A question to one responder, and what came of it. */
interface Exchange {
  readonly responder: URL;
  readonly answer: Answer;
  readonly hash: HashAlgorithmName;
  readonly verdict: Verdict;
}

/** Asks the first server that answers, by CertIDs of that hash. */
type Exchanger = (servers: readonly URL[], hash: HashAlgorithmName) => Promise<Exchange>;

/** Whether it went as with a responder that predates RFC 9919 and does not understand the CertID. */
function maySpeakSha1({ hash, verdict: { responseStatus, status, refusals } }: Exchange): boolean {
  const { MALFORMED_REQUEST, INTERNAL_ERROR, UNAUTHORIZED } = OCSPResponseStatus;
  const declined = [MALFORMED_REQUEST, INTERNAL_ERROR, UNAUTHORIZED].some((code) => code === responseStatus);
  const other = refusals.some(({ code }) => code === 'CERTIFICATE_NOT_FOUND');
  return hash !== HashAlgorithm.SHA1 && (declined || other || status === 'unknown');
}

/** Asks the same responder again. A second answer that tells nothing does not take the place of a status. */
async function askBySha1(first: Exchange, exchange: Exchanger): Promise<Exchange> {
  note('the responder does not know the certificate by SHA-256; asking it by SHA-1');
  try {
    const second = await exchange([first.responder], HashAlgorithm.SHA1);
    return second.verdict.usable || !first.verdict.usable ? second : first;
  } catch (error) {
    note(printable((error as Error).message));
    return first;
  }
}

function note(text: string): void {
  process.stderr.write(`note: ${text}\n`);
}

function timeoutOption(value: string | undefined): number {
  const seconds = secondsOption(value, 'timeout') ?? DEFAULT_TIMEOUT;
  if (seconds === 0 || seconds > LONGEST_TIMEOUT)
    throw new UsageError(`--timeout is not within 1 to ${LONGEST_TIMEOUT}`);
  return seconds;
}

function responders(target: Target, given: string | undefined): URL[] {
  if (given !== undefined) {
    const url = httpUrl(given);
    if (url === undefined) throw new UsageError(`--url is not an http or https URL: ${given}`);
    return [url];
  }
  if (target.certificate === undefined) throw new UsageError('--url is missing: a serial number names no responder');
  const named = ocspUrls(target.certificate);
  const urls = named.map(httpUrl).filter((url) => url !== undefined);
  if (urls.length > 0) return urls.slice(0, MOST_RESPONDERS);
  const others = named.length === 0 ? '' : `, only ${named.map(printable).join(', ')}`;
  throw new Error(`${targetText(target)} names no responder to ask over HTTP${others}; --url can`);
}

/** Who answered first, and what. */
async function askOneOf(urls: readonly URL[], request: Buffer, options: AskOptions): Promise<[URL, Answer]> {
  const failures: string[] = [];
  for (const url of urls) {
    try {
      return [url, await ask(url, request, options)];
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join('\n'));
}
