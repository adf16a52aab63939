// Messages to verify, and what to verify them with.
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError } from 'openssl-ocsp';
import { withLongKey } from './directed.mjs';
import { DAY, NOW } from './material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from './messages.mjs';
import { mutate } from './mutate.mjs';

/** <openssl/ocsp.h> */
export const FLAGS = {
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
export const PATH_FLAGS = {
  ignoreCritical: 0x10,
  x509Strict: 0x20,
  checkSelfSigned: 0x4000,
  trustedFirst: 0x8000,
  noAltChains: 0x100000,
  noCheckTime: 0x200000,
  crlCheck: 0x4,
};

/**
 * A message that loads, certificates to look for its signer in, what is trusted (undefined: nothing is said), and options of
 * `verify`, where `at` is in seconds. One message in `mutants` is a mutant; 0: none is.
 */
export function someVerification(random, list, mutants) {
  while (true) {
    const authority = random.pick(list);
    const kind = random.once(4) ? 'request' : 'response';
    const original = kind === 'request' ? signedRequest(random, list, authority) : response(random, list, authority);
    const bytes = mutants > 0 && random.once(mutants) ? mutate(original, random) : original;
    const message = loaded(kind, bytes);
    if (message !== undefined) return { kind, bytes, message, ...someOptions(random, list, authority) };
  }
}

/** A response by a key that is written with leading zeros in its length. */
export function longKeyVerification(random, list) {
  const { ca, leaves } = list.find(({ type }) => type === 'ed25519');
  const given = someResponse(random, list);
  const entries = given.entries.map((entry) => ({ ...entry, subject: leaves[0], issuer: ca }));
  const usual = { ...given, entries, signer: ca, hash: null, pss: false, certificates: [ca], byKey: false };
  const bytes = withLongKey(buildResponse(usual).publicBytes());
  const message = loaded('response', bytes);
  return { kind: 'response', bytes, message, certificates: [], trusted: [ca], options: { pathFlags: [], at: NOW } };
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
      at: random.once(8) ? NOW + random.pick([-1, 1]) * 400 * DAY : NOW,
    },
  };
}
