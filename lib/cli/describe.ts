/** Messages and certificates as outlines for people, and certificates as JSON. */
import type { X509Certificate } from 'node:crypto';
import type { CertIdMembers } from '../ocsp/cert-id.js';
import { OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import { SERIAL } from '../ocsp/layout.js';
import { orError } from '../ocsp/message.js';
import type { OCSPRequest } from '../ocsp/request.js';
import type { OCSPResponse } from '../ocsp/response.js';
import type { OCSPSingleResponse } from '../ocsp/single-response.js';
import type { Extension, Extensions } from '../x509/extension.js';
import { DirectoryName } from '../x509/general-name.js';
import { SignatureAlgorithmOID } from '../x509/oids.js';
import { serialToText } from '../x509/serial-number.js';
import { parsePrintedTime } from '../x509/time.js';
import type { Json } from '../x509/value-object.js';
import { oneLine } from './input.js';
import { attempt, type Outline } from './outline.js';
import { counted } from './plural.js';

type Row = Outline['rows'][number];

const SIGNATURE_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(SignatureAlgorithmOID).map(([name, oid]) => [oid, name]),
);
const KEY_PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
};
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  [OCSPResponseStatus.MALFORMED_REQUEST]: 'the responder could not read the request',
  [OCSPResponseStatus.INTERNAL_ERROR]: 'the responder has problems',
  [OCSPResponseStatus.TRY_LATER]: 'the responder is overloaded',
  [OCSPResponseStatus.SIG_REQUIRED]: 'the responder requires signed requests',
  [OCSPResponseStatus.UNAUTHORIZED]: 'the responder does not answer for this certificate',
};

/** A request. */
export function describeRequest(request: OCSPRequest): Outline {
  const entries = request.requests;
  const rows: Row[] = [['entries', String(entries.length)]];
  if (orError(() => request.requestorName) !== null) rows.push(['requestor', attempt(() => requestor(request))]);
  if (!request.isSigned) rows.push(['signature', 'none']);
  return {
    title: 'OCSP request',
    rows,
    parts: [
      ...entries.map((entry, i) => ({
        title: `Entry ${i + 1} of ${entries.length}`,
        rows: certIdRows(entry),
        parts: extensionParts(() => entry.extensions),
      })),
      ...extensionParts(() => request.extensions),
      ...(request.isSigned ? signatureParts(request) : []),
    ],
  };
}

/** A response. */
export function describeResponse(response: OCSPResponse, now: number): Outline {
  const { responseStatus } = response;
  const name = OCSPResponseStatus[responseStatus] ?? `status ${responseStatus}`;
  if (responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
    return { title: 'OCSP response', rows: [['status', `${name}: ${STATUS_TEXTS[responseStatus] ?? 'no answer'}`]] };
  }
  const entries = response.responses;
  const { responderKeyHash } = response;
  const rows: Row[] = [
    ['status', name],
    responderKeyHash === null
      ? ['responder', attempt(() => response.responderName?.rfc4514String() || '(empty name)')]
      : ['responder key', responderKeyHash],
    ['produced at', attempt(() => moment(response.producedAt, now))],
    ['entries', String(entries.length)],
  ];
  return {
    title: 'OCSP response',
    rows,
    parts: [
      ...entries.map((entry, i) => describeEntry(entry, `Entry ${i + 1} of ${entries.length}`, now)),
      ...extensionParts(() => response.extensions),
      ...signatureParts(response),
    ],
  };
}

/** All that is in a message, for `JSON.stringify`. */
export function messageJson(message: OCSPRequest | OCSPResponse): object {
  const body = message.toJSON() as object;
  if ('responseStatus' in message && message.responseStatus !== OCSPResponseStatus.SUCCESSFUL) return body;
  return {
    ...body,
    ...('responses' in message && { responses: message.responses.map(entryJson) }),
    signatureAlgorithmOid: orError(() => message.signatureAlgorithmOid),
    signatureHashAlgorithm: orError(() => message.signatureHashAlgorithm),
    signature: orError(() => message.signature?.toString('hex') ?? null),
    certificates: orError(() => message.certificates.map(certificateJson)),
  };
}

/** An entry; its status also in the word that all commands have for it. */
function entryJson(entry: OCSPSingleResponse): object {
  const status = OCSPCertStatus[entry.certificateStatus]?.toLowerCase() ?? null;
  return { ...(entry.toJSON() as object), status };
}

function certificateJson(certificate: X509Certificate): Json {
  return {
    subject: (certificate.subject ?? '').replaceAll('\n', ', '),
    issuer: (certificate.issuer ?? '').replaceAll('\n', ', '),
    serialNumber: certificate.serialNumber,
    notBefore: isoOf(certificate.validFrom),
    notAfter: isoOf(certificate.validTo),
    key: keyText(certificate),
    extendedKeyUsage: purposes(certificate),
    sha256: certificate.fingerprint256,
    pem: certificate.toString(),
  };
}

function describeEntry(entry: OCSPSingleResponse, title: string, now: number): Outline {
  const { certificateStatus } = entry;
  const rows: Row[] = [['status', OCSPCertStatus[certificateStatus] ?? String(certificateStatus)]];
  if (certificateStatus === OCSPCertStatus.REVOKED) {
    rows.push(
      ['revoked at', attempt(() => moment(entry.revocationTime, now))],
      ['reason', attempt(() => entry.revocationReason ?? 'not given')],
    );
  }
  rows.push(
    ['this update', attempt(() => moment(entry.thisUpdate, now))],
    ['next update', attempt(() => moment(entry.nextUpdate, now))],
    ...certIdRows(entry),
  );
  return { title, rows, parts: extensionParts(() => entry.extensions) };
}

function certIdRows(entry: CertIdMembers): Row[] {
  return [
    ['serial number', attempt(() => `${serialToText(entry.parsedCertId().view(SERIAL))} (hexadecimal)`)],
    ['hash', attempt(() => entry.hashAlgorithm)],
    ['issuer name hash', entry.issuerNameHash],
    ['issuer key hash', entry.issuerKeyHash],
  ];
}

function requestor(request: OCSPRequest): string {
  const name = request.requestorName;
  return name instanceof DirectoryName ? name.value.rfc4514String() : JSON.stringify(name);
}

function extensionParts(read: () => Extensions): Outline[] {
  try {
    return Array.from(read(), describeExtension);
  } catch (error) {
    return [{ title: 'Extensions', rows: [['value', { error: (error as Error).message }]] }];
  }
}

function describeExtension({ oid, critical, value }: Extension): Outline {
  const json = value.toJSON();
  const fields: Row[] =
    typeof json === 'object' && json !== null && !Array.isArray(json)
      ? Object.entries(json)
          .filter(([name, field]) => field !== null && name !== 'oid')
          .map(([name, field]) => [name, typeof field === 'string' ? field : JSON.stringify(field)])
      : [['value', typeof json === 'string' ? json : JSON.stringify(json)]];
  return {
    title: `Extension ${value.constructor.name}`,
    rows: [['OID', oid], ...(critical ? ([['critical', 'yes']] as const) : []), ...fields],
  };
}

function signatureParts(message: OCSPRequest | OCSPResponse): Outline[] {
  const rows: Row[] = [
    [
      'algorithm',
      attempt(() => {
        const oid = message.signatureAlgorithmOid ?? '';
        return `${SIGNATURE_NAMES.get(oid) ?? 'unknown'} (${oid})`;
      }),
    ],
    ['bytes', attempt(() => message.signature ?? '')],
    ['verified', 'no: this command verifies nothing'],
  ];
  try {
    const { certificates } = message;
    return [
      { title: 'Signature', rows },
      ...certificates.map((item, i) => describeCertificate(item, `Certificate ${i + 1} of ${certificates.length}`)),
    ];
  } catch (error) {
    return [{ title: 'Signature', rows: [...rows, ['certificates', { error: (error as Error).message }]] }];
  }
}

function describeCertificate(certificate: X509Certificate, title: string): Outline {
  const usage = purposes(certificate);
  return {
    title,
    rows: [
      ['subject', oneLine(certificate.subject)],
      ['issuer', oneLine(certificate.issuer)],
      ['serial number', `${certificate.serialNumber} (hexadecimal)`],
      ['valid', `${isoOf(certificate.validFrom)} to ${isoOf(certificate.validTo)}`],
      ['key', keyText(certificate)],
      ...(usage.length === 0 ? [] : ([['key purposes', usage.join(', ')]] as const)),
      ['SHA-256', certificate.fingerprint256],
    ],
  };
}

function purposes(certificate: X509Certificate): string[] {
  // Node calls the extended key usage so.
  const oids = certificate.keyUsage as readonly string[] | undefined;
  return (oids ?? []).map((oid) => KEY_PURPOSES[oid] ?? oid);
}

function keyText(certificate: X509Certificate): string {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
    return [asymmetricKeyType, modulusLength ?? namedCurve].filter((part) => part !== undefined).join(' ');
  } catch {
    return 'of an unknown type';
  }
}

/** The date that OpenSSL has written into one of Node's certificates. */
function isoOf(text: string): string {
  const date = new Date(parsePrintedTime(text));
  return Number.isNaN(date.getTime()) ? text : isoTime(date);
}

/** A moment in whole seconds. */
export function isoTime(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** A moment, and how far from now it is. Not by `Intl`, which takes a fifth of the time that Node itself needs to start. */
function moment(date: Date | null, now: number): string {
  if (date === null) return 'none';
  const seconds = date.getTime() / 1000 - now;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  const distance = counted(Math.trunc(Math.abs(seconds) / length), unit).replace(/\B(?=(\d{3})+ )/g, ',');
  return `${isoTime(date)} (${seconds < 0 ? `${distance} ago` : `in ${distance}`})`;
}
