// What Python's cryptography reads in messages, and the requests that it builds. PYTHON names the interpreter.
import { spawnSync } from 'node:child_process';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPRequestBuilder } from 'openssl-ocsp';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { authorities, someEntry } from '../material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from '../messages.mjs';

export const about = "what Python's cryptography reads and builds";

export function run({ compare, random, cases }) {
  const python = process.env.PYTHON;
  if (!python) return 'PYTHON names no interpreter that has cryptography';
  const [version] = answers(python, [{ kind: 'version' }]) ?? [];
  if (version === undefined) return `${python} has no cryptography`;
  const list = authorities(random);
  const times = (make) => Array.from({ length: cases }, make);
  // It reads messages about one certificate only.
  const only = (given) => ({ ...given, entries: given.entries.slice(0, 1) });
  const asked = [
    ...times(() => messageOf('request', buildRequest(only(someRequest(random, list))))),
    ...times(() => messageOf('response', buildResponse(only(someResponse(random, list))))),
    ...times(() => requestFor(someEntry(random, list))),
  ];
  const theirs = answers(
    python,
    asked.map(({ question }) => question),
  );
  asked.forEach(({ question, ours }, i) => {
    compare(`${question.kind}, cryptography ${version}`, ours, theirs[i], { question });
  });
}

/** undefined where the interpreter fails. */
function answers(python, questions) {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const { status, stdout } = spawnSync(python, ['-W', 'ignore', inRoot('parity', 'python', 'answer.py')], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return status === 0
    ? stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : undefined;
}

function requestFor({ subject, issuer, hash }) {
  const request = new OCSPRequestBuilder().addCertificate(subject.certificate, issuer.certificate, hash).build();
  const question = { kind: 'build', subject: hex(subject.der), issuer: hex(issuer.der), hash };
  return { question, ours: hex(request.publicBytes()) };
}

function messageOf(kind, built) {
  const message = built.publicBytes();
  return { question: { kind, message: hex(message) }, ours: MEMBERS[kind](message) };
}

const hex = (bytes) => bytes?.toString('hex') ?? null;
const time = (date) => date?.toISOString() ?? null;
const certId = ({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }) => [
  ...[hashAlgorithm, hex(issuerNameHash), hex(issuerKeyHash)],
  String(serialNumber),
];
const extensions = (values) => [...values].map(({ oid, critical, value }) => [oid, critical, hex(value.publicBytes())]);

const MEMBERS = {
  request: (bytes) => {
    const message = loadDerOcspRequest(bytes);
    return { bytes: hex(message.publicBytes()), certId: certId(message), extensions: extensions(message.extensions) };
  },
  response: (bytes) => {
    const message = loadDerOcspResponse(bytes);
    return {
      bytes: hex(message.publicBytes()),
      responseStatus: message.responseStatus,
      signatureAlgorithmOid: message.signatureAlgorithmOid,
      signature: hex(message.signature),
      tbsResponseBytes: hex(message.tbsResponseBytes),
      certificates: message.certificates.map(({ raw }) => hex(raw)),
      responderKeyHash: hex(message.responderKeyHash),
      responderName: hex(message.responderName?.publicBytes()),
      producedAt: time(message.producedAt),
      certificateStatus: message.certificateStatus,
      revocationTime: time(message.revocationTime),
      revocationReason: message.revocationReason,
      thisUpdate: time(message.thisUpdate),
      nextUpdate: time(message.nextUpdate),
      certId: certId(message),
      extensions: extensions(message.extensions),
      singleExtensions: extensions(message.singleExtensions),
    };
  },
};
