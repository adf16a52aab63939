/** Which certificates are meant, and who issued them. */
import type { X509Certificate } from 'node:crypto';
import type { CertIdMembers } from '../ocsp/cert-id.js';
import type { OCSPRequestBuilder } from '../ocsp/request-builder.js';
import type { CertIdInput, OCSPQuestion } from '../ocsp/verification/question.js';
import { ID_KP_OCSP_SIGNING } from '../signing/check-responder.js';
import { checkCertIdHash, HashAlgorithm, type HashAlgorithmName, plainHashName } from '../x509/algorithms.js';
import { toCertificate } from '../x509/certificate.js';
import { serialFromText, serialToBytes, serialToText } from '../x509/serial-number.js';
import { choiceOption, UsageError } from './command.js';
import { readAllCertificates, readCertificates, subjectOf } from './input.js';

/** A certificate by itself or by its serial number, and the CA that issued it. */
export interface Target {
  readonly certificate: X509Certificate | undefined;
  /** Hexadecimal digits. */
  readonly serial: string;
  readonly issuer: X509Certificate;
  /** The file that the issuer was found in beside its certificate; null when the caller named the issuer. */
  readonly issuerFoundIn: string | null;
  /** What else stands in the file of the certificate: of use where the CA has several certificates. */
  readonly chain: readonly X509Certificate[];
}

/** For `readArguments`. */
export const TARGET_OPTIONS = {
  cert: { type: 'string' },
  serial: { type: 'string' },
  issuer: { type: 'string' },
} as const;

export const TARGET_HELP = `  --cert FILE             the certificate; behind it the file may hold its chain
  --serial HEX            in its place its serial number, as openssl x509 -serial prints it
  --issuer FILE           certificate of the CA that issued it; not needed where it stands in the file of --cert
`;

type CertIdParts = Exclude<CertIdInput, CertIdMembers>;

const { SHA1, SHA224, SHA256, SHA384, SHA512 } = HashAlgorithm;
const CERT_ID_HASHES = [SHA1, SHA224, SHA256, SHA384, SHA512] as const;

/** The hash of CertIDs, in any of its spellings. */
export function certIdHashOption(value: string | undefined, option: string): HashAlgorithm | undefined {
  return choiceOption(value && plainHashName(value), option, CERT_ID_HASHES);
}

/** That of the CertIDs to ask by. */
export function hashOption(value: string | undefined): HashAlgorithmName {
  return certIdHashOption(value, 'hash') ?? HashAlgorithm.SHA256;
}

/** The certificates and serial numbers that the options name, in this order. */
export async function readTargets(options: {
  readonly cert?: readonly string[] | undefined;
  readonly serial?: readonly string[] | undefined;
  readonly issuer?: readonly string[] | undefined;
}): Promise<Target[]> {
  const { cert = [], serial = [] } = options;
  const issuers = await readAllCertificates(options.issuer);
  const targets: Target[] = [];
  for (const path of cert) targets.push(await certificateTarget(path, issuers));
  const [issuer, ...others] = issuers;
  for (const text of serial) {
    if (issuer === undefined || others.length > 0)
      throw new UsageError('--serial requires one certificate of --issuer');
    targets.push({ certificate: undefined, serial: serialDigits(text), issuer, issuerFoundIn: null, chain: [] });
  }
  return targets;
}

/** The one certificate that the options name; undefined when they name none. */
export async function readTarget(options: {
  readonly cert?: string | undefined;
  readonly serial?: string | undefined;
  readonly issuer?: string | undefined;
}): Promise<Target | undefined> {
  const { cert, serial, issuer } = options;
  if (cert !== undefined && serial !== undefined) throw new UsageError('--cert and --serial are two things');
  const [target] = await readTargets({
    cert: cert === undefined ? [] : [cert],
    serial: serial === undefined ? [] : [serial],
    issuer: issuer === undefined ? [] : [issuer],
  });
  return target;
}

/** A target in a few words. */
export function targetText({ certificate, serial }: Target): string {
  return certificate === undefined ? `serial number ${serial}` : subjectOf(certificate);
}

/** Asks for a target. */
export function addTarget(builder: OCSPRequestBuilder, target: Target, hash: HashAlgorithmName): OCSPRequestBuilder {
  const { certificate, issuer } = target;
  if (certificate !== undefined) return builder.addCertificate(certificate, issuer, hash);
  const { issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm } = certIdOfSerial(target, hash);
  return builder.addCertificateByHash(issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm);
}

/** A target as the question that a response has to answer. */
export function questionOf(target: Target): OCSPQuestion {
  const { certificate, issuer } = target;
  if (certificate !== undefined) return { issuer, certificate };
  return { issuer, certId: certIdOfSerial(target, HashAlgorithm.SHA256) };
}

function certIdOfSerial({ issuer, serial }: Target, hash: HashAlgorithmName): CertIdParts {
  const { index } = checkCertIdHash(hash, 'hash');
  const ca = toCertificate(issuer, 'issuer');
  return {
    hashAlgorithm: hash,
    issuerNameHash: ca.subjectHash(index),
    issuerKeyHash: ca.publicKeyHash(index),
    serialNumber: serial,
  };
}

async function certificateTarget(path: string, issuers: readonly X509Certificate[]): Promise<Target> {
  const [certificate, ...chain] = await readCertificates(path);
  checkChain(path, certificate, chain);
  const { serialNumber: serial } = certificate;
  const named = findIssuer(issuers, certificate);
  if (named !== undefined) return { certificate, serial, issuer: named, issuerFoundIn: null, chain };
  if (issuers.length > 0) throw new Error(`${subjectOf(certificate)} was not issued by what --issuer names`);
  const found = findIssuer(chain, certificate);
  if (found !== undefined) return { certificate, serial, issuer: found, issuerFoundIn: path, chain };
  throw new UsageError(`--issuer is missing, and ${path} does not hold the issuer of ${subjectOf(certificate)}`);
}

/** The issuer by names, key identifiers, key usage, and signature; else one whose signature OpenSSL cannot check. */
export function findIssuer(
  candidates: readonly X509Certificate[],
  certificate: X509Certificate,
): X509Certificate | undefined {
  const parsed = toCertificate(certificate, 'certificate');
  const mismatches = candidates.map((candidate) => parsed.issuerMismatch(toCertificate(candidate, 'issuer')));
  return candidates[mismatches.indexOf('')] ?? candidates[mismatches.indexOf(null)];
}

/** A serial number of the command line as it is printed. */
export function serialDigits(text: string): string {
  if (serialFromText(text) === undefined) throw new UsageError(`the serial number is not hexadecimal: ${text}`);
  return serialToText(serialToBytes(text));
}

/** Refuses a second certificate that is no one's issuer: whoever put it there means it, too, and would take the answer for its own. */
function checkChain(path: string, certificate: X509Certificate, chain: readonly X509Certificate[]): void {
  const all = [certificate, ...chain];
  for (const other of chain) {
    if (other.ca || other.keyUsage?.includes(ID_KP_OCSP_SIGNING) || other.raw.equals(certificate.raw)) continue;
    // Of the first version, certificates do not say that they are a CA's.
    if (all.some((one) => one !== other && one.checkIssued(other))) continue;
    throw new UsageError(
      `${path} holds another certificate than ${subjectOf(certificate)} and its chain: ${subjectOf(other)}`,
    );
  }
}
