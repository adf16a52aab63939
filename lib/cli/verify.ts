import { loadDerOcspRequest, type OCSPRequest } from '../ocsp/request.js';
import type { OCSPQuestion } from '../ocsp/verification/question.js';
import { verifyOcspResponse } from '../ocsp/verification/verifier.js';
import { readArguments } from './arguments.js';
import { type Command, UsageError } from './command.js';
import { messagePath, readCertificates, readInput, unwrap } from './input.js';
import { questionOf, readTarget, TARGET_HELP, TARGET_OPTIONS, type Target } from './target.js';
import { EXIT_HELP, momentOption, POLICY_HELP, POLICY_OPTIONS, readPolicy, report, warnOfIssuer } from './verdict.js';

const HELP = `Usage: openssl-ocsp verify [FILE] --cert CERT.pem --issuer CA.pem [options]

Verifies an OCSP response (DER, PEM or base64 in a file, or on standard input) and explains the decision step by step.

What the response has to be about:
${TARGET_HELP}  --request FILE          the request that it answers: its nonce is compared; without --cert and --serial it says
                          which certificate is meant
  --at TIME               judge at this moment, such as 2026-11-24T12:00:00Z (now)

${POLICY_HELP}
  --json                  the verdict as one object; \`verdict\` is good, revoked, unknown or refused

${EXIT_HELP}`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  request: { type: 'string' },
  at: { type: 'string' },
  ...POLICY_OPTIONS,
  json: { type: 'boolean' },
} as const;

/** `openssl-ocsp verify` */
export const verifyCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values, positionals } = readArguments(args, OPTIONS, 1);
    const path = messagePath(positionals);
    const at = momentOption(values.at, 'at');
    const request = values.request === undefined ? undefined : await readRequest(values.request);
    const target = await readTarget(values);
    const policy = await readPolicy(values, target?.chain);
    const question: OCSPQuestion = {
      ...(target === undefined ? await questionOfRequest(request, values.issuer) : questionOf(target)),
      ...(request !== undefined && { request }),
      ...(at !== undefined && { at }),
    };
    if (target !== undefined) warnOfIssuer(target, policy);
    const { der } = unwrap(await readInput(path));
    return report(verifyOcspResponse(der, { ...question, ...policy }), target, values.json, subject(target));
  },
};

function subject(target: Target | undefined): object {
  return target === undefined ? {} : { serialNumber: target.serial };
}

async function readRequest(path: string): Promise<OCSPRequest> {
  return loadDerOcspRequest(unwrap(await readInput(path)).der);
}

async function questionOfRequest(request: OCSPRequest | undefined, issuer: string | undefined): Promise<OCSPQuestion> {
  if (request === undefined)
    throw new UsageError('--cert, --serial or --request has to say which certificate is meant');
  const { length } = request.requests;
  if (length !== 1)
    throw new UsageError(`--request asks about ${length} certificates: --cert or --serial has to say which is meant`);
  if (issuer === undefined) throw new UsageError('--issuer is missing');
  const [certificate, ...others] = await readCertificates(issuer);
  if (others.length > 0) throw new UsageError('--request requires one certificate of --issuer');
  return { issuer: certificate };
}
