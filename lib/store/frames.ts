/**
 * The frames of a segment's data. All numbers are unsigned and big-endian.
 *
 * | at | size | |
 * |---|---|---|
 * | 0 | 4 | CRC-32 of all that follows, begun with that of the segment's header |
 * | 4 | 4 | length of the whole frame |
 * | 8 | 1 | what it is, a {@link FrameKind} |
 * | 9 | 1 | response: certStatus |
 * | 10 | 1 | response: length of the serial number |
 * | 11 | 1 | 0 |
 * | 12 | 6 | response: statusVersion |
 * | 18 | 6 | response: producedAt, seconds |
 * | 24 | 6 | response: nextUpdate, seconds; all ones when there is none |
 * | 30 | | response: serial number, kind of answer (1), OCSPResponse |
 * | 12 | | checkpoint: token in UTF-8 |
 *
 * Serial number and kind of answer are the key of a response. A frame that was copied from another segment does not have its
 * checksum: the beginning of it differs.
 */
import { crc32 } from 'node:zlib';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { MessageBytes } from '../ocsp/message.js';
import { checkBytes } from '../x509/checks.js';
import { copyBytes } from '../x509/der.js';
import { NameCheck, type OptionNames, unknownName } from '../x509/options.js';
import type { StoredLabel } from './answer-kinds.js';
import type { ResponseRecord, ResponseVersion, StoredResponse } from './response-store.js';
import { serialHex } from './serial-key.js';

/** Kinds of frame. `END` stands where a segment's data ends and its index begins. */
export const FrameKind = { RESPONSE: 1, CHECKPOINT: 2, END: 3 } as const;

/** Bytes before the serial number. */
const RESPONSE_HEADER = 30;
/** Bytes before the token. */
const SHORT_HEADER = 12;
/** Largest number in six bytes; as nextUpdate it means that there is none. */
export const MAX_UINT48: number = 2 ** 48 - 1;
/** No response is as large; a length beyond it is damage. */
export const LONGEST_FRAME: number = 1 << 24;

/** A record without its kind, whose numbers have been checked and whose serial number is in its shortest form. */
export interface CheckedRecord extends ResponseVersion {
  readonly serial: Uint8Array;
  readonly nextUpdate: number | null;
  readonly der: Uint8Array;
}

/** The responses for a certificate where they lie, the version of their status, and the edition of the store in which they are there. */
export interface Peeked {
  readonly ders: readonly MessageBytes[];
  readonly statusVersion: number;
  readonly edition: number;
}

const NAMES: OptionNames<ResponseRecord> = {
  serial: true,
  statusVersion: true,
  producedAt: true,
  certStatus: true,
  nextUpdate: true,
  der: true,
  hashAlgorithm: true,
  issuerNameHash: true,
  signatureAlgorithm: true,
};
const names = new NameCheck(NAMES, (name) => {
  throw unknownName(name, Object.keys(NAMES), 'a record');
});

/** Checks the names of a record, and its members other than its serial number. */
export function checkRecord(record: ResponseRecord, serial: Uint8Array): CheckedRecord {
  names.check(record);
  const { statusVersion, producedAt, certStatus, nextUpdate, der } = record;
  checkNumber(statusVersion, 'statusVersion');
  checkNumber(producedAt, 'producedAt');
  if (nextUpdate !== null) checkNumber(nextUpdate, 'nextUpdate');
  if (typeof certStatus !== 'number') throw invalidArgType('certStatus', 'a member of OCSPCertStatus', certStatus);
  if (!(certStatus in OCSPCertStatus))
    throw invalidValue(`certStatus is not a member of OCSPCertStatus: ${certStatus}`);
  checkBytes(der, 'der');
  if (der.length === 0) throw invalidValue('der is empty');
  if (der.length > LONGEST_FRAME - 1024) throw invalidValue(`der is longer than ${LONGEST_FRAME - 1024} bytes`);
  return { serial, statusVersion, producedAt, certStatus, nextUpdate, der };
}

/** A record whose bytes are no one else's: for one that is written later than it was read. */
export function ownRecord(record: CheckedRecord): CheckedRecord {
  return { ...record, serial: Buffer.from(record.serial), der: Buffer.from(record.der) };
}

function checkNumber(value: unknown, name: string): void {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!Number.isInteger(value) || value < 0 || value >= MAX_UINT48) {
    throw invalidValue(`${name} is not a whole number from 0 to 2^48 - 2: ${value}`);
  }
}

/** Length of the frame that {@link writeResponse} writes. */
export function responseLength({ serial, der }: CheckedRecord): number {
  return RESPONSE_HEADER + serial.length + 1 + der.length;
}

/** Writes a response frame at a position where there is room for it. Returns where it ends. */
export function writeResponse(out: Buffer, at: number, record: CheckedRecord, kind: number, seed: number): number {
  const { serial, der } = record;
  const end = at + responseLength(record);
  out[at + 8] = FrameKind.RESPONSE;
  out[at + 9] = record.certStatus;
  out[at + 10] = serial.length;
  out[at + 11] = 0;
  out.writeUIntBE(record.statusVersion, at + 12, 6);
  out.writeUIntBE(record.producedAt, at + 18, 6);
  out.writeUIntBE(record.nextUpdate ?? MAX_UINT48, at + 24, 6);
  out.set(serial, at + RESPONSE_HEADER);
  out[at + RESPONSE_HEADER + serial.length] = kind;
  out.set(der, at + RESPONSE_HEADER + serial.length + 1);
  return seal(out, at, end, seed);
}

/** A checkpoint frame. */
export function checkpointFrame(token: string, seed: number): Buffer {
  const text = Buffer.from(token, 'utf8');
  const frame = Buffer.alloc(SHORT_HEADER + text.length);
  frame[8] = FrameKind.CHECKPOINT;
  frame.set(text, SHORT_HEADER);
  seal(frame, 0, frame.length, seed);
  return frame;
}

/** The frame that ends the data. */
export function endFrame(seed: number): Buffer {
  const frame = Buffer.alloc(SHORT_HEADER);
  frame[8] = FrameKind.END;
  seal(frame, 0, frame.length, seed);
  return frame;
}

function seal(out: Buffer, at: number, end: number, seed: number): number {
  out.writeUInt32BE(end - at, at + 4);
  out.writeUInt32BE(crc32(out.subarray(at + 4, end), seed), at);
  return end;
}

/**
 * Length of the frame at a position, if all of it is there and undamaged; 0 when it is not. `available` is where the bytes
 * end.
 */
export function frameLength(bytes: Buffer, at: number, available: number, seed: number): number {
  if (available - at < SHORT_HEADER) return 0;
  const length = bytes.readUInt32BE(at + 4);
  if (length < SHORT_HEADER || length > LONGEST_FRAME || length > available - at) return 0;
  return bytes.readUInt32BE(at) === crc32(bytes.subarray(at + 4, at + length), seed) ? length : 0;
}

/** Length that a frame claims to have; undefined when not even its beginning is there, or when the claim is absurd. */
export function claimedLength(bytes: Buffer, at: number, available: number): number | undefined {
  if (available - at < 8) return undefined;
  const length = bytes.readUInt32BE(at + 4);
  return length < SHORT_HEADER || length > LONGEST_FRAME ? undefined : length;
}

/** Where the undamaged frame at a position ends. */
export function frameEnd(bytes: Buffer, at: number): number {
  return at + bytes.readUInt32BE(at + 4);
}

/** Token of an undamaged checkpoint frame. */
export function tokenOf(frame: Buffer): string {
  return frame.toString('utf8', SHORT_HEADER);
}

/** Key of an undamaged response frame, as a view: serial number and kind of answer. */
export function keyOf(bytes: Buffer, at: number = 0): Buffer {
  const start = at + RESPONSE_HEADER;
  return bytes.subarray(start, start + (bytes[at + 10] as number) + 1);
}

/** Serial number of an undamaged response frame, as a view. */
export function serialOf(frame: Buffer): Buffer {
  return frame.subarray(RESPONSE_HEADER, RESPONSE_HEADER + (frame[10] as number));
}

/** Kind of answer of an undamaged response frame. */
export function kindOf(frame: Buffer): number {
  return frame[RESPONSE_HEADER + (frame[10] as number)] as number;
}

/** Version of an undamaged response frame. */
export function versionOf(frame: Buffer): ResponseVersion {
  return {
    statusVersion: statusVersionOf(frame),
    producedAt: frame.readUIntBE(18, 6),
    certStatus: frame[9] as OCSPCertStatus,
  };
}

/** statusVersion of an undamaged response frame. */
export function statusVersionOf(frame: Buffer): number {
  return frame.readUIntBE(12, 6);
}

/** nextUpdate of an undamaged response frame. */
export function nextUpdateOf(frame: Buffer): number | null {
  const nextUpdate = frame.readUIntBE(24, 6);
  return nextUpdate === MAX_UINT48 ? null : nextUpdate;
}

/** The OCSPResponse of an undamaged response frame, as a view. */
export function derOf(frame: Buffer): Buffer {
  return frame.subarray(derStart(frame));
}

/** Where that begins. */
export function derStart(frame: Buffer): number {
  return RESPONSE_HEADER + (frame[10] as number) + 1;
}

/** What an undamaged response frame was written from, but for its kind; views. */
export function checkedRecordOf(frame: Buffer): CheckedRecord {
  return { serial: serialOf(frame), ...versionOf(frame), nextUpdate: nextUpdateOf(frame), der: derOf(frame) };
}

/** The record of an undamaged response frame, of a kind that is called so. */
export function recordOf(frame: Buffer, label: StoredLabel): StoredResponse {
  const serial = serialHex(serialOf(frame));
  return { serial, ...label, ...versionOf(frame), nextUpdate: nextUpdateOf(frame), der: copyBytes(derOf(frame)) };
}
