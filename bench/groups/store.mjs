// Finding responses in a store, beside LMDB with the same responses under the same keys.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OCSPCertStatus } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';

const ANSWERS = 1_000_000;
const SEGMENTS = 100;
/** As long as a response with an ECDSA signature and no certificate. */
const DER = Buffer.alloc(300, 0x30);

export const heading = 'Finding responses in a store';
export const effort = { rounds: 9, milliseconds: 250 };

export async function* tables({ quick, peers }) {
  const answers = quick ? 1000 : ANSWERS;
  const segments = quick ? 10 : SEGMENTS;
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  const close = [];
  try {
    const known = [];
    for (const peer of peers) {
      const store = await peer.responseStore?.(join(folder, 'peer'), records(answers));
      if (store === undefined) continue;
      known.push({ name: peer.name, get: store.get });
      close.push(store.close);
    }
    const one = await storeOf(join(folder, 'one'), answers, 1);
    const many = await storeOf(join(folder, 'many'), answers, segments);
    known.push({ name: 'SegmentStore, one segment', kind: 'own', get: (serial) => one.get(serial) });
    known.push({ name: `SegmentStore, ${segments} segments`, kind: 'own', get: (serial) => many.get(serial) });
    close.push(() => one.close());
    close.push(() => many.close());
    for (const [title, first] of [
      ['hit', 0],
      ['miss', answers],
    ]) {
      // Made before, and few: what is measured is the store, not the garbage collector.
      const serials = Array.from({ length: Math.min(answers, 20_000) }, (_, i) =>
        serialAt(first + ((i * 7919) % answers)),
      );
      // Warm: what a store keeps of what was found is there.
      for (const { get } of known) for (const serial of serials) get(serial);
      yield {
        title: `${title}, ${answers} responses`,
        contenders: known.map(({ name, kind, get }) => ({ name, kind, run: finder(get, serials, title === 'hit') })),
      };
    }
  } finally {
    for (const action of close) await action();
    rmSync(folder, { recursive: true });
  }
}

/** Serial numbers of 16 bytes, in no order. */
function serialAt(i) {
  const serial = Buffer.alloc(16);
  for (let word = 0, state = i + 1; word < 4; word += 1) {
    state = Math.imul(state ^ (state >>> 16), 0x7feb352d);
    state = Math.imul(state ^ (state >>> 15), 0x846ca68b) ^ word;
    serial.writeInt32BE(state, 4 * word);
  }
  serial[0] &= 0x7f;
  serial[0] |= 0x40;
  return serial;
}

function* records(count) {
  for (let i = 0; i < count; i += 1) yield { serial: serialAt(i), der: DER };
}

async function storeOf(folder, answers, segments) {
  const store = await SegmentStore.open(folder, { segmentRecords: Math.ceil(answers / segments) });
  const run = await store.beginRun({ id: 'benchmark' });
  const fields = { statusVersion: 1, producedAt: 1, certStatus: OCSPCertStatus.GOOD, nextUpdate: null };
  let batch = [];
  for (const record of records(answers)) {
    batch.push({ ...record, ...fields });
    if (batch.length < 1000) continue;
    await run.append(batch);
    batch = [];
  }
  await run.append(batch);
  await run.commit();
  return store;
}

/** Asks for one after the other, and for the first again after the last. */
function finder(get, serials, present) {
  let at = 0;
  return (iterations) => {
    for (let i = 0; i < iterations; i += 1) {
      at = at + 1 < serials.length ? at + 1 : 0;
      if ((get(serials[at]) !== undefined) !== present) throw new Error('a wrong result');
    }
  };
}
