import { type AlgorithmIdentifier, encodeAlgorithmIdentifier, readAlgorithmIdentifier } from '../algorithms.js';
import { checkBytes, checkList } from '../checks.js';
import {
  checkDerElement,
  copyBytes,
  DerReader,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSequenceOf,
  Tag,
} from '../der.js';
import { checkOid, OCSPExtensionOID } from '../oids.js';
import { checkNames, type OptionNames, readOptions } from '../options.js';
import type { Json } from '../value-object.js';
import { ExtensionValue } from './value.js';

/**
 * Binds a response to its request, against replay (RFC 9654).
 *
 * Written as an OCTET STRING within the extension's OCTET STRING. RFC 2560 left that open and peers differ, so when read,
 * a value that is exactly one OCTET STRING is unwrapped and anything else is taken as it stands: reading never fails.
 */
export class OCSPNonce extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.NONCE = OCSPExtensionOID.NONCE;
  readonly #nonce: Buffer;

  /**
   * @param nonce - its bytes; any number is accepted, RFC 9654 allows 1 to 128 and asks clients for at least 32
   * @throws TypeError when it is not bytes.
   */
  constructor(nonce: Uint8Array) {
    super();
    this.#nonce = copyBytes(checkBytes(nonce, 'nonce'));
  }

  /** Reads an extension value; never fails on bytes. */
  static fromDer(value: Uint8Array): OCSPNonce {
    const reader = new DerReader(checkBytes(value, 'value'));
    try {
      const nonce = reader.readOctetString();
      reader.done();
      return new OCSPNonce(nonce);
    } catch {
      return new OCSPNonce(value);
    }
  }

  override get oid(): typeof OCSPExtensionOID.NONCE {
    return OCSPNonce.oid;
  }

  /** The bytes, unwrapped. */
  get nonce(): Buffer {
    return copyBytes(this.#nonce);
  }

  override publicBytes(): Buffer {
    return encodeOctetString(this.#nonce);
  }

  override toJSON(): Json {
    return { nonce: this.#nonce.toString('hex') };
  }
}

/** The response types a client understands (RFC 6960 section 4.4.3). Iterates over the OIDs. */
export class OCSPAcceptableResponses extends ExtensionValue implements Iterable<string> {
  static readonly oid: typeof OCSPExtensionOID.ACCEPTABLE_RESPONSES = OCSPExtensionOID.ACCEPTABLE_RESPONSES;
  readonly #responses: readonly string[];

  /**
   * @param responses - dotted OIDs, such as `OCSPResponseTypeOID.BASIC`
   * @throws TypeError when it is not an iterable of strings; `ERR_OCSP_INVALID_VALUE` for a string that is not an OID.
   */
  constructor(responses: Iterable<string>) {
    super();
    this.#responses = checkList(responses, 'responses', (item) => checkOid(item, 'responses'));
  }

  /**
   * Reads an extension value: SEQUENCE OF OBJECT IDENTIFIER.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): OCSPAcceptableResponses {
    const reader = new DerReader(checkBytes(value, 'value'));
    const sequence = reader.enter(Tag.SEQUENCE, 'AcceptableResponses');
    reader.done('AcceptableResponses');
    const responses: string[] = [];
    while (!sequence.atEnd) responses.push(sequence.readOid('AcceptableResponses'));
    return new OCSPAcceptableResponses(responses);
  }

  override get oid(): typeof OCSPExtensionOID.ACCEPTABLE_RESPONSES {
    return OCSPAcceptableResponses.oid;
  }

  /** The dotted OIDs, in order. The array is frozen. */
  get responses(): readonly string[] {
    return this.#responses;
  }

  /** The items, in order. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#responses[Symbol.iterator]();
  }

  override publicBytes(): Buffer {
    return encodeSequenceOf(this.#responses.map(encodeOid));
  }

  override toJSON(): Json {
    return { responses: this.#responses };
  }
}

/** An AlgorithmIdentifier as an argument: parameters may be left out. */
export interface AlgorithmIdentifierInit {
  /** Dotted OID of the algorithm, such as `SignatureAlgorithmOID.ECDSA_WITH_SHA256`. */
  readonly oid: string;
  /** DER of the parameters; absent when null or left out. */
  readonly parameters?: Uint8Array | null;
}

/** One preference, as an argument of {@link PreferredSignatureAlgorithms}. */
export interface PreferredSignatureAlgorithmInit {
  /** Signature algorithm the client prefers. */
  readonly sigIdentifier: AlgorithmIdentifierInit;
  /** Public key algorithm, with its parameters, that the client wants the responder's certificate to have. */
  readonly certIdentifier?: AlgorithmIdentifierInit | null;
}

/** One preference (RFC 6960 section 4.4.7.1, where the text calls `certIdentifier` pubKeyAlgIdentifier). */
export interface PreferredSignatureAlgorithm {
  /** Signature algorithm the client prefers. */
  readonly sigIdentifier: AlgorithmIdentifier;
  /** Public key algorithm wanted of the responder's certificate, or null. */
  readonly certIdentifier: AlgorithmIdentifier | null;
}

const INIT_NAMES = { algorithms: true } as const;
const PREFERENCE_NAMES: OptionNames<PreferredSignatureAlgorithmInit> = { sigIdentifier: true, certIdentifier: true };
/** The algorithm of a signature, as a message has it, says its hash besides. */
const ALGORITHM_NAMES: OptionNames<AlgorithmIdentifierInit & { hash: unknown }> = {
  oid: true,
  parameters: true,
  hash: true,
};

/** The signature algorithms a client wants, best first (RFC 6960 section 4.4.7). Iterates over them. */
export class PreferredSignatureAlgorithms extends ExtensionValue implements Iterable<PreferredSignatureAlgorithm> {
  static readonly oid: typeof OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS =
    OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS;
  readonly #algorithms: readonly PreferredSignatureAlgorithm[];

  /**
   * @param init - `{ algorithms: [{ sigIdentifier: { oid, parameters? }, certIdentifier? }, ...] }`, best first
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` for a bad OID or parameters that are not one DER element.
   */
  constructor(init: { readonly algorithms: Iterable<PreferredSignatureAlgorithmInit> }) {
    super();
    const { algorithms } = readOptions(init, INIT_NAMES, 'init');
    this.#algorithms = checkList(algorithms, 'algorithms', (item) => {
      const { sigIdentifier, certIdentifier } = readOptions(
        item as PreferredSignatureAlgorithmInit,
        PREFERENCE_NAMES,
        'algorithms',
      );
      return preference(
        checkAlgorithm(sigIdentifier, 'sigIdentifier'),
        certIdentifier == null ? null : checkAlgorithm(certIdentifier, 'certIdentifier'),
      );
    });
  }

  /**
   * Reads an extension value: SEQUENCE OF SEQUENCE of one or two AlgorithmIdentifiers.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): PreferredSignatureAlgorithms {
    const reader = new DerReader(checkBytes(value, 'value'));
    const sequence = reader.enter(Tag.SEQUENCE, 'PreferredSignatureAlgorithms');
    reader.done('PreferredSignatureAlgorithms');
    const algorithms: PreferredSignatureAlgorithmInit[] = [];
    while (!sequence.atEnd) {
      const item = sequence.enter(Tag.SEQUENCE, 'PreferredSignatureAlgorithm');
      const sigIdentifier = readAlgorithmIdentifier(item, 'sigIdentifier');
      const certIdentifier = item.atEnd ? null : readAlgorithmIdentifier(item, 'certIdentifier');
      item.done('PreferredSignatureAlgorithm');
      algorithms.push({ sigIdentifier, certIdentifier });
    }
    return new PreferredSignatureAlgorithms({ algorithms });
  }

  override get oid(): typeof OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS {
    return PreferredSignatureAlgorithms.oid;
  }

  /** The preferences, best first. The array is new at each read. */
  get algorithms(): readonly PreferredSignatureAlgorithm[] {
    return this.#algorithms.map(({ sigIdentifier, certIdentifier }) => preference(sigIdentifier, certIdentifier));
  }

  /** The items, in order. */
  [Symbol.iterator](): IterableIterator<PreferredSignatureAlgorithm> {
    return this.algorithms[Symbol.iterator]();
  }

  override publicBytes(): Buffer {
    return encodeSequenceOf(
      this.#algorithms.map(({ sigIdentifier, certIdentifier }) =>
        encodeSequence(
          encodeAlgorithmIdentifier(sigIdentifier),
          ...(certIdentifier === null ? [] : [encodeAlgorithmIdentifier(certIdentifier)]),
        ),
      ),
    );
  }

  override toJSON(): Json {
    return {
      algorithms: this.#algorithms.map(({ sigIdentifier, certIdentifier }) => ({
        sigIdentifier: algorithmToJson(sigIdentifier),
        certIdentifier: certIdentifier && algorithmToJson(certIdentifier),
      })),
    };
  }
}

/** A preference with its own copies of the parameters. */
function preference(sig: AlgorithmIdentifier, cert: AlgorithmIdentifier | null): PreferredSignatureAlgorithm {
  return { sigIdentifier: copyAlgorithm(sig), certIdentifier: cert && copyAlgorithm(cert) };
}

function copyAlgorithm({ oid, parameters }: AlgorithmIdentifier): AlgorithmIdentifier {
  return { oid, parameters: parameters && copyBytes(parameters) };
}

function checkAlgorithm(value: AlgorithmIdentifierInit, name: string): AlgorithmIdentifier {
  const { oid, parameters } = checkNames(value, ALGORITHM_NAMES, name);
  return {
    oid: checkOid(oid, `${name}.oid`),
    parameters: parameters == null ? null : checkDerElement(parameters, `${name}.parameters`),
  };
}

function algorithmToJson({ oid, parameters }: AlgorithmIdentifier): Json {
  return { oid, parameters: parameters?.toString('hex') ?? null };
}
