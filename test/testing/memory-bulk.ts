/**
 * The interfaces of bulk signing in memory: the least that fulfils them, and, with a fault, not quite that. Each fault is one that
 * an implementation over a database might have.
 */
import type { BatchOptions, LeasedRange, Ledger, StatusEntry, StatusSource } from 'openssl-ocsp/bulk';
import {
  type AnswerChoice,
  agreeIssuer,
  askedOf,
  type BeginRunOptions,
  type CertIdLookup,
  compareVersions,
  type IssuerIdentity,
  type ListEdition,
  mergeAnswer,
  type PutOptions,
  type PutResult,
  preferredAnswer,
  type ResponseRecord,
  type ResponseStore,
  type RunWriter,
  type SerialKey,
  type StoredResponse,
  storedSerial,
  toStoredResponse,
} from 'openssl-ocsp/bulk';

export const STORE_FAULTS = [
  'the last write wins',
  'the later producedAt wins',
  'a good of the same version replaces a revoked',
  'the commit of a run does not look at what is there',
  'a run is served as it is written',
  'what came after the last checkpoint stays',
  'a run always begins again',
  'a run is of all who have begun it',
  'a run goes on after its commit',
  'another run is overwritten',
  'discarding keeps the records',
  'serial numbers are compared as text',
  'serial numbers are cut to 64 bits',
  'memory is shared with callers',
  'records are not checked',
  'a batch is counted as written',
  'a run is counted as written',
  'the edition of a list is forgotten',
  'editions of one list are kept side by side',
  'a sweep takes what has no end',
  'a sweep takes only the newest',
  'the choice is ignored',
  'any CertID is answered',
  'any issuer is taken',
  'half a bad batch is kept',
  'a run that has ended takes more',
  'a status counts for one hash only',
  'a certificate has one answer',
] as const;
export type StoreFault = (typeof STORE_FAULTS)[number];

interface Run {
  readonly id: string;
  records: StoredResponse[];
  token: string | null;
  durable: number;
}

export class MemoryStore implements ResponseStore {
  readonly #fault: StoreFault | undefined;
  #issuer: IssuerIdentity | undefined;
  /** What was replaced is below what replaced it, as in a table of versions. */
  readonly #served = new Map<string, (readonly StoredResponse[])[]>();
  #run: Run | undefined;
  /** Who has begun the run last. */
  #writer: RunWriter | undefined;
  #editions: readonly ListEdition[] = [];

  constructor(fault?: StoreFault) {
    this.#fault = fault;
  }

  async get(serial: SerialKey, choice?: AnswerChoice): Promise<Buffer | undefined> {
    const answers = this.#served.get(this.#key(serial))?.at(-1) ?? [];
    if (this.#fault === 'the choice is ignored') return answers.at(-1) && Buffer.from(answers.at(-1)!.der);
    const found = preferredAnswer(answers, choice);
    if (this.#fault !== 'memory is shared with callers' || found === undefined) return found;
    return answers.find(({ der }) => der.equals(found))?.der;
  }

  async lookup(certId: CertIdLookup): Promise<Buffer | undefined> {
    if (this.#fault !== 'any CertID is answered') askedOf(this.#issuer, certId);
    return this.get(certId.serialNumber, certId);
  }

  async putBatch(batch: Iterable<ResponseRecord>, { issuer }: PutOptions = {}): Promise<PutResult> {
    this.#agree(issuer);
    const records: StoredResponse[] = [];
    let written = 0;
    for (const record of batch) {
      records.push(this.#checked(record));
      if (this.#fault === 'half a bad batch is kept' && this.#put(records.at(-1)!)) written += 1;
    }
    if (this.#fault !== 'half a bad batch is kept') written = records.filter((record) => this.#put(record)).length;
    if (this.#fault === 'a batch is counted as written') written = records.length;
    return { written, kept: records.length - written };
  }

  async beginRun({ id, otherRun, issuer }: BeginRunOptions): Promise<RunWriter> {
    this.#agree(issuer);
    if (this.#run !== undefined && this.#run.id !== id) {
      if (otherRun !== 'discard' && this.#fault !== 'another run is overwritten') throw refused('another run is there');
      this.#run = undefined;
    }
    if (this.#fault === 'a run always begins again') this.#run = undefined;
    this.#run ??= { id, records: [], token: null, durable: 0 };
    const run = this.#run;
    if (this.#fault !== 'what came after the last checkpoint stays') run.records.length = run.durable;
    let ended = false;
    const isTaken = (): boolean => this.#writer !== writer && this.#fault !== 'a run is of all who have begun it';
    const alive = (): void => {
      if (ended && this.#fault !== 'a run that has ended takes more') throw refused('the run has ended');
      if (isTaken()) throw Object.assign(new Error('begun again'), { code: 'ERR_OCSP_STORE_LOCKED' });
    };
    const remember = (edition: ListEdition | undefined): void => {
      if (edition === undefined || this.#fault === 'the edition of a list is forgotten') return;
      const beside = this.#fault === 'editions of one list are kept side by side';
      this.#editions = [...this.#editions.filter(({ list }) => beside || list !== edition.list), edition];
    };
    const writer: RunWriter = {
      resumeToken: run.token,
      editions: this.#editions,
      get records() {
        return run.records.length;
      },
      append: async (batch) => {
        alive();
        for (const record of batch) {
          run.records.push(this.#checked(record));
          if (this.#fault === 'a run is served as it is written') this.#put(run.records.at(-1)!);
        }
      },
      checkpoint: async (token) => {
        alive();
        run.token = token;
        run.durable = run.records.length;
      },
      commit: async (edition) => {
        alive();
        ended = true;
        remember(edition);
        const blind = this.#fault === 'the commit of a run does not look at what is there';
        const keys = new Set<string>();
        const written = new Set<string>();
        for (const record of run.records) {
          keys.add(record.serial);
          if (blind) this.#served.set(record.serial, [[record]]);
          else if (this.#put(record)) written.add(record.serial);
        }
        if (this.#fault === 'a run is counted as written') return { written: keys.size, kept: 0 };
        if (this.#fault !== 'a run goes on after its commit') this.#run = undefined;
        else run.durable = run.records.length;
        run.token ??= 'end';
        return { written: written.size, kept: keys.size - written.size };
      },
      close: async () => {
        ended = true;
      },
      discard: async () => {
        ended = true;
        if (isTaken()) return;
        if (this.#fault === 'discarding keeps the records') for (const record of run.records) this.#put(record);
        this.#run = undefined;
      },
    };
    this.#writer = writer;
    return writer;
  }

  async sweep(now: Date): Promise<number> {
    let count = 0;
    for (const [key, versions] of this.#served) {
      const nextUpdate = versions.at(-1)?.[0]?.nextUpdate ?? null;
      const endless = nextUpdate === null && this.#fault !== 'a sweep takes what has no end';
      if (endless || (nextUpdate ?? 0) * 1000 >= now.getTime()) continue;
      count += 1;
      if (this.#fault === 'a sweep takes only the newest' && versions.length > 1) versions.pop();
      else this.#served.delete(key);
    }
    return count;
  }

  close(): void {
    this.#served.clear();
  }

  #agree(issuer: IssuerIdentity | undefined): void {
    this.#issuer = this.#fault === 'any issuer is taken' ? (issuer ?? this.#issuer) : agreeIssuer(this.#issuer, issuer);
  }

  #put(record: StoredResponse): boolean {
    const key = this.#key(record.serial);
    const versions = this.#served.get(key) ?? [];
    const next = this.#merged(versions.at(-1) ?? [], record);
    if (next === undefined) return false;
    this.#served.set(key, [...versions, next]);
    return true;
  }

  #merged(answers: readonly StoredResponse[], record: StoredResponse): readonly StoredResponse[] | undefined {
    const others = answers.filter(({ hashAlgorithm }) => hashAlgorithm !== record.hashAlgorithm);
    const same = answers.find(({ hashAlgorithm }) => hashAlgorithm === record.hashAlgorithm);
    const isFaulty = (isNewer: boolean): readonly StoredResponse[] | undefined =>
      same === undefined || isNewer ? [...others, record] : undefined;
    switch (this.#fault) {
      case 'the last write wins':
        return isFaulty(true);
      case 'the later producedAt wins':
        return isFaulty(record.producedAt > (same?.producedAt ?? 0));
      case 'a good of the same version replaces a revoked':
        return isFaulty(
          record.statusVersion >= (same?.statusVersion ?? 0) && compareVersions(record, same ?? record) !== 0,
        );
      case 'a status counts for one hash only':
        return isFaulty(same !== undefined && compareVersions(record, same) > 0);
      case 'a certificate has one answer':
        return mergeAnswer(answers, record)?.slice(-1);
      default:
        return mergeAnswer(answers, record);
    }
  }

  #checked(record: ResponseRecord): StoredResponse {
    if (this.#fault !== 'records are not checked') {
      const checked = toStoredResponse(record, this.#issuer);
      return this.#fault === 'memory is shared with callers' ? { ...checked, der: record.der as Buffer } : checked;
    }
    const { hashAlgorithm = 'sha1' } = record;
    return {
      ...record,
      serial: String(record.serial),
      hashAlgorithm,
      issuerNameHash: null,
      signatureAlgorithm: null,
    } as StoredResponse;
  }

  #key(serial: SerialKey): string {
    if (this.#fault === 'serial numbers are compared as text') return String(serial);
    const text = storedSerial(serial);
    return this.#fault === 'serial numbers are cut to 64 bits' ? text.slice(-16) : text;
  }
}

export const SOURCE_FAULTS = [
  'skip is ignored',
  'one entry too many is skipped',
  'batches have one size',
  'the last batch may be empty',
  'the last entry is lost',
  'it can be read once',
  'iterations share their place',
  'the order differs each time',
] as const;
export type SourceFault = (typeof SOURCE_FAULTS)[number];

export function memorySource(entries: readonly StatusEntry[], fault?: SourceFault): StatusSource {
  let place = 0;
  let iterations = 0;
  async function* batches({ skip = 0, batchSize = 4096 }: BatchOptions = {}): AsyncGenerator<StatusEntry[]> {
    iterations += 1;
    let all = [...entries];
    if (fault === 'the order differs each time' && iterations % 2 === 0) all.reverse();
    if (fault === 'the last entry is lost') all.pop();
    if (fault === 'it can be read once' && iterations > 1) all = [];
    const size = fault === 'batches have one size' ? 2 : batchSize;
    const extra = fault === 'one entry too many is skipped' && skip > 0 ? 1 : 0;
    let at = fault === 'skip is ignored' ? 0 : skip + extra;
    place = at;
    const end = all.length + (fault === 'the last batch may be empty' ? 1 : 0);
    while (at < end) {
      yield all.slice(at, at + size);
      place += size;
      at = fault === 'iterations share their place' ? place : at + size;
    }
  }
  return {
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const batch of batches()) yield* batch;
    },
  };
}

export const LEDGER_FAULTS = [
  'one range is handed out twice',
  'asking and taking are apart',
  'more is handed out than was asked for',
  'leases never run out',
  'leases run out at a checkpoint',
  'progress is forgotten',
  'whoever was first may still complete',
  'whoever was first may still note progress',
  'a done range is handed out again',
  'a failed range is lost',
  'a failed range is handed out for ever',
  'a silent worker is waited for again and again',
  'attempts are not counted',
  'a lease that ran out ends at once',
] as const;
export type LedgerFault = (typeof LEDGER_FAULTS)[number];

interface Range {
  state: 'open' | 'leased' | 'done' | 'failed';
  attempt: number;
  lastSerial: string | null;
  expiresAt: number;
}

export class MemoryLedger implements Ledger {
  readonly #fault: LedgerFault | undefined;
  readonly #ranges: Map<string, Range>;
  #now = 0;

  constructor(ids: readonly string[], fault?: LedgerFault) {
    this.#fault = fault;
    this.#ranges = new Map(ids.map((id) => [id, { state: 'open', attempt: 0, lastSerial: null, expiresAt: 0 }]));
  }

  expire(): void {
    this.#now += 100;
  }

  async lease(n: number): Promise<LeasedRange[]> {
    const wanted = this.#fault === 'more is handed out than was asked for' ? n + 1 : n;
    const free = [...this.#ranges].filter(([, range]) => this.#isFree(range)).slice(0, wanted);
    if (this.#fault === 'asking and taking are apart') await Promise.resolve();
    const leases: LeasedRange[] = [];
    for (const [id, range] of free) {
      if (range.attempt >= 5 && !this.#mayGoOn(range)) {
        range.state = 'failed';
        continue;
      }
      range.state = 'leased';
      range.attempt += this.#fault === 'attempts are not counted' ? 0 : 1;
      range.expiresAt = this.#now + 60;
      if (this.#fault === 'progress is forgotten') range.lastSerial = null;
      leases.push({
        id,
        attempt: Math.max(1, range.attempt),
        lastSerial: range.lastSerial,
        expiresAt: range.expiresAt,
      });
    }
    return this.#fault === 'one range is handed out twice' && leases.length > 1 ? [...leases, leases[0]!] : leases;
  }

  async checkpoint(lease: LeasedRange, lastSerial: string): Promise<void> {
    const range = this.#held(lease, this.#fault === 'whoever was first may still note progress');
    range.lastSerial = lastSerial;
    range.expiresAt = this.#fault === 'leases run out at a checkpoint' ? this.#now : this.#now + 60;
  }

  async complete(lease: LeasedRange): Promise<void> {
    const range = this.#held(lease, this.#fault === 'whoever was first may still complete');
    range.state = this.#fault === 'a done range is handed out again' ? 'open' : 'done';
  }

  async fail(lease: LeasedRange): Promise<void> {
    this.#held(lease).state = this.#fault === 'a failed range is lost' ? 'failed' : 'open';
  }

  #isFree({ state, expiresAt }: Range): boolean {
    if (state === 'open') return true;
    return state === 'leased' && expiresAt <= this.#now && this.#fault !== 'leases never run out';
  }

  #mayGoOn({ state }: Range): boolean {
    if (this.#fault === 'a failed range is handed out for ever') return state === 'open';
    return this.#fault === 'a silent worker is waited for again and again' && state === 'leased';
  }

  #held({ id, attempt }: LeasedRange, anybody: boolean = false): Range {
    const range = this.#ranges.get(id);
    if (range?.state !== 'leased' || (range.attempt !== attempt && !anybody)) throw refused('the lease has ended');
    if (this.#fault === 'a lease that ran out ends at once' && range.expiresAt <= this.#now) throw refused('too late');
    return range;
  }
}

function refused(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_OCSP_INVALID_VALUE' });
}
