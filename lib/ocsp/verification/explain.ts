/** A verdict step by step, for people. */
import { OCSPCertStatus } from '../enums.js';
import { AUTHORITY, CERT_STATUS, REMEMBERED, RESPONSE_COUNT, SIGNER_SOURCE } from '../layout.js';
import { type Findings, isoTime, OUTCOMES } from './judge.js';
import type { NonceState } from './nonce.js';
import type { Policy } from './policy.js';
import type { Question } from './question.js';
import type { RefusalCode } from './refusals.js';
import type { OCSPVerdict } from './verdict.js';

interface Step {
  readonly name: string;
  /** Refusals that this step may end in. */
  readonly codes: readonly RefusalCode[];
  /** What to say when it passed. Null: it was not reached. */
  readonly passed: () => string | null;
}

const NONCES: Readonly<Record<NonceState, string>> = {
  equal: 'that of the request',
  'both-absent': 'none asked, none answered',
  'response-only': 'not asked for, and ignored',
  different: 'not that of the request, and ignored by policy',
  'request-only': 'asked for and not answered, which the policy allows; the times decide',
};

const SOURCES = ['', "the issuer's", 'inside the response', 'given by the caller', 'trusted by configuration'];
/** By the number of an authority, as AUTHORITIES of ../basic-verify.ts. */
const AUTHORITY_TEXTS = [
  '',
  'the signer is the CA itself',
  'the signer is a delegate: the key of this CA issued its certificate, with OCSPSigning',
  'the signer is trusted by configuration',
];

/** Lines of text: one for each step, then the outcome. */
export function explain(verdict: OCSPVerdict, findings: Findings, question: Question, policy: Policy): string {
  const lines = [`OCSP response of ${findings.message.der.length} bytes, judged at ${isoTime(question.at)}`];
  for (const { name, codes, passed } of steps(verdict, findings, policy, question)) {
    const refusals = verdict.refusals.filter(({ code }) => codes.includes(code));
    for (const { message, clause, code } of refusals) lines.push(`  no   ${name}: ${message} [${code}, ${clause}]`);
    if (refusals.length > 0) continue;
    const text = passed();
    lines.push(text === null ? `  -    ${name}: not checked` : `  yes  ${name}: ${text}`);
  }
  lines.push(outcome(verdict));
  return lines.join('\n');
}

function steps(verdict: OCSPVerdict, findings: Findings, policy: Policy, question: Question): Step[] {
  const { message, entry, times, matching, nonce } = findings;
  const answered = verdict.responseStatus === 0;
  const authentic = answered && !verdict.refusals.some(({ code }) => AUTHENTICATION_CODES.includes(code));
  return [
    { name: 'response', codes: ['MALFORMED', 'UNSUCCESSFUL'], passed: () => `${form(verdict)}, status successful` },
    {
      name: 'issuer',
      codes: ['ISSUER_MISMATCH'],
      passed: () => (answered ? 'that of the certificate, by its signature or by the hashes of the CertID' : null),
    },
    {
      name: 'certificate',
      codes: ['REQUEST_MISMATCH', 'CERTIFICATE_NOT_FOUND', 'CONTRADICTORY'],
      passed: () => {
        if (entry === null) return null;
        const serial = question.target.serial.toString('hex');
        return `${matching.length} of ${message.number(RESPONSE_COUNT)} entries about serial number ${serial} of this CA`;
      },
    },
    {
      name: 'signature',
      codes: SIGNATURE_CODES,
      passed: () => {
        if (!answered) return null;
        const source = SOURCES[message.number(SIGNER_SOURCE)];
        return source ? `right, by a certificate ${source}` : null;
      },
    },
    {
      name: 'signer',
      codes: AUTHENTICATION_CODES.filter((code) => !SIGNATURE_CODES.includes(code)),
      passed: () => {
        if (!authentic) return null;
        const text = AUTHORITY_TEXTS[message.number(AUTHORITY)] ?? '';
        return message.number(REMEMBERED) === 1 ? `${text} (validated earlier)` : text;
      },
    },
    {
      name: 'times',
      codes: ['BAD_TIME', 'NOT_YET_VALID', 'EXPIRED', 'TOO_OLD', 'INVERTED_TIMES'],
      passed: () => {
        if (times === null) return null;
        const next = times.nextUpdate === null ? 'no nextUpdate' : `nextUpdate ${isoTime(times.nextUpdate)}`;
        return `thisUpdate ${isoTime(times.thisUpdate)}, ${next}, clocks may differ by ${policy.clockTolerance} seconds`;
      },
    },
    {
      name: 'extensions',
      codes: ['BAD_EXTENSIONS', 'UNKNOWN_CRITICAL_EXTENSION'],
      passed: () => (answered ? 'none is critical and unknown' : null),
    },
    {
      name: 'nonce',
      codes: ['NONCE_MISMATCH', 'NONCE_MISSING'],
      passed: () => (nonce === null ? null : NONCES[nonce]),
    },
    {
      name: 'status',
      codes: [],
      passed: () => {
        if (entry === null) return null;
        const name = (OCSPCertStatus[entry.number(CERT_STATUS)] ?? '').toLowerCase();
        return verdict.usable ? name : `the response claims ${name}, which does not count`;
      },
    },
  ];
}

function form({ encodingNotes }: OCSPVerdict): string {
  return encodingNotes.length === 0 ? 'well-formed' : `not DER (${encodingNotes.join(', ')}), but not ambiguous`;
}

const SIGNATURE_CODES: readonly RefusalCode[] = ['SIGNER_NOT_FOUND', 'BAD_SIGNATURE', 'UNSUPPORTED_SIGNATURE'];
const AUTHENTICATION_CODES: readonly RefusalCode[] = OUTCOMES.filter((code) => code !== null);

function outcome(verdict: OCSPVerdict): string {
  const { usable, status, freshUntil, revocationTime, revocationReason } = verdict;
  if (!usable) return `=> not usable: ${verdict.refusals.map(({ code }) => code).join(', ')}`;
  const until = freshUntil === null ? '' : `, until ${isoTime(freshUntil.getTime() / 1000)}`;
  if (status !== 'revoked' || revocationTime === null) return `=> ${status}${until}`;
  const reason = revocationReason === null ? '' : ` (${revocationReason})`;
  return `=> revoked at ${isoTime(revocationTime.getTime() / 1000)}${reason}${until}`;
}
