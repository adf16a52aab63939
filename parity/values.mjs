// What this library reads in a message, in the form of the oracle's answers (parity/oracle/reading.cc).
import { isDeepStrictEqual } from 'node:util';
import { OCSPError, OCSPRequestEntry } from 'openssl-ocsp';
import { HashAlgorithmOID } from 'openssl-ocsp/x509';
import { REASON_CODES } from './messages.mjs';

const hex = (bytes) => bytes?.toString('hex') ?? null;

/** `read()`, or the code of the error. */
function orCode(read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    return { error: error.code };
  }
}

/** GeneralizedTime's characters, in hex. */
function time(date) {
  if (date === null) return null;
  return Buffer.from(date.toISOString().replace(/[-:T]|\.000/g, '')).toString('hex');
}

const extensions = (owner) =>
  orCode(() => [...owner.extensions].map(({ oid, critical, value }) => [oid, critical, hex(value.publicBytes())]));

const certId = (entry) => [
  orCode(() => HashAlgorithmOID[entry.hashAlgorithm.replace('-', '_').toUpperCase()]),
  hex(entry.issuerNameHash),
  hex(entry.issuerKeyHash),
  String(entry.serialNumber),
];

function entryValues(entry) {
  const values = { certId: certId(entry), extensions: extensions(entry) };
  if (entry instanceof OCSPRequestEntry) return values;
  return {
    ...values,
    status: entry.certificateStatus,
    reason: orCode(() => (entry.revocationReason === null ? -1 : REASON_CODES[entry.revocationReason])),
    revocationTime: orCode(() => time(entry.revocationTime)),
    thisUpdate: orCode(() => time(entry.thisUpdate)),
    nextUpdate: orCode(() => time(entry.nextUpdate)),
  };
}

export const requestValues = (request) => ({
  der: hex(request.publicBytes()),
  signed: request.isSigned,
  entries: request.requests.map(entryValues),
  extensions: extensions(request),
});

export function responseValues(response) {
  const status = response.responseStatus;
  const der = hex(response.publicBytes());
  if (status !== 0) return { status, der };
  return {
    status,
    der,
    basic: {
      responderKeyHash: hex(response.responderKeyHash),
      responderName: orCode(() => hex(response.responderName?.publicBytes())),
      producedAt: orCode(() => time(response.producedAt)),
      responses: response.responses.map(entryValues),
      extensions: extensions(response),
      responseData: hex(response.tbsResponseBytes),
      algorithm: orCode(() => response.signatureAlgorithmOid),
      signature: hex(response.signature),
      certificates: orCode(() => response.certificates.map(({ raw }) => hex(raw))),
    },
  };
}

/** Where two trees of values differ, as [path, ours, theirs]. A value that could not be read is not looked into. */
export function differences(ours, theirs, path = []) {
  const keys = [ours, theirs].map((tree) =>
    typeof tree === 'object' && tree !== null && tree.error === undefined ? Object.keys(tree).sort() : undefined,
  );
  if (keys[0] !== undefined && isDeepStrictEqual(...keys)) {
    return keys[0].flatMap((key) => differences(ours[key], theirs[key], [...path, key]));
  }
  return isDeepStrictEqual(ours, theirs) ? [] : [[path.join('.'), ours, theirs]];
}
