/** Certificates in files: PEM of any number, or DER of one. */
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidArgType, malformed } from '../errors.js';

const SEQUENCE = 0x30;

/**
 * Node's object for the certificate that bytes of DER are. Node itself looks for PEM text first, also in the middle of them: of a
 * certificate that holds another one as text it makes that other one.
 */
export function x509Of(der: Uint8Array): X509Certificate {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.length);
  if (!bytes.includes('-----BEGIN')) return new X509Certificate(bytes);
  // (No empty line at the end: in PEM it has a meaning.)
  const lines = bytes.toString('base64').replaceAll(/.{64}(?!$)/g, '$&\n');
  return new X509Certificate(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
}

/** Whether bytes begin as the DER of a certificate. (None is so short that its length takes one byte; a text may well begin with a 0.) */
export function isCertificateDer(bytes: Uint8Array): boolean {
  return bytes[0] === SEQUENCE && (bytes[1] ?? 0) > 0x80;
}

/**
 * The certificates in a PEM text, in their order, such as a chain; or the one that bytes of DER are. What stands between the
 * blocks, and blocks of other things, are skipped.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when there is none, or one that does not parse or is cut off: without it, a chain would be
 * another one.
 */
export function loadCertificates(data: string | Uint8Array): X509Certificate[] {
  if (typeof data !== 'string' && !types.isUint8Array(data)) throw invalidArgType('data', 'a string or bytes', data);
  const isDer = typeof data !== 'string' && isCertificateDer(data);
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  const certificates = (isDer ? [Buffer.from(data as Uint8Array)] : certificateBlocks(text)).map((encoded, index) => {
    try {
      return typeof encoded === 'string' ? new X509Certificate(encoded) : x509Of(encoded);
    } catch (cause) {
      throw malformed(`certificate ${index} does not parse`, { cause });
    }
  });
  if (certificates.length === 0) throw malformed('there is no certificate');
  return certificates;
}

const HALF = /-----(?:BEGIN|END) [^-\r\n]*CERTIFICATE/i;

/** The certificates in a PEM text, none of which may be half there. */
function certificateBlocks(text: string): string[] {
  const found: string[] = [];
  let end = 0;
  const skipTo = (start: number): void => {
    if (HALF.test(text.slice(end, start))) throw malformed(`certificate ${found.length} is cut off`);
  };
  for (const { label, pem, start } of pemBlocks(text)) {
    skipTo(start);
    end = start + pem.length;
    if (label.endsWith('CERTIFICATE')) found.push(pem);
  }
  skipTo(text.length);
  return found;
}

/** How many certificates begin in a PEM text. */
export function countCertificates(text: string): number {
  return text.match(/-----BEGIN [A-Z0-9 ]{0,52}CERTIFICATE-----/g)?.length ?? 0;
}

/** The blocks of a PEM text; what stands between them is skipped. Time is linear in the length. */
export function* pemBlocks(text: string): Generator<{ label: string; der: Buffer; pem: string; start: number }> {
  const begin = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const label = match[1] as string;
    const footer = `-----END ${label}-----`;
    const end = text.indexOf(footer, begin.lastIndex);
    if (end < 0) return;
    const pem = text.slice(match.index, end + footer.length);
    yield { label, der: Buffer.from(text.slice(begin.lastIndex, end), 'base64'), pem, start: match.index };
    begin.lastIndex = end + footer.length;
  }
}
