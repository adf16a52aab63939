// OCSPResponse.basicVerify and OCSPRequest.verifySignature against OCSP_basic_verify and OCSP_request_verify: responders of every kind,
// flags, times, trust, and mutants.
import { authorities, dateOf } from '../material.mjs';
import { argument } from '../oracle.mjs';
import { FLAGS, longKeyVerification, PATH_FLAGS, someVerification } from '../verifications.mjs';

export const about = 'verdicts over responders, flags, times, trust and mutants';
export const needs = ['same'];

const CASES_PER_CASE = 5;

export function run({ compare, ask, random, cases }) {
  const list = authorities(random);
  const made = Array.from({ length: cases * CASES_PER_CASE }, () => someVerification(random, list, 3));
  made.push(longKeyVerification(random, list));
  const answers = ask(made.map(question));
  made.forEach(({ kind, bytes, message, options, certificates, trusted }, i) => {
    const { verdict, reasons } = answers[i];
    const given = {
      ...options,
      at: dateOf(options.at),
      certificates: certificates.map(({ certificate }) => certificate),
      ...(trusted && { trust: { certificates: trusted.map(({ certificate }) => certificate) } }),
    };
    const result = kind === 'request' ? message.verifySignature(given) : message.basicVerify(given);
    const facts = {
      verdict,
      reasons,
      reason: result.reason,
      options,
      bytes: bytes.toString('hex'),
      question: question(made[i]).map(argument).join(' '),
    };
    compare(`verdict on a ${kind}`, result.verified, verdict === 1, facts);
    // OpenSSL leaves no reason at all for some refusals.
    if (reasons.length > 0 && verdict !== 1) compare(`reason, ${kind}`, reasons.includes(result.reason), true, facts);
  });
}

function question({ kind, bytes, options, certificates, trusted }) {
  const bits = (table, names) => names.reduce((sum, name) => sum | (table[name] ?? 0), 0);
  return [
    `verify-${kind}`,
    bytes,
    certificates.map(({ der }) => der),
    trusted?.map(({ der }) => der),
    bits(FLAGS, Object.keys(options)),
    options.at,
    bits(PATH_FLAGS, options.pathFlags),
  ];
}
