// What long lists cost a single question: an index.txt that the command reads for it, and a CRL that tells of the delegate.
import { spawnSync } from 'node:child_process';
import { sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Verifier } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { encodeInteger, encodeOid, encodeSequence, encodeTlv, encodeUtcTime } from '#dist/x509/der.js';
import { contender } from '../measure.mjs';
import { responseOf } from './common.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const HOUR = 3_600_000;
const ECDSA_SHA256 = encodeSequence(encodeOid('1.2.840.10045.4.3.2'));

export const heading = 'One question over a long list';
export const effort = { rounds: 5, milliseconds: 500 };

export async function* tables({ quick, rows = quick ? 1000 : 1_000_000 }) {
  const ca = createTestCa({ subject: 'CN=Benchmark CA' });
  yield await verdicts(ca, rows);
  if (spawnSync('openssl', ['version']).status !== 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  try {
    yield answers(ca, folder, rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In no order. */
const serialOf = (i) => (BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 127n;

async function verdicts(ca, rows) {
  const delegate = ca.issueResponder({ ocspNoCheck: false });
  const { certificate } = ca.issue({ subject: 'CN=leaf' });
  const response = responseOf(certificate, ca, delegate, 'sha256');
  const judge = (size, kind) => {
    const trust = { certificates: [ca.certificate], crls: [makeCrl(ca, size)] };
    const verifier = new Verifier({ trust, signerRevocation: 'crl' });
    return contender(
      `CRL with entries: ${size}`,
      () => verifier.verify(response, { certificate, issuer: ca.certificate }),
      {
        kind,
        check: (verdict) => {
          if (verdict.status !== 'good') throw new Error(verdict.explain());
        },
      },
    );
  };
  return {
    title: "verdict, signerRevocation: 'crl', from the second on",
    contenders: [await judge(1, 'limit'), await judge(rows, 'own')],
  };
}

function makeCrl(ca, size) {
  const [from, to] = [-HOUR, 24 * HOUR].map((distance) => encodeUtcTime(new Date(Date.now() + distance)));
  const entries = Array.from({ length: size }, (_, i) => encodeSequence(encodeInteger(serialOf(i)), from));
  const name = encodeSequence(
    encodeTlv(0x31, encodeSequence(encodeOid('2.5.4.3'), encodeTlv(0x0c, Buffer.from('Benchmark CA')))),
  );
  const list = encodeSequence(encodeInteger(1), ECDSA_SHA256, name, from, to, encodeSequence(Buffer.concat(entries)));
  const signature = sign('sha256', list, ca.privateKey);
  return encodeSequence(list, ECDSA_SHA256, encodeTlv(0x03, Buffer.concat([Buffer.of(0), signature])));
}

function answers(ca, folder, rows) {
  const serial = serialOf(rows >> 1);
  const lines = Array.from({ length: rows }, (_, i) => {
    const hex = serialOf(i).toString(16).toUpperCase();
    return `V\t351231235959Z\t\t${hex.length % 2 === 0 ? hex : `0${hex}`}\tunknown\t/CN=device ${i}\n`;
  });
  writeFileSync(join(folder, 'index.txt'), lines.join(''));
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(folder, 'ca.key'), ca.privateKeyPem);
  const question = ['-issuer', 'ca.pem', '-serial', `0x${serial.toString(16)}`];
  const signer = ['-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key'];
  const args = ['ocsp', '-index', 'index.txt', ...signer, ...question, '-resp_text', '-noverify'];
  const run = (program, first) => (n) => {
    for (let i = 0; i < n; i += 1) {
      const { status, stdout, stderr } = spawnSync(program, [...first, ...args], { cwd: folder, encoding: 'utf8' });
      if (status !== 0 || !stdout.includes('Cert Status: good')) throw new Error(`${program} failed: ${stderr}`);
    }
  };
  return {
    title: `one request, -index with ${rows} rows, a whole process`,
    contenders: [
      { name: 'openssl ocsp', kind: 'limit', run: run('openssl', []) },
      { name: 'openssl-ocsp ocsp', kind: 'own', run: run(process.execPath, [MAIN]) },
    ],
  };
}
