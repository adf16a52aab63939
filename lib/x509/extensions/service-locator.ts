import { invalidArgType } from '../../errors.js';
import { checkBytes, checkList } from '../checks.js';
import { DerReader, encodeOid, encodeSequence, encodeSequenceOf, Tag } from '../der.js';
import { checkGeneralName, type GeneralName, readGeneralName } from '../general-name.js';
import { Name, readName } from '../name.js';
import { checkOid, OCSPExtensionOID } from '../oids.js';
import { type OptionNames, readOptions } from '../options.js';
import type { Json } from '../value-object.js';
import { ExtensionValue } from './value.js';

/** One entry of an authority information access extension (RFC 5280 section 4.2.2.1). */
export interface AccessDescription {
  /** Dotted OID of the method, see `AuthorityInformationAccessOID`. */
  readonly accessMethod: string;
  /** Where; nearly always a `UniformResourceIdentifier`. */
  readonly accessLocation: GeneralName;
}

/** What {@link ServiceLocator} takes, by the field names of RFC 6960. */
export interface ServiceLocatorInit {
  /** Issuer of the certificate asked about. */
  readonly issuer: Name;
  /** The certificate's authority information access; absent when null or left out. */
  readonly locator?: Iterable<AccessDescription> | null;
}

const INIT_NAMES: OptionNames<ServiceLocatorInit> = { issuer: true, locator: true };
const ACCESS_NAMES: OptionNames<AccessDescription> = { accessMethod: true, accessLocation: true };

/** Tells a responder where to forward a request to (RFC 6960 section 4.4.6). */
export class ServiceLocator extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.SERVICE_LOCATOR = OCSPExtensionOID.SERVICE_LOCATOR;
  readonly #issuer: Name;
  readonly #locator: readonly AccessDescription[] | null;

  /**
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when an `accessMethod` is not an OID.
   */
  constructor(init: ServiceLocatorInit) {
    super();
    const { issuer, locator } = readOptions(init, INIT_NAMES, 'init');
    if (!(issuer instanceof Name)) throw invalidArgType('issuer', 'an instance of Name', issuer);
    this.#issuer = issuer;
    this.#locator = locator == null ? null : checkList(locator, 'locator', checkAccessDescription);
  }

  /**
   * Reads an extension value: SEQUENCE of a Name and an optional SEQUENCE OF AccessDescription.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): ServiceLocator {
    const reader = new DerReader(checkBytes(value, 'value'));
    const sequence = reader.enter(Tag.SEQUENCE, 'ServiceLocator');
    reader.done('ServiceLocator');
    const issuer = readName(sequence, 'ServiceLocator.issuer');
    const locator = sequence.atEnd
      ? null
      : readAccessDescriptions(sequence.enter(Tag.SEQUENCE, 'ServiceLocator.locator'));
    sequence.done('ServiceLocator');
    return new ServiceLocator({ issuer, locator });
  }

  override get oid(): typeof OCSPExtensionOID.SERVICE_LOCATOR {
    return ServiceLocator.oid;
  }

  /** Issuer of the certificate asked about. */
  get issuer(): Name {
    return this.#issuer;
  }

  /** The certificate's authority information access, or null. The array is frozen. */
  get locator(): readonly AccessDescription[] | null {
    return this.#locator;
  }

  override publicBytes(): Buffer {
    const issuer = this.#issuer.publicBytes();
    if (this.#locator === null) return encodeSequence(issuer);
    const locator = this.#locator.map(({ accessMethod, accessLocation }) =>
      encodeSequence(encodeOid(accessMethod), accessLocation.publicBytes()),
    );
    return encodeSequence(issuer, encodeSequenceOf(locator));
  }

  override toJSON(): Json {
    const locator = this.#locator?.map(({ accessMethod, accessLocation }) => ({
      accessMethod,
      accessLocation: accessLocation.toJSON(),
    }));
    return { issuer: this.#issuer.toJSON(), locator: locator ?? null };
  }
}

function checkAccessDescription(item: unknown): AccessDescription {
  const { accessMethod, accessLocation } = readOptions(item as AccessDescription, ACCESS_NAMES, 'locator');
  return Object.freeze({
    accessMethod: checkOid(accessMethod, 'accessMethod'),
    accessLocation: checkGeneralName(accessLocation, 'accessLocation'),
  });
}

/** Reads descriptions to the end. */
export function readAccessDescriptions(reader: DerReader): AccessDescription[] {
  const descriptions: AccessDescription[] = [];
  while (!reader.atEnd) {
    const sequence = reader.enter(Tag.SEQUENCE, 'AccessDescription');
    const accessMethod = sequence.readOid('AccessDescription.accessMethod');
    const accessLocation = readGeneralName(sequence);
    sequence.done('AccessDescription');
    descriptions.push({ accessMethod, accessLocation });
  }
  return descriptions;
}
