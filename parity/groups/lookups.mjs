// Nonces, CertIDs, entries, signers and times: what OpenSSL's small functions answer.
import {
  checkNonce,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  OCSPResponseStatus,
  ReasonFlags,
} from 'openssl-ocsp';
import { octetString, tlv } from '../der.mjs';
import { authorities, dateOf, NOW, someEntry } from '../material.mjs';
import { buildResponse, REASON_CODES, someResponse } from '../messages.mjs';

export const about = 'nonces, CertIDs, entries, signers, times and names';

export function run({ compare, ask, random, cases }) {
  const list = authorities(random);
  nonces(compare, ask, random, list);
  entries(compare, ask, random, cases, list);
  signers(compare, ask, random, cases, list);
  responderIds(compare, ask, list);
  times(compare, ask, random, cases, list);
  names(compare, ask);
}

/** OCSP_check_nonce */
function nonces(compare, ask, random, list) {
  const { ca, leaves } = random.pick(list);
  const STATES = { equal: 1, 'both-absent': 2, 'response-only': 3, different: 0, 'request-only': -1 };
  const choices = [null, random.bytes(16), random.bytes(16), random.bytes(1), Buffer.alloc(0)];
  const pairs = choices.flatMap((asked) => choices.map((answered) => [asked, answered]));
  const made = pairs.map(([asked, answered]) => {
    let request = new OCSPRequestBuilder().addCertificate(leaves[0].certificate, ca.certificate, 'sha1');
    let response = answerFor(leaves[0], ca);
    if (asked !== null) request = request.addExtension(new OCSPNonce(asked), false);
    if (answered !== null) response = response.addExtension(new OCSPNonce(answered), false);
    return [request.build(), sign(response, ca)];
  });
  const answers = ask(made.map((pair) => ['nonce', ...pair.map((message) => message.publicBytes())]));
  made.forEach((pair, i) => {
    compare('OCSP_check_nonce', STATES[checkNonce(...pair)], answers[i]);
  });
}

const answerFor = (subject, issuer) =>
  new OCSPResponseBuilder()
    .addResponse(subject.certificate, issuer.certificate, 'sha1', OCSPCertStatus.GOOD, dateOf(NOW), null, null, null)
    .responderId(OCSPResponderEncoding.HASH, issuer.certificate)
    .producedAt(dateOf(NOW));
const sign = (builder, { type, privateKey }) => builder.sign(privateKey, type.startsWith('ed') ? null : 'sha256');

/** OCSP_resp_find, OCSP_resp_find_status, OCSP_id_cmp, OCSP_id_issuer_cmp */
function entries(compare, ask, random, cases, list) {
  const few = list.slice(0, 2).map((authority) => ({ ...authority, leaves: authority.leaves.slice(0, 3) }));
  const hashes = ['sha1', 'sha256'];
  const made = Array.from({ length: cases }, () => {
    const given = someResponse(random, few);
    const response = buildResponse({
      ...given,
      entries: given.entries.map((entry) => ({ ...entry, ...someEntry(random, few, hashes) })),
    });
    let request = new OCSPRequestBuilder();
    for (let left = 1 + random.below(4); left > 0; left -= 1) {
      const { subject, issuer, hash } = someEntry(random, few, hashes);
      request = request.addCertificate(subject.certificate, issuer.certificate, hash);
    }
    return { request: request.build(), response };
  });
  const found = ask(made.map(({ request, response }) => ['find', request.publicBytes(), response.publicBytes()]));
  const same = ask(made.map(({ request }) => ['compare', request.publicBytes()]));
  made.forEach(({ request, response }, i) => {
    const { responses } = response;
    const ours = request.requests.map((entry) => {
      const single = response.findStatus(entry);
      return single === null ? [-1, -1] : [responses.indexOf(single), single.certificateStatus];
    });
    compare('OCSP_resp_find, OCSP_resp_find_status', ours, found[i]);
    const pairs = request.requests.flatMap((one) =>
      request.requests.map((other) => [one.hasSameCertId(other), one.hasSameIssuer(other)]),
    );
    compare('OCSP_id_cmp, OCSP_id_issuer_cmp', pairs, same[i]);
  });
}

/** OCSP_resp_get0_signer */
function signers(compare, ask, random, cases, list) {
  const made = Array.from({ length: cases }, () => {
    const response = buildResponse(someResponse(random, list));
    const people = random.some(list, 2).flatMap(({ ca, delegate, sameName }) => random.some([ca, delegate, sameName]));
    return { response, people };
  });
  const answers = ask(
    made.map(({ response, people }) => ['signer', response.publicBytes(), people.map(({ der }) => der)]),
  );
  made.forEach(({ response, people }, i) => {
    const signer = response.signer(people.map(({ certificate }) => certificate));
    compare('OCSP_resp_get0_signer', signer?.raw.toString('hex') ?? null, answers[i]);
  });
}

/** OCSP_RESPID_set_by_name, OCSP_RESPID_set_by_key, OCSP_RESPID_match */
function responderIds(compare, ask, list) {
  const people = list.flatMap(({ ca, delegate, sameName }) => [ca, delegate, sameName]);
  const pairs = people.flatMap((responder) => people.slice(0, 9).map((other) => [responder, other]));
  const answers = ask(pairs.map((pair) => ['responder-ids', ...pair.map(({ der }) => der)]));
  pairs.forEach(([responder, other], i) => {
    const [byName, byKey] = [OCSPResponderEncoding.NAME, OCSPResponderEncoding.HASH].map((encoding) => {
      const { certificate } = responder;
      return sign(
        new OCSPResponseBuilder().addResponse(...statusOf(responder)).responderId(encoding, certificate),
        responder,
      );
    });
    const ours = [
      tlv(0xa1, byName.responderName.publicBytes()).toString('hex'),
      tlv(0xa2, octetString(byKey.responderKeyHash)).toString('hex'),
      ...[byName, byKey].map((response) => response.signer([other.certificate]) !== null),
    ];
    compare('OCSP_RESPID_set_by_name, OCSP_RESPID_set_by_key, OCSP_RESPID_match', ours, answers[i]);
  });
}

const statusOf = ({ certificate }) => [
  ...[certificate, certificate, 'sha1', OCSPCertStatus.GOOD],
  ...[dateOf(NOW), null, null, null],
];

/** OCSP_check_validity, which knows no time but now: all is far enough from it that a slow machine does not matter. */
function times(compare, ask, random, cases, list) {
  const { ca, leaves } = list[0];
  const near = () => (random.below(21) - 10) * 3600 + 1800;
  const made = Array.from({ length: cases }, () => ({
    thisUpdate: near(),
    nextUpdate: random.once(3) ? null : near(),
    tolerance: random.below(5) * 3600,
    maxAge: random.once(2) ? -1 : random.below(5) * 3600,
  }));
  const answers = ask(made.map((item) => ['validity', item.thisUpdate, item.nextUpdate, item.tolerance, item.maxAge]));
  made.forEach(({ thisUpdate, nextUpdate, tolerance, maxAge }, i) => {
    const now = Math.floor(Date.now() / 1000);
    const fromNow = (seconds) => (seconds === null ? null : dateOf(now + seconds));
    const builder = new OCSPResponseBuilder()
      .addResponse(
        ...[leaves[0].certificate, ca.certificate, 'sha1', OCSPCertStatus.GOOD],
        ...[fromNow(thisUpdate), fromNow(nextUpdate), null, null],
      )
      .responderId(OCSPResponderEncoding.HASH, ca.certificate);
    const [single] = loadDerOcspResponse(sign(builder, ca).publicBytes()).responses;
    const { valid } = single.checkValidity({ clockTolerance: tolerance, ...(maxAge >= 0 && { maxAge }) });
    compare('OCSP_check_validity', valid, answers[i] === 1, { thisUpdate, nextUpdate, tolerance, maxAge });
  });
}

/** OCSP_response_status_str, OCSP_cert_status_str, OCSP_crl_reason_str */
function names(compare, ask) {
  const plain = (name) => name?.toLowerCase().replaceAll('_', '') ?? '(unknown)';
  const reasons = Object.fromEntries(Object.values(ReasonFlags).map((name) => [REASON_CODES[name], name]));
  const numbers = Array.from({ length: 12 }, (_, i) => i);
  const answers = ask(numbers.map((number) => ['names', number]));
  for (const number of numbers) {
    const [status, certStatus, reason] = answers[number].map((name) => name.toLowerCase());
    compare(`response status ${number}`, plain(OCSPResponseStatus[number]), status);
    compare(`certificate status ${number}`, plain(OCSPCertStatus[number]), certStatus);
    compare(`reason ${number}`, plain(reasons[number]), reason);
  }
}
