import { OCSPResponseStatus } from '../ocsp/enums.js';
import type { Answer, AnswerSource } from './answer.js';
import type { AnswerCounts } from './health.js';

const STATUS_TYPES = ['good', 'revoked', 'unknown'] as const;
const ERROR_TYPES: Readonly<Record<number, string>> = {
  [OCSPResponseStatus.MALFORMED_REQUEST]: 'malformedRequest',
  [OCSPResponseStatus.INTERNAL_ERROR]: 'internalError',
  [OCSPResponseStatus.TRY_LATER]: 'tryLater',
  [OCSPResponseStatus.SIG_REQUIRED]: 'sigRequired',
  [OCSPResponseStatus.UNAUTHORIZED]: 'unauthorized',
};

/** Counts answers. */
export class Counters {
  readonly #types: Record<string, number> = Object.fromEntries(
    [...STATUS_TYPES, 'several', ...Object.values(ERROR_TYPES)].map((type) => [type, 0]),
  );
  readonly #sources: Record<AnswerSource, number> = { store: 0, cache: 0, live: 0, error: 0 };
  pathMerged = 0;

  count({ responseStatus, source, certStatus }: Answer): void {
    const type =
      responseStatus === OCSPResponseStatus.SUCCESSFUL
        ? certStatus === undefined
          ? 'several'
          : STATUS_TYPES[certStatus]
        : (ERROR_TYPES[responseStatus] as string);
    this.#types[type] = (this.#types[type] ?? 0) + 1;
    this.#sources[source] += 1;
  }

  snapshot(): AnswerCounts {
    const { store, cache, live, error } = this.#sources;
    return {
      total: store + cache + live + error,
      byType: { ...this.#types },
      bySource: { ...this.#sources },
      pathMerged: this.pathMerged,
    };
  }
}
