/** What people keep messages and certificates in: files and pipes of DER, PEM and base64. */
import type { X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { malformed } from '../errors.js';
import { nameLine } from '../x509/name-line.js';
import { loadCertificates, pemBlocks } from '../x509/pem.js';
import { printable } from './colour.js';
import { UsageError } from './command.js';
import { takeStandardInput } from './read-file.js';
import { fileError } from './system-error.js';

/** Bytes of the largest input: enough for a response with a hundred thousand entries. */
const LARGEST = 64 * 1024 * 1024;
const SEQUENCE = 0x30;

/** How a message was written down. */
export type Form = 'DER' | 'PEM' | 'base64';

/** A message as DER, or as the bytes that were there when they are neither PEM nor base64. */
export interface Unwrapped {
  readonly der: Buffer;
  readonly form: Form;
  /** What PEM says is inside. */
  readonly label?: string;
}

/**
 * Reads a file to its end; standard input for `-`.
 *
 * @throws an Error when it cannot be read, or is too large; UsageError when something else was on standard input.
 */
export async function readInput(path: string): Promise<Buffer> {
  if (path === '-') takeStandardInput();
  const stream: Readable = path === '-' ? process.stdin : createReadStream(path);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > LARGEST) throw new Error(`${nameOf(path)} is larger than ${LARGEST} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw fileError('read', nameOf(path), error);
  }
  return Buffer.concat(chunks);
}

/** The file of a message: the only positional argument, or standard input. */
export function messagePath(positionals: readonly string[]): string {
  const [path = '-'] = positionals;
  if (path === '-' && process.stdin.isTTY) throw new UsageError('a file is missing, or a message on standard input');
  return path;
}

export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/**
 * Takes PEM or base64 off a message. Whatever is neither stays as it is: what is wrong with it is for the parser to say.
 *
 * @throws `ERR_OCSP_MALFORMED` for several messages: which of them is meant no one can know.
 */
export function unwrap(bytes: Buffer): Unwrapped {
  if (bytes[0] === SEQUENCE) return { der: bytes, form: 'DER' };
  const text = bytes.toString('latin1');
  const blocks = [...pemBlocks(text)];
  const messages = blocks.filter(({ label }) => label.startsWith('OCSP '));
  if (messages.length > 1) throw malformed(`there are ${messages.length} OCSP messages in the PEM text, not one`);
  const block = messages[0] ?? blocks[0];
  if (block !== undefined) return { der: block.der, label: block.label, form: 'PEM' };
  const letters = text.replace(/\s+/g, '');
  if (letters.length > 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(letters)) {
    const der = Buffer.from(letters, 'base64');
    if (der[0] === SEQUENCE) return { der, form: 'base64' };
  }
  return { der: bytes, form: 'DER' };
}

/**
 * The certificates in a file: DER of one, or PEM of any number.
 *
 * @throws `ERR_OCSP_MALFORMED` when there is none, or one that does not parse.
 */
export async function readCertificates(path: string): Promise<[X509Certificate, ...X509Certificate[]]> {
  const bytes = await readInput(path);
  try {
    return loadCertificates(bytes) as [X509Certificate, ...X509Certificate[]];
  } catch (error) {
    throw malformed(`${nameOf(path)}: ${(error as Error).message}`, { cause: error });
  }
}

/** The certificates of several files. */
export async function readAllCertificates(paths: readonly string[] = []): Promise<X509Certificate[]> {
  const lists: X509Certificate[] = [];
  for (const path of paths) lists.push(...(await readCertificates(path)));
  return lists;
}

/** A certificate in one line. */
export function subjectOf(certificate: X509Certificate): string {
  return oneLine(certificate.subject);
}

/** One of Node's names, which have a line for each attribute, in one line. */
export function oneLine(name: string | undefined): string {
  return printable(nameLine(name)) || '(empty name)';
}
