import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { integerToJson } from './value-object.js';

/** Why a certificate was revoked (RFC 5280 section 5.3.1); names and values are those of the CRLReason ENUMERATED. */
export enum ReasonFlags {
  /** Code 0. */
  unspecified = 'unspecified',
  /** Code 1. */
  keyCompromise = 'keyCompromise',
  /** Code 2. */
  cACompromise = 'cACompromise',
  /** Code 3. */
  affiliationChanged = 'affiliationChanged',
  /** Code 4. */
  superseded = 'superseded',
  /** Code 5. */
  cessationOfOperation = 'cessationOfOperation',
  /** Code 6. */
  certificateHold = 'certificateHold',
  /** Code 8; the code 7 was never assigned. */
  removeFromCRL = 'removeFromCRL',
  /** Code 9. */
  privilegeWithdrawn = 'privilegeWithdrawn',
  /** Code 10. */
  aACompromise = 'aACompromise',
}

/** A {@link ReasonFlags} member or its plain string. */
export type ReasonName = ReasonFlags | `${ReasonFlags}`;

const CODE_OF: Readonly<Record<ReasonFlags, number>> = {
  [ReasonFlags.unspecified]: 0,
  [ReasonFlags.keyCompromise]: 1,
  [ReasonFlags.cACompromise]: 2,
  [ReasonFlags.affiliationChanged]: 3,
  [ReasonFlags.superseded]: 4,
  [ReasonFlags.cessationOfOperation]: 5,
  [ReasonFlags.certificateHold]: 6,
  [ReasonFlags.removeFromCRL]: 8,
  [ReasonFlags.privilegeWithdrawn]: 9,
  [ReasonFlags.aACompromise]: 10,
};
const REASON_OF: ReadonlyMap<number, ReasonFlags> = new Map(
  Object.values(ReasonFlags).map((reason) => [CODE_OF[reason], reason]),
);

/**
 * The reason with this CRLReason code.
 *
 * @throws `ERR_OCSP_MALFORMED` for 7, which was never assigned, and anything beyond 10.
 */
export function reasonFromCode(code: number | bigint): ReasonFlags {
  const reason = REASON_OF.get(Number(code));
  if (reason === undefined)
    throw malformed(`unsupported reason code: ${typeof code === 'bigint' ? integerToJson(code).slice(0, 64) : code}`);
  return reason;
}

/** The CRLReason code of a reason. */
export function reasonToCode(reason: ReasonFlags): number {
  return CODE_OF[reason];
}

/**
 * Checks an argument that has to be a revocation reason.
 *
 * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` when it is not a member of {@link ReasonFlags}.
 */
export function checkReason(value: unknown, name: string): ReasonFlags {
  if (typeof value !== 'string') throw invalidArgType(name, 'a member of ReasonFlags', value);
  const reason = Object.values(ReasonFlags).find((member) => member === value);
  if (reason === undefined) {
    const members = Object.values(ReasonFlags).join(', ');
    throw invalidValue(`${name} is not a member of ReasonFlags: '${value.slice(0, 64)}' is none of ${members}`);
  }
  return reason;
}
