/** PKCS#12 files that openssl does not make. */
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';
import { hex, integer, octets, sequence, tlv } from './der.js';
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

const DATA = hex('06092a864886f70d010701');
const ENCRYPTED = hex('06092a864886f70d010706');
const SALT = Buffer.from('saltsalt');
const NO_IV = Buffer.alloc(16);

/** PBES2 with AES-256 and a key derivation: PBKDF2 with a number of rounds, or scrypt with N, r and p. */
function pbes2(rounds: bigint | readonly [n: bigint, r: bigint, p: bigint]): Buffer {
  const derivation =
    typeof rounds === 'bigint'
      ? sequence(hex('06092a864886f70d01050c'), sequence(octets(SALT), integer(rounds)))
      : sequence(hex('06092b06010401da47040b'), sequence(octets(SALT), ...rounds.map((number) => integer(number))));
  const aes = sequence(hex('060960864801650304012a'), octets(NO_IV));
  return sequence(hex('06092a864886f70d01050d'), sequence(derivation, aes));
}

const bag = (number: number, value: Buffer): Buffer =>
  sequence(hex(`060b2a864886f70d010c0a010${number}`), tlv(0xa0, value));

/** A bag with an encrypted key that no passphrase opens. */
export function keyBag(rounds: Parameters<typeof pbes2>[0]): Buffer {
  return bag(2, sequence(pbes2(rounds), octets(Buffer.alloc(48, 1))));
}

/** A bag with bags in it. */
export function nestedBag(...bags: readonly Buffer[]): Buffer {
  return bag(6, sequence(...bags));
}

/** A safe that is not encrypted. */
export function plainSafe(...bags: readonly Buffer[]): Buffer {
  return sequence(DATA, tlv(0xa0, octets(sequence(...bags))));
}

/** A safe that is, with the empty passphrase. */
export function encryptedSafe(...bags: readonly Buffer[]): Buffer {
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('', SALT, 1, 32, 'sha1'), NO_IV);
  const content = Buffer.concat([cipher.update(sequence(...bags)), cipher.final()]);
  const info = sequence(DATA, pbes2(1n), tlv(0x80, content));
  return sequence(ENCRYPTED, tlv(0xa0, sequence(integer(0n), info)));
}

/** A file of safes without a MAC, which anyone can make. */
export function bareFile(...safes: readonly Buffer[]): Buffer {
  return sequence(integer(3n), sequence(DATA, tlv(0xa0, octets(sequence(...safes)))));
}
