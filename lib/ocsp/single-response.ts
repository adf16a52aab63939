import type { Extensions } from '../x509/extension.js';
import { type ReasonFlags, reasonFromCode } from '../x509/reason.js';
import type { Json } from '../x509/value-object.js';
import { CertIdMembers } from './cert-id.js';
import { OCSPCertStatus } from './enums.js';
import {
  CERT_STATUS,
  NEXT_UPDATE,
  REVOCATION_REASON,
  REVOCATION_TIME,
  SINGLE_ELEMENT,
  SINGLE_EXTENSIONS,
  THIS_UPDATE,
} from './layout.js';
import { checkInternal, type INTERNAL, type MessageView, orError } from './message.js';
import { checkTimes, type Validity, type ValidityOptions } from './validity.js';

/** One SingleResponse (RFC 6960 section 4.2.1): the status of one certificate. */
export class OCSPSingleResponse extends CertIdMembers {
  readonly #parsed: MessageView;
  #extensions: Extensions | undefined;

  /** @internal */
  constructor(key: typeof INTERNAL, parsed: MessageView) {
    checkInternal(key, 'OCSPSingleResponse');
    super(parsed);
    this.#parsed = parsed;
  }

  /** The status of the certificate. */
  get certificateStatus(): OCSPCertStatus {
    return this.#parsed.number(CERT_STATUS);
  }

  /**
   * When the certificate was revoked, in whole seconds; null unless it is revoked.
   *
   * @throws `ERR_OCSP_MALFORMED` for year 0, and for a time that only lenient loading lets through.
   */
  get revocationTime(): Date | null {
    return this.#parsed.has(REVOCATION_TIME) ? this.#parsed.time(REVOCATION_TIME) : null;
  }

  /**
   * Why the certificate was revoked; null unless it is revoked and the responder says.
   *
   * @throws `ERR_OCSP_MALFORMED` for a code that RFC 5280 does not define (7, and beyond 10).
   */
  get revocationReason(): ReasonFlags | null {
    const code = this.#parsed.number(REVOCATION_REASON);
    return code === -1 ? null : reasonFromCode(code);
  }

  /**
   * The most recent time at which the status is known to have been right, in whole seconds.
   *
   * @throws `ERR_OCSP_MALFORMED` for year 0, and for a time that only lenient loading lets through.
   */
  get thisUpdate(): Date {
    return this.#parsed.time(THIS_UPDATE);
  }

  /**
   * The time by which newer information will be there; null when it is always there.
   *
   * @throws `ERR_OCSP_MALFORMED` for year 0, and for a time that only lenient loading lets through.
   */
  get nextUpdate(): Date | null {
    return this.#parsed.has(NEXT_UPDATE) ? this.#parsed.time(NEXT_UPDATE) : null;
  }

  /**
   * singleExtensions, in the order of the message.
   *
   * @throws `ERR_OCSP_DUPLICATE_EXTENSION`, or `ERR_OCSP_MALFORMED` for a known extension with an unreadable value.
   */
  get extensions(): Extensions {
    this.#extensions ??= this.#parsed.extensions(SINGLE_EXTENSIONS, 'singleResponse');
    return this.#extensions;
  }

  /**
   * Whether the times of this status hold (OpenSSL's `OCSP_check_validity`, which knows no clock but the wall's and lets
   * times with fractions pass). This says nothing about who signed.
   *
   * @throws TypeError, `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for a time that is not `YYYYMMDDHHMMSSZ`, which only
   * lenient loading lets through: it is never valid.
   */
  checkValidity(options: ValidityOptions = {}): Validity {
    return checkTimes(this.thisUpdate, this.nextUpdate, options);
  }

  /** Whether `other` is an entry with the same bytes. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && this.#parsed.sameBytes(SINGLE_ELEMENT, other.#parsed);
  }

  override toJSON(): Json {
    return {
      ...this.certIdToJSON(),
      certificateStatus: OCSPCertStatus[this.certificateStatus] ?? null,
      revocationTime: orError(() => this.revocationTime?.toISOString() ?? null),
      revocationReason: orError(() => this.revocationReason),
      thisUpdate: orError(() => this.thisUpdate.toISOString()),
      nextUpdate: orError(() => this.nextUpdate?.toISOString() ?? null),
      extensions: orError(() => this.extensions.toJSON()),
    };
  }
}
