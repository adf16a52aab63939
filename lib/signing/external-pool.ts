import { inspect } from 'node:util';
import type { CertIdHashIndex, NativeSigningPool, OnBatch, SchemeArguments } from '../../typings/binding.js';
import { native, takeOutput } from '../binding.js';
import type { ExternalSigner } from '../ocsp/signing.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import type { ParsedCertificate } from '../x509/certificate.js';
import { checkBytes } from '../x509/checks.js';
import { copyBytes } from '../x509/der.js';
import { type PackedEntry, unpackEntries } from './entry-packer.js';

/** What all responses of an external signer have in common. */
export interface ExternalProfile {
  readonly signer: ExternalSigner;
  readonly responder: ParsedCertificate;
  readonly algorithm: HashAlgorithm | null;
  readonly scheme: SchemeArguments;
  /** 1 by name, 2 by key hash. */
  readonly responderIdTag: 1 | 2;
  readonly certIdHash: CertIdHashIndex;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly certificates: readonly ParsedCertificate['native'][];
}

type SigningParts = Pick<ExternalProfile, 'signer' | 'responder' | 'algorithm' | 'scheme' | 'certificates'>;

/** Signs one packed entry with a key that lives elsewhere. The signature is checked before the response comes out. */
export async function signExternally(
  profile: ExternalProfile,
  entry: PackedEntry,
  producedAt: number,
): Promise<Buffer> {
  const { responder, responderIdTag, certIdHash, issuerNameHash, issuerKeyHash } = profile;
  const [serial, ...status] = entry;
  const responseData = takeOutput(
    native.encodeResponseData(
      responderIdTag,
      responderIdTag === 1 ? responder.subject : responder.publicKeyHash(0),
      producedAt,
      [[certIdHash, issuerNameHash, issuerKeyHash, serial, ...status]],
      undefined,
    ),
  );
  return signDataExternally(profile, responseData);
}

/** Signs a ResponseData with a key that lives elsewhere. The signature is checked before the response comes out. */
export async function signDataExternally(
  { signer, responder, algorithm, scheme, certificates }: SigningParts,
  responseData: Buffer,
): Promise<Buffer> {
  const signature = checkBytes(
    await signer.sign(copyBytes(responseData), algorithm),
    'signature of the external signer',
  );
  return responder.native.assembleResponseAsync(responseData, signature, ...scheme, certificates);
}

/** What a signer has thrown that is no error, in words. (Not all objects have a text, and none must keep the error from being noted.) */
function textOf(thrown: unknown): string {
  return typeof thrown === 'object' ? inspect(thrown, { customInspect: false }) : String(thrown);
}

/** A batch, some of whose responses are being signed. */
interface Job {
  readonly id: number;
  readonly entries: readonly PackedEntry[];
  /** Responses that it is to have: one by each profile for each entry. */
  readonly total: number;
  readonly producedAt: number;
  readonly responses: Buffer[];
  started: number;
  running: number;
  readonly errors: Map<number, Error>;
  isDelivered: boolean;
}

/** Whether the first so many are there. */
function hasAll(responses: readonly (Buffer | undefined)[], count: number): boolean {
  for (let i = 0; i < count; i += 1) if (responses[i] === undefined) return false;
  return true;
}

/** Does with an external signer what a {@link NativeSigningPool} does with threads: `concurrency` signatures at a time. */
export class ExternalPool implements NativeSigningPool {
  readonly #profiles: readonly ExternalProfile[];
  readonly #concurrency: number;
  readonly #onBatch: OnBatch;
  readonly #jobs: Job[] = [];
  #running = 0;
  #closed = false;

  constructor(profiles: readonly ExternalProfile[], concurrency: number, onBatch: OnBatch) {
    this.#profiles = profiles;
    this.#concurrency = concurrency;
    this.#onBatch = onBatch;
  }

  submit(id: number, entries: Uint8Array, producedAt: number): void {
    // The packer's memory is used again.
    const unpacked = unpackEntries(Buffer.from(entries));
    this.#jobs.push({
      id,
      entries: unpacked,
      total: unpacked.length * this.#profiles.length,
      producedAt,
      responses: [],
      started: 0,
      running: 0,
      errors: new Map(),
      isDelivered: false,
    });
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#jobs.length = 0;
  }

  #start(): void {
    while (!this.#closed && this.#running < this.#concurrency) {
      const [job] = this.#jobs;
      if (job === undefined) return;
      const index = job.started++;
      if (job.started === job.total) this.#jobs.shift();
      this.#running += 1;
      job.running += 1;
      const count = this.#profiles.length;
      const profile = this.#profiles[index % count] as ExternalProfile;
      signExternally(profile, job.entries[Math.floor(index / count)] as PackedEntry, job.producedAt)
        .then(
          (response) => {
            job.responses[index] = response;
          },
          (error: unknown) => {
            job.errors.set(index, error instanceof Error ? error : new Error(textOf(error), { cause: error }));
            // Nothing behind it will be wanted.
            this.#jobs.length = 0;
          },
        )
        .finally(() => this.#done(job));
    }
  }

  #done(job: Job): void {
    this.#running -= 1;
    job.running -= 1;
    const failed = job.errors.size > 0 ? Math.min(...job.errors.keys()) : job.total;
    // What comes behind one that has failed is not waited for: it may never come.
    const isOver = job.errors.size > 0 ? hasAll(job.responses, failed) : job.started === job.total && job.running === 0;
    if (!this.#closed && isOver && !job.isDelivered) {
      job.isDelivered = true;
      const responses = job.responses.slice(0, failed);
      const ends = new Uint32Array(failed);
      let end = 0;
      for (const [i, { length }] of responses.entries()) {
        end += length;
        ends[i] = end;
      }
      this.#onBatch(job.id, Buffer.concat(responses, end), ends, job.errors.get(failed));
    }
    this.#start();
  }
}
