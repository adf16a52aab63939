/** Arguments of `addResponse` and `addResponseByHash`, checked and in the form that the native writer takes. */
import type { SingleResponseTuple } from '../../typings/binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import type { Extension } from '../x509/extension.js';
import { checkReason, type ReasonName, reasonToCode } from '../x509/reason.js';
import { checkSeconds } from '../x509/time.js';
import type { CertIdTuple } from './cert-id-input.js';
import { OCSPCertStatus } from './enums.js';
import { checkExtensionList, encodeExtensionList } from './extension-list.js';

/** The status of one certificate, as the builder takes it. Times are cut to whole seconds. */
export interface StatusInput {
  /** GOOD, REVOKED or UNKNOWN. */
  readonly certStatus: OCSPCertStatus;
  /** The most recent time at which the status is known to be right. */
  readonly thisUpdate: Date;
  /** The time by which newer information will be there; null when it is always there. */
  readonly nextUpdate?: Date | null | undefined;
  /** When the certificate was revoked; with REVOKED only, and required there. */
  readonly revocationTime?: Date | null | undefined;
  /** Why; with REVOKED only. */
  readonly revocationReason?: ReasonName | null | undefined;
  /** Extensions of this entry alone. */
  readonly singleExtensions?: Iterable<Extension> | null | undefined;
}

export function singleResponseFrom(id: CertIdTuple, input: StatusInput): SingleResponseTuple {
  const { certStatus, nextUpdate, revocationTime, revocationReason } = input;
  const thisUpdate = checkSeconds(input.thisUpdate, 'thisUpdate');
  const next = nextUpdate == null ? undefined : checkSeconds(nextUpdate, 'nextUpdate');
  if (typeof certStatus !== 'number') throw invalidArgType('certStatus', 'a member of OCSPCertStatus', certStatus);
  if (!(certStatus in OCSPCertStatus))
    throw invalidValue(`certStatus is not a member of OCSPCertStatus: ${certStatus}`);
  let revokedAt: number | undefined;
  let reason: number | undefined;
  if (certStatus === OCSPCertStatus.REVOKED) {
    revokedAt = checkSeconds(revocationTime, 'revocationTime');
    if (revocationReason != null) reason = reasonToCode(checkReason(revocationReason, 'revocationReason'));
  } else {
    if (revocationTime != null) throw invalidValue('revocationTime goes with a revoked certificate only');
    if (revocationReason != null) throw invalidValue('revocationReason goes with a revoked certificate only');
  }
  const extensions = encodeExtensionList(checkExtensionList(input.singleExtensions, 'singleExtensions'));
  return [...id, extensions, certStatus, revokedAt, reason, thisUpdate, next];
}
