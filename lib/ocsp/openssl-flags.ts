/** OpenSSL's verification flags by name. */
import { invalidArgType, invalidValue } from '../errors.js';
import type { OptionNames } from '../x509/options.js';

/** OCSP_* flags of `OCSP_basic_verify` and `OCSP_request_verify`. */
const OCSP_FLAGS = {
  noIntern: 0x2,
  noSignatures: 0x4,
  noChain: 0x8,
  noVerify: 0x10,
  noExplicit: 0x20,
  noChecks: 0x100,
  trustOther: 0x200,
  partialChain: 0x1000,
} as const;

/** X509_V_FLAG_* of path validation. */
const PATH_FLAGS = {
  crlCheck: 0x4,
  // With that of crlCheck, as of -crl_check_all: by itself it has OpenSSL check nothing.
  crlCheckAll: 0xc,
  ignoreCritical: 0x10,
  x509Strict: 0x20,
  allowProxyCerts: 0x40,
  policyCheck: 0x80,
  explicitPolicy: 0x100,
  inhibitAny: 0x200,
  inhibitMap: 0x400,
  extendedCrl: 0x1000,
  useDeltas: 0x2000,
  checkSelfSigned: 0x4000,
  trustedFirst: 0x8000,
  suiteB128Only: 0x10000,
  suiteB192: 0x20000,
  suiteB128: 0x30000,
  partialChain: 0x80000,
  noAltChains: 0x100000,
  noCheckTime: 0x200000,
} as const;

/**
 * A flag of path validation, after OpenSSL's `X509_V_FLAG_...`. `crlCheck` looks for the signer's certificate in the revocation lists
 * of its CA, `crlCheckAll` for every certificate of the path.
 */
export type PathFlag = keyof typeof PATH_FLAGS;

/** OpenSSL's flags by name, each false by default. What they switch off is what makes a "yes" worth something. */
export interface OCSPVerifyFlags {
  /** A signer found among `certificates` is trusted outright; nothing but the signature is checked. */
  readonly trustOther?: boolean;
  /** Do not look for the signer among the certificates inside the message. */
  readonly noIntern?: boolean;
  /** Do not check the signature of the message. */
  readonly noSignatures?: boolean;
  /** Do not validate the signer's certificate at all. */
  readonly noVerify?: boolean;
  /** Do not build the path with certificates from inside the message or from `certificates`. */
  readonly noChain?: boolean;
  /** Validate the path, but do not check that the signer may answer for this CA. */
  readonly noChecks?: boolean;
  /** Do not accept a root that is explicitly trusted for OCSP signing as authorisation. */
  readonly noExplicit?: boolean;
  /** A path may end at any trusted certificate, not at a self-signed one only. */
  readonly partialChain?: boolean;
}

/** The names of {@link OCSPVerifyFlags}. */
export const FLAG_NAMES: OptionNames<OCSPVerifyFlags> = {
  trustOther: true,
  noIntern: true,
  noSignatures: true,
  noVerify: true,
  noChain: true,
  noChecks: true,
  noExplicit: true,
  partialChain: true,
};

/** The number that OpenSSL takes. */
export function ocspFlags(options: OCSPVerifyFlags): number {
  let flags = 0;
  for (const [name, bit] of Object.entries(OCSP_FLAGS)) {
    const value: unknown = options[name as keyof OCSPVerifyFlags];
    if (value === undefined) continue;
    if (typeof value !== 'boolean') throw invalidArgType(`options.${name}`, 'a boolean', value);
    if (value) flags |= bit;
  }
  return flags;
}

/** The number that OpenSSL takes. */
export function pathFlags(names: unknown, argument: string): number {
  if (names === undefined) return 0;
  if (!Array.isArray(names)) throw invalidArgType(argument, 'an array of flag names', names);
  let flags = 0;
  for (const name of names as unknown[]) {
    if (typeof name !== 'string') throw invalidArgType(argument, 'an array of flag names', name);
    if (!Object.hasOwn(PATH_FLAGS, name)) throw invalidValue(`${argument}: there is no flag '${name.slice(0, 64)}'`);
    flags |= PATH_FLAGS[name as PathFlag];
  }
  return flags;
}

/** Whether flags leave out the times of certificates. */
export function ignoresTimes(flags: number): boolean {
  return (flags & PATH_FLAGS.noCheckTime) !== 0;
}

/** Whether flags ask for revocation lists. */
export function readsLists(flags: number): boolean {
  return (flags & PATH_FLAGS.crlCheck) !== 0;
}

/** Whether flags say how revocation lists are read. */
export function saysHowListsAreRead(flags: number): boolean {
  return (flags & (PATH_FLAGS.extendedCrl | PATH_FLAGS.useDeltas)) !== 0;
}
