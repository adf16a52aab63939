import type { OCSPCertStatus } from '../ocsp/enums.js';
import type { Extension } from '../x509/extension.js';
import type { ReasonName } from '../x509/reason.js';

/** The status of one certificate, as a source knows it and a signer takes it. */
export interface StatusEntry {
  /** Serial number: a bigint, or hexadecimal digits in either case, without a prefix. */
  readonly serialNumber: bigint | string;
  /** GOOD, REVOKED or UNKNOWN. */
  readonly status: OCSPCertStatus;
  /** When the certificate was revoked; with REVOKED only, and required there. */
  readonly revocationTime?: Date | null;
  /** Why; with REVOKED only. */
  readonly reason?: ReasonName | null;
  /** Overrides the signer's validity window. */
  readonly thisUpdate?: Date;
  /** Overrides the signer's validity window; null for a response without nextUpdate. */
  readonly nextUpdate?: Date | null;
  /** Extensions of this entry alone. */
  readonly singleExtensions?: Iterable<Extension>;
  /**
   * Which knowledge of the certificate this is, as a row version of a database says it, for a store; see `bulkSign`, whose own
   * `statusVersion` it overrides. Signing takes no notice of it.
   */
  readonly statusVersion?: number;
}
