// OCSPResponse.verify and OCSPRequest.verify against OCSP_basic_verify and OCSP_request_verify: responders of every kind,
// flags, times, trust, and mutants.
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError } from 'openssl-ocsp';
import { authorities, DAY, dateOf, NOW } from '../material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from '../messages.mjs';
import { mutate } from '../mutate.mjs';

export const about = 'verdicts over responders, flags, times, trust and mutants';
export const needs = ['same'];

/** <openssl/ocsp.h> */
const FLAGS = {
  noIntern: 0x2,
  noSignatures: 0x4,
  noChain: 0x8,
  noVerify: 0x10,
  noExplicit: 0x20,
  noChecks: 0x100,
  trustOther: 0x200,
  partialChain: 0x1000,
};
/** <openssl/x509_vfy.h> */
const PATH_FLAGS = {
  ignoreCritical: 0x10,
  x509Strict: 0x20,
  checkSelfSigned: 0x4000,
  trustedFirst: 0x8000,
  noAltChains: 0x100000,
  noCheckTime: 0x200000,
  crlCheck: 0x4,
};
const CASES_PER_CASE = 5;

export function run({ compare, ask, random, cases }) {
  const list = authorities(random);
  const made = [];
  while (made.length < cases * CASES_PER_CASE) {
    const authority = random.pick(list);
    const kind = random.once(4) ? 'request' : 'response';
    const original = kind === 'request' ? signedRequest(random, list, authority) : response(random, list, authority);
    const bytes = random.once(3) ? mutate(original, random) : original;
    const message = loaded(kind, bytes);
    if (message !== undefined) made.push({ kind, bytes, message, ...someOptions(random, list, authority) });
  }
  const answers = ask(made.map(question));
  made.forEach(({ kind, bytes, message, options, certificates, trusted }, i) => {
    const { verdict, reasons } = answers[i];
    const result = message.verify({
      ...options,
      certificates: certificates.map(({ certificate }) => certificate),
      ...(trusted && { trust: { certificates: trusted.map(({ certificate }) => certificate) } }),
    });
    const facts = {
      verdict,
      reasons,
      reason: result.reason,
      options,
      bytes: bytes.toString('hex'),
      question: question(made[i]),
    };
    compare(`verdict on a ${kind}`, result.verified, verdict === 1, facts);
    // OpenSSL leaves no reason at all for some refusals.
    if (reasons.length > 0 && verdict !== 1) compare(`reason, ${kind}`, reasons.includes(result.reason), true, facts);
  });
}

function signedRequest(random, list, authority) {
  const given = someRequest(random, list);
  const signer = random.pick(signersOf(random, list, authority));
  return buildRequest({ ...given, signer, hash: signer.type.startsWith('ed') ? null : 'sha256' }).publicBytes();
}

/** Everybody who may sign, or should not. */
function signersOf(random, list, authority) {
  const { ca, delegate, delegateOfIntermediate, notDelegated, expired, wrongSignature, sameName } = authority;
  const stranger = random.pick(list).delegate;
  return [ca, delegate, delegate, delegateOfIntermediate, notDelegated, expired, wrongSignature, sameName, stranger];
}

function response(random, list, authority) {
  const given = someResponse(random, list);
  const signer = random.pick(signersOf(random, list, authority));
  // Mostly about certificates of this CA: then it matters who signs.
  const issuer = random.once(6) ? random.pick(list).ca : authority.ca;
  const entries = given.entries.map((entry) => ({
    ...entry,
    subject: random.pick(authority.leaves),
    issuer: random.once(10) ? random.pick(list).ca : issuer,
  }));
  const others = random.some([authority.ca, authority.intermediate, random.pick(list).delegate]);
  return buildResponse({
    ...given,
    entries,
    signer,
    hash: signer.type.startsWith('ed') ? null : 'sha256',
    pss: false,
    certificates: random.once(3) ? others : [signer, ...others],
  }).publicBytes();
}

function loaded(kind, bytes) {
  try {
    const message = (kind === 'request' ? loadDerOcspRequest : loadDerOcspResponse)(bytes, { strict: false });
    return message.responseStatus === undefined || message.responseStatus === 0 ? message : undefined;
  } catch (error) {
    if (error instanceof OCSPError && error.code === 'ERR_OCSP_MALFORMED') return undefined;
    throw error;
  }
}

function someOptions(random, list, authority) {
  const flags = random.once(2) ? random.some(Object.keys(FLAGS), 4) : [];
  const pathFlags = random.once(4) ? random.some(Object.keys(PATH_FLAGS), 4) : [];
  const people = [authority.ca, authority.intermediate, ...signersOf(random, list, authority)];
  const trusted = random.once(2)
    ? [authority.ca]
    : random.pick([
        undefined,
        [],
        [authority.ca, authority.intermediate],
        random.some(people, 3),
        [random.pick(list).ca],
      ]);
  return {
    certificates: random.some(people, random.pick([2, 4, 9])),
    trusted: trusted?.length === 0 ? undefined : trusted,
    options: {
      ...Object.fromEntries(flags.map((flag) => [flag, true])),
      pathFlags,
      at: dateOf(random.once(8) ? NOW + random.pick([-1, 1]) * 400 * DAY : NOW),
    },
  };
}

function question({ kind, bytes, options, certificates, trusted }) {
  const bits = (table, names) => names.reduce((sum, name) => sum | (table[name] ?? 0), 0);
  return [
    `verify-${kind}`,
    bytes,
    certificates.map(({ der }) => der),
    trusted?.map(({ der }) => der),
    bits(FLAGS, Object.keys(options)),
    options.at.getTime() / 1000,
    bits(PATH_FLAGS, options.pathFlags),
  ];
}
