/** Verifying a message as OpenSSL does it: `OCSP_basic_verify` and `OCSP_request_verify` with all that they take. */
import type { X509Certificate } from 'node:crypto';
import type { BasicVerifyArguments, BasicVerifyOutcome } from '../../typings/binding.js';
import { invalidArgType, invalidValue, malformed, type OCSPError } from '../errors.js';
import type { CertificateInput } from '../x509/certificate.js';
import { checkText } from '../x509/checks.js';
import { isOid } from '../x509/oids.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { x509Of } from '../x509/pem.js';
import { checkDate } from '../x509/time.js';
import { bringsLists, checkCertificates, readTrust, type TrustInput, toTrustStore } from '../x509/trust-store.js';
import { FLAG_NAMES, type OCSPVerifyFlags, ocspFlags, type PathFlag, pathFlags, readsLists } from './openssl-flags.js';

/** What OpenSSL's verification takes. Without `trust` nothing is trusted, and no path can end well. */
export interface MessageVerifyOptions extends OCSPVerifyFlags {
  /**
   * Certificates to look for the signer in and, for a response, to build the path with; not trusted, unless `trustOther` says
   * so. (For a request OpenSSL builds the path with the certificates inside it only.)
   */
  readonly certificates?: Iterable<CertificateInput>;
  /** What is trusted. */
  readonly trust?: TrustInput;
  /** The time of the verification of certificates; now by default. OpenSSL does not look at the times of the status. */
  readonly at?: Date;
  /** OpenSSL's short name of the purpose that certificates have to serve; `ocsphelper` by default. */
  readonly purpose?: string;
  /** The most intermediate certificates in a path. */
  readonly depth?: number;
  /** OpenSSL's security level for keys and hashes in the path, 0 to 5. */
  readonly securityLevel?: number;
  /**
   * OIDs of the certificate policies that are acceptable. As with OpenSSL's `-policy`, a path without any of them is refused only where
   * `pathFlags: ['explicitPolicy']` asks for one, or a certificate of the path does.
   */
  readonly policies?: readonly string[];
  /** Further flags of path validation. */
  readonly pathFlags?: readonly PathFlag[];
  /** One of OpenSSL's named sets of parameters to begin with: `default`, `smime_sign`, `ssl_client` and the like. */
  readonly verifyName?: string;
  /** The host, mail address or IP address that the signer's certificate has to be for. */
  readonly verifyHostname?: string;
  readonly verifyEmail?: string;
  readonly verifyIp?: string;
}

/** Where path validation ended, in OpenSSL's terms. */
export interface CertificateVerifyError {
  /** `X509_V_ERR_...` */
  readonly code: number;
  readonly message: string;
  /** 0 is the signer's certificate, 1 the one above it. */
  readonly depth: number;
}

/** OpenSSL's verdict on a signed message. */
export interface MessageVerifyResult {
  /** True only where OpenSSL returned 1: not for an error, not for "could not tell". */
  readonly verified: boolean;
  /** Why not, in OpenSSL's words, or in ours where it left none; null when verified. */
  readonly reason: string | null;
  /** The same with the library's name and the rest of OpenSSL's error queue; null when verified. */
  readonly error: OCSPError | null;
  /** What was wrong with a certificate; null when nothing was, or when none was looked at. */
  readonly certificateError: CertificateVerifyError | null;
  /**
   * The certificate that the message names as its signer, verified or not; null when none was found. Of a request it is known
   * only where a path was built.
   */
  readonly signer: X509Certificate | null;
  /** The path that was built, signer first; empty when none was. */
  readonly chain: readonly X509Certificate[];
}

/** As whom OpenSSL took the signer: the CA itself, its delegate, or one that the caller trusts. */
export type SignerAuthority = 'ca' | 'delegate' | 'trusted';

/** OpenSSL's verdict on a response. */
export interface ResponseVerifyResult extends MessageVerifyResult {
  /** null when not verified, and when flags kept OpenSSL from looking (`noVerify`, `noChecks`). */
  readonly authority: SignerAuthority | null;
}

const VERIFY_NAMES: OptionNames<MessageVerifyOptions> = {
  ...FLAG_NAMES,
  certificates: true,
  trust: true,
  at: true,
  purpose: true,
  depth: true,
  securityLevel: true,
  policies: true,
  pathFlags: true,
  verifyName: true,
  verifyHostname: true,
  verifyEmail: true,
  verifyIp: true,
};

const OCSP_LIBRARY = 'OCSP routines';
/** Authority of native/core/signer_certificate.h. @internal */
export const AUTHORITIES: readonly (SignerAuthority | null)[] = [null, 'ca', 'delegate', 'trusted'];

/** Checks the options and puts them in the order that the addon takes. */
export function verifyArguments(input: MessageVerifyOptions): BasicVerifyArguments {
  const options = readOptions(input, VERIFY_NAMES);
  const { certificates = [], trust, at, purpose, depth, securityLevel, policies = [] } = options;
  if (purpose !== undefined && typeof purpose !== 'string')
    throw invalidArgType('options.purpose', 'a string', purpose);
  if (!Array.isArray(policies)) throw invalidArgType('options.policies', 'an array of OIDs', policies);
  // An array of our own: to the addon one behind a proxy is none.
  const oids = Array.from(policies as unknown[], (policy) => {
    if (typeof policy !== 'string') throw invalidArgType('options.policies', 'an array of OIDs', policy);
    if (!isOid(policy)) throw invalidValue(`options.policies: '${policy.slice(0, 64)}' is not an OID`);
    return policy;
  });
  const store = trust === undefined ? undefined : readTrust(trust, 'options.trust');
  const flags = pathFlags(options.pathFlags, 'options.pathFlags');
  if (bringsLists(trust, store) && !readsLists(flags))
    throw invalidValue("the crls of options.trust count for nothing without pathFlags 'crlCheck'");
  return [
    checkCertificates(certificates, 'options.certificates').map((item) => item.native),
    toTrustStore(store, 'options.trust'),
    ocspFlags(options),
    flags,
    at === undefined ? undefined : checkDate(at, 'options.at').getTime() / 1000,
    purpose,
    wholeNumber(depth, 'options.depth', 100),
    wholeNumber(securityLevel, 'options.securityLevel', 5),
    oids,
    optionalText(options.verifyName, 'options.verifyName'),
    optionalText(options.verifyHostname, 'options.verifyHostname'),
    optionalText(options.verifyEmail, 'options.verifyEmail'),
    optionalText(options.verifyIp, 'options.verifyIp'),
  ];
}

/** A text that means something, if it is there at all: to the addon an empty one would be as good as none. */
function optionalText(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  const text = checkText(value, name);
  if (text === '' || text.includes('\0')) throw invalidValue(`${name} is empty, or has a NUL in it`);
  return text;
}

/** A whole number up to `most`; -1 for undefined. */
export function wholeNumber(value: unknown, name: string, most: number): number {
  if (value === undefined) return -1;
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw invalidValue(`${name} must be a whole number from 0 to ${most}`);
  }
  return value;
}

/** What the addon found, as callers see it. */
export function messageResult(outcome: BasicVerifyOutcome): MessageVerifyResult {
  const error = (outcome.error as OCSPError | undefined) ?? null;
  const { verified, certificateError, certificateErrorDepth, certificateErrorText } = outcome;
  return {
    verified,
    reason: verified ? null : reasonOf(error),
    error: verified ? null : error,
    certificateError:
      certificateError === 0
        ? null
        : { code: certificateError, message: certificateErrorText, depth: certificateErrorDepth },
    signer: outcome.signer === undefined ? null : decode(outcome.signer),
    chain: outcome.chain.map(decode),
  };
}

/** What OCSP's part of OpenSSL said; below it in the error queue there may be what a hash or a key said. */
function reasonOf(error: OCSPError | null): string {
  if (error === null) return 'not verified';
  const { library, reason, opensslErrorStack = [], message } = error;
  if (library !== OCSP_LIBRARY) {
    for (const line of opensslErrorStack) {
      const [, , entryLibrary, , entryReason] = line.split(':');
      if (entryLibrary === OCSP_LIBRARY && entryReason) return entryReason;
    }
  }
  return reason ?? message;
}

/** The same for a response. */
export function responseResult(outcome: BasicVerifyOutcome): ResponseVerifyResult {
  return { ...messageResult(outcome), authority: AUTHORITIES[outcome.authority] ?? null };
}

/** A certificate that OpenSSL wrote. */
export function decode(der: Uint8Array): X509Certificate {
  try {
    return x509Of(der);
  } catch (cause) {
    throw malformed('OpenSSL cannot decode the certificate', { cause });
  }
}
