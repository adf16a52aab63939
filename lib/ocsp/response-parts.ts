/** Parts of a response that are worked out when somebody asks. */
import { createHash, type X509Certificate } from 'node:crypto';
import { native } from '../binding.js';
import { malformed } from '../errors.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import { contextTag, copyBytes, DerReader, encodeOctetString, encodeTlv, Tag } from '../x509/der.js';
import { type Name, nameOver } from '../x509/name.js';
import { x509Of } from '../x509/pem.js';
import {
  CERTIFICATES,
  FIRST_SINGLE,
  RESPONDER_ID,
  RESPONDER_ID_TAG,
  RESPONSE_COUNT,
  RESPONSES,
  SINGLE_SIZE,
  takeResponseOffsets,
} from './layout.js';
import { INTERNAL, type MessageBytes, MessageView } from './message.js';
import { OCSPSingleResponse } from './single-response.js';

/** Tags of the two kinds of ResponderID. */
const BY_NAME = 1;
const BY_KEY = 2;

/** What names an answer in place of the answer itself: OcspResponsesID of CAdES, OCSPRef of XAdES. */
export interface OCSPResponseReference {
  /** DER of the ResponderID. */
  readonly responderIdBytes: Buffer;
  /** The subject of the responder's certificate; null where there is {@link responderKeyHash}. */
  readonly responderName: Name | null;
  /** SHA-1 hash of the responder's public key; null where there is {@link responderName}. */
  readonly responderKeyHash: Buffer | null;
  /** When the response was signed. */
  readonly producedAt: Date;
  /** The hash of both digests. */
  readonly hashAlgorithm: HashAlgorithm;
  /** Hash of the BasicOCSPResponse, which is what a CAdES signature holds. */
  readonly basicResponseDigest: Buffer;
  /** Hash of the whole OCSPResponse, which is what a XAdES or PAdES signature holds. */
  readonly responseDigest: Buffer;
}

/** Reads a whole message. */
export function readResponse(der: MessageBytes): MessageView {
  native.parseResponse(der.memory, der.start, der.end, der.reading);
  return new MessageView(der, takeResponseOffsets(), 0);
}

/** The entries, in the order of the message. */
export function readResponses(message: MessageView): OCSPSingleResponse[] {
  const { der, offsets } = message;
  const count = message.number(RESPONSE_COUNT);
  if (count === 0) return [];
  if (count === 1) return [new OCSPSingleResponse(INTERNAL, new MessageView(der, offsets, FIRST_SINGLE))];
  const list = native.parseSingleResponses(der.memory, message.start(RESPONSES), message.end(RESPONSES), der.reading);
  return Array.from(
    { length: count },
    (_, i) => new OCSPSingleResponse(INTERNAL, new MessageView(der, list, i * SINGLE_SIZE)),
  );
}

/** The DER of the certificates inside. Not copies: never hand them out. */
export function viewCertificates(message: MessageView): Buffer[] {
  if (!message.has(CERTIFICATES)) return [];
  const { memory, reading } = message.der;
  const ranges = native.parseCertificates(memory, message.start(CERTIFICATES), message.end(CERTIFICATES), reading);
  return Array.from({ length: ranges.length / 2 }, (_, i) => memory.subarray(ranges[2 * i], ranges[2 * i + 1]));
}

/** The certificates inside. */
export function readCertificates(message: MessageView): X509Certificate[] {
  return viewCertificates(message).map((der, i) => {
    try {
      return x509Of(copyBytes(der));
    } catch (cause) {
      throw malformed(`OpenSSL cannot decode certificate ${i} of the response`, { cause });
    }
  });
}

/** The ResponderID element (RFC 6960 section 4.2.1). */
export function responderIdOf(message: MessageView): Buffer {
  const tag = message.number(RESPONDER_ID_TAG);
  const content = message.view(RESPONDER_ID);
  return encodeTlv(contextTag(tag), tag === BY_KEY ? encodeOctetString(content) : content);
}

/** Whether a responder with this name, and this SHA-1 hash of its key, is the one that the ResponderID names. */
export function isResponder(message: MessageView, subject: Uint8Array, keyHash: Uint8Array): boolean {
  return message.is(RESPONDER_ID, isByKey(message) ? keyHash : subject);
}

/** Whether its ResponderID is a hash of the key, not a name. */
export function isByKey(message: MessageView): boolean {
  return message.number(RESPONDER_ID_TAG) === BY_KEY;
}

/** The key hash of a ResponderID byKey. */
export function responderKeyHashOf(message: MessageView): Buffer | null {
  return isByKey(message) ? message.bytes(RESPONDER_ID) : null;
}

/** The name of a ResponderID byName. Throws `ERR_OCSP_MALFORMED` when it holds a string that is not what it says. */
export function responderNameOf(message: MessageView): Name | null {
  if (message.number(RESPONDER_ID_TAG) !== BY_NAME) return null;
  return nameOver(message.memory, message.start(RESPONDER_ID), message.end(RESPONDER_ID), message.der.start);
}

/** The BasicOCSPResponse element of a successful response. */
export function basicResponseOf({ der }: MessageView): Buffer {
  const responseBytes = new DerReader(der.memory, der.start, der.end).enter(Tag.SEQUENCE, 'OCSPResponse');
  responseBytes.read(Tag.ENUMERATED, 'responseStatus');
  const inner = responseBytes.enter(contextTag(0), 'responseBytes').enter(Tag.SEQUENCE, 'ResponseBytes');
  inner.read(Tag.OID, 'responseType');
  return inner.readOctetString('response');
}

/** A hash of a message. */
export function digestOf(hashAlgorithm: HashAlgorithm, bytes: Uint8Array): Buffer {
  return createHash(hashAlgorithm).update(bytes).digest();
}
