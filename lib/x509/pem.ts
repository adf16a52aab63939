/** Certificates in files: PEM of any number, or DER of one. */
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidArgType, malformed } from '../errors.js';

const SEQUENCE = 0x30;

/**
 * The certificates in a PEM text, in their order, such as a chain; or the one that bytes of DER are. What stands between the
 * blocks, and blocks of other things, are skipped.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when there is none, or one that does not parse.
 */
export function loadCertificates(data: string | Uint8Array): X509Certificate[] {
  if (typeof data !== 'string' && !types.isUint8Array(data)) throw invalidArgType('data', 'a string or bytes', data);
  // (No certificate is so short that its length takes one byte; a text may well begin with a 0.)
  const isDer = typeof data !== 'string' && data[0] === SEQUENCE && (data[1] ?? 0) > 0x80;
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  const blocks = isDer ? [] : [...pemBlocks(text)].filter(({ label }) => label.endsWith('CERTIFICATE'));
  const certificates = (isDer ? [Buffer.from(data as Uint8Array)] : blocks.map(({ pem }) => pem)).map(
    (encoded, index) => {
      try {
        return new X509Certificate(encoded);
      } catch (cause) {
        throw malformed(`certificate ${index} does not parse`, { cause });
      }
    },
  );
  if (certificates.length === 0) throw malformed('there is no certificate');
  return certificates;
}

/** The blocks of a PEM text; what stands between them is skipped. Time is linear in the length. */
export function* pemBlocks(text: string): Generator<{ label: string; der: Buffer; pem: string }> {
  const begin = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const label = match[1] as string;
    const footer = `-----END ${label}-----`;
    const end = text.indexOf(footer, begin.lastIndex);
    if (end < 0) return;
    const pem = text.slice(match.index, end + footer.length);
    yield { label, der: Buffer.from(text.slice(begin.lastIndex, end), 'base64'), pem };
    begin.lastIndex = end + footer.length;
  }
}
