import { type Json, ValueObject } from '../value-object.js';

/**
 * What an extension says: the common part of every extension class. Compared by type and DER.
 */
export abstract class ExtensionValue extends ValueObject {
  /** Dotted OID of the extension. */
  abstract get oid(): string;

  /** DER of the value, without the OCTET STRING that carries it in an Extension. A fresh Buffer. */
  abstract publicBytes(): Buffer;

  /** The same extension class with the same content. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && other.oid === this.oid && other.publicBytes().equals(this.publicBytes());
  }

  /** The content for `JSON.stringify`. */
  abstract override toJSON(): Json;
}
