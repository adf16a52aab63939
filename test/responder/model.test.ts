/**
 * Whatever happens to a responder, its list and its store, in whatever order: no one gets good after a revocation, beyond the lag that is
 * promised; no one gets an older state after a newer one; nothing that was acknowledged is lost.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, OCSPResponseStatus } from 'openssl-ocsp';
import { bulkSign, indexTxtSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { indexTxtAuthority, Responder, type ResponderOptions } from 'openssl-ocsp/responder';
import { repeated } from '../helpers/repeated.js';
import { ask, ca, delegate } from './fixtures.js';

const SERIALS = Array.from({ length: 8 }, (_, i) => (0x2000 + i).toString(16).toUpperCase());
const SEEDS = repeated(12);
const STEPS = 40;
/** Milliseconds from a change of the list to the answers: looks at the file, and time for a slow machine to have them. */
const INTERVAL = 20;
const PROMISED = 5000;
const HOLD = 'certificateHold';

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Certificate {
  /** As the list says. */
  row: 'good' | 'revoked' | 'hold';
  /** When the list began to say that it is revoked for ever (performance.now()). */
  listedAt: number;
  /** `update` has resolved for it. */
  acknowledged: boolean;
  /** An answer has said so. */
  seen: boolean;
}

async function runModel(t: ExecutionContext, seed: number): Promise<void> {
  const random = generator(seed);
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-model-'));
  const path = join(folder, 'index.txt');
  const model = new Map<string, Certificate>(
    SERIALS.map((serial) => [serial, { row: 'good', listedAt: Infinity, acknowledged: false, seen: false }]),
  );
  const history: string[] = [];
  const text = (): string =>
    [...model]
      .map(([serial, { row }]) => {
        const revoked = row === 'good' ? '' : `260102030405Z${row === 'hold' ? `,${HOLD}` : ',keyCompromise'}`;
        return `${row === 'good' ? 'V' : 'R'}\t301231235959Z\t${revoked}\t${serial}\tunknown\t/CN=x\n`;
      })
      .join('');
  const write = (content: string): void => {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };
  write(text());
  const realNow = Date.now;
  let offset = 0;
  Date.now = () => realNow() + offset;
  let store = await SegmentStore.open(join(folder, 'store'), { refreshInterval: 0 });
  const authority = (): ReturnType<typeof indexTxtAuthority> => indexTxtAuthority(path, { interval: INTERVAL });
  const options = (): ResponderOptions => ({
    issuers: [
      {
        certificate: ca.certificate,
        authority: authority(),
        signers: [{ responder: delegate.certificate, privateKey: delegate.privateKey }],
        store,
      },
    ],
    maxLag: 60,
  });
  let responder = new Responder(options());
  await responder.ready();
  const dead: Responder[] = [];

  const question = async (serial: string): Promise<void> => {
    const certificate = model.get(serial) as Certificate;
    const mustBeRevoked =
      certificate.acknowledged || certificate.seen || performance.now() - certificate.listedAt > PROMISED;
    const nonce = random(3) === 0 ? { nonce: Buffer.alloc(32, 1) } : {};
    const hash = (['sha1', 'sha256', 'sha512'] as const)[random(3)] ?? 'sha1';
    const response = loadDerOcspResponse((await responder.answer(ask([serial], { hash, ...nonce }))).der);
    const { responseStatus } = response;
    if (responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      history.push(`${serial} ${OCSPResponseStatus[responseStatus]}`);
      if (responseStatus !== OCSPResponseStatus.TRY_LATER) t.fail(`seed ${seed}: ${history.join('; ')}`);
      return;
    }
    history.push(`${serial} ${OCSPCertStatus[response.certificateStatus]}`);
    const isPermanent = response.certificateStatus === OCSPCertStatus.REVOKED && response.revocationReason !== HOLD;
    if (mustBeRevoked && !isPermanent) t.fail(`seed ${seed}: ${history.join('; ')}`);
    if (isPermanent && certificate.row !== 'revoked' && !certificate.acknowledged)
      t.fail(`seed ${seed}: revoked out of nothing: ${history.join('; ')}`);
    certificate.seen ||= isPermanent;
  };

  try {
    for (let step = 0; step < STEPS; step += 1) {
      const serial = SERIALS[random(SERIALS.length)] as string;
      const certificate = model.get(serial) as Certificate;
      switch (random(12)) {
        case 0:
          history.push(`list ${serial} revoked`);
          certificate.row = 'revoked';
          write(text());
          certificate.listedAt = Math.min(certificate.listedAt, performance.now());
          break;
        case 1:
          if (certificate.row === 'revoked') break;
          certificate.row = certificate.row === 'hold' ? 'good' : 'hold';
          history.push(`list ${serial} ${certificate.row}`);
          write(text());
          break;
        case 2: {
          history.push(`update ${serial}`);
          await responder.update([
            {
              serialNumber: serial,
              status: OCSPCertStatus.REVOKED,
              revocationTime: new Date('2026-01-02T03:04:05Z'),
              reason: 'keyCompromise',
            },
          ]);
          certificate.acknowledged = true;
          break;
        }
        case 3: {
          history.push('bulk run');
          const signer = new ResponseSigner({
            issuer: ca.certificate,
            responder: delegate.certificate,
            privateKey: delegate.privateKey,
            certIdAlgorithm: 'sha1',
          });
          // With the version of a list that was read long ago.
          await bulkSign({
            source: indexTxtSource(path),
            signer,
            store,
            id: `run ${step}`,
            statusVersion: 1000 + step,
            threads: 1,
          });
          break;
        }
        case 4:
          history.push('reload');
          await responder.reload(options());
          break;
        case 5:
          // Nothing is closed or flushed.
          history.push('crash');
          dead.push(responder);
          store.close();
          store = await SegmentStore.open(join(folder, 'store'), { refreshInterval: 0 });
          responder = new Responder(options());
          await responder.ready();
          for (const one of model.values()) if (one.row === 'revoked') one.seen = true;
          break;
        case 6:
          offset = (random(3) - 1) * 600_000;
          history.push(`clock ${offset}`);
          break;
        case 7:
          history.push('half a list');
          writeFileSync(path, text().slice(0, random(200)));
          await new Promise((resolve) => setTimeout(resolve, 2 * INTERVAL));
          await question(serial);
          write(text());
          break;
        default:
          await question(serial);
      }
      if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
    // At rest, everything is as it should be.
    const begin = performance.now();
    for (const serial of SERIALS) {
      const { row, acknowledged, seen } = model.get(serial) as Certificate;
      const expected = acknowledged || seen || row !== 'good' ? OCSPCertStatus.REVOKED : OCSPCertStatus.GOOD;
      for (;;) {
        const response = loadDerOcspResponse((await responder.answer(ask([serial]))).der);
        if (response.responseStatus === OCSPResponseStatus.SUCCESSFUL && response.certificateStatus === expected) break;
        if (performance.now() - begin > 60_000) t.fail(`seed ${seed}: ${serial} stays wrong: ${history.join('; ')}`);
        await new Promise((resolve) => setTimeout(resolve, INTERVAL));
      }
    }
  } finally {
    Date.now = realNow;
    for (const one of [...dead, responder]) await one.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test.serial('any order of changes, runs, reloads, crashes and clocks', async (t) => {
  t.timeout(600_000);
  for (let seed = 1; seed <= SEEDS; seed += 1) await runModel(t, seed);
  t.pass();
});

test.serial('killed at any time: what was acknowledged is there', async (t) => {
  t.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-killed-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const random = generator(77);
  const acknowledged = new Set<string>();
  const worker = fileURLToPath(new URL('./update-worker.js', import.meta.url));
  const identity = { ca: ca.certificatePem, delegate: delegate.certificatePem, key: delegate.privateKeyPem };
  for (let round = 0; round < repeated(5); round += 1) {
    const child = fork(worker, [join(folder, 'store'), String(0x3000 + round * 0x100)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.send(identity);
    const wanted = 1 + random(8);
    let count = 0;
    await new Promise<void>((resolve, reject) => {
      child.on('message', (serial) => {
        acknowledged.add(String(serial));
        count += 1;
        if (count === wanted) setTimeout(() => child.kill('SIGKILL'), random(20));
      });
      child.on('exit', (code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`exit ${code}`))));
    });
    const store = await SegmentStore.open(join(folder, 'store'), { refreshInterval: 0 });
    const lookup = ({ serialNumber }: { serialNumber: string }) => ({
      serialNumber,
      status: OCSPCertStatus.GOOD,
      statusVersion: 2 ** 40,
    });
    const responder = new Responder({
      issuers: [
        {
          certificate: ca.certificate,
          authority: { lookup },
          signers: [{ responder: delegate.certificate, privateKey: delegate.privateKey }],
          store,
        },
      ],
    });
    for (const serial of acknowledged) {
      const response = loadDerOcspResponse((await responder.answer(ask([serial]))).der);
      t.is(response.certificateStatus, OCSPCertStatus.REVOKED, serial);
    }
    await responder.close();
    store.close();
  }
  t.true(acknowledged.size >= repeated(5));
});
