/** PKCS#12 files that openssl does not make. */
import { createHmac } from 'node:crypto';
import { hex, integer, sequence, tlv } from './der.js';
import { openssl } from './openssl-cli.js';

/** The contents of a DER element, and the elements in it. */
function contents(der: Buffer): Buffer {
  const first = der[1] as number;
  return der.subarray(2 + (first < 0x80 ? 0 : first & 0x7f));
}

function elements(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let rest = contents(der); rest.length > 0; ) {
    const first = rest[1] as number;
    const more = first < 0x80 ? 0 : first & 0x7f;
    const length = 2 + more + (more === 0 ? first : rest.readUIntBE(2, more));
    found.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return found;
}

/** One file, with the passphrase sesame, of what several hold, as a key store of Java: openssl exports one key at a time. */
export function mergedPkcs12(files: readonly Buffer[]): Buffer {
  const data = hex('06092a864886f70d010701');
  const safes = files.map((file) => {
    const [, info] = elements(file) as [Buffer, Buffer];
    const [, content] = elements(info) as [Buffer, Buffer];
    return contents(contents(contents(content)));
  });
  const authSafe = sequence(...safes);
  const salt = Buffer.from('saltsalt');
  const pass = Buffer.from('sesame\0', 'utf16le').swap16();
  const options = [`hexpass:${pass.toString('hex')}`, `hexsalt:${salt.toString('hex')}`];
  const kdf = ['digest:SHA256', ...options, 'iter:1', 'id:3'].flatMap((option) => ['-kdfopt', option]);
  const derived = openssl(['kdf', '-keylen', '32', ...kdf, 'PKCS12KDF']);
  if (derived.status !== 0) throw new Error(derived.stderr);
  const key = Buffer.from(derived.stdout.replace(/[^0-9a-f]/gi, ''), 'hex');
  const digest = createHmac('sha256', key).update(authSafe).digest();
  const sha256 = sequence(hex('0609608648016503040201'), hex('0500'));
  const mac = sequence(sequence(sha256, tlv(0x04, digest)), tlv(0x04, salt), integer(1n));
  return sequence(integer(3n), sequence(data, tlv(0xa0, tlv(0x04, authSafe))), mac);
}
