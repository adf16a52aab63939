/** Keys that OpenSSL reads by itself; the openssl command makes the files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { LoadedKey, OCSPResponseBuilder } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { verifies } from '../helpers/fixtures.js';
import { refuses, refusesType } from '../helpers/refusals.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-keys-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const uri = (name: string): string => pathToFileURL(at(name)).href;

const ca = createTestCa();
const responder = ca.issueResponder();
writeFileSync(at('ca.pem'), ca.certificatePem);
writeFileSync(at('cert.pem'), responder.certificatePem);
writeFileSync(at('key.pem'), responder.privateKeyPem);
writeFileSync(at('two.pem'), responder.privateKeyPem + ca.privateKeyPem);

function pkcs12(name: string, passphrase: string, ...args: string[]): Buffer {
  const files = ['-inkey', at('key.pem'), '-in', at('cert.pem'), '-certfile', at('ca.pem'), '-out', at(name)];
  const { status, stderr } = spawnSync('openssl', [
    'pkcs12',
    '-export',
    ...files,
    '-passout',
    `pass:${passphrase}`,
    ...args,
  ]);
  if (status !== 0) throw new Error(String(stderr));
  return readFileSync(at(name));
}

function sign(key: LoadedKey) {
  return new OCSPResponseBuilder()
    .addResponse(responder.certificate, ca.certificate, 'sha256', 0, new Date(), null, null, null)
    .responderId('By Hash', responder.certificate)
    .sign(key, 'sha256');
}

test('PKCS#12: the key signs, and its certificate comes first', (t) => {
  const subjects = [responder.certificate, ca.certificate].map(({ fingerprint256 }) => fingerprint256);
  const word = 'pässword \u{1f511}';
  const data = pkcs12('key.p12', word);
  for (const key of [LoadedKey.fromPkcs12(data, word), LoadedKey.fromStore(uri('key.p12'), word)]) {
    t.deepEqual(
      key.certificates.map(({ fingerprint256 }) => fingerprint256),
      subjects,
    );
    t.true(verifies(sign(key), responder.certificate.publicKey));
  }
  t.notThrows(() => LoadedKey.fromPkcs12(pkcs12('empty.p12', '')));
  t.notThrows(() => LoadedKey.fromPkcs12(pkcs12('empty.p12', ''), ''));
  t.true(verifies(sign(LoadedKey.fromStore(uri('key.pem'))), responder.certificate.publicKey));
});

test('PKCS#12: refusals', (t) => {
  const data = pkcs12('key.p12', 'sesame');
  for (const word of ['', 'Sesame', undefined]) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => LoadedKey.fromPkcs12(data, word));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => LoadedKey.fromPkcs12(data, 'sesame\0x'));
  for (const bad of [Buffer.alloc(0), data.subarray(0, 100), readFileSync(at('key.pem'))]) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => LoadedKey.fromPkcs12(bad, 'sesame'));
  }
  for (let i = 0; i < data.length; i += 7) {
    const changed = Buffer.from(data);
    changed[i] = (changed[i] as number) ^ 0x21;
    try {
      t.true(verifies(sign(LoadedKey.fromPkcs12(changed, 'sesame')), responder.certificate.publicKey));
    } catch (error) {
      t.regex((error as { code: string }).code, /^ERR_OCSP_/);
    }
  }
  spawnSync('openssl', [
    'pkcs12',
    '-export',
    '-nokeys',
    '-in',
    at('cert.pem'),
    '-out',
    at('no.p12'),
    '-passout',
    'pass:',
  ]);
  refuses(t, 'ERR_OCSP_MALFORMED', () => LoadedKey.fromPkcs12(readFileSync(at('no.p12')), ''));
  refusesType(t, () => LoadedKey.fromPkcs12('text' as never));
  refusesType(t, () => LoadedKey.fromPkcs12(data, 7 as never));
});

test('stores: refusals', (t) => {
  refuses(t, 'ERR_OCSP_MALFORMED', () => LoadedKey.fromStore(uri('cert.pem')));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => LoadedKey.fromStore(uri('two.pem')));
  refuses(t, 'ERR_OCSP_OPENSSL', () => LoadedKey.fromStore(uri('missing.pem')));
  refuses(t, 'ERR_OCSP_OPENSSL', () => LoadedKey.fromStore('pkcs11:object=none'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => LoadedKey.fromStore('file:a\0b'));
  refusesType(t, () => LoadedKey.fromStore(undefined as never));
  refusesType(t, () => LoadedKey.fromStore(uri('key.pem'), 7 as never));
  t.throws(() => new (LoadedKey as unknown as new () => LoadedKey)(), { instanceOf: TypeError });
  t.throws(() => sign(Object.create(LoadedKey.prototype)), { instanceOf: TypeError });
});
