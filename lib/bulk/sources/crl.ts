import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidValue, malformed } from '../../errors.js';
import { OCSPCertStatus } from '../../ocsp/enums.js';
import { type CertificateInput, toCertificate } from '../../x509/certificate.js';
import { DerReader, Tag } from '../../x509/der.js';
import { Extension } from '../../x509/extension.js';
import { CRLReason, InvalidityDate } from '../../x509/extensions/crl-entry.js';
import type { ReasonFlags } from '../../x509/reason.js';
import type { StatusEntry } from '../status-entry.js';
import { type Crl, readCrl, readTime } from './crl-der.js';
import { canonicalHex, serialFromHexText } from './fields.js';
import { type ByteInput, lineEnd, type RowFormat, rowSource } from './rows.js';
import { type RowOptions, reportBadRow, type StatusSource, sourceOf } from './status-source.js';

/** What {@link crlSource} takes beside the CRL. */
export interface CrlSourceOptions extends RowOptions {
  /**
   * All serial numbers that were issued: a file of hexadecimal numbers, one in a line, or an iterable of them. Those that
   * the CRL does not list are good. Without it only the revoked certificates are given.
   */
  readonly serials?: SerialList;
  /**
   * Says that `serials` are all of the part of the CA's list that the CRL is. Without it, a CRL that says that it is one part
   * of a list is refused beside `serials` with `ERR_OCSP_INVALID_VALUE`: certificates of other parts would come out good.
   */
  readonly serialsOfPart?: boolean;
  /**
   * The CA whose CRL it has to be: one that this certificate's key has not signed is refused with `ERR_OCSP_INVALID_VALUE`.
   * By default the signature is not looked at.
   */
  readonly issuer?: CertificateInput;
  /**
   * Gives each entry the CRL's own thisUpdate and nextUpdate (RFC 6960 section 2.4) instead of the signer's; refuses a CRL
   * that has expired with `ERR_OCSP_INVALID_VALUE`. Default false.
   */
  readonly useCrlTimes?: boolean;
}

/** Serial numbers: the lines of a file, or items of an iterable. */
export type SerialList = string | URL | Uint8Array | Iterable<string | bigint> | AsyncIterable<string | bigint>;

/**
 * The certificates of a CRL, and those of a list that are not in it. First comes the list in its order, then what the CRL
 * has beyond it. The CRL is held in memory, with an index of its serial numbers; the list streams.
 *
 * @throws `ERR_OCSP_MALFORMED`, when iterated, for what is not a CRL, and for one from which "not listed" does not mean
 * "good": a delta CRL, an indirect CRL, one for some reasons only, one with a critical extension that is unknown.
 * `lineNumber` of a bad entry is its position in the CRL.
 */
export function crlSource(crl: ByteInput, options: CrlSourceOptions = {}): StatusSource {
  return sourceOf(() => readEntries(crl, options));
}

async function* readEntries(input: ByteInput, options: CrlSourceOptions): AsyncGenerator<StatusEntry[]> {
  const { issuer } = options;
  const crl = await readCrl(input, issuer === undefined ? undefined : toCertificate(issuer, 'issuer').x509);
  if (options.useCrlTimes && crl.nextUpdate !== undefined && crl.nextUpdate < new Date())
    throw invalidValue(`the CRL has expired: its nextUpdate was ${crl.nextUpdate.toISOString()}`);
  if (options.serials !== undefined && crl.part !== undefined && !options.serialsOfPart)
    throw invalidValue(`the CRL is one part of a list (${crl.part}): serialsOfPart says that all serials belong to it`);
  const times = options.useCrlTimes
    ? { thisUpdate: crl.thisUpdate, ...(crl.nextUpdate && { nextUpdate: crl.nextUpdate }) }
    : {};
  const revoked = await indexOf(crl, options);
  if (options.serials !== undefined) {
    for await (const serials of readSerials(options.serials, options)) {
      yield serials.map((serialNumber) => {
        const listed = revoked.get(serialNumber);
        if (listed === undefined) {
          return { serialNumber, status: OCSPCertStatus.GOOD, revocationTime: null, reason: null, ...times };
        }
        // Marked rather than deleted: a list may name a serial number twice.
        listed.given = true;
        return { serialNumber, ...listed.status, ...times };
      });
    }
  }
  let piece: StatusEntry[] = [];
  for (const [serialNumber, { given, status }] of revoked) {
    if (given) continue;
    if (piece.push({ serialNumber, ...status, ...times }) < PIECE) continue;
    yield piece;
    piece = [];
  }
  yield piece;
}

/** Entries that are handed over at once: a promise for each would cost more than reading it. */
const PIECE = 256;
/** Entries after which the event loop has its turn: some milliseconds. */
const TURN = 2048;

interface Revoked {
  given: boolean;
  readonly status: Omit<StatusEntry, 'serialNumber'>;
}

async function indexOf(crl: Crl, options: RowOptions): Promise<Map<string, Revoked>> {
  const revoked = new Map<string, Revoked>();
  let position = 0;
  const reader = new DerReader(crl.der, crl.revokedStart, crl.revokedEnd);
  while (!reader.atEnd) {
    position += 1;
    // Some lists have millions of entries, and others have work to do meanwhile.
    if (position % TURN === 0) await nextTurn();
    // Damage to the list itself leaves no next entry to go on with.
    const entry = reader.enter(Tag.SEQUENCE, 'revokedCertificate');
    try {
      const [serial, status] = readEntry(entry);
      revoked.set(serial, { given: false, status });
    } catch (error) {
      reportBadRow(error, 'CRL entry', position, options);
    }
  }
  return revoked;
}

function readEntry(entry: DerReader): [serial: string, status: Revoked['status']] {
  const serial = entry.readInteger('userCertificate');
  if (serial < 0n) throw malformed('negative serial number');
  const revocationTime = readTime(entry, 'revocationDate');
  let reason: ReasonFlags | null = null;
  let invalidity: Extension | undefined;
  const extensions = entry.atEnd ? undefined : entry.enter(Tag.SEQUENCE, 'crlEntryExtensions');
  entry.done('revokedCertificate');
  while (extensions !== undefined && !extensions.atEnd) {
    const extension = extensions.enter(Tag.SEQUENCE, 'Extension');
    const oid = extension.readOid();
    const critical = extension.optional(Tag.BOOLEAN) !== undefined;
    const value = extension.readOctetString();
    if (oid === CRLReason.oid) reason = CRLReason.fromDer(value).reason;
    else if (oid === InvalidityDate.oid) invalidity = new Extension(oid, false, InvalidityDate.fromDer(value));
    // Among them certificateIssuer: the entry is about some other authority's certificate.
    else if (critical) throw malformed(`unknown critical extension ${oid}`);
  }
  const status = { status: OCSPCertStatus.REVOKED, revocationTime, reason };
  return [serial.toString(16).toUpperCase(), invalidity ? { ...status, singleExtensions: [invalidity] } : status];
}

async function* readSerials(serials: SerialList, options: RowOptions): AsyncGenerator<string[]> {
  if (typeof serials === 'string' || serials instanceof URL || serials instanceof Uint8Array) {
    for await (const batch of rowSource(serials, options, () => SERIAL_LINES).batches()) {
      yield batch.map((entry) => entry.serialNumber as string);
    }
    return;
  }
  let position = 0;
  for await (const item of serials) {
    position += 1;
    try {
      yield [serialText(item)];
    } catch (error) {
      reportBadRow(error, 'serial number', position, options);
    }
  }
}

function serialText(item: string | bigint): string {
  if (typeof item !== 'bigint') return canonicalHex(serialFromHexText(item.trim()));
  if (item < 0n) throw malformed('negative serial number');
  return canonicalHex(item.toString(16));
}

const SERIAL_LINES: RowFormat = {
  rowEnd: lineEnd,
  parse(bytes, start, end) {
    const text = bytes.toString('latin1', start, end).trim();
    if (text === '' || text.startsWith('#')) return undefined;
    return { serialNumber: canonicalHex(serialFromHexText(text)), status: OCSPCertStatus.GOOD };
  },
};
