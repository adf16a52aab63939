/** What a request asks, as far as a responder has to know. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { invalidValue } from '../errors.js';
import { ENTRY_EXTENSIONS, HASH_INDEX, ISSUER_KEY_HASH, ISSUER_NAME_HASH, SERIAL } from '../ocsp/layout.js';
import type { MessageView } from '../ocsp/message.js';
import { nonceOf, type RawExtension, readRawExtensions } from '../ocsp/raw-extensions.js';
import { loadDerOcspRequest, type OCSPRequest, type OCSPRequestEntry } from '../ocsp/request.js';
import { isNegative } from '../store/serial-key.js';
import { Tag } from '../x509/der.js';
import {
  OCSPNonce,
  type PreferredSignatureAlgorithm,
  PreferredSignatureAlgorithms,
} from '../x509/extensions/request.js';
import { OCSPExtensionOID } from '../x509/oids.js';
import type { Place } from './answer-cache.js';
import type { IssuerTable, ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';

/** A certificate that is asked about. */
export interface Asked {
  /** undefined when no one here answers for it. */
  readonly issuer: ResponderIssuer | undefined;
  readonly hash: CertIdHashIndex;
  /** Which spelling of the issuer's name. */
  readonly name: number;
  /** Upper-case hexadecimal digits; undefined for what no store takes as a serial number, being negative or too long. */
  readonly serialNumber: string | undefined;
  /** Content bytes of the INTEGER. */
  readonly serialBytes: Buffer;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** Whom the client would rather have sign; undefined when that does not matter. */
  signer?: LiveSigner | undefined;
  /** Key of its answer in the cache, once it has been made, and its place there: a question that is remembered comes often. */
  key?: string | undefined;
  place?: Place | undefined;
}

/**
 * The request behind the bytes: DER, or what OpenSSL makes of it, as some clients do not write DER.
 *
 * @throws `ERR_OCSP_MALFORMED`.
 */
export function readRequest(bytes: Uint8Array): OCSPRequest {
  try {
    return loadDerOcspRequest(bytes);
  } catch {
    return loadDerOcspRequest(bytes, { strict: false });
  }
}

/** Longer than any serial number that a store takes. */
const LONGEST_SERIAL = 255;

/** A certificate as an entry of a request names it. The bytes are read when an answer is signed. */
class AskedEntry implements Asked {
  readonly issuer: ResponderIssuer | undefined;
  readonly hash: CertIdHashIndex;
  readonly name: number;
  readonly serialNumber: string | undefined;
  signer: LiveSigner | undefined;
  key: string | undefined;
  place: Place | undefined;
  readonly #parsed: MessageView;

  constructor(parsed: MessageView, issuers: IssuerTable) {
    const { memory } = parsed;
    const hash = parsed.number(HASH_INDEX);
    const start = parsed.start(SERIAL);
    const end = parsed.end(SERIAL);
    const id = memory.toString('latin1', parsed.start(ISSUER_NAME_HASH), parsed.end(ISSUER_KEY_HASH));
    const isNumber = end > start && end - start <= LONGEST_SERIAL && (memory[start] as number) < 0x80;
    let first = start;
    while (first < end - 1 && memory[first] === 0) first += 1;
    const found = issuers.find(id, hash);
    this.issuer = found?.issuer;
    this.name = found?.name ?? 0;
    this.hash = hash as CertIdHashIndex;
    // (Such a question is no reason to call a store that refuses it one that cannot be read.)
    this.serialNumber =
      isNumber && !isNegative(memory, first, end) ? memory.toString('hex', first, end).toUpperCase() : undefined;
    this.#parsed = parsed;
  }

  get serialBytes(): Buffer {
    return this.#parsed.view(SERIAL);
  }

  get issuerNameHash(): Buffer {
    return this.#parsed.view(ISSUER_NAME_HASH);
  }

  get issuerKeyHash(): Buffer {
    return this.#parsed.view(ISSUER_KEY_HASH);
  }
}

/** What an entry of a request asks about. */
export function readAsked(entry: OCSPRequestEntry, issuers: IssuerTable): Asked {
  return new AskedEntry(entry.parsedCertId(), issuers);
}

/** The nonce of a request. */
export interface AskedNonce {
  /** The value of the extension, as it came. Not a copy. */
  readonly value: Uint8Array;
  /** Bytes of the nonce inside. */
  readonly length: number;
}

/** Extensions of requests that may be critical: what they ask for is done, or may be left undone. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OCSPExtensionOID.NONCE,
  OCSPExtensionOID.ACCEPTABLE_RESPONSES,
  OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS,
  OCSPExtensionOID.SERVICE_LOCATOR,
]);

/** What the extensions of a request ask for. */
export interface RequestExtensions {
  readonly nonce: AskedNonce | null;
  /** Signature algorithms that the client prefers, the best first (RFC 6960 section 4.4.7). */
  readonly preferred: readonly PreferredSignatureAlgorithm[] | undefined;
}

/**
 * Reads the extensions of a request.
 *
 * @throws `ERR_OCSP_MALFORMED`, `ERR_OCSP_DUPLICATE_EXTENSION` for extensions that cannot be read; `ERR_OCSP_INVALID_VALUE` for a
 * critical one that is not known (RFC 6960 section 4.4).
 */
export function readExtensions(request: OCSPRequest, entries: readonly OCSPRequestEntry[]): RequestExtensions {
  const extensions = request.rawExtensions();
  checkCritical(extensions);
  for (const entry of entries) {
    const parsed = entry.parsedCertId();
    if (parsed.has(ENTRY_EXTENSIONS)) checkCritical(readRawExtensions(...parsed.locate(ENTRY_EXTENSIONS)));
  }
  return { nonce: readNonce(extensions), preferred: readPreferred(extensions) };
}

function readNonce(extensions: readonly RawExtension[]): AskedNonce | null {
  const raw = nonceOf(extensions);
  if (raw === null) return null;
  // Wrapped or not.
  const isWrapped = raw[0] === Tag.OCTET_STRING && raw[1] === raw.length - 2 && raw.length < 0x80 + 2;
  return { value: raw, length: isWrapped ? raw.length - 2 : OCSPNonce.fromDer(raw).nonce.length };
}

/** How many preferences of a client are looked at, for each certificate and signer: hundreds would fit into a request. */
const MOST_PREFERENCES = 16;

function readPreferred(extensions: readonly RawExtension[]): readonly PreferredSignatureAlgorithm[] | undefined {
  const found = extensions.find(({ oid }) => oid === OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS);
  return found && PreferredSignatureAlgorithms.fromDer(found.value).algorithms.slice(0, MOST_PREFERENCES);
}

function checkCritical(extensions: readonly RawExtension[]): void {
  for (const { oid, critical } of extensions)
    if (critical && !UNDERSTOOD.has(oid)) throw invalidValue(`unknown critical extension ${oid}`);
}
