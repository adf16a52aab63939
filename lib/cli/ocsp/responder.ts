/** The file mode of the responder: an answer to a request, out of the database of `openssl ca`. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { OCSPError } from '../../errors.js';
import { signEncodedResponse } from '../../ocsp/encoded-signing.js';
import { OCSPResponseStatus } from '../../ocsp/enums.js';
import type { OCSPRequest } from '../../ocsp/request.js';
import {
  contextTag,
  DerReader,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSequenceOf,
  encodeTlv,
  Tag,
} from '../../x509/der.js';
import { type Database, serialKey } from './database.js';
import { type Digest, findDigest, hash } from './digests.js';
import { keyMismatch } from './queue.js';
import { certIdsOf, encodeCertId, nonceExtensionOf, partsOf } from './request.js';
import { type Revocation, unpackRevocation } from './revocation.js';
import type { Session } from './session.js';
import { readSignatureOptions } from './signature-options.js';

/** What the answer is made of. */
export interface ResponderSettings {
  readonly database: Database;
  /** What the file was when it began to be read: {@link indexState}. */
  readonly readAs: string;
  readonly authorities: readonly X509Certificate[];
  readonly signer: X509Certificate;
  readonly key: KeyObject;
  /** Certificates that are included. */
  readonly others: readonly X509Certificate[];
  readonly digest: Digest | undefined;
  readonly signatureOptions: readonly string[];
  /** Hash for the CertIDs of the answer; undefined for those of the request. */
  readonly certIdDigest: Digest | undefined;
  readonly noCertificates: boolean;
  readonly byKey: boolean;
  readonly spoilSignature: boolean;
  /** From thisUpdate to nextUpdate, in seconds; undefined for no nextUpdate. */
  readonly period: number | undefined;
}

const GOOD = encodeTlv(contextTag(0, false));
const UNKNOWN = encodeTlv(contextTag(2, false));
const REVOKED = contextTag(1);

/** DER of a response that says why there is none. */
function unsuccessful(status: OCSPResponseStatus): Buffer {
  return encodeSequence(encodeEnumerated(status));
}

/** DER of the answer. Ends the run where OpenSSL makes none. */
export function respond(session: Session, request: OCSPRequest, settings: ResponderSettings): Buffer {
  const ids = certIdsOf(request);
  if (ids.length === 0) return unsuccessful(OCSPResponseStatus.MALFORMED_REQUEST);
  const now = new Date();
  const entries: Buffer[] = [];
  for (const id of ids) {
    const answer = answerTo(session, id, settings);
    if (answer === undefined) return unsuccessful(OCSPResponseStatus.INTERNAL_ERROR);
    // An expired certificate is left out.
    if (answer !== null) entries.push(encodeEntry(answer, now, settings.period));
  }
  return sign(session, encodeResponseData(settings, now, entries, nonceExtensionOf(request)), settings);
}

interface Answer {
  readonly certId: Buffer;
  /** CertStatus element. */
  readonly status: Buffer;
  readonly extension?: Revocation['extension'];
}

/** null for no answer; undefined when the request cannot be answered at all. */
function answerTo(session: Session, id: Buffer, settings: ResponderSettings): Answer | null | undefined {
  const reader = new DerReader(id).enter(Tag.SEQUENCE);
  const digest = findDigest(reader.enter(Tag.SEQUENCE).readOid());
  if (digest === undefined) return undefined;
  const nameHash = reader.readOctetString();
  const keyHash = reader.readOctetString();
  const serialTlv = reader.read(Tag.INTEGER);
  const serial = reader.copyTlv(serialTlv);
  const authority = settings.authorities.map(partsOf).find(({ subject, publicKey }) => {
    return hash(digest, subject).equals(nameHash) && hash(digest, publicKey).equals(keyHash);
  });
  if (authority === undefined) return { certId: id, status: UNKNOWN };
  const { certIdDigest } = settings;
  const certId =
    certIdDigest === undefined ? id : encodeCertId(certIdDigest, authority.subject, authority.publicKey, serial);
  const row = settings.database.get(databaseKey(new DerReader(serial).readInteger()));
  switch (row?.type) {
    case undefined:
      return { certId, status: UNKNOWN };
    case 'V':
      return { certId, status: GOOD };
    case 'R': {
      const revocation = unpackRevocation(session, row.revocation);
      return revocation && { certId, status: revokedStatus(revocation), extension: revocation.extension };
    }
    default:
      return null;
  }
}

function databaseKey(serial: bigint): string {
  const digits = (serial < 0n ? -serial : serial).toString(16);
  // As OpenSSL writes negative numbers: whole bytes.
  return serial < 0n ? `-${digits.length % 2 ? '0' : ''}${digits}`.toUpperCase() : serialKey(digits);
}

function revokedStatus({ time, reason }: Revocation): Buffer {
  const fields = [encodeGeneralizedTime(time)];
  if (reason !== undefined) fields.push(encodeTlv(contextTag(0), encodeEnumerated(reason)));
  return encodeTlv(REVOKED, ...fields);
}

function encodeEntry({ certId, status, extension }: Answer, now: Date, period: number | undefined): Buffer {
  const fields = [certId, status, encodeGeneralizedTime(now)];
  if (period !== undefined) {
    fields.push(encodeTlv(contextTag(0), encodeGeneralizedTime(new Date(now.getTime() + period * 1000))));
  }
  if (extension !== undefined) {
    const [oid, value] = extension;
    fields.push(encodeTlv(contextTag(1), encodeSequence(encodeSequence(encodeOid(oid), encodeOctetString(value)))));
  }
  return encodeSequence(...fields);
}

function encodeResponseData(
  { signer, byKey }: ResponderSettings,
  now: Date,
  entries: readonly Buffer[],
  nonce: Buffer | undefined,
): Buffer {
  const { subject, publicKey } = partsOf(signer);
  const sha1 = findDigest('SHA1') as Digest;
  const responder = byKey
    ? encodeTlv(contextTag(2), encodeOctetString(hash(sha1, publicKey)))
    : encodeTlv(contextTag(1), subject);
  const fields = [responder, encodeGeneralizedTime(now), encodeSequenceOf(entries)];
  if (nonce !== undefined) fields.push(encodeTlv(contextTag(1), encodeSequence(nonce)));
  return encodeSequence(...fields);
}

/** OpenSSL then tries to encode what it has not signed. */
const NOT_SIGNED = [
  { code: '068000DE', library: 'asn1 encoding routines', reason: 'illegal zero content' },
  { code: '06800070', library: 'asn1 encoding routines', reason: 'encode error' },
];

function sign(session: Session, responseData: Buffer, settings: ResponderSettings): Buffer {
  const { signer, key, digest, noCertificates, others, signatureOptions, spoilSignature } = settings;
  const digestLength = hash(digest ?? (findDigest('SHA256') as Digest), Buffer.alloc(0)).length;
  const options = readSignatureOptions(session, signatureOptions, key, digestLength);
  if (options === undefined) return unsuccessful(OCSPResponseStatus.INTERNAL_ERROR);
  try {
    const certificates = noCertificates ? [] : [signer, ...others];
    const response = signEncodedResponse(responseData, { signer, key, hash: digest?.name, ...options, certificates });
    return spoilSignature ? spoil(response) : response;
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    if (error.code === 'ERR_OCSP_KEY_MISMATCH') {
      session.push(...keyMismatch(signer.publicKey.asymmetricKeyType, key.asymmetricKeyType), ...NOT_SIGNED);
      return session.stop();
    }
    session.pushFrom(error);
    return unsuccessful(OCSPResponseStatus.INTERNAL_ERROR);
  }
}

/** Changes the last bit of the signature. */
function spoil(response: Buffer): Buffer {
  const outer = new DerReader(response).enter(Tag.SEQUENCE);
  outer.read(Tag.ENUMERATED);
  const bytes = outer.enter(contextTag(0)).enter(Tag.SEQUENCE);
  bytes.readOid();
  const basic = bytes.enter(Tag.OCTET_STRING).enter(Tag.SEQUENCE);
  basic.read(Tag.SEQUENCE);
  basic.read(Tag.SEQUENCE);
  const { end } = basic.read(Tag.BIT_STRING);
  const spoilt = Buffer.from(response);
  spoilt[end - 1] = (spoilt[end - 1] as number) ^ 1;
  return spoilt;
}
