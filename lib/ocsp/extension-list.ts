/** The extensions of a message under construction. */
import { invalidArgType, OCSPError } from '../errors.js';
import { Extension } from '../x509/extension.js';
import { checkExtension, type ExtensionType, encodeExtensions } from '../x509/extension-codec.js';

/** `extensions` with one more at the end. */
export function withExtension(
  extensions: readonly Extension[],
  extension: ExtensionType,
  critical: boolean,
): readonly Extension[] {
  const value = checkExtension(extension, 'extension');
  if (typeof critical !== 'boolean') throw invalidArgType('critical', 'a boolean', critical);
  checkUnique(extensions, value.oid);
  return [...extensions, new Extension(value.oid, critical, value)];
}

/** Checks an argument that has to be an iterable of Extension, each OID once. */
export function checkExtensionList(value: unknown, name: string): readonly Extension[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object' || !(Symbol.iterator in value))
    throw invalidArgType(name, 'an iterable of Extension', value);
  const list: Extension[] = [];
  for (const item of value as Iterable<unknown>) {
    if (!(item instanceof Extension)) throw invalidArgType(name, 'an iterable of Extension', item);
    checkUnique(list, item.oid);
    list.push(item);
  }
  return list;
}

/** The SEQUENCE OF Extension element; undefined for none, since an empty list is left out. */
export function encodeExtensionList(extensions: readonly Extension[]): Buffer | undefined {
  return extensions.length === 0 ? undefined : encodeExtensions(extensions);
}

function checkUnique(extensions: readonly Extension[], oid: string): void {
  if (extensions.some((present) => present.oid === oid)) {
    throw new OCSPError('ERR_OCSP_DUPLICATE_EXTENSION', `extension ${oid} has been added already`, { oid });
  }
}
