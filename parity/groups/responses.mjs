// Responses, built and signed here and by OpenSSL, byte by byte.
import { createPublicKey, verify } from 'node:crypto';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  OCSPResponseStatus,
} from 'openssl-ocsp';
import { openssl } from '../cli.mjs';
import { authorities, hashesFor, isDeterministic } from '../material.mjs';
import { buildResponse, responseQuestion, someResponse, withoutSignature } from '../messages.mjs';

export const about = 'responses built and signed, byte by byte';
export const needs = ['cli'];

export function run({ compare, ask, random, cases, scratch }) {
  const list = authorities(random);
  library(compare, ask, random, cases, list);
  unsuccessful(compare, ask);
  responder(compare, random, Math.max(10, Math.round(cases / 10)), list, scratch);
}

/** Against OCSP_basic_add1_status, ..._add_ext, OCSP_basic_sign, OCSP_basic_sign_ctx, OCSP_response_create. */
function library(compare, ask, random, cases, list) {
  const made = Array.from({ length: cases }, () => someResponse(random, list));
  const answers = ask(made.map(responseQuestion));
  made.forEach((given, i) => {
    const { signer, hash, pss } = given;
    const response = buildResponse(given);
    const theirs = answers[i] ?? '';
    const how = `signed with ${signer.type}${pss ? ', PSS' : ''} and ${hash}`;
    if (isDeterministic(signer.type) && !pss) {
      compare(how, response.publicBytes().toString('hex'), theirs);
    } else {
      const other = loadDerOcspResponse(Buffer.from(theirs, 'hex'));
      compare(how, withoutSignature(response), withoutSignature(other), { bytes: response.publicBytes(), theirs });
    }
  });
}

function unsuccessful(compare, ask) {
  const statuses = Object.values(OCSPResponseStatus).filter((status) => typeof status === 'number' && status !== 0);
  const answers = ask(statuses.map((status) => ['make-unsuccessful', status]));
  statuses.forEach((status, i) => {
    const response = OCSPResponseBuilder.buildUnsuccessful(status);
    compare(`status ${status}`, response.publicBytes().toString('hex'), answers[i]);
  });
}

/** Against the responder of `openssl ocsp`: its answer, built once more here from what it says. */
function responder(compare, random, cases, list, scratch) {
  for (let i = 0; i < cases; i += 1) {
    const { ca, delegate, leaves } = random.pick(list);
    const signer = random.pick([ca, delegate]);
    const asked = random.some(leaves, 4);
    if (asked.length === 0) asked.push(leaves[0]);
    const hash = random.pick(['sha1', 'sha256', 'sha512']);
    let request = new OCSPRequestBuilder();
    for (const { certificate } of asked) request = request.addCertificate(certificate, ca.certificate, hash);
    if (random.once(2)) request = request.addExtension(new OCSPNonce(random.bytes(16)), false);
    const [byKey, embed] = [random.once(2), random.once(2)];
    const [digest] = hashesFor(signer.type).slice(-1);
    const args = [
      ...['ocsp', '-index', scratch.write('index.txt', index(random, leaves))],
      ...['-CA', scratch.write('ca.pem', ca.certificate.toString())],
      ...['-rsigner', scratch.write('signer.pem', signer.certificate.toString())],
      ...['-rkey', scratch.write('key.pem', signer.privateKey.export({ format: 'pem', type: 'pkcs8' }))],
      ...['-reqin', scratch.write('request.der', request.build().publicBytes())],
      ...['-respout', scratch.path('response.der')],
      ...(byKey ? ['-resp_key_id'] : []),
      ...(embed ? [] : ['-resp_no_certs']),
      ...(digest === null ? [] : ['-rmd', digest]),
      ...(random.once(2) ? ['-nmin', String(1 + random.below(1000))] : ['-ndays', '2']),
    ];
    const { status, stderr } = openssl(args);
    if (status !== 0) {
      compare(args.join(' '), 'an answer', stderr);
      continue;
    }
    const theirs = loadDerOcspResponse(scratch.read('response.der'));
    const ours = again(theirs, {
      signer,
      byKey,
      embed,
      digest,
      asked: loadDerOcspRequest(request.build().publicBytes()),
    });
    if (isDeterministic(signer.type)) {
      compare(args.join(' '), ours.publicBytes().toString('hex'), theirs.publicBytes().toString('hex'));
    } else {
      compare(args.join(' '), withoutSignature(ours), withoutSignature(theirs));
    }
    const publicKey = createPublicKey(signer.privateKey);
    compare('its signature', verify(digest, theirs.tbsResponseBytes, publicKey, theirs.signature), true);
    compare('our signature', verify(digest, ours.tbsResponseBytes, publicKey, ours.signature), true);
  }
}

function index(random, leaves) {
  const row = ({ certificate }) => {
    const reason = random.pick(['', ',keyCompromise', ',superseded', ',CACompromise', ',removeFromCRL']);
    const [state, revoked] = random.once(2) ? ['V', ''] : ['R', `260102030405Z${reason}`];
    return `${state}\t490101000000Z\t${revoked}\t${certificate.serialNumber.padStart(2, '0')}\tunknown\t/CN=${certificate.serialNumber}\n`;
  };
  return leaves
    .filter(() => !random.once(5))
    .map(row)
    .join('');
}

function again(theirs, { signer, byKey, embed, digest, asked }) {
  let builder = new OCSPResponseBuilder()
    .responderId(byKey ? OCSPResponderEncoding.HASH : OCSPResponderEncoding.NAME, signer.certificate)
    .producedAt(theirs.producedAt);
  asked.requests.forEach((entry, i) => {
    const single = theirs.responses[i];
    builder = builder.addResponseByHash({
      issuerNameHash: entry.issuerNameHash,
      issuerKeyHash: entry.issuerKeyHash,
      serialNumber: entry.serialNumber,
      algorithm: entry.hashAlgorithm,
      certStatus: single.certificateStatus,
      thisUpdate: single.thisUpdate,
      nextUpdate: single.nextUpdate,
      revocationTime: single.revocationTime,
      revocationReason: single.revocationReason,
    });
  });
  for (const { value, critical } of asked.extensions) builder = builder.addExtension(value, critical);
  if (embed) builder = builder.certificates([signer.certificate]);
  return builder.sign(signer.privateKey, digest);
}
