import type { KeyObject, X509Certificate } from 'node:crypto';
import { type OptionNames, pickOptions, readOptions } from '../x509/options.js';
import { buildCertificate, CERTIFICATE_NAMES, encodeName, type TestCertificateOptions } from './certificate.js';
import { generateTestKeyPair, KEY_NAMES, type TestKeyOptions } from './keys.js';

/** What {@link TestCa.issue} takes: the certificate's content, and the kind of key to make or the key to certify. */
export interface IssueOptions extends TestCertificateOptions, TestKeyOptions {
  /** The key to certify. Default: a new one. Passing the same key twice gives two certificates of one key. */
  privateKey?: KeyObject;
}

/** The names of {@link IssueOptions}. */
export const ISSUE_NAMES: OptionNames<IssueOptions> = { ...CERTIFICATE_NAMES, ...KEY_NAMES, privateKey: true };

function keyOf(options: IssueOptions): KeyObject {
  return options.privateKey ?? generateTestKeyPair(pickOptions<TestKeyOptions>(options, KEY_NAMES)).privateKey;
}

/** A certificate with its key. */
export class TestIdentity {
  /** The certificate. */
  readonly certificate: X509Certificate;
  /** Its private key. */
  readonly privateKey: KeyObject;

  constructor(certificate: X509Certificate, privateKey: KeyObject) {
    this.certificate = certificate;
    this.privateKey = privateKey;
  }

  /** The certificate in PEM. */
  get certificatePem(): string {
    return this.certificate.toString();
  }

  /** The private key in PEM (PKCS#8, not encrypted). */
  get privateKeyPem(): string {
    return this.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  }
}

/** A throw-away certificate authority. Made by {@link createTestCa} or {@link TestCa.issueIntermediate}. */
export class TestCa extends TestIdentity {
  readonly #name: Buffer;

  constructor(certificate: X509Certificate, privateKey: KeyObject, subject: string) {
    super(certificate, privateKey);
    this.#name = encodeName(subject);
  }

  /** Issues an end-entity certificate. */
  issue(options: IssueOptions = {}): TestIdentity {
    const given = { subject: 'CN=Test end entity', ...readOptions(options, ISSUE_NAMES) };
    const privateKey = keyOf(given);
    return new TestIdentity(buildCertificate(this.#issuer(), privateKey, given), privateKey);
  }

  /** Issues a delegated OCSP responder certificate: extendedKeyUsage `OCSPSigning`, nocheck (RFC 6960 section 4.2.2.2). */
  issueResponder(options: IssueOptions = {}): TestIdentity {
    return this.issue({
      subject: 'CN=Test OCSP responder',
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['OCSPSigning'],
      ocspNoCheck: true,
      ...readOptions(options, ISSUE_NAMES),
    });
  }

  /** Issues a certificate authority below this one. */
  issueIntermediate(options: IssueOptions = {}): TestCa {
    const given = { subject: 'CN=Test intermediate CA', ca: true, ...readOptions(options, ISSUE_NAMES) };
    const { certificate, privateKey } = this.issue(given);
    return new TestCa(certificate, privateKey, given.subject);
  }

  #issuer(): { name: Buffer; publicKey: KeyObject; privateKey: KeyObject } {
    return { name: this.#name, publicKey: this.privateKey, privateKey: this.privateKey };
  }
}

/**
 * Makes a self-signed certificate authority.
 *
 * @example
 * ```ts
 * const ca = createTestCa({ subject: 'CN=Root', keyType: 'rsa' });
 * const leaf = ca.issue({ subject: 'CN=leaf', serialNumber: 42n });
 * const responder = ca.issueResponder({ keyType: 'ed25519' });
 * ```
 */
export function createTestCa(options: IssueOptions = {}): TestCa {
  const given = { subject: 'CN=Test root CA', ca: true, ...readOptions(options, ISSUE_NAMES) };
  const privateKey = keyOf(given);
  return new TestCa(buildCertificate(null, privateKey, given), privateKey, given.subject);
}
