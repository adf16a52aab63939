import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual, types } from 'node:util';
import { invalidValue, malformed } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { DerReader, Tag } from '../x509/der.js';
import { Extension } from '../x509/extension.js';
import { CertificateIssuer, CRLReason, InvalidityDate } from '../x509/extensions/crl-entry.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { ReasonFlags } from '../x509/reason.js';
import { type Crl, readCrl, readExtension, readTime } from './crl-der.js';
import { checkSerialFormat, type SerialFormat, serialFromText } from './entry-fields.js';
import { canonicalHex } from './fields.js';
import { type ByteInput, lineEnd, type RowFormat, rowSource } from './rows.js';
import type { StatusEntry } from './status-entry.js';
import {
  BadRowError,
  type BatchOptions,
  type RowOptions,
  refuseIfAllBad,
  reportBadRow,
  type StatusSource,
  sourceOf,
} from './status-source.js';

/** What {@link crlSource} takes beside the CRL. */
export interface CrlSourceOptions extends RowOptions {
  /**
   * All serial numbers that were issued: a file with one in each line, or an iterable of them. Those that the CRL does not
   * list are good. Without it only the revoked certificates are given.
   */
  readonly serials?: SerialList;
  /** How the lines and strings of `serials` are written: `hex`, after `0x` or not, or `decimal`. Default `hex`. */
  readonly serialFormat?: SerialFormat;
  /**
   * Says that `serials` are all of the part of the CA's list that the CRL is. Without it, a CRL that says that it is one part
   * of a list is refused beside `serials` with `ERR_OCSP_INVALID_VALUE`: certificates of other parts would come out good.
   */
  readonly serialsOfPart?: boolean;
  /**
   * The CA whose CRL it has to be: one that names another CA or key, that this certificate's key has not signed, or whose
   * certificate may not sign CRLs (RFC 5280 section 6.3.3) is refused with `ERR_OCSP_INVALID_VALUE`; a signature that OpenSSL
   * cannot check with this key, with `ERR_OCSP_UNSUPPORTED_ALGORITHM`. By default none of this is looked at.
   */
  readonly issuer?: CertificateInput;
  /**
   * Gives each entry the CRL's own thisUpdate and nextUpdate (RFC 6960 section 2.4) instead of the signer's; no nextUpdate where it has
   * none. Default false.
   */
  readonly useCrlTimes?: boolean;
  /**
   * Takes a CRL whose thisUpdate is more than a minute ahead, as a clock that is wrong, or one published ahead of time, makes
   * it. Default: refused with `ERR_OCSP_INVALID_VALUE`.
   */
  readonly allowFuture?: boolean;
  /** Takes a CRL whose nextUpdate has passed. Default: refused with `ERR_OCSP_INVALID_VALUE`. */
  readonly allowExpired?: boolean;
}

const OPTION_NAMES: OptionNames<CrlSourceOptions> = {
  serials: true,
  serialFormat: true,
  serialsOfPart: true,
  issuer: true,
  useCrlTimes: true,
  allowFuture: true,
  allowExpired: true,
  onBadRow: true,
};

/** Serial numbers: the lines of a file, of bytes or of bytes in pieces; or items of an iterable. */
export type SerialList = ByteInput | Iterable<string | bigint> | AsyncIterable<string | bigint>;

/**
 * The certificates of a CRL, and those of a list that are not in it. First comes the list in its order, then what the CRL
 * has beyond it. The CRL is held in memory, with an index of its serial numbers; the list streams.
 *
 * An entry that cannot be understood is never taken for absent: a certificate of `serials` that it is about is left out with
 * it. By `removeFromCRL`, which delta CRLs alone may say (RFC 5280 section 5.3.1), an entry is not understood.
 *
 * @throws `ERR_OCSP_MALFORMED`, when iterated, for what is not one CRL, and for one from which "not listed" does not mean
 * "good": a delta CRL, an indirect CRL, one for some reasons only, one with a critical extension that is unknown.
 * `lineNumber` of a bad entry is its position in the CRL.
 */
export function crlSource(crl: ByteInput, options: CrlSourceOptions = {}): StatusSource {
  const given = readOptions(options, OPTION_NAMES);
  checkSerialFormat(given.serialFormat ?? 'hex', 'serialFormat');
  return sourceOf((onEdition) => readEntries(crl, given, onEdition));
}

async function* readEntries(
  input: ByteInput,
  options: CrlSourceOptions,
  onEdition: BatchOptions['onEdition'],
): AsyncGenerator<StatusEntry[]> {
  const { issuer } = options;
  const crl = await readCrl(input, issuer === undefined ? undefined : toCertificate(issuer, 'issuer'));
  checkTimes(crl, options);
  if (options.serials !== undefined && crl.part !== undefined && !options.serialsOfPart)
    throw invalidValue(`the CRL is one part of a list (${crl.part}): serialsOfPart says that all serials belong to it`);
  onEdition?.({
    list: crl.scope,
    number: crl.number?.toString(16).toUpperCase() ?? null,
    thisUpdate: crl.thisUpdate.getTime() / 1000,
  });
  const times = options.useCrlTimes ? { thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate ?? null } : {};
  const listed = await indexOf(crl, options);
  if (options.serials !== undefined) {
    for await (const serials of withListNamed(options.serials, readSerials(options.serials, options))) {
      yield serials.flatMap((serialNumber): StatusEntry[] => {
        const entry = listed.get(serialNumber);
        if (entry === undefined) {
          return [{ serialNumber, status: OCSPCertStatus.GOOD, revocationTime: null, reason: null, ...times }];
        }
        // Marked rather than deleted: a list may name a serial number twice.
        entry.given = true;
        return entry.status === undefined ? [] : [{ serialNumber, ...entry.status, ...times }];
      });
    }
  }
  let piece: StatusEntry[] = [];
  for (const [serialNumber, { given, status }] of listed) {
    if (given || status === undefined) continue;
    if (piece.push({ serialNumber, ...status, ...times }) < PIECE) continue;
    yield piece;
    piece = [];
  }
  yield piece;
}

/** Clocks of two machines may differ by so much, in milliseconds. */
const CLOCK_TOLERANCE = 60_000;

/** Refuses what was not known yet, and what is known no longer. */
function checkTimes({ thisUpdate, nextUpdate }: Crl, options: CrlSourceOptions): void {
  const now = Date.now();
  if (!options.allowFuture && thisUpdate.getTime() > now + CLOCK_TOLERANCE)
    throw invalidValue(`the CRL is of the future: its thisUpdate is ${thisUpdate.toISOString()}`);
  if (!options.allowExpired && nextUpdate !== undefined && nextUpdate.getTime() < now)
    throw invalidValue(`the CRL has expired: its nextUpdate was ${nextUpdate.toISOString()}`);
}

/** Entries that are handed over at once: a promise for each would cost more than reading it. */
const PIECE = 256;
/** Entries after which the event loop has its turn: some milliseconds. */
const TURN = 2048;

/** A certificate that the CRL lists. */
interface Listed {
  given: boolean;
  /** undefined when the entry cannot be understood: then nothing is said of the certificate. */
  readonly status: Omit<StatusEntry, 'serialNumber'> | undefined;
}

async function indexOf(crl: Crl, options: CrlSourceOptions): Promise<Map<string, Listed>> {
  const listed = new Map<string, Listed>();
  let position = 0;
  let good = 0;
  const reader = new DerReader(crl.der, crl.revokedStart, crl.revokedEnd);
  while (!reader.atEnd) {
    position += 1;
    // Some lists have millions of entries, and others have work to do meanwhile.
    if (position % TURN === 0) await nextTurn();
    // Damage to the list itself leaves no next entry to go on with; without the serial number no one knows whom it is about.
    const entry = reader.enter(Tag.SEQUENCE, 'revokedCertificate');
    const serial = serialOf(entry, position, options);
    if (serial === undefined) continue;
    try {
      const status = readStatus(entry, position);
      const other = listed.get(serial);
      if (other?.status !== undefined && !isDeepStrictEqual(other.status, status))
        throw malformed(`serial number ${serial} is there before, with another time or reason`);
      listed.set(serial, { given: false, status });
      good += 1;
    } catch (error) {
      reportBadRow(error, 'CRL entry', position, options);
      if (!listed.has(serial)) listed.set(serial, { given: false, status: undefined });
    }
  }
  refuseIfAllBad(good, position - good);
  return listed;
}

/** undefined for a bad one, where that does not make a certificate good. */
function serialOf(entry: DerReader, position: number, options: CrlSourceOptions): string | undefined {
  try {
    return canonicalSerial(entry.readInteger('userCertificate'));
  } catch (error) {
    reportBadRow(error, 'CRL entry', position, options.serials === undefined ? options : {});
    return undefined;
  }
}

/** What an entry says, of which the serial number has been read. */
function readStatus(entry: DerReader, position: number): NonNullable<Listed['status']> {
  const revocationTime = readTime(entry, 'revocationDate');
  let reason: ReasonFlags | null = null;
  let invalidity: Extension | undefined;
  const extensions = entry.atEnd ? undefined : entry.enter(Tag.SEQUENCE, 'crlEntryExtensions');
  entry.done('revokedCertificate');
  const seen = new Set<string>();
  while (extensions !== undefined && !extensions.atEnd) {
    const { oid, critical, value } = readExtension(extensions);
    if (seen.size === seen.add(oid).size) throw malformed(`the extension ${oid} is there twice`);
    if (oid === CRLReason.oid) reason = CRLReason.fromDer(value).reason;
    else if (oid === InvalidityDate.oid) invalidity = new Extension(oid, false, InvalidityDate.fromDer(value));
    else if (oid === CertificateIssuer.oid) {
      // Of another authority's certificate, and so are all that follow: no entry of its own is bad here, but the list.
      throw new BadRowError('CRL entry', position, malformed('a certificateIssuer: the CRL is an indirect one'));
    } else if (critical) throw malformed(`unknown critical extension ${oid}`);
  }
  if (reason === ReasonFlags.removeFromCRL)
    throw malformed('removeFromCRL in a CRL that is no delta CRL: neither revoked nor not');
  const status = { status: OCSPCertStatus.REVOKED, revocationTime, reason };
  return invalidity ? { ...status, singleExtensions: [invalidity] } : status;
}

/** The same pieces; an error says that it is about the list beside the CRL, where that is a file. */
async function* withListNamed(list: SerialList, pieces: AsyncIterable<string[]>): AsyncGenerator<string[]> {
  try {
    yield* pieces;
  } catch (error) {
    if (typeof list === 'string' && error instanceof Error && !error.message.includes(list)) {
      error.message = `${list}: ${error.message}`;
      if ('syscall' in error) Object.assign(error, { path: list });
    }
    throw error;
  }
}

async function* readSerials(list: SerialList, options: CrlSourceOptions): AsyncGenerator<string[]> {
  const format = options.serialFormat ?? 'hex';
  const isWhole = typeof list === 'string' || list instanceof URL || types.isUint8Array(list);
  const [first, items] = isWhole ? [list, list] : await peek<unknown>(list);
  if (isWhole || types.isUint8Array(first)) {
    for await (const batch of rowSource(items as ByteInput, options, () => serialLines(format)).batches()) {
      yield batch.map((entry) => entry.serialNumber as string);
    }
    return;
  }
  let position = 0;
  for await (const item of items as AsyncIterable<string | bigint>) {
    position += 1;
    try {
      yield [canonicalSerial(typeof item === 'bigint' ? item : serialFromText(item.trim(), format))];
    } catch (error) {
      reportBadRow(error, 'serial number', position, options);
    }
  }
}

/** The first item, and all. */
async function peek<T>(list: Iterable<T> | AsyncIterable<T>): Promise<[first: T | undefined, all: AsyncIterable<T>]> {
  const iterator = Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]();
  const first = await iterator.next();
  async function* all(): AsyncGenerator<T> {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return [first.done ? undefined : first.value, all()];
}

/** Equal texts for equal numbers. */
function canonicalSerial(serial: string | bigint): string {
  if (typeof serial === 'string') return canonicalHex(serial);
  return canonicalHex(serial.toString(16));
}

function serialLines(format: SerialFormat): RowFormat {
  return {
    rowEnd: lineEnd,
    parse(bytes, start, end) {
      const text = bytes.toString('latin1', start, end).trim();
      if (text === '' || text.startsWith('#')) return undefined;
      return { serialNumber: canonicalSerial(serialFromText(text, format)), status: OCSPCertStatus.GOOD };
    },
  };
}
