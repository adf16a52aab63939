/** A response as it comes in: perhaps an error status, perhaps something that OpenSSL cannot read any further. */
import { OCSPError } from '../../errors.js';
import { loadDerOcspResponse, type OCSPResponse } from '../../ocsp/response.js';
import { contextTag, DerReader, Tag } from '../../x509/der.js';
import { integerFromBytes } from '../../x509/integer.js';

/** The envelope, and what is in it. */
export interface IncomingResponse {
  readonly der: Buffer;
  readonly status: number;
  /** undefined when OpenSSL cannot read what the envelope of a successful response holds. */
  readonly message: OCSPResponse | undefined;
  /** Why. */
  readonly failure: OCSPError | undefined;
}

/** @throws OCSPError when not even the envelope can be read. */
export function readResponse(data: Buffer): IncomingResponse {
  try {
    const message = loadDerOcspResponse(data, { strict: false });
    const der = message.publicBytes();
    return { der, status: statusOf(der), message, failure: undefined };
  } catch (failure) {
    if (!(failure instanceof OCSPError)) throw failure;
    const der = envelopeOf(data);
    if (der === undefined) throw failure;
    return { der, status: statusOf(der), message: undefined, failure };
  }
}

function statusOf(der: Uint8Array): number {
  const { bytes, contentStart, end } = readStatus(der);
  return Buffer.from(bytes.buffer, bytes.byteOffset + contentStart, end - contentStart).readIntBE(
    0,
    Math.min(6, end - contentStart),
  );
}

function readStatus(der: Uint8Array): { bytes: Uint8Array; contentStart: number; end: number } {
  const reader = new DerReader(der).enter(Tag.SEQUENCE);
  return { bytes: der, ...reader.read(Tag.ENUMERATED) };
}

/** The element, if it is an envelope. */
function envelopeOf(data: Buffer): Buffer | undefined {
  try {
    const reader = new DerReader(data);
    const element = reader.copyTlv(reader.read(Tag.SEQUENCE));
    checkEnvelope(element);
    return element;
  } catch {
    return undefined;
  }
}

/** Reads everything that an envelope has to have. */
function checkEnvelope(der: Uint8Array): void {
  const outer = new DerReader(der).enter(Tag.SEQUENCE);
  const { contentStart, end } = outer.read(Tag.ENUMERATED);
  integerFromBytes(der, contentStart, end);
  if (outer.atEnd) return;
  const bytes = outer.enter(contextTag(0)).enter(Tag.SEQUENCE);
  outer.done();
  bytes.readOid();
  bytes.read(Tag.OCTET_STRING);
  bytes.done();
}
