/** Requests as the command makes them: any hash in CertIDs, a nonce put into what came from a file, a signature. */
import { type KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import { signEncodedRequest } from '../../ocsp/encoded-signing.js';
import { loadDerOcspRequest, type OCSPRequest } from '../../ocsp/request.js';
import {
  contextTag,
  DerReader,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSequenceOf,
  encodeTlv,
  Tag,
  type Tlv,
} from '../../x509/der.js';
import { OCSPExtensionOID } from '../../x509/oids.js';
import { type Digest, hash } from './digests.js';

const NONCE_OCTETS = 16;
/** directoryName of GeneralName. */
const DIRECTORY_NAME = 4;

/** What CertIDs need of a certificate. */
export interface CertificateParts {
  /** INTEGER element. */
  readonly serial: Buffer;
  /** Name elements. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** Content of the subjectPublicKey BIT STRING, without the byte of unused bits. */
  readonly publicKey: Buffer;
}

/** Reads them from a certificate that OpenSSL has decoded. */
export function partsOf(certificate: X509Certificate): CertificateParts {
  const tbs = new DerReader(certificate.raw).enter(Tag.SEQUENCE).enter(Tag.SEQUENCE);
  tbs.optional(contextTag(0));
  const serial = tbs.copyTlv(tbs.read(Tag.INTEGER));
  tbs.read(Tag.SEQUENCE);
  const issuer = tbs.copyTlv(tbs.read(Tag.SEQUENCE));
  tbs.read(Tag.SEQUENCE);
  const subject = tbs.copyTlv(tbs.read(Tag.SEQUENCE));
  const info = tbs.enter(Tag.SEQUENCE);
  info.read(Tag.SEQUENCE);
  const publicKey = info.copyContent(info.read(Tag.BIT_STRING)).subarray(1);
  return { serial, issuer, subject, publicKey };
}

/** DER of a CertID. `serial` is an INTEGER element. */
export function encodeCertId(digest: Digest, issuerName: Buffer, issuerKey: Buffer, serial: Buffer): Buffer {
  return encodeSequence(
    encodeSequence(encodeOid(digest.oid), encodeNull()),
    encodeOctetString(hash(digest, issuerName)),
    encodeOctetString(hash(digest, issuerKey)),
    serial,
  );
}

/** CertID of a certificate (`OCSP_cert_to_id`). */
export function certIdOf(digest: Digest, certificate: X509Certificate, issuer: X509Certificate): Buffer {
  const { serial, issuer: issuerName } = partsOf(certificate);
  return encodeCertId(digest, issuerName, partsOf(issuer).publicKey, serial);
}

/** CertID of a serial number. */
export function certIdOfSerial(digest: Digest, serial: bigint, issuer: X509Certificate): Buffer {
  const { subject, publicKey } = partsOf(issuer);
  return encodeCertId(digest, subject, publicKey, encodeInteger(serial));
}

/** A number as `s2i_ASN1_INTEGER` reads it: sign, and hexadecimal digits after 0x; undefined for anything else. */
export function parseSerial(text: string): bigint | undefined {
  const [, sign, hex, decimal] = /^(-?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))$/.exec(text) ?? [];
  const digits = hex === undefined ? decimal : `0x${hex}`;
  // Longer ones would only be slow.
  if (digits === undefined || digits.length > 10_000) return undefined;
  const value = BigInt(digits);
  return sign === '-' ? -value : value;
}

/** A request that asks for these CertIDs. */
export function makeRequest(ids: readonly Buffer[]): OCSPRequest {
  const list = encodeSequenceOf(ids.map((id) => encodeSequence(id)));
  return loadDerOcspRequest(encodeSequence(encodeSequence(list)), { strict: false });
}

/** The parts of an OCSPRequest that may be changed. */
interface Parts {
  version: Buffer;
  requestorName: Buffer;
  requestList: Buffer;
  /** Extension elements. */
  extensions: { oid: string; element: Buffer }[];
  signature: Buffer;
}

const NOTHING = Buffer.alloc(0);

function takeApart(request: OCSPRequest): Parts {
  const outer = new DerReader(request.publicBytes()).enter(Tag.SEQUENCE);
  const tbs = outer.enter(Tag.SEQUENCE);
  const part = (reader: DerReader, tlv: Tlv | undefined): Buffer => (tlv === undefined ? NOTHING : reader.copyTlv(tlv));
  const version = part(tbs, tbs.optional(contextTag(0)));
  const requestorName = part(tbs, tbs.optional(contextTag(1)));
  const requestList = part(tbs, tbs.read(Tag.SEQUENCE));
  const wrapped = tbs.optional(contextTag(2));
  const extensions: Parts['extensions'] = [];
  if (wrapped !== undefined) {
    const list = new DerReader(tbs.bytes, wrapped.contentStart, wrapped.end).enter(Tag.SEQUENCE);
    while (!list.atEnd) {
      const tlv = list.read(Tag.SEQUENCE);
      extensions.push({
        oid: new DerReader(list.bytes, tlv.contentStart, tlv.end).readOid(),
        element: list.copyTlv(tlv),
      });
    }
  }
  return { version, requestorName, requestList, extensions, signature: part(outer, outer.optional(contextTag(0))) };
}

function putTogether({ version, requestorName, requestList, extensions, signature }: Parts): OCSPRequest {
  const list = extensions.map(({ element }) => element);
  const wrapped = list.length === 0 ? NOTHING : encodeTlv(contextTag(2), encodeSequenceOf(list));
  const tbs = encodeSequence(version, requestorName, requestList, wrapped);
  return loadDerOcspRequest(encodeSequence(tbs, signature), { strict: false });
}

/** The request with a random nonce, in the place of one that is there (`OCSP_request_add1_nonce`). */
export function withNonce(request: OCSPRequest): OCSPRequest {
  const parts = takeApart(request);
  const oid = OCSPExtensionOID.NONCE;
  const value = encodeOctetString(encodeOctetString(randomBytes(NONCE_OCTETS)));
  const nonce = { oid, element: encodeSequence(encodeOid(oid), value) };
  const at = parts.extensions.findIndex((extension) => extension.oid === oid);
  if (at < 0) parts.extensions.push(nonce);
  else parts.extensions[at] = nonce;
  return putTogether(parts);
}

/** Who signs a request, and what is included. */
export interface RequestSigner {
  readonly signer: X509Certificate;
  readonly key: KeyObject;
  readonly certificates: readonly X509Certificate[];
}

/** The request with a signature by the default hash of the key (`OCSP_request_sign`). Throws what signing throws. */
export function withSignature(request: OCSPRequest, { signer, key, certificates }: RequestSigner): OCSPRequest {
  const directoryName = encodeTlv(contextTag(DIRECTORY_NAME), partsOf(signer).subject);
  const named = putTogether({
    ...takeApart(request),
    requestorName: encodeTlv(contextTag(1), directoryName),
    signature: NOTHING,
  });
  const signed = signEncodedRequest(named.publicBytes(), { signer, key, certificates });
  return loadDerOcspRequest(signed, { strict: false });
}

/** The CertIDs that a request asks for, as they stand in it. */
export function certIdsOf(request: OCSPRequest): Buffer[] {
  const { requestList } = takeApart(request);
  const list = new DerReader(requestList).enter(Tag.SEQUENCE);
  const ids: Buffer[] = [];
  while (!list.atEnd) {
    const entry = list.enter(Tag.SEQUENCE);
    ids.push(entry.copyTlv(entry.read(Tag.SEQUENCE)));
  }
  return ids;
}

/** The whole nonce extension of a request, if it has one. */
export function nonceExtensionOf(request: OCSPRequest): Buffer | undefined {
  return takeApart(request).extensions.find(({ oid }) => oid === OCSPExtensionOID.NONCE)?.element;
}
