import { createHash } from 'node:crypto';
import { invalidValue, malformed } from '../errors.js';
import type { ParsedCertificate } from '../x509/certificate.js';
import { contextTag, DerReader, Tag } from '../x509/der.js';
import { revocationListFaults } from '../x509/revocation-list.js';
import { asn1Time } from './fields.js';
import { type ByteInput, readAll } from './rows.js';

/** A decoded CRL (RFC 5280 section 5.1); the entries are left where they are. */
export interface Crl {
  readonly der: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** The CRL number (RFC 5280 section 5.2.3). */
  readonly number: bigint | undefined;
  /** Equal for CRLs of which a later one takes the place of an earlier one: those of the whole list, or of one part of it. */
  readonly scope: string;
  /** What it says of itself that makes it one part of the CA's list; undefined for all that the CA has revoked. */
  readonly part: string | undefined;
  /** Where the content of revokedCertificates lies in `der`; empty when there is none. */
  readonly revokedStart: number;
  readonly revokedEnd: number;
}

const CRL_NUMBER = '2.5.29.20';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';

/** Reads a CRL in DER or PEM down to its entries. */
export async function readCrl(input: ByteInput, issuer?: ParsedCertificate): Promise<Crl> {
  const der = derOf(await readAll(input));
  const whole = new DerReader(der);
  const outer = whole.enter(Tag.SEQUENCE, 'CertificateList');
  // A second list would go unread, and what it lists come out good.
  whole.done('CRL');
  const tbs = outer.read(Tag.SEQUENCE, 'tbsCertList');
  const list = new DerReader(der, tbs.contentStart, tbs.end);
  list.optional(Tag.INTEGER, 'version');
  list.read(Tag.SEQUENCE, 'signature');
  list.read(Tag.SEQUENCE, 'issuer');
  const faults = revocationListFaults(der, issuer?.x509);
  if (faults.mismatch !== '') throw invalidValue(`the CRL is not one of the issuer: ${faults.mismatch}`);
  if (faults.list !== '') throw malformed(`"not listed" says nothing in this CRL: ${faults.list}`);
  const thisUpdate = readTime(list, 'thisUpdate');
  const nextUpdate = isTime(list.peekTag()) ? readTime(list, 'nextUpdate') : undefined;
  const revoked = list.optional(Tag.SEQUENCE, 'revokedCertificates');
  const extensions =
    list.peekTag() === contextTag(0)
      ? list.enter(contextTag(0), 'crlExtensions').enter(Tag.SEQUENCE, 'crlExtensions')
      : new DerReader(der, 0, 0);
  list.done('tbsCertList');
  return {
    der,
    thisUpdate,
    nextUpdate,
    ...readExtensions(extensions, faults.part !== ''),
    part: faults.part === '' ? undefined : faults.part,
    revokedStart: revoked?.contentStart ?? 0,
    revokedEnd: revoked?.end ?? 0,
  };
}

const PEM_BEGIN = '-----BEGIN X509 CRL-----';
const PEM = new RegExp(`${PEM_BEGIN}([^-]*)-----END X509 CRL-----`);

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] === Tag.SEQUENCE) return bytes;
  const text = bytes.toString('latin1');
  const [, body] = PEM.exec(text) ?? [];
  if (body === undefined) throw malformed('neither a DER nor a PEM CRL');
  // (Also one that has no end: the file may have been cut off.)
  const count = text.split(PEM_BEGIN).length - 1;
  if (count > 1) throw malformed(`${count} CRLs, where one is needed`);
  return Buffer.from(body, 'base64');
}

function isTime(tag: number | undefined): boolean {
  return tag === Tag.UTC_TIME || tag === Tag.GENERALIZED_TIME;
}

/** A Time of the CRL or of one of its entries. */
export function readTime(reader: DerReader, what: string): Date {
  if (!isTime(reader.peekTag())) throw malformed(`${what}: not a time`);
  const content = reader.copyContent(reader.readTlv(what));
  return asn1Time(content, 0, content.length);
}

/** An extension of a CRL or of one of its entries. */
export function readExtension(extensions: DerReader): { oid: string; critical: boolean; value: Buffer } {
  const extension = extensions.enter(Tag.SEQUENCE, 'Extension');
  const oid = extension.readOid();
  const critical = extension.optional(Tag.BOOLEAN) !== undefined;
  const value = extension.readOctetString();
  extension.done('Extension');
  return { oid, critical, value };
}

/** What tells one CRL of the CA from another. */
function readExtensions(extensions: DerReader, isPart: boolean): Pick<Crl, 'number' | 'scope'> {
  let number: bigint | undefined;
  let scope = 'CRL';
  while (!extensions.atEnd) {
    const { oid, value } = readExtension(extensions);
    if (oid === CRL_NUMBER) number = readNumber(value);
    else if (oid === ISSUING_DISTRIBUTION_POINT && isPart) {
      scope += ` ${createHash('sha256').update(value).digest('hex')}`;
    }
  }
  return { number, scope };
}

function readNumber(value: Buffer): bigint {
  const reader = new DerReader(value);
  const number = reader.readInteger('CRLNumber');
  reader.done('CRLNumber');
  if (number < 0n) throw malformed('negative CRL number');
  return number;
}
