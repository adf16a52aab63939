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
const DELTA_CRL_INDICATOR = '2.5.29.27';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
const ONLY_SOME_REASONS = contextTag(3, false);
const INDIRECT_CRL = contextTag(4, false);
/** Elements of an IssuingDistributionPoint by which a CRL speaks of some certificates only (RFC 5280 section 5.2.5). */
const PARTS: ReadonlyMap<number, string> = new Map([
  [contextTag(0), 'it is that of one distribution point'],
  [contextTag(1, false), 'it is for certificates of users only'],
  [contextTag(2, false), 'it is for certificates of CAs only'],
  [contextTag(5, false), 'it is for attribute certificates only'],
]);

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
  if (issuer !== undefined) {
    const { mismatch } = revocationListFaults(der, issuer.x509);
    if (mismatch !== '') throw invalidValue(`the CRL is not one of the issuer: ${mismatch}`);
  }
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
    ...readExtensions(extensions),
    revokedStart: revoked?.contentStart ?? 0,
    revokedEnd: revoked?.end ?? 0,
  };
}

const PEM = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] === Tag.SEQUENCE) return bytes;
  const [pem, ...others] = bytes.toString('latin1').matchAll(PEM);
  if (pem === undefined) throw malformed('neither a DER nor a PEM CRL');
  if (others.length > 0) throw malformed(`${others.length + 1} CRLs, where one is needed`);
  return Buffer.from(pem[1] as string, 'base64');
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

/**
 * Refuses the kinds of CRL from which the status of a certificate that is not listed does not follow, and critical extensions
 * that nobody here knows (RFC 5280 section 5.2).
 */
function readExtensions(extensions: DerReader): Pick<Crl, 'number' | 'part' | 'scope'> {
  const seen = new Set<string>();
  let number: bigint | undefined;
  let part: string | undefined;
  let scope = 'CRL';
  while (!extensions.atEnd) {
    const { oid, critical, value } = readExtension(extensions);
    if (seen.has(oid)) throw malformed(`the CRL has the extension ${oid} twice`);
    seen.add(oid);
    if (oid === DELTA_CRL_INDICATOR) throw malformed('a delta CRL does not list all revoked certificates');
    if (oid === CRL_NUMBER) number = readNumber(value);
    else if (oid === ISSUING_DISTRIBUTION_POINT) {
      part = readPart(value);
      if (part !== undefined) scope += ` ${createHash('sha256').update(value).digest('hex')}`;
    } else if (critical) throw malformed(`unknown critical extension ${oid} of the CRL`);
  }
  return { number, part, scope };
}

function readNumber(value: Buffer): bigint {
  const reader = new DerReader(value);
  const number = reader.readInteger('CRLNumber');
  reader.done('CRLNumber');
  if (number < 0n) throw malformed('negative CRL number');
  return number;
}

/** What makes the CRL one part of the CA's list. */
function readPart(value: Buffer): string | undefined {
  const point = new DerReader(value).enter(Tag.SEQUENCE, 'IssuingDistributionPoint');
  let part: string | undefined;
  while (!point.atEnd) {
    const { tag } = point.readTlv();
    if (tag === ONLY_SOME_REASONS)
      throw malformed('a CRL for some reasons only does not list all revoked certificates');
    if (tag === INDIRECT_CRL) throw malformed('an indirect CRL lists certificates of other issuers');
    part ??= PARTS.get(tag);
  }
  return part;
}
