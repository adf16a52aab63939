import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { buildCertificate, encodeName, type TestCertificateOptions } from './certificate.js';
import { generateTestKeyPair, type TestKeyOptions } from './keys.js';

/** What {@link TestCa.issue} takes: the certificate's content, and the kind of key to make or the key to certify. */
export interface IssueOptions extends TestCertificateOptions, TestKeyOptions {
  /** The key to certify. Default: a new one. Passing the same key twice gives two certificates of one key. */
  privateKey?: KeyObject;
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
    const privateKey = options.privateKey ?? generateTestKeyPair(options).privateKey;
    const subject = options.subject ?? 'CN=Test end entity';
    return new TestIdentity(buildCertificate(this.#issuer(), privateKey, { ...options, subject }), privateKey);
  }

  /** Issues a delegated OCSP responder certificate: extendedKeyUsage `OCSPSigning`, nocheck (RFC 6960 section 4.2.2.2). */
  issueResponder(options: IssueOptions = {}): TestIdentity {
    return this.issue({
      subject: 'CN=Test OCSP responder',
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['OCSPSigning'],
      ocspNoCheck: true,
      ...options,
    });
  }

  /** Issues a certificate authority below this one. */
  issueIntermediate(options: IssueOptions = {}): TestCa {
    const subject = options.subject ?? 'CN=Test intermediate CA';
    const { certificate, privateKey } = this.issue({ ca: true, ...options, subject });
    return new TestCa(certificate, privateKey, subject);
  }

  #issuer(): { name: Buffer; publicKey: KeyObject; privateKey: KeyObject } {
    return { name: this.#name, publicKey: createPublicKey(this.privateKey), privateKey: this.privateKey };
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
  const privateKey = options.privateKey ?? generateTestKeyPair(options).privateKey;
  const subject = options.subject ?? 'CN=Test root CA';
  return new TestCa(buildCertificate(null, privateKey, { ca: true, ...options, subject }), privateKey, subject);
}
