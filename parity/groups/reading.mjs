// Lenient loading against d2i and the getters: which messages are read, and what is read in them. Strict loading on the way:
// what it lets pass is DER that OpenSSL reads too, and writes in the same bytes.
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError } from 'openssl-ocsp';
import { DIRECTED } from '../directed.mjs';
import { authorities, captures } from '../material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from '../messages.mjs';
import { mutate } from '../mutate.mjs';
import { differences, requestValues, responseValues } from '../values.mjs';

export const about = 'which messages are read, mutants too, and every value in them';
export const needs = ['same'];

const KINDS = {
  request: [loadDerOcspRequest, requestValues],
  response: [loadDerOcspResponse, responseValues],
};
/** Mutants are cheap. */
const MUTANTS_PER_CASE = 20;
const BATCH = 500;

export function run({ compare, ask, random, cases }) {
  const recorded = captures().map(([name, bytes]) => ({ name, bytes }));
  const list = authorities(random);
  const generated = Array.from({ length: Math.ceil(cases / 10) }, (_, i) => [
    { name: `generated request ${i}`, bytes: buildRequest(someRequest(random, list)).publicBytes() },
    { name: `generated response ${i}`, bytes: buildResponse(someResponse(random, list)).publicBytes() },
  ]).flat();
  const originals = [...recorded, ...generated];
  judge(compare, ask, [...originals, ...DIRECTED]);
  for (let left = cases * MUTANTS_PER_CASE; left > 0; left -= BATCH) {
    const mutants = Array.from({ length: Math.min(left, BATCH) }, () => {
      const { name, bytes } = random.pick(originals);
      return { name: `mutant of ${name}`, bytes: mutate(bytes, random) };
    });
    judge(compare, ask, mutants);
  }
}

function judge(compare, ask, messages) {
  for (const [kind, [load, values]] of Object.entries(KINDS)) {
    const answers = ask(messages.map(({ bytes }) => [kind, bytes]));
    messages.forEach(({ name, bytes }, i) => {
      const theirs = answers[i];
      const lenient = loaded(load, bytes, false);
      const facts = { bytes: bytes.toString('hex'), why: lenient.why };
      compare(`${kind}, ${name}`, encoded(lenient), theirs?.der ?? null, facts);
      const strict = loaded(load, bytes, true);
      if (strict.message) {
        const tbs = strict.message.tbsRequestBytes?.toString('hex');
        compare(`strict ${kind}, ${name}`, encoded(strict), theirs?.der ?? null, { ...facts, tbs });
      }
      if (!lenient.message || theirs === null) return;
      const found = differences(values(lenient.message), theirs);
      if (found.length === 0) compare(`values of ${kind}, ${name}`, true, true);
      for (const [path, own, other] of found) compare(path, own, other, facts);
    });
  }
}

const encoded = ({ message }) => message?.publicBytes().toString('hex') ?? null;

function loaded(load, bytes, strict) {
  try {
    return { message: load(bytes, { strict }) };
  } catch (error) {
    if (!(error instanceof OCSPError && error.code === 'ERR_OCSP_MALFORMED')) throw error;
    return { why: [error.reason, ...(error.opensslErrorStack ?? [])].join('; ') };
  }
}
