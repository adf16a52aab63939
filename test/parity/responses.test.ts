import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  ArchiveCutoff,
  CRLReason,
  Extension,
  InvalidityDate,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  type OCSPResponse,
  OCSPResponseBuilder,
  OCSPResponseStatus,
  ReasonFlags,
  type SignOptions,
} from 'openssl-ocsp';
import { createTestCa, type IssueOptions, type TestIdentity } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { casOnEveryCurve, verifies } from '../helpers/fixtures.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { base64Vector, vectorJson } from '../helpers/vectors.js';

// The openssl command is the oracle. Without one these tests are skipped: there is nothing to compare with.

/** CRLReason codes, RFC 5280 section 5.3.1. OpenSSL 3.0 prints no names for the last two. */
const reasonCodes: Record<ReasonFlags, number> = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
};

const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3600 * 1000;

/** `openssl ocsp -respin`: verdict and summary. */
function cliVerify(response: OCSPResponse, ca: TestIdentity, serial: bigint, signer: TestIdentity = ca): string {
  using scratch = new Scratch();
  const caFile = scratch.write('ca.pem', ca.certificatePem);
  const { stdout, stderr } = openssl([
    'ocsp',
    '-respin',
    scratch.write('response.der', response.publicBytes()),
    '-issuer',
    caFile,
    '-serial',
    `0x${serial.toString(16)}`,
    '-CAfile',
    caFile,
    '-no-CApath',
    '-no-CAstore',
    '-verify_other',
    scratch.write('signer.pem', signer.certificatePem),
    '-no_nonce',
  ]);
  return stderr + stdout;
}

function cliText(response: OCSPResponse): string {
  using scratch = new Scratch();
  return openssl(['ocsp', '-respin', scratch.write('r.der', response.publicBytes()), '-resp_text', '-noverify']).stdout;
}

const identities = new Map<string, TestIdentity>();

/** A responder that is its own CA. RSA and DSA keys are slow to make, so they are shared. */
function responder(options: IssueOptions): TestIdentity {
  const id = JSON.stringify(options);
  const known = identities.get(id) ?? createTestCa(options);
  identities.set(id, known);
  return known;
}

function good(ca: TestIdentity): OCSPResponseBuilder {
  return new OCSPResponseBuilder()
    .addResponse({
      cert: ca.certificate,
      issuer: ca.certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: new Date(now - hour),
      nextUpdate: new Date(now + hour),
    })
    .responderId(OCSPResponderEncoding.NAME, ca.certificate);
}

function accepted(t: ExecutionContext, ca: TestIdentity, response: OCSPResponse, what: string): void {
  const output = cliVerify(response, ca, BigInt(`0x${ca.certificate.serialNumber}`));
  t.regex(output, /Response verify OK/, what);
  t.regex(output, /: good/, what);
}

// OpenSSL 3.0 knows no ECDSA with SHA-3 in X.509; those are checked by node:crypto elsewhere.
const cases: [IssueOptions, (string | null)[], SignOptions?][] = [
  [{ keyType: 'rsa' }, ['sha224', 'sha256', 'sha384', 'sha512']],
  [{ keyType: 'rsa' }, ['sha224', 'sha256', 'sha384', 'sha512'], { rsaPadding: 'pss' }],
  [{ keyType: 'rsa' }, ['sha256'], { rsaPadding: 'pss', saltLength: 20 }],
  [{ keyType: 'rsa' }, ['sha256'], { rsaPadding: 'pss', saltLength: 0 }],
  [{ keyType: 'rsa-pss' }, ['sha256', 'sha384', 'sha512']],
  [{ keyType: 'ec' }, ['sha224', 'sha256', 'sha384', 'sha512']],
  [{ keyType: 'dsa' }, ['sha224', 'sha256']],
  [{ keyType: 'ed25519' }, [null]],
  [{ keyType: 'ed448' }, [null]],
];

for (const [options, hashes, signOptions] of cases) {
  for (const hash of hashes) {
    withCli(`openssl ocsp accepts ${options.keyType} with ${hash} ${JSON.stringify(signOptions ?? {})}`, (t) => {
      const ca = responder(options);
      accepted(t, ca, good(ca).sign(ca.privateKey, hash as 'sha256' | null, signOptions), String(hash));
    });
  }
}

withCli('openssl ocsp accepts ECDSA on every curve that it can verify itself', (t) => {
  let count = 0;
  for (const [curve, ca] of casOnEveryCurve()) {
    accepted(t, ca, good(ca).sign(ca.privateKey, 'sha256'), curve);
    count += 1;
  }
  t.true(count >= 10, String(count));
});

withCli('a delegated responder, embedded or given', (t) => {
  const ca = createTestCa();
  const delegate = ca.issueResponder();
  const builder = new OCSPResponseBuilder()
    .addResponse({
      cert: ca.issue({ serialNumber: 77n }).certificate,
      issuer: ca.certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: new Date(now - hour),
    })
    .responderId(OCSPResponderEncoding.HASH, delegate.certificate);
  const bare = builder.sign(delegate.privateKey, 'sha256');
  t.regex(cliVerify(bare, ca, 77n, delegate), /Response verify OK/);
  t.regex(cliVerify(bare, ca, 77n), /signer certificate not found/i, 'nowhere to be found');
  const embedded = builder.certificates([delegate.certificate]).sign(delegate.privateKey, 'sha256');
  t.regex(cliVerify(embedded, ca, 77n), /Response verify OK/);
});

withCli('every status and reason, in its words', (t) => {
  const ca = responder({ keyType: 'ec' });
  const statuses = [
    { certStatus: OCSPCertStatus.GOOD },
    { certStatus: OCSPCertStatus.UNKNOWN },
    { certStatus: OCSPCertStatus.REVOKED, revocationTime: new Date('2020-02-29T12:34:56Z') },
    ...Object.values(ReasonFlags).map((revocationReason) => ({
      certStatus: OCSPCertStatus.REVOKED,
      revocationTime: new Date('2020-02-29T12:34:56Z'),
      revocationReason,
    })),
  ];
  for (const status of statuses) {
    const response = new OCSPResponseBuilder()
      .addResponse({
        cert: ca.certificate,
        issuer: ca.certificate,
        algorithm: 'sha256',
        thisUpdate: new Date('2021-01-02T03:04:05Z'),
        nextUpdate: new Date('2049-12-31T23:59:59Z'),
        ...status,
      })
      .responderId(OCSPResponderEncoding.NAME, ca.certificate)
      .producedAt(new Date('2021-01-02T03:04:06Z'))
      .sign(ca.privateKey, 'sha256');
    const text = cliText(response);
    t.regex(text, new RegExp(`Cert Status: ${OCSPCertStatus[status.certStatus].toLowerCase()}\\n`));
    t.regex(text, /Produced At: Jan {2}2 03:04:06 2021 GMT/);
    t.regex(text, /This Update: Jan {2}2 03:04:05 2021 GMT\s+Next Update: Dec 31 23:59:59 2049 GMT/);
    if ('revocationTime' in status) t.regex(text, /Revocation Time: Feb 29 12:34:56 2020 GMT/);
    if ('revocationReason' in status)
      t.is(/Revocation Reason: .*\(0x(\w+)\)/.exec(text)?.[1], reasonCodes[status.revocationReason].toString(16));
    else t.notRegex(text, /Revocation Reason/);
  }
});

withCli('extensions, in its words', (t) => {
  const ca = responder({ keyType: 'ec' });
  const extension = (value: CRLReason | InvalidityDate | ArchiveCutoff) => new Extension(value.oid, false, value);
  const response = new OCSPResponseBuilder()
    .addResponse({
      cert: ca.certificate,
      issuer: ca.certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: new Date(now),
      singleExtensions: [
        extension(new CRLReason(ReasonFlags.certificateHold)),
        extension(new InvalidityDate(new Date('2001-02-03T04:05:06Z'))),
        extension(new ArchiveCutoff(new Date('2002-03-04T05:06:07Z'))),
      ],
    })
    .responderId(OCSPResponderEncoding.HASH, ca.certificate)
    .addExtension(new OCSPNonce(Buffer.from('cafe', 'hex')), false)
    .sign(ca.privateKey, 'sha256');
  const text = cliText(response);
  t.regex(text, /X509v3 CRL Reason Code:\s+Certificate Hold/);
  t.regex(text, /Invalidity Date:\s+Feb {2}3 04:05:06 2001 GMT/);
  t.regex(text, /OCSP Archive Cutoff:\s+Mar {2}4 05:06:07 2002 GMT/);
  t.regex(text, /OCSP Nonce:\s+0402CAFE/);
});

withCli('what the responder of openssl ocsp answers', (t) => {
  using scratch = new Scratch();
  const ca = createTestCa({ keyType: 'rsa', subject: 'CN=CA' });
  const delegate = ca.issueResponder({ keyType: 'rsa' });
  const [live, dead, gone] = [1n, 2n, 3n].map((serialNumber) => ca.issue({ serialNumber }).certificate);
  const index = scratch.write(
    'index.txt',
    [
      'V\t490101000000Z\t\t01\tunknown\t/CN=live',
      'R\t490101000000Z\t230102030405Z,keyCompromise\t02\tunknown\t/CN=dead',
      '',
    ].join('\n'),
  );
  const request = new OCSPRequestBuilder()
    .addCertificate(live!, ca.certificate, 'sha1')
    .addCertificate(dead!, ca.certificate, 'sha256')
    .addCertificate(gone!, ca.certificate, 'sha1')
    .addExtension(new OCSPNonce(Buffer.from('0123456789abcdef')), false)
    .build();
  const ask = (...more: string[]) => {
    const out = scratch.path('out.der');
    const { stderr, status } = openssl([
      'ocsp',
      '-index',
      index,
      '-CA',
      scratch.write('ca.pem', ca.certificatePem),
      '-rsigner',
      scratch.write('signer.pem', delegate.certificatePem),
      '-rkey',
      scratch.write('key.pem', delegate.privateKeyPem),
      '-reqin',
      scratch.write('req.der', request.publicBytes()),
      '-respout',
      out,
      ...more,
    ]);
    t.is(status, 0, stderr);
    return loadDerOcspResponse(readFileSync(out));
  };
  for (const [args, hash] of [
    [[], 'sha256'],
    [['-rmd', 'sha384', '-resp_key_id', '-nmin', '5'], 'sha384'],
    [['-rmd', 'sha512', '-rsigopt', 'rsa_padding_mode:pss', '-resp_no_certs'], 'sha512'],
  ] as const) {
    const response = ask(...args);
    t.is(response.responseStatus, OCSPResponseStatus.SUCCESSFUL);
    t.is(response.signatureHashAlgorithm as string, hash);
    t.deepEqual(
      response.responses.map((single) => [
        single.serialNumber,
        single.certificateStatus,
        single.hashAlgorithm as string,
        single.revocationReason,
        single.revocationTime?.toISOString(),
        single.nextUpdate === null,
      ]),
      [
        [1n, OCSPCertStatus.GOOD, 'sha1', null, undefined, !args.includes('-nmin' as never)],
        [
          2n,
          OCSPCertStatus.REVOKED,
          'sha256',
          'keyCompromise',
          '2023-01-02T03:04:05.000Z',
          !args.includes('-nmin' as never),
        ],
        [3n, OCSPCertStatus.UNKNOWN, 'sha1', null, undefined, !args.includes('-nmin' as never)],
      ],
    );
    t.is(response.certificates.length, args.includes('-resp_no_certs' as never) ? 0 : 1);
    t.is(response.responderKeyHash === null, !args.includes('-resp_key_id' as never));
    t.is(response.extensions.getExtensionForClass(OCSPNonce).value.nonce.toString(), '0123456789abcdef');
    if (hash !== 'sha512') t.true(verifies(response, delegate.certificate.publicKey));
  }
});

interface ManifestCase {
  kind: string;
  response_file: string;
  response_facts: {
    responder_id: string;
    produced_at: string;
    hash_algorithm: string;
    serial: string;
    cert_status: string;
    this_update: string;
    next_update: string;
    sigalg: string;
    embedded_certs: number;
  };
}

// Not skipped without the command: what it printed is recorded.
test('what openssl ocsp prints of its own test data is what we read', (t) => {
  const seen = new Set<string>();
  for (const { kind, response_file, response_facts: facts } of vectorJson<ManifestCase[]>('openssl/manifest.json')) {
    if (kind !== 'verify' || seen.has(response_file)) continue;
    seen.add(response_file);
    const response = loadDerOcspResponse(base64Vector(`openssl/${response_file}`), { strict: true });
    t.deepEqual(
      {
        produced: response.producedAt,
        hash: response.hashAlgorithm as string,
        serial: response.serialNumber,
        status: OCSPCertStatus[response.certificateStatus]?.toLowerCase(),
        thisUpdate: response.thisUpdate,
        nextUpdate: response.nextUpdate,
        certificates: response.certificates.length,
      },
      {
        produced: new Date(facts.produced_at),
        hash: facts.hash_algorithm,
        serial: BigInt(`0x${facts.serial}`),
        status: facts.cert_status,
        thisUpdate: new Date(facts.this_update),
        nextUpdate: new Date(facts.next_update),
        certificates: facts.embedded_certs,
      },
      response_file,
    );
    if (response.responderKeyHash) t.is(response.responderKeyHash.toString('hex').toUpperCase(), facts.responder_id);
  }
  t.true(seen.size >= 30, String(seen.size));
});
