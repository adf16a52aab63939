import { constants, verify, type X509Certificate } from 'node:crypto';
import { invalidValue, malformed } from '../../errors.js';
import { readSignatureAlgorithm } from '../../x509/algorithms.js';
import { contextTag, DerReader, Tag } from '../../x509/der.js';
import { SignatureAlgorithmOID } from '../../x509/oids.js';
import { asn1Time } from './fields.js';
import { type ByteInput, readAll } from './rows.js';

/** A decoded CRL (RFC 5280 section 5.1); the entries are left where they are. */
export interface Crl {
  readonly der: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** What it says of itself that makes it one part of the CA's list; undefined for all that the CA has revoked. */
  readonly part: string | undefined;
  /** Where the content of revokedCertificates lies in `der`; empty when there is none. */
  readonly revokedStart: number;
  readonly revokedEnd: number;
}

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
export async function readCrl(input: ByteInput, issuer?: X509Certificate): Promise<Crl> {
  const der = derOf(await readAll(input));
  const outer = new DerReader(der).enter(Tag.SEQUENCE, 'CertificateList');
  const tbs = outer.read(Tag.SEQUENCE, 'tbsCertList');
  if (issuer !== undefined) checkSignature(der.subarray(tbs.start, tbs.end), outer, issuer);
  const list = new DerReader(der, tbs.contentStart, tbs.end);
  list.optional(Tag.INTEGER, 'version');
  list.read(Tag.SEQUENCE, 'signature');
  list.read(Tag.SEQUENCE, 'issuer');
  const thisUpdate = readTime(list, 'thisUpdate');
  const nextUpdate = isTime(list.peekTag()) ? readTime(list, 'nextUpdate') : undefined;
  const revoked = list.optional(Tag.SEQUENCE, 'revokedCertificates');
  const part =
    list.peekTag() === contextTag(0)
      ? checkExtensions(list.enter(contextTag(0), 'crlExtensions').enter(Tag.SEQUENCE, 'crlExtensions'))
      : undefined;
  list.done('tbsCertList');
  return { der, thisUpdate, nextUpdate, part, revokedStart: revoked?.contentStart ?? 0, revokedEnd: revoked?.end ?? 0 };
}

/** Refuses what the issuer has not signed; `rest` is what follows tbsCertList. */
function checkSignature(tbs: Buffer, rest: DerReader, issuer: X509Certificate): void {
  const algorithm = readSignatureAlgorithm(rest.copyTlv(rest.read(Tag.SEQUENCE, 'signatureAlgorithm')));
  // The first octet says how many bits of the last one do not count; in a signature all do.
  const bits = rest.copyContent(rest.read(Tag.BIT_STRING, 'signatureValue'));
  const key = issuer.publicKey;
  const padding = algorithm.oid === SignatureAlgorithmOID.RSASSA_PSS ? constants.RSA_PKCS1_PSS_PADDING : undefined;
  let signed = false;
  try {
    signed = bits[0] === 0 && verify(algorithm.hash, tbs, padding ? { key, padding } : key, bits.subarray(1));
  } catch {
    // A key of another type than the signature.
  }
  if (!signed) throw invalidValue('the CRL was not signed by the issuer');
}

const PEM = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/;

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] === Tag.SEQUENCE) return bytes;
  const pem = PEM.exec(bytes.toString('latin1'))?.[1];
  if (pem === undefined) throw malformed('neither a DER nor a PEM CRL');
  return Buffer.from(pem, 'base64');
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

/**
 * Refuses the kinds of CRL from which the status of a certificate that is not listed does not follow, and critical extensions
 * that nobody here knows (RFC 5280 section 5.2). Gives what makes it one part of the CA's list.
 */
function checkExtensions(extensions: DerReader): string | undefined {
  let part: string | undefined;
  while (!extensions.atEnd) {
    const extension = extensions.enter(Tag.SEQUENCE, 'Extension');
    const oid = extension.readOid();
    const critical = extension.optional(Tag.BOOLEAN) !== undefined;
    const value = extension.readOctetString();
    if (oid === DELTA_CRL_INDICATOR) throw malformed('a delta CRL does not list all revoked certificates');
    if (oid !== ISSUING_DISTRIBUTION_POINT) {
      if (critical) throw malformed(`unknown critical extension ${oid} of the CRL`);
      continue;
    }
    const point = new DerReader(value).enter(Tag.SEQUENCE, 'IssuingDistributionPoint');
    while (!point.atEnd) {
      const { tag } = point.readTlv();
      if (tag === ONLY_SOME_REASONS)
        throw malformed('a CRL for some reasons only does not list all revoked certificates');
      if (tag === INDIRECT_CRL) throw malformed('an indirect CRL lists certificates of other issuers');
      part ??= PARTS.get(tag);
    }
  }
  return part;
}
