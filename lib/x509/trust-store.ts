/** What is trusted, as it comes in, and OpenSSL's store over it. */
import { types } from 'node:util';
import type { NativeTrustStore } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { type CertificateInput, type ParsedCertificate, toOneCertificate } from './certificate.js';
import { checkList, checkText } from './checks.js';
import { Tag } from './der.js';
import { type OptionNames, readOptions } from './options.js';

/** A certificate revocation list: DER bytes, or PEM as text or bytes. */
export type CrlInput = string | Uint8Array;

/** Where a {@link TrustStore} takes its certificates from. Sources add up. */
export interface TrustStoreOptions {
  /** Certificates that are trusted. */
  readonly certificates?: Iterable<CertificateInput>;
  /**
   * Revocation lists. They are looked at only where a check of revocation is asked for; to give them where none is is an error,
   * unless they are in a {@link TrustStore}, which others may share.
   */
  readonly crls?: Iterable<CrlInput>;
  /** A PEM file of certificates, OpenSSL's "trusted certificates", and revocation lists (`-CAfile`). Read at once. */
  readonly caFile?: string;
  /** A folder with certificates under their hashed names (`-CApath`). Read when a certificate is looked for. */
  readonly caPath?: string;
  /** The URI of a store of certificates (`-CAstore`). */
  readonly caStore?: string;
  /**
   * What the running OpenSSL was configured with: a file, or what `SSL_CERT_FILE` names; a folder, or `SSL_CERT_DIR`; a
   * store. true stands for all three.
   */
  readonly system?: boolean | readonly SystemTrust[];
}

/** A part of the system's trust. */
export type SystemTrust = 'file' | 'folder' | 'store';

/** What a trust argument takes: a store, the options of one, or just certificates. */
export type TrustInput = TrustStore | TrustStoreOptions | readonly CertificateInput[];

const OPTION_NAMES: OptionNames<TrustStoreOptions> = {
  certificates: true,
  crls: true,
  caFile: true,
  caPath: true,
  caStore: true,
  system: true,
};
const SYSTEM_PARTS: readonly SystemTrust[] = ['file', 'folder', 'store'];
const nativeOf = new WeakMap<TrustStore, NativeTrustStore>();
const withLists = new WeakSet<TrustStore>();

/**
 * Certificates that are trusted, and revocation lists, in the form that OpenSSL verifies with. Does not change; making one
 * costs more than verifying with it, so make it once.
 */
export class TrustStore {
  /**
   * @throws TypeError; `ERR_OCSP_MALFORMED` for a certificate or list that does not parse; `ERR_OCSP_INVALID_VALUE` for a
   * file or store that cannot be read, and for options that name no source at all. (A folder that is not there is an empty one.)
   */
  constructor(options: TrustStoreOptions) {
    const sources = readOptions(options, OPTION_NAMES);
    const { certificates = [], crls = [], caFile, caPath, caStore, system = false } = sources;
    // A source that is left out by mistake must not end as "nothing is trusted" (or worse, as a default).
    if (Object.keys(sources).length === 0) {
      throw invalidValue(`a trust store needs a source: ${Object.keys(OPTION_NAMES).join(', ')}`);
    }
    const trusted = checkCertificates(certificates, 'options.certificates').map((item) => item.native);
    const lists = checkList(crls, 'options.crls', crlBytes);
    if (lists.length > 0) withLists.add(this);
    nativeOf.set(
      this,
      new native.TrustStore(
        trusted,
        lists,
        path(caFile, 'options.caFile'),
        path(caPath, 'options.caPath'),
        path(caStore, 'options.caStore'),
        systemParts(system),
      ),
    );
  }
}

/** Certificates that were given as a list, which is read once. */
export function checkCertificates(certificates: unknown, name: string): ParsedCertificate[] {
  if (typeof certificates === 'string' || types.isUint8Array(certificates)) {
    throw invalidArgType(name, 'an iterable of certificates', certificates);
  }
  return [...checkList(certificates, name, (item) => toOneCertificate(item, name))];
}

/** The store that a trust argument is, or says how to make. */
export function readTrust(input: unknown, name: string): TrustStore {
  if (typeof input !== 'object' || input === null || types.isUint8Array(input))
    throw invalidArgType(name, 'a TrustStore, its options, or a list of certificates', input);
  if (input instanceof TrustStore) return input;
  if (Symbol.iterator in input) return new TrustStore({ certificates: input as Iterable<CertificateInput> });
  return new TrustStore(input as TrustStoreOptions);
}

/** Whether a trust argument itself brought revocation lists into its store. (Those of a {@link TrustStore} may be there for others.) */
export function bringsLists(input: unknown, store: TrustStore | undefined): boolean {
  return store !== undefined && store !== input && withLists.has(store);
}

/** The native store behind a trust argument; undefined for undefined. */
export function toTrustStore(input: unknown, name: string): NativeTrustStore | undefined {
  if (input === undefined) return undefined;
  const found = nativeOf.get(readTrust(input, name));
  if (found === undefined) throw invalidArgType(name, 'a TrustStore', input);
  return found;
}

/** Bits in the order of {@link SYSTEM_PARTS}. */
function systemParts(value: unknown): number {
  if (typeof value === 'boolean') return value ? 0b111 : 0;
  if (!Array.isArray(value)) throw invalidArgType('options.system', 'a boolean or an array', value);
  return (value as unknown[]).reduce<number>((bits, part) => {
    const bit = SYSTEM_PARTS.indexOf(part as SystemTrust);
    if (bit < 0) throw invalidValue(`options.system: a part is one of ${SYSTEM_PARTS.join(', ')}`);
    return bits | (1 << bit);
  }, 0);
}

function path(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  const text = checkText(value, name);
  if (text === '' || text.includes('\0')) throw invalidValue(`${name} is not a path`);
  return text;
}

function crlBytes(item: unknown): Uint8Array {
  if (typeof item !== 'string' && !types.isUint8Array(item))
    throw invalidArgType('options.crls', 'DER or PEM bytes, or a PEM string', item);
  const bytes = Buffer.from(item as string);
  if (bytes[0] !== Tag.SEQUENCE) checkWholeLists(bytes);
  return bytes;
}

/** Of a PEM text. OpenSSL would pass over a list without its beginning, or by another name, and what it revokes would be good. */
function checkWholeLists(text: Buffer): void {
  const [all, begun, ended] = ['CRL-----', '-----BEGIN X509 CRL-----', '-----END X509 CRL-----'].map((line) => {
    let count = 0;
    for (let at = text.indexOf(line); at >= 0; at = text.indexOf(line, at + line.length)) count += 1;
    return count;
  });
  if (begun !== ended || begun !== (all as number) / 2)
    throw malformed("options.crls: a list of the PEM text is cut off, or is not between the lines of an 'X509 CRL'");
}
