/** OCSP responses written byte by byte: right ones, and ones that no builder would make. */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import {
  DerReader,
  encodeBitString,
  encodeBoolean,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeTlv,
  Tag,
} from '../x509/der.js';
import { HashAlgorithmOID, OCSPResponseTypeOID } from '../x509/oids.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { serialToBytes } from '../x509/serial-number.js';
import { publicKeyBits, readExtension, type TestExtension } from './certificate.js';
import { SIGNATURE_NAMES, signatureAlgorithm, signBytes, type TestSignatureOptions } from './signature.js';
import type { TestIdentity } from './test-ca.js';

/** A moment, or the content bytes of a GeneralizedTime as they are to be written, right or wrong. */
export type TestTime = Date | string;

/** One SingleResponse. */
export interface TestEntry {
  /** The certificate that the entry is about. */
  certificate: X509Certificate;
  /** Its issuer. */
  issuer: X509Certificate;
  /** Hash of the CertID. Default `sha1`. */
  hash?: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
  /** Leave out the NULL parameters of the hash's AlgorithmIdentifier. */
  withoutHashParameters?: boolean;
  /** In place of the certificate's own. */
  serialNumber?: bigint;
  /** In place of the issuer's own. */
  issuerNameHash?: Uint8Array;
  /** In place of the issuer's own. */
  issuerKeyHash?: Uint8Array;
  /** Default `good`. */
  status?: 'good' | 'revoked' | 'unknown';
  /** Default: an hour before thisUpdate. */
  revocationTime?: TestTime;
  /** CRLReason code. */
  revocationReason?: number;
  /** Default: now. */
  thisUpdate?: TestTime;
  /** Default: in a day; null for none. */
  nextUpdate?: TestTime | null;
  /** singleExtensions. */
  extensions?: readonly TestExtension[];
}

/** A response. Nothing is checked for sense: wrong responses are half of the purpose. */
export interface TestResponseOptions extends TestSignatureOptions {
  /** Who signs. */
  signer: TestIdentity;
  /** The entries. */
  entries: readonly TestEntry[];
  /** The certificate that the ResponderID names. Default: that of the signer. */
  responder?: X509Certificate;
  /** Default `key`. */
  responderId?: 'key' | 'name';
  /** Default: now. */
  producedAt?: TestTime;
  /** responseExtensions. */
  extensions?: readonly TestExtension[];
  /** Certificates that are included. Default: none. */
  certificates?: readonly (X509Certificate | Uint8Array)[];
  /** The last byte of the signature is changed. */
  breakSignature?: boolean;
  /** Bytes behind the BasicOCSPResponse, inside the OCTET STRING. */
  trailingInside?: Uint8Array;
  /** Bytes behind the whole. */
  trailing?: Uint8Array;
  /** Version number, written out. Default: v1, left out as it is the default. */
  version?: number;
}

/** The names of {@link TestEntry}. */
export const ENTRY_NAMES: OptionNames<TestEntry> = {
  certificate: true,
  issuer: true,
  hash: true,
  withoutHashParameters: true,
  serialNumber: true,
  issuerNameHash: true,
  issuerKeyHash: true,
  status: true,
  revocationTime: true,
  revocationReason: true,
  thisUpdate: true,
  nextUpdate: true,
  extensions: true,
};

/** The names of {@link TestResponseOptions}. */
export const RESPONSE_NAMES: OptionNames<TestResponseOptions> = {
  ...SIGNATURE_NAMES,
  signer: true,
  entries: true,
  responder: true,
  responderId: true,
  producedAt: true,
  extensions: true,
  certificates: true,
  breakSignature: true,
  trailingInside: true,
  trailing: true,
  version: true,
};

const DAY = 24 * 3600 * 1000;

/** Writes and signs a response. */
export function buildTestResponse(input: TestResponseOptions): Buffer {
  const options = readOptions(input, RESPONSE_NAMES);
  const { signer, entries, responderId = 'key', certificates = [], extensions = [], version } = options;
  const responder = options.responder ?? signer.certificate;
  const data = encodeSequence(
    ...(version === undefined ? [] : [encodeTlv(0xa0, encodeInteger(BigInt(version)))]),
    responderId === 'name'
      ? encodeTlv(0xa1, subjectOf(responder))
      : encodeTlv(0xa2, encodeOctetString(keyHash(responder.publicKey, 'sha1'))),
    encodeTime(options.producedAt ?? new Date()),
    encodeSequence(...entries.map(encodeEntry)),
    ...(extensions.length === 0 ? [] : [encodeTlv(0xa1, encodeExtensionList(extensions))]),
  );
  const signature = signBytes(data, signer.privateKey, options);
  if (options.breakSignature) signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
  const basic = encodeSequence(
    data,
    signatureAlgorithm(signer.privateKey, options),
    encodeBitString(signature),
    ...(certificates.length === 0
      ? []
      : [encodeTlv(0xa0, encodeSequence(...certificates.map((item) => ('raw' in item ? item.raw : item))))]),
  );
  return wrapTestResponse(Buffer.concat([basic, options.trailingInside ?? Buffer.alloc(0)]), options.trailing);
}

/** An OCSPResponse around the bytes of a BasicOCSPResponse. */
export function wrapTestResponse(
  basic: Uint8Array,
  trailing?: Uint8Array,
  type: string = OCSPResponseTypeOID.BASIC,
): Buffer {
  const bytes = encodeSequence(encodeOid(type), encodeOctetString(basic));
  return Buffer.concat([encodeSequence(encodeEnumerated(0), encodeTlv(0xa0, bytes)), trailing ?? Buffer.alloc(0)]);
}

/** An OCSPResponse without an answer. */
export function testErrorResponse(status: number): Buffer {
  return encodeSequence(encodeEnumerated(status));
}

function encodeEntry(input: TestEntry): Buffer {
  const entry = readOptions(input, ENTRY_NAMES, 'entry');
  const { certificate, issuer, hash = 'sha1', status = 'good', nextUpdate, extensions = [] } = entry;
  const thisUpdate = entry.thisUpdate ?? new Date();
  const oid = encodeOid(HashAlgorithmOID[hash.toUpperCase() as keyof typeof HashAlgorithmOID]);
  const next = nextUpdate === undefined ? new Date(Date.now() + DAY) : nextUpdate;
  return encodeSequence(
    encodeSequence(
      entry.withoutHashParameters ? encodeSequence(oid) : encodeSequence(oid, encodeNull()),
      encodeOctetString(entry.issuerNameHash ?? createHash(hash).update(subjectOf(issuer)).digest()),
      encodeOctetString(entry.issuerKeyHash ?? keyHash(issuer.publicKey, hash)),
      encodeTlv(Tag.INTEGER, serialToBytes(entry.serialNumber ?? certificate.serialNumber)),
    ),
    encodeStatus(status, entry),
    encodeTime(thisUpdate),
    ...(next === null ? [] : [encodeTlv(0xa0, encodeTime(next))]),
    ...(extensions.length === 0 ? [] : [encodeTlv(0xa1, encodeExtensionList(extensions))]),
  );
}

function encodeStatus(status: 'good' | 'revoked' | 'unknown', { revocationTime, revocationReason }: TestEntry): Buffer {
  if (status === 'good') return encodeTlv(0x80);
  if (status === 'unknown') return encodeTlv(0x82);
  const reason = revocationReason === undefined ? [] : [encodeTlv(0xa0, encodeEnumerated(revocationReason))];
  return encodeTlv(0xa1, encodeTime(revocationTime ?? new Date(Date.now() - 3_600_000)), ...reason);
}

function encodeTime(time: TestTime): Buffer {
  return typeof time === 'string' ? encodeTlv(0x18, Buffer.from(time, 'latin1')) : encodeGeneralizedTime(time);
}

function encodeExtensionList(extensions: readonly TestExtension[]): Buffer {
  return encodeSequence(
    ...extensions
      .map(readExtension)
      .map(({ oid, critical = false, value }) =>
        encodeSequence(encodeOid(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value)),
      ),
  );
}

function keyHash(publicKey: KeyObject, hash: string): Buffer {
  return createHash(hash).update(publicKeyBits(publicKey)).digest();
}

/** The Name element of a certificate's subject. */
function subjectOf({ raw }: X509Certificate): Buffer {
  const tbs = new DerReader(raw).enter(Tag.SEQUENCE).enter(Tag.SEQUENCE);
  tbs.optional(0xa0);
  // serialNumber, signature, issuer, validity
  for (let i = 0; i < 4; i++) tbs.readTlv();
  return tbs.copyTlv(tbs.readTlv());
}
