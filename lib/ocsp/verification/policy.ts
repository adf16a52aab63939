/** What a verifier accepts, checked. */
import type { NativeTrustStore, Reading } from '../../../typings/binding.js';
import { invalidArgType, invalidValue } from '../../errors.js';
import type { CertificateInput, ParsedCertificate } from '../../x509/certificate.js';
import type { OptionNames } from '../../x509/options.js';
import { bringsLists, checkCertificates, readTrust, type TrustInput, toTrustStore } from '../../x509/trust-store.js';
import { wholeNumber } from '../basic-verify.js';
import { FIELD, STRICT } from '../message.js';
import { ignoresTimes, type PathFlag, pathFlags, readsLists, saysHowListsAreRead } from '../openssl-flags.js';
import { checkSeconds } from '../validity.js';

/** What becomes of the nonce. */
export type NoncePolicy = 'optional' | 'required' | 'ignored';

/** What becomes of a delegate whose certificate does not carry id-pkix-ocsp-nocheck. */
export type SignerRevocationPolicy = 'accept' | 'nocheck' | 'crl';

/** What a verifier accepts. */
export interface VerifierOptions {
  /**
   * What is trusted: the path of the responder's certificate, over the issuer's, has to end there, at a root or at another CA that
   * is trusted itself. Without it the issuer that is asked about is trusted as it is.
   */
  readonly trust?: TrustInput;
  /** Certificates that help: of a responder that does not send its own, and of CAs between it and what is trusted. */
  readonly certificates?: Iterable<CertificateInput>;
  /** Responders that may answer for any CA because this configuration says so (RFC 6960 section 4.2.2.2, item 1). */
  readonly trustedResponders?: Iterable<CertificateInput>;
  /** Seconds that clocks may differ, either way. Default 300. */
  readonly clockTolerance?: number;
  /**
   * Greatest age of thisUpdate in seconds. By default only an answer without nextUpdate has one, an hour: such an answer
   * says of itself that newer information is there at any time.
   */
  readonly maxAge?: number;
  /**
   * `'optional'` (the default): a nonce in the answer has to be that of the request, but may be missing (RFC 9919).
   * `'required'`: it has to be there. `'ignored'`.
   */
  readonly nonce?: NoncePolicy;
  /**
   * A delegate without id-pkix-ocsp-nocheck is taken (`'accept'`, the default, as OpenSSL does), refused (`'nocheck'`), or
   * looked up in the revocation lists of `trust` (`'crl'`). `Verifier.statusAt` takes one without an answer of its own only where
   * `'accept'` is given.
   */
  readonly signerRevocation?: SignerRevocationPolicy;
  /**
   * OpenSSL's security level, 0 to 5, for the signature of the response and for the path. Default 0: as RFC 6960 section
   * 4.3 asks, SHA-1 is still taken. MD5 never is.
   */
  readonly securityLevel?: number;
  /** Further flags of path validation. (The issuer is no path by itself where it has signed, and is trusted as it is.) */
  readonly pathFlags?: readonly PathFlag[];
  /**
   * true: a response that is not DER to the last byte is MALFORMED. By default a closed list of encodings is taken that are known
   * from the field and not ambiguous; `verdict.encodingNotes` names those that were met.
   */
  readonly strict?: boolean;
}

/** An hour: for answers that do not say how long they hold. */
const DEFAULT_MAX_AGE = 3600;
const DEFAULT_CLOCK_TOLERANCE = 300;
const NONCE_POLICIES: readonly NoncePolicy[] = ['optional', 'required', 'ignored'];
const REVOCATION_POLICIES: readonly SignerRevocationPolicy[] = ['accept', 'nocheck', 'crl'];

/** The names of {@link VerifierOptions}. */
export const POLICY_NAMES: OptionNames<VerifierOptions> = {
  trust: true,
  certificates: true,
  trustedResponders: true,
  clockTolerance: true,
  maxAge: true,
  nonce: true,
  signerRevocation: true,
  securityLevel: true,
  pathFlags: true,
  strict: true,
};

/** The options of a verifier, checked. */
export interface Policy {
  readonly trust: NativeTrustStore | undefined;
  readonly certificates: readonly ParsedCertificate[];
  readonly trustedResponders: readonly ParsedCertificate[];
  readonly clockTolerance: number;
  readonly maxAge: number;
  /** Greatest age where nextUpdate is absent. */
  readonly maxAgeWithoutNext: number;
  readonly nonce: NoncePolicy;
  readonly signerRevocation: 0 | 1 | 2;
  /** Whether a delegate is taken for an archived answer of whose own status nothing is known. */
  readonly acceptsUnproven: boolean;
  readonly securityLevel: number;
  readonly pathFlags: number;
  readonly reading: Reading;
}

/**
 * @param options - As `readOptions` has read them.
 * @throws TypeError, `ERR_OCSP_INVALID_VALUE`, and what a {@link TrustStore} throws.
 */
export function toPolicy(options: VerifierOptions): Policy {
  const { trust, certificates = [], trustedResponders = [], maxAge, nonce, signerRevocation, strict = false } = options;
  if (typeof strict !== 'boolean') throw invalidArgType('strict', 'a boolean', strict);
  const revocation = oneOf(signerRevocation, REVOCATION_POLICIES, 'signerRevocation');
  const store = trust === undefined ? undefined : readTrust(trust, 'trust');
  if (revocation === 'crl' && store === undefined) {
    throw invalidValue("signerRevocation 'crl' needs a trust store with revocation lists");
  }
  const flags = pathFlags(options.pathFlags, 'pathFlags');
  if (ignoresTimes(flags))
    throw invalidValue("pathFlags: 'noCheckTime' does not go with a verdict, which is on a moment");
  if (saysHowListsAreRead(flags) && !readsLists(flags))
    throw invalidValue("pathFlags: 'extendedCrl' and 'useDeltas' go with 'crlCheck'");
  if (bringsLists(trust, store) && revocation !== 'crl' && !readsLists(flags))
    throw invalidValue("the crls of trust count for nothing without signerRevocation 'crl' or pathFlags 'crlCheck'");
  const age = checkSeconds(maxAge, 'maxAge');
  return {
    trust: toTrustStore(store, 'trust'),
    certificates: checkCertificates(certificates, 'certificates'),
    trustedResponders: checkCertificates(trustedResponders, 'trustedResponders'),
    clockTolerance: checkSeconds(options.clockTolerance, 'clockTolerance') ?? DEFAULT_CLOCK_TOLERANCE,
    maxAge: age ?? Number.POSITIVE_INFINITY,
    maxAgeWithoutNext: age ?? DEFAULT_MAX_AGE,
    nonce: oneOf(nonce, NONCE_POLICIES, 'nonce'),
    signerRevocation: REVOCATION_POLICIES.indexOf(revocation) as 0 | 1 | 2,
    acceptsUnproven: signerRevocation !== undefined && revocation !== 'nocheck',
    securityLevel: wholeNumber(options.securityLevel, 'securityLevel', 5),
    pathFlags: flags,
    reading: strict ? STRICT : FIELD,
  };
}

/** One of the names; the first for undefined. */
function oneOf<T extends string>(value: unknown, names: readonly T[], argument: string): T {
  if (value === undefined) return names[0] as T;
  const list = names.map((name) => `'${name}'`).join(', ');
  if (typeof value !== 'string') throw invalidArgType(argument, `one of ${list}`, value);
  if (!names.includes(value as T)) throw invalidValue(`${argument} must be one of ${list}`);
  return value as T;
}
