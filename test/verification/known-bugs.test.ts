// What went wrong in OCSP code elsewhere, and does not here. Each test is named after the defect; lines without a test say
// why the defect cannot occur. Names of responses are those of the test kit.
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import {
  checkNonce,
  loadDerOcspRequest,
  loadDerOcspResponse,
  type MessageVerifyOptions,
  OCSPNonce,
  type OCSPQuestion,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ocspUrls,
  type RefusalCode,
  Verifier,
  type VerifierOptions,
  verifyOcspResponse,
} from 'openssl-ocsp';
import {
  createTestCa,
  type TestEntry,
  TestIdentity,
  TestResponseKit,
  testErrorResponse,
  wrapTestResponse,
} from 'openssl-ocsp/testing';
import { hex, integer, octets, sequence, tlv } from '../helpers/der.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { refuses } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const { root, ca, leaf, responder } = kit;
const issuer = ca.certificate;
const question: OCSPQuestion = { certificate: leaf.certificate, issuer };
const bad = new Map(kit.bad().map((item) => [item.name, item]));
const DAY = 24 * 3600 * 1000;

function judge(der: Uint8Array, more: Partial<OCSPQuestion & VerifierOptions> = {}) {
  return verifyOcspResponse(der, { ...question, ...more });
}

/** Refused for this one reason, and no status to be read. */
function refused(t: ExecutionContext, der: Uint8Array, code: RefusalCode, more: Partial<VerifierOptions> = {}): void {
  const verdict = judge(der, more);
  t.deepEqual(
    verdict.refusals.map((refusal) => refusal.code),
    [code],
    verdict.explain(),
  );
  t.is(verdict.status, null);
}

/** Tests that responses of the kit are refused. */
function refusesAll(id: string, ...names: string[]): void {
  for (const name of names) {
    test(`${id}: ${name}`, (t) => {
      const item = bad.get(name);
      if (item === undefined) return t.fail('there is no such response');
      return refused(t, item.der, item.refusal);
    });
  }
}

const certIdOf = (hash: 'sha1' | 'sha256' = 'sha1') =>
  new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, hash).build().requests[0]!;

// 1. OpenSSL, security

test('CVE-2011-0014: a message is read past its end', (t) => {
  const whole = kit.respond();
  for (let length = 0; length < whole.length; length += 1) refused(t, whole.subarray(0, length), 'MALFORMED');
});

test("CVE-2013-0166: a responder's certificate with a key that cannot verify, or that no one knows", (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  // id-ecPublicKey becomes 1.2.840.10045.2.127.
  const strange = Buffer.from(ca.issueResponder({ privateKey }).certificate.raw);
  strange[strange.indexOf('06072a8648ce3d0201', 0, 'hex') + 8] = 0x7f;
  for (const certificate of [
    ca.issueResponder({ keyType: 'x25519' }).certificate,
    ca.issueResponder({ keyType: 'ed25519' }).certificate,
    new X509Certificate(strange),
  ]) {
    const signer = new TestIdentity(certificate, privateKey);
    const der = kit.respond(undefined, { signer, responderId: 'name' });
    refused(t, der, 'UNSUPPORTED_SIGNATURE');
    const result = loadDerOcspResponse(der).basicVerify({ trust: [root.certificate] });
    t.false(result.verified);
    t.truthy(result.reason);
  }
});

refusesAll('CVE-2016-2109: memory for a length that is only claimed', 'two gigabytes announced');

// CVE-2016-6304, growing memory: test/leak.test.ts.

test('CVE-2018-0739: recursion without end, on a small stack', async (t) => {
  const source = `
    import(${JSON.stringify(import.meta.resolve('openssl-ocsp'))}).then(({ verifyOcspResponse, loadDerOcspResponse }) => {
      const { parentPort, workerData } = require('node:worker_threads');
      const { certificate, issuer, messages } = workerData;
      parentPort.postMessage(messages.map((der) => {
        try { loadDerOcspResponse(der, { strict: false }).toText(); } catch {}
        return verifyOcspResponse(der, { certificate, issuer }).refusals[0].code;
      }));
    });`;
  const deep = Buffer.alloc(60_000, Buffer.from('3080', 'hex'));
  const messages = [deep, wrapTestResponse(deep), Buffer.alloc(60_000, Buffer.from('2480', 'hex'))];
  const workerData = { certificate: leaf.certificatePem, issuer: ca.certificatePem, messages };
  const worker = new Worker(source, { eval: true, workerData, resourceLimits: { stackSizeMb: 1 } });
  const codes = await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  t.deepEqual(codes, ['MALFORMED', 'MALFORMED', 'MALFORMED']);
  await worker.terminate();
});

test('CVE-2021-3712: text that ends at a NUL', (t) => {
  const url = 'http://ocsp.example/\0.attacker.example/';
  const { certificate } = ca.issue({ aia: { ocsp: ['http://first.example/', url], caIssuers: 'http://ca.example' } });
  t.deepEqual(ocspUrls(certificate), ['http://first.example/', url]);
});

test('CVE-2022-1343: noChecks makes a yes of a no', (t) => {
  const forged = ca.issueResponder({ corruptSignature: true });
  const stranger = createTestCa({ subject: 'CN=Stranger' });
  for (const signer of [forged, stranger, stranger.issueResponder()]) {
    const response = loadDerOcspResponse(kit.respond(undefined, { signer }));
    t.is(response.basicVerify({ trust: [root.certificate], noChecks: true }).verified, false);
  }
});

test('CVE-2023-2650: an OID of a megabyte', (t) => {
  const huge = tlv(0x06, Buffer.concat([Buffer.alloc(1 << 20, 0x81), Buffer.from([1])]));
  const [entry] = loadDerOcspResponse(kit.respond()).responses;
  const { issuerNameHash, issuerKeyHash, serialNumber } = entry!;
  const id = sequence(sequence(huge), octets(issuerNameHash), octets(issuerKeyHash), integer(serialNumber));
  const der = replaceCertId(kit.respond(), id);
  const verdict = judge(der);
  t.false(verdict.usable);
  t.true(verdict.explain().length < 100_000);
  for (const strict of [true, false]) {
    try {
      const response = loadDerOcspResponse(der, { strict });
      t.is(response.findStatus(certIdOf()), null);
      response.basicVerify({ trust: [root.certificate] });
      response.toText();
    } catch (error) {
      t.regex(String((error as { code?: string }).code), /^ERR_OCSP_/);
    }
  }
});

/** The response with another CertID in its only entry; the signature is wrong afterwards. */
function replaceCertId(der: Buffer, id: Buffer): Buffer {
  const response = loadDerOcspResponse(der);
  const single = sequence(id, Buffer.from('8000', 'hex'), tlv(0x18, Buffer.from('20200101000000Z')));
  const tbs = sequence(
    tlv(0xa2, octets(response.responderKeyHash!)),
    tlv(0x18, Buffer.from('20200101000000Z')),
    sequence(single),
  );
  const algorithm = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
  return wrapTestResponse(sequence(tbs, algorithm, tlv(0x03, Buffer.from([0]), response.signature)));
}

// CVE-2026-35188, a double free on the error paths of the TLS client: the paths of this package run under sanitizers.

test('CVE-2026-54876, openssl #30463: a signed response with no entry', async (t) => {
  const der = kit.respond([], { signer: ca });
  refused(t, der, 'CERTIFICATE_NOT_FOUND');
  const response = loadDerOcspResponse(der);
  t.deepEqual(response.responses, []);
  t.is(response.findStatus(certIdOf()), null);
  t.is(response.signer()?.fingerprint256, issuer.fingerprint256);
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => response.certificateStatus);
  const options = { trust: [root.certificate] };
  t.false(response.basicVerify(options).verified);
  t.false((await response.basicVerifyAsync(options)).verified);
  t.true(response.basicVerify({ ...options, noChecks: true }).verified, 'nothing but the path is looked at');
  t.true(response.toText().includes('Response Type'));
});

test('openssl PR 30323: the certificate signs its own status', (t) => {
  const der = kit.respond(undefined, { signer: leaf, certificates: [] });
  refused(t, der, 'SIGNER_NOT_AUTHORIZED', { certificates: [leaf.certificate] });
  const response = loadDerOcspResponse(der);
  const options = { trust: [root.certificate], certificates: [leaf.certificate, issuer] };
  t.false(response.basicVerify(options).verified);
  t.true(response.basicVerify({ ...options, trustOther: true }).verified, 'only where the caller asks for it');
});

// 2. OpenSSL, bugs

test('openssl #31070: a CertID by another hash loses the serial number', (t) => {
  t.is(certIdOf('sha256').serialNumber, certIdOf('sha1').serialNumber);
  t.is(judge(kit.respond(kit.entry({ hash: 'sha256', serialNumber: 0n }))).refusals[0]?.code, 'CERTIFICATE_NOT_FOUND');
});

refusesAll(
  'openssl #32367: bad times are a warning only',
  'nextUpdate past',
  'thisUpdate to come',
  'a day old, no nextUpdate',
);
refusesAll(
  'openssl #32368: bytes behind the answer are overlooked',
  'bytes behind the answer',
  'bytes behind the response',
);
refusesAll('openssl #32376: the first of contradicting entries wins', 'good, then revoked', 'revoked, then good');
refusesAll(
  'openssl #32377: times that OpenSSL cannot compare count as fine',
  'thisUpdate with a fraction',
  'thisUpdate with an offset',
  'thisUpdate without seconds',
  'nextUpdate with a fraction',
);
refusesAll('openssl #32399: an expired answer is called not yet valid', 'nextUpdate past');

test('openssl, basic_sign twice, of one object by key and by name', (t) => {
  const now = new Date();
  const builder = new OCSPResponseBuilder().addResponse(
    leaf.certificate,
    issuer,
    'sha1',
    0,
    now,
    new Date(now.getTime() + DAY),
    null,
    null,
  );
  const encodings = [OCSPResponderEncoding.HASH, OCSPResponderEncoding.NAME];
  for (const first of encodings) {
    const named = builder.responderId(first, issuer);
    for (const [key, code] of [
      [ca.privateKey, undefined],
      [createPrivateKey(responder.privateKeyPem), 'ERR_OCSP_KEY_MISMATCH'],
      [ca.privateKey, undefined],
    ] as const) {
      if (code === undefined) t.is(judge(named.sign(key, 'sha256').publicBytes()).status, 'good');
      else refuses(t, code, () => named.sign(key, 'sha256'));
    }
  }
});

// openssl, verifying an unsigned object: there are none here; every OCSPResponse has been parsed whole.
// openssl, a finished EVP_MD_CTX used again: test/bulk verifies every response that is signed in bulk.

test('openssl #28300: entries outlive their response', async (t) => {
  const entries = (() => loadDerOcspResponse(kit.respond([kit.entry(), kit.entry({ status: 'revoked' })])).responses)();
  for (let i = 0; i < 3; i += 1) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise(setImmediate);
    Buffer.alloc(1 << 22, 0xff);
  }
  t.deepEqual(
    entries.map(({ certificateStatus }) => certificateStatus),
    [0, 1],
  );
});

// openssl #28888, #28989 (stapling in TLS), #16886 (HTTP), #837 (OCSP_parse_url): not part of this package.

refusesAll('openssl #28989: no bytes', 'no bytes');

// openssl #18081, #29033, #26941, results that no one checks: test/native/verification_test.cc lets every allocation fail.

test("openssl #4124: the path's certificates are at hand, and nothing is included", (t) => {
  const der = kit.respond(undefined, { certificates: [] });
  const result = loadDerOcspResponse(der).basicVerify({
    trust: [root.certificate],
    certificates: [responder.certificate, issuer],
  });
  t.true(result.verified, String(result.error));
  t.is(judge(der, { trust: [root.certificate], certificates: [responder.certificate] }).status, 'good');
});

test('openssl #2159: an expired certificate is called a wrong signature', (t) => {
  const expired = bad.get('by an expired delegate')!.der;
  const result = loadDerOcspResponse(expired).basicVerify({ trust: [root.certificate], certificates: [issuer] });
  t.is(result.reason, 'certificate verify error');
  t.is(result.certificateError?.code, 10);
  t.is(result.certificateError?.message, 'certificate has expired');
});

test('openssl, bad extensions: it tells of them once per object, so the second answer is another', (t) => {
  const extensions = [{ oid: '2.5.29.17', value: hex('0500') }];
  const odd = createTestCa({ extensions });
  const oddResponder = ca.issue({ extensions, extendedKeyUsage: ['OCSPSigning'] });
  using scratch = new Scratch();
  const caFile = scratch.write('odd.pem', odd.certificatePem);
  const fresh = (identity: TestIdentity) => new X509Certificate(identity.certificate.raw);
  const ways: Record<string, () => MessageVerifyOptions> = {
    trusted: () => ({ trust: [fresh(odd)] }),
    'trusted, in a file': () => ({ trust: { caFile } }),
    given: () => ({ trust: [root.certificate], certificates: [fresh(odd), fresh(oddResponder)] }),
    'no more than the embedded ones': () => ({ trust: [root.certificate] }),
  };
  for (const signer of [odd, oddResponder]) {
    const response = loadDerOcspResponse(kit.respond(undefined, { signer, certificates: [signer.certificate] }));
    for (const [name, way] of Object.entries(ways)) {
      const options = way();
      const says = (given: MessageVerifyOptions) => {
        const { error, ...rest } = response.basicVerify(given);
        return { ...rest, message: error?.message, stack: error?.opensslErrorStack };
      };
      const first = says(options);
      t.deepEqual([says(options), says(way()), says(options)], [first, first, first], name);
    }
  }
});

test('openssl #7151: a CertID that is not found is no failure', (t) => {
  const { der } = bad.get('another serial number')!;
  t.is(loadDerOcspResponse(der).findStatus(certIdOf()), null);
  refused(t, der, 'CERTIFICATE_NOT_FOUND');
});

test('openssl #8561: the response uses another hash', (t) => {
  const der = kit.respond(kit.entry({ hash: 'sha256', status: 'revoked' }));
  t.is(judge(der).status, 'revoked');
  for (const hash of ['sha1', 'sha256'] as const) t.is(judge(der, { request: requestBy(hash) }).status, 'revoked');
});

const requestBy = (hash: 'sha1' | 'sha256') =>
  new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, hash).build();

test('openssl #15009: a nonce without the inner OCTET STRING', (t) => {
  const bare = randomBytes(16);
  const oid = Buffer.from('06092b0601050507300102', 'hex');
  // A request whose nonce is written bare, as some clients do.
  const id = sequence(
    sequence(Buffer.from('06052b0e03021a0500', 'hex')),
    octets(certIdOf().issuerNameHash),
    octets(certIdOf().issuerKeyHash),
    integer(certIdOf().serialNumber),
  );
  const request = loadDerOcspRequest(
    sequence(sequence(sequence(sequence(id)), tlv(0xa2, sequence(sequence(oid, octets(bare)))))),
  );
  const answer = (value: Buffer) => kit.respond(undefined, { extensions: [{ oid: OCSPNonce.oid, value }] });
  t.is(checkNonce(request, loadDerOcspResponse(answer(bare))), 'equal');
  t.is(judge(answer(bare), { request }).nonce, 'equal');
  t.is(checkNonce(request, loadDerOcspResponse(answer(octets(bare)))), 'different');
  refused(t, answer(octets(bare)), 'NONCE_MISMATCH', { request } as object);
});

// 3. Other libraries

refusesAll(
  'GnuTLS CVE-2016-7444, wolfSSL CVE-2026-10098: a serial number is compared as far as one of the two goes',
  'serial number with a byte more',
  'serial number with a byte less',
);

test('GnuTLS CVE-2026-3832, Tomcat Native CVE-2018-8020: the first entry counts, whichever is meant', (t) => {
  const [other, ours] = [kit.entry({ serialNumber: 5n }), kit.entry({ status: 'revoked', revocationReason: 1 })];
  for (const entries of [
    [other, ours],
    [ours, other],
    [other, other, ours],
  ]) {
    const der = kit.respond(entries);
    t.is(judge(der).status, 'revoked');
    t.is(judge(der).revocationReason as string, 'keyCompromise');
    t.is(loadDerOcspResponse(der).findStatus(certIdOf())?.certificateStatus, 1);
  }
});

refusesAll(
  'wolfSSL CVE-2021-37155: another serial number is no failure',
  'another serial number',
  'negative serial number',
);

test('wolfSSL CVE-2021-38597: nocheck in the wrong place', (t) => {
  // In a certificate that may not sign, and in the response: neither opens anything.
  const server = ca.issue({ ocspNoCheck: true, extendedKeyUsage: ['serverAuth'] });
  refused(t, kit.respond(undefined, { signer: server }), 'SIGNER_NOT_AUTHORIZED');
  const plain = ca.issueResponder({ ocspNoCheck: false });
  const der = kit.respond(
    kit.entry({ extensions: [{ oid: '1.3.6.1.5.5.7.48.1.5', value: Buffer.from('0500', 'hex') }] }),
    {
      signer: plain,
      certificates: [responder.certificate, plain.certificate],
    },
  );
  refused(t, der, 'SIGNER_REVOCATION_UNKNOWN', { signerRevocation: 'nocheck' });
  t.is(judge(kit.respond(), { signerRevocation: 'nocheck' }).status, 'good');
});

refusesAll(
  'wolfSSL PR 10303, PR 10532: a responder is authorised by a name, or by any ancestor',
  'by a CA of the same name with another key',
  'by a delegate of a CA of the same name',
  'by a delegate of the CA above',
  'by the CA above',
);
refusesAll(
  "wolfSSL PR 11195, Erlang CVE-2026-32144, Botan CVE-2022-43705: no one checks the signature of the responder's certificate",
  'by a delegate with a forged certificate',
  'by a delegate of a CA of the same name',
  'by a TLS server of the CA',
  'by a self-signed responder',
);

test('Erlang CVE-2026-42791, Go #43522: an expired responder, whatever time is asked about', (t) => {
  const times = { notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - 7 * DAY) };
  const signer = ca.issueResponder(times);
  refused(t, kit.respond(undefined, { signer }), 'SIGNER_EXPIRED');
  refused(t, kit.respond(undefined, { signer }), 'SIGNER_EXPIRED', { trust: [root.certificate] });
  const verifier = new Verifier();
  const earlier = kit.entry({ thisUpdate: new Date(Date.now() - 8 * DAY), nextUpdate: new Date(Date.now() + DAY) });
  const then = new Date(Date.now() - 7.5 * DAY);
  const older = new TestResponseKit({ notBefore: new Date(Date.now() - 20 * DAY) });
  const entry: TestEntry = { ...earlier, certificate: older.leaf.certificate, issuer: older.ca.certificate };
  const der = older.respond(entry, { signer: older.ca.issueResponder(times) });
  const asked = { certificate: older.leaf.certificate, issuer: older.ca.certificate };
  // Remembered as valid then, it is not valid now.
  t.is(verifier.verify(der, { ...asked, at: then }).status, 'good');
  t.is(verifier.verify(der, { ...asked, at: then }).signerFromCache, true);
  t.is(verifier.verify(der, asked).refusals[0]?.code, 'SIGNER_EXPIRED');
});

test('Botan CVE-2026-32883: the status of a response that no one verified', (t) => {
  for (const { der } of bad.values()) {
    const { status, thisUpdate, revocationTime, signer } = judge(der);
    t.deepEqual([status, thisUpdate, revocationTime, signer], [null, null, null, null]);
  }
});

refusesAll('PKI.js PR 502: any responder with a good path', 'by a delegate of another CA', 'by another CA');

test('bc-java #2254: an outcome that is easy to overlook', (t) => {
  // There is no "verified" to forget: a refused response has no status.
  const verdict = judge(kit.respond(undefined, { breakSignature: true }));
  t.is(verdict.status === 'good' || verdict.status === 'revoked' || verdict.status === 'unknown', false);
});

test('bc-java #1789: absent parameters and NULL are different hashes', (t) => {
  const der = kit.respond(kit.entry({ withoutHashParameters: true }));
  t.is(judge(der).status, 'good');
  t.true(loadDerOcspResponse(der).findStatus(certIdOf())!.hasSameCertId(certIdOf()));
});

// bc-java #1617, empty lists of extensions: test/parity.

test('bc-csharp #374: a revocation without a reason', (t) => {
  const verdict = judge(kit.respond(kit.entry({ status: 'revoked' })));
  t.is(verdict.status, 'revoked');
  t.is(verdict.revocationReason, null);
});

// Go #11984, parsing without an issuer passes for verifying: loading and verifying are two functions.

test('Go #59641, #21527, #81395: the order of the certificates that are included', (t) => {
  const all = [root.certificate, issuer, responder.certificate];
  const orders = [[0], [2], [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], []].map((order) =>
    order.map((i) => all[i]!),
  );
  for (const certificates of orders) {
    const byDelegate = kit.respond(undefined, { certificates });
    if (certificates.includes(responder.certificate)) t.is(judge(byDelegate).status, 'good');
    else refused(t, byDelegate, 'SIGNER_NOT_FOUND');
    t.is(judge(kit.respond(undefined, { signer: ca, certificates })).authority, 'ca');
  }
});

refusesAll(
  'Go #81396, c2pa-rs PR 2273, curl CVE-2020-8286: an answer about the certificate of another issuer',
  'same serial number, another issuer',
  "another issuer's name",
  "another issuer's key",
  'issuer hashes of the wrong length',
);

test('Go #52976: producedAt is what the responder wrote', (t) => {
  const producedAt = new Date('2026-01-02T03:04:05Z');
  t.deepEqual(judge(kit.respond(undefined, { producedAt })).producedAt, producedAt);
});

// boulder #538, cfssl #401: test/ocsp/response-builder.test.ts looks at every time that is written.

test('pyca #5124: none, one, three, a thousand entries', (t) => {
  for (const count of [0, 1, 3, 1000]) {
    const others = Array.from({ length: count }, (_, i) =>
      kit.entry({ serialNumber: BigInt(i + 1), status: 'revoked' }),
    );
    t.is(judge(kit.respond([...others, kit.entry()])).status, 'good');
    refused(t, kit.respond(others), 'CERTIFICATE_NOT_FOUND');
  }
});

// pyca #7309, responses of real CAs: test/ocsp/third-party.test.ts.

test("c2pa-rs #952, PR 2468, PR 2616: the CA above the responder's is only among the certificates given", (t) => {
  const result = loadDerOcspResponse(kit.respond()).basicVerify({ trust: [root.certificate], certificates: [issuer] });
  t.true(result.verified, String(result.error));
  t.is(result.chain.length, 3);
  t.false(loadDerOcspResponse(kit.respond()).basicVerify({ trust: [root.certificate] }).verified);
  t.false(loadDerOcspResponse(kit.respond()).basicVerify({ certificates: [issuer, root.certificate] }).verified);
});

test('curl CVE-2024-8096: an error of the responder is no answer', (t) => {
  for (const status of [1, 2, 3, 4, 5, 6, 7, 8, 127, -1]) {
    const verdict = judge(testErrorResponse(status));
    t.false(verdict.usable);
    t.regex(verdict.refusals[0]!.code, /^(UNSUCCESSFUL|MALFORMED)$/);
  }
});

test('curl CVE-2024-0853: a verdict is remembered', (t) => {
  const verifier = new Verifier();
  const [good, broken] = [kit.respond(), kit.respond(undefined, { breakSignature: true })];
  for (let i = 0; i < 3; i += 1) {
    t.is(verifier.verify(good, question).status, 'good');
    t.is(verifier.verify(broken, question).refusals[0]?.code, 'BAD_SIGNATURE');
  }
});

refusesAll(
  'Tomcat Native CVE-2018-8019: a malformed response counts as good',
  'text',
  'cut short',
  'status 4',
  'version 2',
);

test('Tomcat Native CVE-2017-15698: addresses of 127, 128, 255, 256, 65535 and 65536 bytes', (t) => {
  for (const length of [127, 128, 255, 256, 65535, 65536]) {
    const url = `http://${'a'.repeat(length - 7)}`;
    t.deepEqual(ocspUrls(ca.issue({ aia: { ocsp: url } }).certificate), [url]);
  }
});

test('Tomcat CVE-2026-24734: half of the checks', (t) => {
  // Everything at once is wrong, and everything is said.
  const stranger = createTestCa({ subject: 'CN=Stranger' });
  const extensions = [{ oid: '1.2.3', critical: true, value: Buffer.from('0500', 'hex') }];
  const old = kit.entry({ thisUpdate: new Date(Date.now() - 3 * DAY), nextUpdate: new Date(Date.now() - 2 * DAY) });
  const request = new OCSPRequestBuilder()
    .addCertificate(leaf.certificate, issuer, 'sha1')
    .addExtension(new OCSPNonce(randomBytes(32)), false)
    .build();
  const der = kit.respond(old, { signer: stranger, extensions });
  const verdict = judge(der, { request, nonce: 'required', maxAge: 60 });
  t.deepEqual(verdict.refusals.map(({ code }) => code).sort(), [
    'EXPIRED',
    'NONCE_MISSING',
    'SIGNER_NOT_AUTHORIZED',
    'TOO_OLD',
    'UNKNOWN_CRITICAL_EXTENSION',
  ]);
  // Also where one list cannot be read to its end, and another can.
  const twice = kit.entry({ extensions: [...extensions, ...extensions] });
  t.deepEqual(
    judge(kit.respond(twice, { extensions })).refusals.map(({ code }) => code),
    ['UNKNOWN_CRITICAL_EXTENSION', 'BAD_EXTENSIONS'],
  );
});

// nginx CVE-2026-28755, a handshake that goes on: there is no handshake; the types make the caller look at the status.
// Vault CVE-2024-2660, several responders: the caller's.

test('Vault PR 24192: no nextUpdate, and nextUpdate that is thisUpdate', (t) => {
  const now = new Date();
  t.is(judge(kit.respond(kit.entry({ thisUpdate: now, nextUpdate: null }))).nextUpdate, null);
  const same = kit.respond(kit.entry({ thisUpdate: now, nextUpdate: now }));
  t.is(judge(same, { at: now }).status, 'good');
  refused(t, same, 'EXPIRED', { at: new Date(now.getTime() + 400_000) } as object);
  refused(t, same, 'EXPIRED', { at: now, clockTolerance: 0 } as object);
});

refusesAll('JDK CVE-2015-4748: without nextUpdate an answer holds for ever', 'a day old, no nextUpdate');

test('NSS CVE-2012-0441: elements without content', (t) => {
  const whole = kit.respond(kit.entry({ status: 'revoked', revocationReason: 1 }));
  // Each element that begins anywhere becomes empty, and what it held stays behind it.
  for (let at = 0; at + 1 < whole.length; at += 1) {
    const emptied = Buffer.from(whole);
    emptied[at + 1] = 0;
    const verdict = judge(emptied);
    t.false(verdict.usable && verdict.status !== 'revoked', `byte ${at}`);
  }
});

test('FreeRADIUS PR 1482, NVIDIA #6, rust-openssl #2516: every member without nextUpdate', (t) => {
  const der = kit.respond(kit.entry({ nextUpdate: null }));
  const response = loadDerOcspResponse(der);
  t.is(response.nextUpdate, null);
  t.is(response.responses[0]!.nextUpdate, null);
  t.true(response.responses[0]!.checkValidity().valid);
  const verdict = judge(der);
  t.is(verdict.nextUpdate, null);
  t.true(verdict.freshUntil instanceof Date && verdict.refreshAt instanceof Date);
  t.regex(verdict.explain(), /no nextUpdate/);
  JSON.stringify([verdict, response]);
});

test('rust-openssl #2523: the reason is read from the status', (t) => {
  for (const reason of [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]) {
    const verdict = judge(kit.respond(kit.entry({ status: 'revoked', revocationReason: reason })));
    const names = ['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'];
    names.push('cessationOfOperation', 'certificateHold', '', 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise');
    t.is(verdict.revocationReason, names[reason] as typeof verdict.revocationReason);
  }
});

test('Ruby PR 1004: reason and time of a certificate that is not revoked', (t) => {
  for (const status of ['good', 'unknown'] as const) {
    const der = kit.respond(kit.entry({ status }));
    const entry = loadDerOcspResponse(der).responses[0]!;
    t.deepEqual([entry.revocationReason, entry.revocationTime], [null, null]);
    t.deepEqual([judge(der).revocationReason, judge(der).revocationTime], [null, null]);
  }
});

test('haproxy #2442, #3100, #2319: the CertID of the certificate before', (t) => {
  const verifier = new Verifier();
  const next = ca.issue({ subject: 'CN=next' });
  const der = kit.respond(kit.entry({ certificate: next.certificate, status: 'revoked' }));
  for (let i = 0; i < 3; i += 1) {
    t.is(verifier.verify(kit.respond(), question).status, 'good');
    t.is(verifier.verify(der, { certificate: next.certificate, issuer }).status, 'revoked');
    t.is(verifier.verify(der, question).refusals[0]?.code, 'CERTIFICATE_NOT_FOUND');
  }
});

// neverbleed #20, finish hooks of custom keys: keys of embedded certificates are never touched by anything but OpenSSL.
// CVE-2024-38068, CVE-2024-43545: the responder's.

test('AWS-LC PR 181: an enum that passes for a boolean', async (t) => {
  // OpenSSL's own vectors are in openssl-manifest.test.ts. "Could not tell" (-1) is not a yes.
  const response = loadDerOcspResponse(kit.respond([], { signer: ca }));
  const result = await response.basicVerifyAsync({ trust: [root.certificate] });
  t.is(result.verified, false);
  t.is(result.reason, 'response contains no revocation data');
});

// mbedTLS has no OCSP.
