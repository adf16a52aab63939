// toText against OCSP_REQUEST_print and OCSP_RESPONSE_print, and `openssl ocsp -req_text`, `-resp_text`, byte by byte.
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError, OCSPResponse } from 'openssl-ocsp';
import { openssl } from '../cli.mjs';
import { withLongKey } from '../directed.mjs';
import { authorities, captures, vector } from '../material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from '../messages.mjs';
import { mutate } from '../mutate.mjs';

export const about = 'text output, byte by byte';
export const needs = ['cli', 'same'];

export function run({ compare, ask, random, cases }) {
  const list = authorities(random);
  const recorded = captures();
  const generated = Array.from({ length: Math.ceil(cases / 4) }, (_, i) => [
    [`generated request ${i}`, buildRequest(someRequest(random, list)).publicBytes()],
    [`generated response ${i}`, buildResponse(someResponse(random, list)).publicBytes()],
  ]).flat();
  const originals = [...recorded, ...generated];
  const mutants = Array.from({ length: cases }, () => {
    const [name, bytes] = random.pick(originals);
    return [`mutant of ${name}`, mutate(bytes, random)];
  });
  const longKey = withLongKey(vector('reference/x509/ocsp/resp-delegate-unknown-cert.der'));
  byOracle(compare, ask, [...originals, ['a long key', longKey], ...mutants]);
  byCommand(compare, [...recorded, ...generated.slice(0, Math.ceil(cases / 20))]);
}

function messages(list) {
  return list.flatMap(([name, bytes]) =>
    Object.entries({ request: loadDerOcspRequest, response: loadDerOcspResponse }).flatMap(([kind, load]) => {
      try {
        return [{ name, bytes, kind, message: load(bytes, { strict: false }) }];
      } catch (error) {
        if (error instanceof OCSPError && error.code === 'ERR_OCSP_MALFORMED') return [];
        throw error;
      }
    }),
  );
}

/** null where OpenSSL gives up in the middle. */
function textOf(message) {
  try {
    return message.toText();
  } catch (error) {
    if (error instanceof OCSPError && error.code === 'ERR_OCSP_MALFORMED') return null;
    throw error;
  }
}

/** OpenSSL prints its error queue in place of what it cannot print: without thread, function, file and line. */
const plain = (text) =>
  text?.replace(/^[0-9A-F]+:(error:[0-9A-F]{8}:[^:\n]*:)[^:\n]*:([^:\n]*:)[^:\n]*:\d+:/gm, '$1$2') ?? null;

function byOracle(compare, ask, list) {
  const loaded = messages(list);
  const answers = ask(loaded.map(({ kind, bytes }) => [`${kind}-text`, bytes]));
  loaded.forEach(({ name, kind, message, bytes }, i) => {
    const theirs = answers[i] === null ? null : Buffer.from(answers[i], 'hex').toString();
    compare(`${kind}, ${name}`, plain(textOf(message)), plain(theirs), { bytes: bytes.toString('hex') });
  });
}

function byCommand(compare, list) {
  for (const { name, kind, message, bytes } of messages(list)) {
    // The command prints no text of a response that tells an error.
    if (message instanceof OCSPResponse && message.responseStatus !== 0) continue;
    const args = kind === 'request' ? ['-reqin', '-', '-req_text'] : ['-respin', '-', '-resp_text', '-noverify'];
    const { stdout } = openssl(['ocsp', ...args], { input: bytes });
    compare(`openssl ocsp ${args.join(' ')}, ${name}`, plain(textOf(message)), plain(stdout), {
      bytes: bytes.toString('hex'),
    });
  }
}
