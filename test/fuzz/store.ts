/**
 * A stateful fuzzer of the store, and of the signer of what is put: operations in random order, calls of the file system and of
 * the signer that fail, the loss of power, and a model of what may be served. Arguments: number of sequences, first seed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HashAlgorithm, loadDerOcspResponse, type OCSPCertStatus } from 'openssl-ocsp';
import {
  bulkSign,
  iterableSource,
  type ResponseStore,
  type RunWriter,
  SegmentStore,
  type StatusEntry,
  type StoredResponse,
} from 'openssl-ocsp/bulk';
import type { TestKeyType } from 'openssl-ocsp/testing';
import { WriterLock } from '#dist/store/writer-lock.js';
import { randomFrom } from '../helpers/random.js';
import { MEMORY, MemoryFiles } from './memory-files.js';
import { issuer, KEYS, type Signers, signersOf } from './signers.js';
import { type Given, StoreModel } from './store-model.js';
import { attempt, entryOf, givenOf, type Run, readAll, recordOf, UNKNOWN } from './store-records.js';

const SERIALS = 3;
/** Least number of steps; up to as many more. */
const STEPS = 8;
/** Of every so many sequences one puts what has been signed. */
const SIGNED = 16;
const HASHES = [HashAlgorithm.SHA1, HashAlgorithm.SHA256];
const NEXT_UPDATES = [1000, 2000, null];
/** Times at which something may have expired, before it, at the end of it and behind it. */
const TIMES = [1000, 1500, 2000, 2500];
/** Shares of the steps that are disturbed: without faults, sequences come far. */
const FAULTS = [0, 0.3, 0.6];

function open(folder: string): Promise<SegmentStore> {
  return SegmentStore.open(folder, { refreshInterval: 0, segmentRecords: 3 });
}

class Sequence {
  readonly #files: MemoryFiles;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #signers: Signers | undefined;
  readonly #model = new StoreModel();
  /** What this sequence does with less than all there is gets further: fewer serial numbers, faults, and kinds of action. */
  readonly #serials: number;
  readonly #faults: number;
  readonly #leftOut = new Map<string, boolean>();
  /** The first one only reads. */
  #stores: SegmentStore[] = [];
  /** Responses whose signatures are right. */
  readonly #right = new Set<string>();
  readonly log: string[] = [];
  #run: Run | undefined;
  /** Whether nothing else is done meanwhile. */
  #isAlone = true;
  #runs = 0;
  #produced = 0;

  constructor(files: MemoryFiles, folder: string, seed: number) {
    this.#files = files;
    this.#folder = folder;
    this.#random = randomFrom(seed);
    this.#serials = 1 + this.#below(SERIALS);
    this.#faults = FAULTS[this.#below(FAULTS.length)] as number;
    if (seed % SIGNED === 0) this.#signers = signersOf(KEYS[this.#below(KEYS.length)] as TestKeyType);
  }

  async carryOut(): Promise<void> {
    await this.#openAll();
    // So many small segments that the next ones are put together.
    if (this.#random() < 0.2) for (let puts = 4 + this.#below(6); puts > 0; puts -= 1) await this.#put(this.#store());
    for (let steps = STEPS + this.#below(STEPS); steps > 0; steps -= 1) {
      const isPair = this.#random() < 0.3;
      this.#isAlone = !isPair;
      const actions = isPair ? [this.#sharable(), this.#sharable()] : [this.#action()];
      const isDisturbed = this.#random() < this.#faults;
      // Few calls are those between which nothing may be lost.
      const ofChanges = this.#random() < 0.5;
      const at = 1 + Math.floor(2 ** (this.#random() * (ofChanges ? 4 : 7)));
      if (isDisturbed) this.#files.arm(at, this.#random() < (ofChanges ? 0.4 : 0.2), ofChanges);
      const results = await Promise.allSettled(actions.map((action) => action()));
      const failed = this.#files.disarm();
      if (failed !== undefined) this.log.push(`  ${failed}`);
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        const { code, message } = result.reason as NodeJS.ErrnoException;
        this.log.push(`  failed: ${message}`);
        // The error of the file system, and none that says something else, such as damage.
        const isOfFiles = this.#files.isDown ? code === 'ENODEV' : failed?.endsWith(`: ${code}`);
        if (!isOfFiles && !(isPair && code === 'ERR_OCSP_STORE_LOCKED')) throw result.reason;
      }
      if (this.#files.isDown) await this.#restart();
      else if (results.some(({ status }) => status === 'rejected')) await this.#giveUpRun();
      if (this.#random() < 0.6) await this.#check();
    }
  }

  async end(): Promise<void> {
    await this.#closeRun();
    if (this.#run !== undefined) {
      // What a checkpoint has covered is there, or the run has ended.
      await this.#begin(false);
      await this.#commit((this.#run as Run).writer as RunWriter);
    }
    for (let check = 0; check < 3; check += 1) await this.#check();
    for (const store of this.#stores) store.close();
    assert.equal(this.#files.openCount, 0, 'files are open');
    for (const part of ['', 'run', 'compaction']) WriterLock.acquire(join(this.#folder, part)).release();
  }

  async #openAll(): Promise<void> {
    this.#stores = [await open(this.#folder), await open(this.#folder), await open(this.#folder)];
  }

  /** Whatever was running is gone; what was acknowledged is not. */
  async #restart(): Promise<void> {
    await this.#closeRun().catch(() => undefined);
    for (const store of this.#stores) store.close();
    await nextTurn();
    // A process that is killed loses nothing that it has written.
    const isKilled = this.#random() < 0.3;
    this.#files.restart(() => isKilled || this.#random() < 0.5);
    if (!isKilled) this.#model.restart();
    await this.#openAll();
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #store(): SegmentStore {
    return this.#stores[1 + this.#below(this.#stores.length - 1)] as SegmentStore;
  }

  async #records(): Promise<Given[]> {
    const records: Given[] = [];
    for (let count = 1 + this.#below(2); count > 0; count -= 1) {
      const serial = BigInt(1 + this.#below(this.#serials));
      const certStatus = this.#below(3) as OCSPCertStatus;
      const hashAlgorithm = HASHES[this.#below(HASHES.length)] as HashAlgorithm;
      const entry = entryOf(serial, certStatus);
      this.#produced += 1;
      records.push({
        serial,
        statusVersion: 1 + this.#below(4),
        certStatus,
        producedAt: this.#produced,
        nextUpdate: NEXT_UPDATES[this.#below(NEXT_UPDATES.length)] as number | null,
        hashAlgorithm,
        der: (await this.#signers?.near.signAsync(entry, { hashAlgorithm })) ?? Buffer.from(`${this.#produced}`),
        ...UNKNOWN,
      });
    }
    return records;
  }

  /** Something that may be done beside something else. */
  #sharable(): () => Promise<void> {
    const store = this.#store();
    const seconds = TIMES[this.#below(TIMES.length)] as number;
    const choices: [string, () => Promise<void>][] = [
      ['put', () => this.#put(store)],
      ['put', () => this.#put(store)],
      ['compact', () => this.#forgetting(seconds, () => store.compact(new Date(seconds * 1000)))],
      ['compact without a time', () => store.compact()],
      ['sweep', () => this.#forgetting(seconds, () => store.sweep(new Date(seconds * 1000)))],
      ['sweep', () => this.#forgetting(seconds, () => store.sweep(new Date(seconds * 1000)))],
      ['read', async () => void this.#read(store)],
      ['verify', async () => assert.deepEqual((await store.verify()).problems, [])],
    ];
    return this.#chosen(choices);
  }

  #action(): () => Promise<void> {
    const { writer, durable = 0 } = this.#run ?? {};
    // What a checkpoint has covered shows when the run goes on.
    if (writer === undefined && durable > 0 && this.#random() < 0.5)
      return this.#chosen([['begin', () => this.#begin()]]);
    if (this.#random() < 0.4) return this.#sharable();
    if (writer === undefined) {
      return this.#chosen([
        ['begin', () => this.#begin()],
        ['begin', () => this.#begin()],
        ['reopen', () => this.#reopen()],
        ...(this.#signers === undefined ? [] : [['sign', () => this.#sign(this.#signers as Signers)] as const]),
      ]);
    }
    return this.#chosen([
      ['append', () => this.#append()],
      ['append', () => this.#append()],
      ['append', () => this.#append()],
      ['checkpoint', () => this.#checkpoint(writer)],
      ['checkpoint', () => this.#checkpoint(writer)],
      ['commit', () => this.#commit(writer).then(() => undefined)],
      ['commit', () => this.#commit(writer).then(() => undefined)],
      ['discard', () => this.#discard(writer)],
      ['close the run', () => this.#closeRun()],
      ['reopen', () => this.#reopen()],
    ]);
  }

  #chosen(choices: readonly (readonly [string, () => Promise<void>])[]): () => Promise<void> {
    const left = choices.filter(([name]) => !this.#isLeftOut(name));
    const some = left.length > 0 ? left : choices;
    const [name, action] = some[this.#below(some.length)] as (typeof choices)[number];
    return () => {
      this.log.push(name);
      return action();
    };
  }

  #isLeftOut(name: string): boolean {
    const known = this.#leftOut.get(name) ?? this.#random() < 0.25;
    this.#leftOut.set(name, known);
    return known;
  }

  async #put(store: SegmentStore): Promise<void> {
    const records = await this.#records();
    let isWhole = false;
    const best = this.#isAlone ? this.#model.best(records) : 0;
    try {
      const { written } = await store.putBatch(records.map(recordOf), { issuer });
      // Which of them were kept back it does not say; of those that outdo each other only one is written.
      isWhole = written === records.length;
      assert.ok(written >= best, `${best} of the records are newer than all there is, and ${written} are written`);
    } finally {
      const known = this.#model.tick();
      for (const given of records) given.known = known;
      this.#model.publish(records, isWhole);
    }
  }

  async #forgetting(seconds: number, action: () => Promise<unknown>): Promise<void> {
    const start = this.#model.tick();
    try {
      await action();
    } finally {
      this.#model.forget(start, seconds);
    }
  }

  /** A whole run, signed by a key that may fail. */
  async #sign(by: Signers): Promise<void> {
    const entries = [1n, 2n, 3n].map((serial) => entryOf(serial, this.#below(3)));
    const statusVersion = 1 + this.#below(4);
    const signature = this.#random() < 0.5 ? undefined : this.#below(6);
    const fault = this.#random() < 0.5 ? 'throws' : 'lies';
    by.failed = false;
    function* faulty(): Generator<StatusEntry> {
      for (const [i, entry] of entries.entries()) {
        if (i === signature) by.fault = fault;
        yield entry;
      }
    }
    const store = { beginRun: () => this.#observed() } as Partial<ResponseStore> as ResponseStore;
    const source = iterableSource(faulty());
    try {
      await bulkSign({
        source,
        signer: by.far,
        store,
        id: 'signed',
        statusVersion,
        concurrency: 1,
        checkpointEvery: 1,
      });
      assert.ok(!by.failed, 'a signature that failed is not told of');
    } catch (error) {
      const { code, cause } = error as NodeJS.ErrnoException;
      const said = fault === 'lies' ? code : (cause as NodeJS.ErrnoException | undefined)?.code;
      if (!by.failed || said !== (fault === 'lies' ? 'ERR_OCSP_KEY_MISMATCH' : 'KEY_GONE')) throw error;
    } finally {
      by.fault = undefined;
      // What has failed in ending it was not told of.
      await this.#closeRun();
    }
  }

  /** A new run, of which the model knows what is appended to it. */
  async #observed(): Promise<RunWriter> {
    await this.#begin(true);
    const run = this.#run as Run;
    const writer = run.writer as RunWriter;
    return {
      resumeToken: writer.resumeToken,
      records: writer.records,
      editions: writer.editions,
      append: (batch) => this.#appendTo(run, [...batch].map(givenOf)),
      checkpoint: () => this.#checkpoint(writer),
      commit: async () => ({ written: await this.#commit(writer), kept: 0 }),
      close: () => this.#closeRun(),
      discard: () => this.#discard(writer),
    };
  }

  async #begin(isOther = this.#run === undefined || this.#random() < 0.2): Promise<void> {
    const known = this.#run;
    if (isOther) this.#runs += 1;
    const id = isOther ? `run ${this.#runs}` : (known as Run).id;
    if (isOther && known !== undefined) known.mayHaveEnded = 'discarded';
    const writer = await this.#store().beginRun({ id, otherRun: 'discard', issuer });
    const now = this.#model.tick();
    if (known === undefined || isOther) {
      assert.equal(writer.resumeToken, null);
      this.#run = { id, records: [], durable: 0, known: now, writer, mayHaveEnded: false };
      return;
    }
    const count = Number(writer.resumeToken ?? 0);
    // A commit that has failed has been done, or the run goes on.
    if (count < known.durable && known.mayHaveEnded === 'committed') this.#model.publish(known.records, true);
    else assert.ok(known.mayHaveEnded || count >= known.durable, `resumed at ${count}, not ${known.durable}`);
    assert.equal(writer.records, count);
    const since = writer.resumeToken === null ? now : known.known;
    this.#run = {
      id,
      records: known.records.slice(0, count),
      durable: count,
      known: since,
      writer,
      mayHaveEnded: false,
    };
  }

  async #append(): Promise<void> {
    const run = this.#run as Run;
    await this.#appendTo(run, await this.#records());
  }

  async #appendTo(run: Run, records: Given[]): Promise<void> {
    const writer = run.writer as RunWriter;
    for (const given of records) given.known = run.known;
    run.records.push(...records);
    await attempt(writer, () => writer.append(records.map(recordOf)));
  }

  async #checkpoint(writer: RunWriter): Promise<void> {
    const run = this.#run as Run;
    const count = run.records.length;
    await attempt(writer, () => writer.checkpoint(`${count}`));
    run.durable = count;
  }

  async #commit(writer: RunWriter): Promise<number> {
    const run = this.#run as Run;
    run.mayHaveEnded ||= 'committed';
    let isDone = false;
    try {
      const { written } = await attempt(writer, () => writer.commit());
      isDone = true;
      this.#run = undefined;
      return written;
    } finally {
      this.#model.publish(run.records, isDone);
    }
  }

  async #discard(writer: RunWriter): Promise<void> {
    (this.#run as Run).mayHaveEnded = 'discarded';
    await writer.discard();
    this.#run = undefined;
  }

  /** Something has failed, perhaps a commit that has been done all the same: the run is closed, or discarded. */
  async #giveUpRun(): Promise<void> {
    const writer = this.#run?.writer;
    if (writer === undefined) return;
    if (this.#random() < 0.5) await this.#closeRun();
    else await this.#discard(writer);
  }

  async #closeRun(): Promise<void> {
    const run = this.#run;
    const writer = run?.writer;
    if (run !== undefined) run.writer = undefined;
    await writer?.close();
  }

  /** Also with a run that is open, which ends. */
  async #reopen(): Promise<void> {
    const at = 1 + this.#below(this.#stores.length - 1);
    const old = this.#stores[at] as SegmentStore;
    this.#stores[at] = await open(this.#folder);
    old.close();
    assert.throws(() => old.get(1n), { code: 'ERR_OCSP_STORE_CLOSED' });
    await this.#closeRun();
  }

  #read(store: SegmentStore): StoredResponse[] {
    const rows = readAll(store, SERIALS, HASHES);
    for (const { der, serial, certStatus } of rows) this.#checkSignature(der, BigInt(`0x${serial}`), certStatus);
    return rows;
  }

  #checkSignature(der: Buffer, serial: bigint, certStatus: OCSPCertStatus): void {
    const key = `${serial} ${certStatus} ${der.toString('latin1')}`;
    if (this.#signers === undefined || this.#right.has(key)) return;
    const response = loadDerOcspResponse(der);
    assert.equal(response.serialNumber, serial);
    assert.equal(response.certificateStatus, certStatus);
    assert.ok(this.#signers.isSignatureOf(response));
    this.#right.add(key);
  }

  /** One store says what the model says. */
  async #check(): Promise<void> {
    const store = this.#stores[this.#below(this.#stores.length)] as SegmentStore;
    assert.deepEqual(this.#model.wrong(this.#read(store)), []);
    if (this.#random() < 0.2) assert.deepEqual((await store.verify()).problems, []);
  }
}

/** Carries out the sequences of so many seeds. The error of one that fails tells the seed and the steps. */
export async function fuzzStore(runs: number, firstSeed: number): Promise<void> {
  const files = MemoryFiles.install();
  const folder = join(MEMORY, 'store');
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const sequence = new Sequence(files, folder, seed);
    try {
      await sequence.carryOut();
      await sequence.end();
    } catch (error) {
      throw new Error(`seed ${seed}:\n${sequence.log.join('\n')}\n${(error as Error).stack}`, { cause: error });
    }
    files.clear();
  }
}

const [runs, seed] = process.argv.slice(2);
if (import.meta.filename === process.argv[1]) await fuzzStore(Number(runs), Number(seed));
