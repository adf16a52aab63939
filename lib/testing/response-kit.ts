/** A certificate and every kind of answer about it that a client must accept or refuse. */
import { randomBytes } from 'node:crypto';
import type { RefusalCode } from '../ocsp/verification/refusals.js';
import { encodeNull, encodeOctetString } from '../x509/der.js';
import { OCSPExtensionOID } from '../x509/oids.js';
import { pickOptions, readOptions } from '../x509/options.js';
import type { TestExtension } from './certificate.js';
import {
  buildTestResponse,
  ENTRY_NAMES,
  RESPONSE_NAMES,
  type TestEntry,
  type TestResponseOptions,
  testErrorResponse,
  wrapTestResponse,
} from './response.js';
import { createTestCa, ISSUE_NAMES, type IssueOptions, type TestCa, type TestIdentity } from './test-ca.js';

/** A response that has to be refused. */
export interface BadTestResponse {
  /** Says what is wrong with it. */
  readonly name: string;
  readonly der: Buffer;
  /** What `verifyOcspResponse` says of it, by its default rules. */
  readonly refusal: RefusalCode;
}

/** A response that has to be accepted. */
export interface GoodTestResponse {
  readonly name: string;
  readonly der: Buffer;
  readonly status: 'good' | 'revoked' | 'unknown';
}

const { privateKey: _, ...KIT_NAMES } = ISSUE_NAMES;

const MINUTE = 60 * 1000;
const DAY = 24 * 3600 * 1000;
const UNKNOWN_OID = '1.3.6.1.4.1.99999.1';

/**
 * A root, a CA below it, a certificate of that CA, and answers about the certificate. The names of bad answers say what is
 * wrong with them, and nothing else is wrong.
 */
export class TestResponseKit {
  /** Issued {@link ca}. */
  readonly root: TestCa;
  /** Issued {@link leaf} and {@link responder}. */
  readonly ca: TestCa;
  /** The certificate that all answers are about. */
  readonly leaf: TestIdentity;
  /** A delegate of {@link ca}. */
  readonly responder: TestIdentity;

  readonly #options: IssueOptions;

  /** @param input - What all certificates have in common, such as the type of their keys. */
  constructor(input: Omit<IssueOptions, 'privateKey'> = {}) {
    const options = readOptions(input, KIT_NAMES);
    this.#options = options;
    this.root = createTestCa({ ...options, subject: 'CN=Test root' });
    this.ca = this.root.issueIntermediate({ ...options, subject: 'CN=Test CA' });
    this.leaf = this.ca.issue({
      ...options,
      subject: 'CN=leaf',
      serialNumber: 0x1234567890n,
      extendedKeyUsage: ['serverAuth'],
    });
    this.responder = this.ca.issueResponder(options);
  }

  /** An entry about the certificate: good, of now, for a day. */
  entry(changes: Partial<TestEntry> = {}): TestEntry {
    return {
      certificate: this.leaf.certificate,
      issuer: this.ca.certificate,
      // What else such an object holds, as a whole question, is not about the entry.
      ...pickOptions<Partial<TestEntry>>(changes, ENTRY_NAMES),
    };
  }

  /** A response by the delegate, whose certificate is included. */
  respond(
    entries: TestEntry | readonly TestEntry[] = this.entry(),
    changes: Partial<TestResponseOptions> = {},
  ): Buffer {
    const { signer = this.responder, ...others } = readOptions<Partial<TestResponseOptions>>(
      changes,
      RESPONSE_NAMES,
      'changes',
    );
    const list = Array.isArray(entries) ? (entries as readonly TestEntry[]) : [entries as TestEntry];
    return buildTestResponse({ entries: list, certificates: [signer.certificate], ...others, signer });
  }

  /** Answers that have to be accepted. */
  good(): GoodTestResponse[] {
    const { ca, root } = this;
    const of = (name: string, der: Buffer, status: GoodTestResponse['status'] = 'good') => ({ name, der, status });
    const other = this.entry({ serialNumber: 5n, status: 'revoked' });
    return [
      of('by a delegate', this.respond()),
      of('by a delegate that is named by its subject', this.respond(undefined, { responderId: 'name' })),
      of('by the CA, with no certificate', this.respond(undefined, { signer: ca, certificates: [] })),
      of('by the CA, with its own certificate', this.respond(undefined, { signer: ca })),
      of('by the CA, named by its subject', this.respond(undefined, { signer: ca, responderId: 'name' })),
      of('the delegate last of three certificates', this.#withCertificates(root, ca, this.responder)),
      of('the delegate first of three certificates', this.#withCertificates(this.responder, root, ca)),
      of('CertID by SHA-256', this.respond(this.entry({ hash: 'sha256' }))),
      of('CertID by SHA-512', this.respond(this.entry({ hash: 'sha512' }))),
      of('CertID hash without parameters', this.respond(this.entry({ withoutHashParameters: true }))),
      of('second of two entries', this.respond([other, this.entry()])),
      of('two entries by two hashes', this.respond([this.entry(), this.entry({ hash: 'sha256' })])),
      of('no nextUpdate, thisUpdate now', this.respond(this.entry({ nextUpdate: null }))),
      of('unknown extension, not critical', this.respond(undefined, { extensions: [unknownExtension(false)] })),
      of('nonce that no one asked for', this.respond(undefined, { extensions: [nonceExtension()] })),
      of('nonce without the inner OCTET STRING', this.respond(undefined, { extensions: [bareNonceExtension()] })),
      of('revoked', this.respond(this.entry({ status: 'revoked', revocationReason: 1 })), 'revoked'),
      of('revoked without a reason', this.respond(this.entry({ status: 'revoked' })), 'revoked'),
      of(
        'revoked for a reason that does not exist',
        this.respond(this.entry({ status: 'revoked', revocationReason: 7 })),
        'revoked',
      ),
      of(
        'revoked, second of two entries',
        this.respond([this.entry({ serialNumber: 5n }), this.entry({ status: 'revoked' })]),
        'revoked',
      ),
      of('unknown', this.respond(this.entry({ status: 'unknown' })), 'unknown'),
    ];
  }

  /** Answers that have to be refused. */
  bad(): BadTestResponse[] {
    return [
      ...this.#badEncodings(),
      ...this.#badEntries(),
      ...this.#badTimes(),
      ...this.#badExtensions(),
      ...this.#badSigners(),
    ];
  }

  #badEncodings(): BadTestResponse[] {
    const of = (name: string, der: Buffer) => ({ name, der, refusal: 'MALFORMED' as const });
    const time = (text: string) => this.respond(this.entry({ thisUpdate: text }));
    const whole = this.respond();
    const statuses = [
      ['malformedRequest', 1],
      ['internalError', 2],
      ['tryLater', 3],
      ['sigRequired', 5],
      ['unauthorized', 6],
    ] as const;
    return [
      of('no bytes', Buffer.alloc(0)),
      of('text', Buffer.from('<html>')),
      of('cut short', whole.subarray(0, -1)),
      of('two gigabytes announced', Buffer.from('30847fffffff0a0100', 'hex')),
      of('nested without end', Buffer.alloc(20_000, Buffer.from('3080', 'hex'))),
      of('bytes behind the response', this.respond(undefined, { trailing: encodeNull() })),
      of('bytes behind the answer', this.respond(undefined, { trailingInside: encodeNull() })),
      of('an unknown type of answer', wrapTestResponse(whole, undefined, UNKNOWN_OID)),
      of('successful without an answer', testErrorResponse(0)),
      of('status 4', testErrorResponse(4)),
      of('version 2', this.respond(undefined, { version: 1 })),
      of('thisUpdate with a fraction', time('20200101000000,5Z')),
      of('thisUpdate with an offset', time('20200101000000+0100')),
      of('thisUpdate without seconds', time('202001010000Z')),
      of('thisUpdate on 30 February', time('20200230000000Z')),
      of('nextUpdate with a fraction', this.respond(this.entry({ nextUpdate: '20991231235959,5Z' }))),
      ...statuses.map(([name, status]) => ({
        name: `status ${name}`,
        der: testErrorResponse(status),
        refusal: 'UNSUCCESSFUL' as const,
      })),
    ];
  }

  #badEntries(): BadTestResponse[] {
    const of = (name: string, ...changes: Partial<TestEntry>[]) => ({
      name,
      der: this.respond(changes.map((change) => this.entry(change))),
      refusal: 'CERTIFICATE_NOT_FOUND' as RefusalCode,
    });
    const serial = BigInt(`0x${this.leaf.certificate.serialNumber}`);
    const stranger = createTestCa({ subject: 'CN=Stranger' }).certificate;
    const contradictory = { refusal: 'CONTRADICTORY' as const };
    return [
      of('no entry'),
      of('another serial number', { serialNumber: serial + 1n }),
      of('serial number with a byte more', { serialNumber: serial << 8n }),
      of('serial number with a byte less', { serialNumber: serial >> 8n }),
      of('negative serial number', { serialNumber: -serial }),
      of('same serial number, another issuer', { issuer: stranger }),
      of("another issuer's name", { issuerNameHash: randomBytes(20) }),
      of("another issuer's key", { issuerKeyHash: randomBytes(20) }),
      of('issuer hashes of the wrong length', { issuerNameHash: Buffer.alloc(0), issuerKeyHash: Buffer.alloc(0) }),
      { ...of('good, then revoked', {}, { status: 'revoked' }), ...contradictory },
      { ...of('revoked, then good', { status: 'revoked' }, {}), ...contradictory },
      { ...of('good by SHA-1, revoked by SHA-256', {}, { status: 'revoked', hash: 'sha256' }), ...contradictory },
      { ...of('good, then unknown', {}, { status: 'unknown' }), ...contradictory },
    ];
  }

  #badTimes(): BadTestResponse[] {
    const of = (
      name: string,
      refusal: RefusalCode,
      thisUpdate: TestEntry['thisUpdate'] & {},
      nextUpdate: Date | null,
    ) => ({
      name,
      der: this.respond(this.entry({ thisUpdate, nextUpdate })),
      refusal,
    });
    const at = (offset: number) => new Date(Date.now() + offset);
    return [
      of('nextUpdate past', 'EXPIRED', at(-2 * DAY), at(-DAY)),
      of('thisUpdate to come', 'NOT_YET_VALID', at(DAY), at(2 * DAY)),
      of('nextUpdate before thisUpdate', 'INVERTED_TIMES', at(0), at(-MINUTE)),
      of('a day old, no nextUpdate', 'TOO_OLD', at(-DAY), null),
      of('thisUpdate in the year 0', 'BAD_TIME', '00000101000000Z', at(DAY)),
      {
        name: 'thisUpdate in the year 0, in an older entry',
        refusal: 'BAD_TIME',
        der: this.respond([this.entry({ thisUpdate: '00000101000000Z' }), this.entry()]),
      },
    ];
  }

  #badExtensions(): BadTestResponse[] {
    const of = (name: string, refusal: RefusalCode, ...extensions: TestExtension[]) => [
      { name, refusal, der: this.respond(undefined, { extensions }) },
      { name: `${name}, in the entry`, refusal, der: this.respond(this.entry({ extensions })) },
      {
        name: `${name}, in an older entry`,
        refusal,
        der: this.respond([this.entry({ extensions, thisUpdate: new Date(Date.now() - DAY) }), this.entry()]),
      },
    ];
    return [
      ...of('unknown critical extension', 'UNKNOWN_CRITICAL_EXTENSION', unknownExtension(true)),
      ...of('the same extension twice', 'BAD_EXTENSIONS', unknownExtension(false), unknownExtension(false)),
    ];
  }

  #badSigners(): BadTestResponse[] {
    const { ca, root, leaf } = this;
    const of = (
      name: string,
      refusal: RefusalCode,
      signer: TestIdentity,
      changes: Partial<TestResponseOptions> = {},
    ) => ({
      name,
      refusal,
      der: this.respond(undefined, { signer, ...changes }),
    });
    const usage = (options: IssueOptions) => ca.issueResponder({ subject: 'CN=Responder', ...options });
    const stranger = createTestCa({ subject: 'CN=Stranger' });
    const namesake = createTestCa({ subject: 'CN=Test CA' });
    const forged = namesake.issueResponder({ keyIdentifiers: false });
    return [
      of('wrong signature', 'BAD_SIGNATURE', this.responder, { breakSignature: true }),
      of('wrong signature of the CA', 'BAD_SIGNATURE', ca, { breakSignature: true, certificates: [] }),
      of(
        "by another key than the responder's",
        'BAD_SIGNATURE',
        createTestCa({ ...this.#options, subject: 'CN=Stranger' }),
        {
          responder: this.responder.certificate,
          certificates: [this.responder.certificate],
        },
      ),
      of('certificate of the responder missing', 'SIGNER_NOT_FOUND', this.responder, { certificates: [] }),
      of('responder id of another', 'SIGNER_NOT_FOUND', this.responder, { responder: stranger.certificate }),
      of('by the certificate itself', 'SIGNER_NOT_AUTHORIZED', leaf),
      of('by a TLS server of the CA', 'SIGNER_NOT_AUTHORIZED', ca.issue({ extendedKeyUsage: ['serverAuth'] })),
      of('by a delegate without extended key usage', 'SIGNER_NOT_AUTHORIZED', ca.issue({ subject: 'CN=No EKU' })),
      of(
        'by a delegate for any extended key usage',
        'SIGNER_NOT_AUTHORIZED',
        usage({ extendedKeyUsage: ['anyExtendedKeyUsage'] }),
      ),
      of('by a delegate whose key may not sign', 'SIGNER_NOT_AUTHORIZED', usage({ keyUsage: ['keyEncipherment'] })),
      of('by a delegate of the CA above', 'SIGNER_NOT_AUTHORIZED', root.issueResponder({ subject: 'CN=Of the root' })),
      of('by the CA above', 'SIGNER_NOT_AUTHORIZED', root),
      of('by a delegate of another CA', 'SIGNER_NOT_AUTHORIZED', stranger.issueResponder()),
      of('by another CA', 'SIGNER_NOT_AUTHORIZED', stranger),
      of(
        'by a self-signed responder',
        'SIGNER_NOT_AUTHORIZED',
        createTestCa({ subject: 'CN=Own', ca: false, extendedKeyUsage: ['OCSPSigning'] }),
      ),
      of('by a CA of the same name with another key', 'SIGNER_NOT_AUTHORIZED', namesake),
      of('by a delegate of a CA of the same name', 'SIGNER_UNTRUSTED', forged),
      of('by a delegate with a forged certificate', 'SIGNER_UNTRUSTED', ca.issueResponder({ corruptSignature: true })),
      of(
        'by an expired delegate',
        'SIGNER_EXPIRED',
        usage({ notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) }),
      ),
      of('by a delegate of the future', 'SIGNER_NOT_YET_VALID', usage({ notBefore: new Date(Date.now() + DAY) })),
    ];
  }

  #withCertificates(...identities: TestIdentity[]): Buffer {
    return this.respond(undefined, { certificates: identities.map(({ certificate }) => certificate) });
  }
}

function unknownExtension(critical: boolean): TestExtension {
  return { oid: UNKNOWN_OID, critical, value: encodeNull() };
}

function nonceExtension(): TestExtension {
  return { oid: OCSPExtensionOID.NONCE, value: encodeOctetString(randomBytes(32)) };
}

function bareNonceExtension(): TestExtension {
  return { oid: OCSPExtensionOID.NONCE, value: randomBytes(16) };
}
