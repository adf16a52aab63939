import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  Extension,
  InvalidityDate,
  loadDerOcspResponse,
  OCSPCertStatus,
  ReasonFlags,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { crlSource } from '#dist/statuses/crl.js';
import { indexTxtSource } from '#dist/statuses/index-txt.js';
import type { StatusEntry } from '#dist/statuses/status-entry.js';
import { command } from '../../helpers/command.js';
import { withCli } from '../../helpers/conditional.js';
import { openssl, opensslCliVersion } from '../../helpers/openssl-cli.js';
import { entriesOf } from '../records.js';
import { lines, makeOpensslCa, REVOCATIONS } from './openssl-ca.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const ca = opensslCliVersion === null ? undefined : makeOpensslCa(folder);

const invalidity = (text: string): Extension[] => [
  new Extension(InvalidityDate.oid, false, new InvalidityDate(new Date(text))),
];
const hold = (oid: string): Extension[] => [
  new Extension('2.5.29.23', false, new UnrecognizedExtension('2.5.29.23', Buffer.from(oid, 'hex'))),
];
/** Reason and extensions that OpenSSL's responder gives for each of the ways to revoke. */
const EXPECTED: [ReasonFlags | null, Extension[]?][] = [
  [null],
  [ReasonFlags.unspecified],
  [ReasonFlags.keyCompromise],
  [ReasonFlags.cACompromise],
  [ReasonFlags.affiliationChanged],
  [ReasonFlags.superseded],
  [ReasonFlags.cessationOfOperation],
  [ReasonFlags.certificateHold],
  [ReasonFlags.certificateHold, hold('06072a8648ce380203')],
  [ReasonFlags.certificateHold, hold('06072a8648ce380202')],
  [ReasonFlags.keyCompromise, invalidity('2020-01-02T03:04:05Z')],
  [ReasonFlags.cACompromise, invalidity('2021-01-02T03:04:05Z')],
];

const plain = (entry: StatusEntry) => [
  entry.serialNumber,
  entry.status,
  entry.reason,
  [...(entry.singleExtensions ?? [])].map((extension) => extension.toJSON()),
];

withCli('index.txt as openssl ca writes it', async (t) => {
  const { index } = ca!;
  const entries = await entriesOf(indexTxtSource(index));
  const serials = lines(index).map((line) => line.split('\t')[3] as string);
  t.is(lines(index).at(-1)?.[0], 'E');
  t.is(entries.length, REVOCATIONS.length + 1);
  for (const [i, [reason, extensions = []]] of EXPECTED.entries()) {
    const json = extensions.map((extension) => extension.toJSON());
    t.deepEqual(plain(entries[i]!), [serials[i], OCSPCertStatus.REVOKED, reason, json], `${REVOCATIONS[i]}`);
    const age = Date.now() - (entries[i]?.revocationTime?.getTime() ?? 0);
    t.true(age >= 0 && age < 120_000);
  }
  t.deepEqual(plain(entries.at(-1)!), [serials.at(-2), OCSPCertStatus.GOOD, null, []]);
  const withExpired = await entriesOf(indexTxtSource(index, { expired: 'include' }));
  t.is(withExpired.length, entries.length + 1);
  t.deepEqual(plain(withExpired.at(-1)!), [serials.at(-1), OCSPCertStatus.GOOD, null, []]);
  const live = await entriesOf(indexTxtSource(index, { expired: 'include', expiredBefore: new Date() }));
  t.is(live.length, entries.length);
});

withCli('the CRL of the same authority, with the list of its serial numbers, says the same', async (t) => {
  const { index, crl } = ca!;
  const fromIndex = await entriesOf(indexTxtSource(index));
  const serials = fromIndex.map((entry) => entry.serialNumber as string);
  const text = openssl(['crl', '-in', crl, '-outform', 'DER', '-out', join(folder, 'crl.der')]);
  t.is(text.status, 0);
  for (const input of [crl, readFileSync(crl), readFileSync(join(folder, 'crl.der'))]) {
    const fromCrl = await entriesOf(crlSource(input, { serials }));
    t.is(fromCrl.length, fromIndex.length);
    for (const [i, entry] of fromCrl.entries()) {
      const other = fromIndex[i]!;
      t.is(BigInt(`0x${entry.serialNumber}`), BigInt(`0x${other.serialNumber}`));
      t.is(entry.status, other.status);
      t.deepEqual(entry.revocationTime, other.revocationTime);
      t.is(entry.reason, other.reason);
      const dates = (one: StatusEntry) =>
        [...(one.singleExtensions ?? [])].filter(({ oid }) => oid === InvalidityDate.oid);
      t.deepEqual(
        dates(entry).map((e) => e.toJSON()),
        dates(other).map((e) => e.toJSON()),
      );
    }
  }
});

withCli('a CRL without a list, and with one that lacks some', async (t) => {
  const { crl } = ca!;
  const revoked = await entriesOf(crlSource(crl));
  t.is(revoked.length, REVOCATIONS.length);
  const all = await entriesOf(crlSource(crl, { serials: Buffer.from('# all\n0F0\n\nffff\nABC\n'), useCrlTimes: true }));
  t.deepEqual(
    all.slice(0, 3).map(({ serialNumber, status }) => [serialNumber, status]),
    [
      ['F0', OCSPCertStatus.REVOKED],
      ['FFFF', OCSPCertStatus.GOOD],
      ['ABC', OCSPCertStatus.GOOD],
    ],
  );
  t.is(all.length, REVOCATIONS.length + 2);
  for (const { thisUpdate, nextUpdate } of all) {
    t.is((nextUpdate as Date).getTime() - (thisUpdate as Date).getTime(), 30 * 24 * 3_600_000);
  }
});

withCli('a CRL of another issuer, or one that was changed, is refused', async (t) => {
  const { crl } = ca!;
  const run = (...args: string[]): void => {
    const { status, stderr } = openssl(args);
    t.is(status, 0, stderr);
  };
  const at = (name: string): string => join(folder, name);
  const forged = { code: 'ERR_OCSP_INVALID_VALUE', message: /its key did not sign the list/ };
  const keyTypeOf = (file: string) => new X509Certificate(readFileSync(file)).publicKey.asymmetricKeyType;
  const kinds: [name: string, key: string[], sign?: string[]][] = [
    ['rsa', ['-newkey', 'rsa:2048']],
    ['pss', ['-newkey', 'rsa:2048'], ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:20']],
    ['ed25519', ['-newkey', 'ed25519'], ['-md', 'null']],
  ];
  const crls: [issuer: string, crl: string][] = [[at('ca.pem'), crl]];
  const config = ['-config', at('ca.cnf')];
  for (const [name, key, sign = []] of kinds) {
    const pair = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    run('req', '-x509', ...key, '-nodes', ...config, ...pair, '-subj', '/CN=CA', '-days', '30');
    const signer = ['-keyfile', at(`${name}.key`), '-cert', at(`${name}.pem`)];
    run('ca', ...config, '-gencrl', ...signer, ...sign, '-out', at(`${name}.crl`));
    crls.push([at(`${name}.pem`), at(`${name}.crl`)]);
  }
  for (const [issuerFile, own] of crls) {
    const issuer = readFileSync(issuerFile);
    t.is((await entriesOf(crlSource(own, { issuer }))).length, REVOCATIONS.length, own);
    for (const [otherFile, other] of crls) {
      if (other === own) continue;
      // What no key of this type can sign, OpenSSL does not even try to check.
      const expected =
        keyTypeOf(otherFile) === keyTypeOf(issuerFile) ? forged : { code: 'ERR_OCSP_UNSUPPORTED_ALGORITHM' };
      await t.throwsAsync(entriesOf(crlSource(other, { issuer })), expected, `${own} ${other}`);
    }
  }
  const issuer = readFileSync(at('ca.pem'));
  run('crl', '-in', crl, '-outform', 'DER', '-out', at('whole.der'));
  const der = readFileSync(at('whole.der'));
  const position = der.indexOf(Buffer.from('0a0101', 'hex'));
  t.true(position > 0);
  const changed = Buffer.from(der);
  changed[position + 2] = 3;
  t.is((await entriesOf(crlSource(changed))).length, REVOCATIONS.length);
  await t.throwsAsync(entriesOf(crlSource(changed, { issuer })), forged);
  changed.set(der);
  changed[der.length - 1] = (der[der.length - 1] as number) ^ 1;
  await t.throwsAsync(entriesOf(crlSource(changed, { issuer })), forged);
  await t.throwsAsync(entriesOf(crlSource(der.subarray(0, -1), { issuer })), { code: 'ERR_OCSP_MALFORMED' });
  await t.throwsAsync(entriesOf(crlSource(der, { issuer: Buffer.from('no certificate') })), {
    code: 'ERR_OCSP_MALFORMED',
  });
});

withCli('bulk-sign of a CRL and the list of what was issued', async (t) => {
  const { crl } = ca!;
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('issued.txt'), 'F0\nABCDEF\n');
  const keys = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
  const sign = ['bulk-sign', ...keys, '--out', at('store'), '--json', '--crl', crl];
  const alone = await command(sign);
  t.is((JSON.parse(alone.stdout) as { signed: number }).signed, REVOCATIONS.length, alone.stderr);
  const both = await command([...sign, '--serials', at('issued.txt')]);
  t.is((JSON.parse(both.stdout) as { signed: number }).signed, REVOCATIONS.length + 1, both.stderr);
  const status = async (serial: string) => {
    const { bytes } = await command(['store', 'get', at('store'), serial]);
    return loadDerOcspResponse(bytes);
  };
  const good = await status('ABCDEF');
  t.is(good.certificateStatus, OCSPCertStatus.GOOD);
  // The CRL's own times: 30 days.
  t.is((good.nextUpdate as Date).getTime() - good.thisUpdate.getTime(), 30 * 24 * 3_600_000);
  t.is((await status('F0')).certificateStatus, OCSPCertStatus.REVOKED);
  const old = ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200201000000Z'];
  t.is(openssl(['ca', '-config', at('ca.cnf'), '-gencrl', ...old, '-out', at('old.crl')]).status, 0);
  t.is((await entriesOf(crlSource(at('old.crl'), { allowExpired: true }))).length, REVOCATIONS.length);
  const expired = await command([...sign.slice(0, -1), at('old.crl')]);
  t.is(expired.status, 1);
  t.regex(
    expired.stderr,
    /the CRL has expired: its nextUpdate was 2020-02-01T00:00:00\.000Z \[ERR_OCSP_INVALID_VALUE\]/,
  );
  const foreign = createTestCa();
  writeFileSync(at('foreign.pem'), foreign.certificatePem);
  writeFileSync(at('foreign.key'), foreign.privateKeyPem);
  const others = ['--issuer', at('foreign.pem'), '--signer', at('foreign.pem'), '--key', at('foreign.key')];
  const refused = await command(['bulk-sign', ...others, '--out', at('other'), '--crl', crl]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /it is of another CA \[ERR_OCSP_INVALID_VALUE\]/);
});

withCli('each entry says what openssl ocsp answers', async (t) => {
  const { index, certificates } = ca!;
  const entries = await entriesOf(indexTxtSource(index));
  const issuer = join(folder, 'ca.pem');
  for (const [i, entry] of entries.entries()) {
    const out = join(folder, 'response.der');
    const request = join(folder, 'request.der');
    t.is(openssl(['ocsp', '-issuer', issuer, '-cert', certificates[i]!, '-no_nonce', '-reqout', request]).status, 0);
    const responder = [
      '-index',
      index,
      '-CA',
      issuer,
      '-rsigner',
      issuer,
      '-rkey',
      join(folder, 'ca.key'),
      '-ndays',
      '1',
    ];
    const { status, stderr } = openssl(['ocsp', ...responder, '-reqin', request, '-respout', out]);
    t.is(status, 0, stderr);
    const response = loadDerOcspResponse(readFileSync(out));
    t.is(response.serialNumber, BigInt(`0x${entry.serialNumber}`));
    t.is(response.certificateStatus, entry.status);
    t.deepEqual(response.revocationTime, entry.revocationTime as Date | null);
    t.is(response.revocationReason, (entry.reason ?? null) as ReasonFlags | null);
    t.deepEqual(
      [...response.singleExtensions].map((extension) => extension.toJSON()),
      [...(entry.singleExtensions ?? [])].map((extension) => extension.toJSON()),
    );
  }
});
