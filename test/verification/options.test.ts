import test from 'ava';
import {
  type LoadOptions,
  loadDerOcspRequest,
  loadDerOcspResponse,
  type MessageVerifyOptions,
  OCSPNonce,
  type OCSPQuestion,
  OCSPRequestBuilder,
  type SignerCacheOptions,
  type ValidityOptions,
  type Verdict,
  Verifier,
  type VerifierOptions,
  type VerifyItem,
  type VerifyOcspResponseOptions,
  verifyOcspResponse,
  verifyOcspResponseAsync,
} from 'openssl-ocsp';
import { createTestCa, TestResponseKit } from 'openssl-ocsp/testing';
import type { TrustStoreOptions } from 'openssl-ocsp/x509';
import { testOptions, withGetters } from '../helpers/option-table.js';
import { invalid } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const stranger = createTestCa({ subject: 'CN=Stranger' });
const DAY = 24 * 3600 * 1000;
/** Five days old, for a week; its delegate does not come along, and has no nocheck. */
const responder = kit.ca.issueResponder({ ocspNoCheck: false });
const der = kit.respond(
  kit.entry({ thisUpdate: new Date(Date.now() - 5 * DAY), nextUpdate: new Date(Date.now() + 2 * DAY) }),
  { signer: responder, certificates: [] },
);
const tell = (verdict: Verdict | undefined) => [verdict?.status, verdict?.refusals.map(({ code }) => code)];

const otherRequest = new OCSPRequestBuilder()
  .addCertificate(responder.certificate, kit.ca.certificate, 'sha1')
  .addExtension(new OCSPNonce(Buffer.alloc(32)), false)
  .build();

const rules = { trust: [kit.root.certificate], certificates: [responder.certificate] };
const ruleChanges: { [name in keyof Required<VerifierOptions>]: unknown } = {
  trust: [stranger.certificate],
  certificates: [],
  trustedResponders: [1],
  clockTolerance: -1,
  maxAge: DAY / 1000,
  nonce: 'required',
  signerRevocation: 'nocheck',
  securityLevel: 5,
  pathFlags: ['suiteB192'],
  strict: 'field',
};
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const questionChanges: { [name in keyof Required<OCSPQuestion>]: unknown } = {
  certificate: responder.certificate,
  certId: loadDerOcspRequest(otherRequest.publicBytes()).requests[0],
  issuer: kit.root.certificate,
  request: otherRequest,
  at: new Date(Date.now() + 4 * DAY),
};

testOptions<VerifyOcspResponseOptions>('verifyOcspResponse', {
  call: (options) => tell(verifyOcspResponse(der, options)),
  base: { ...question, ...rules },
  changes: { ...questionChanges, ...ruleChanges },
});

testOptions<VerifyOcspResponseOptions>('verifyOcspResponseAsync', {
  call: async (options) => tell(await verifyOcspResponseAsync(der, options)),
  base: { ...question, ...rules },
  changes: { ...questionChanges, ...ruleChanges },
});

testOptions<VerifierOptions & { signerCache?: SignerCacheOptions }>('Verifier', {
  call(options) {
    const verifier = new Verifier(options);
    return [tell(verifier.verify(der, question)), verifier.remembered];
  },
  base: rules,
  changes: { ...ruleChanges, signerCache: { maxSigners: 0 } },
});

testOptions<SignerCacheOptions>('Verifier, signerCache', {
  call(signerCache) {
    const verifier = new Verifier({ ...rules, signerCache });
    return [tell(verifier.verify(der, question)), verifier.remembered];
  },
  base: {},
  changes: { maxSigners: 0, seconds: -1 },
});

const verifier = new Verifier(rules);
testOptions<OCSPQuestion>('Verifier.verify', {
  call: (asked) => tell(verifier.verify(der, asked)),
  base: question,
  changes: questionChanges,
});

testOptions<OCSPQuestion>('Verifier.verifyAsync', {
  call: async (asked) => tell(await verifier.verifyAsync(der, asked)),
  base: question,
  changes: questionChanges,
});

testOptions<VerifyItem>('Verifier.verifyMany', {
  call: async (item) => tell((await verifier.verifyMany([item]))[0]),
  base: { response: der, ...question },
  changes: { ...questionChanges, response: Buffer.alloc(5) },
});

const { issuerNameHash, issuerKeyHash, serialNumber } = new OCSPRequestBuilder()
  .addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1')
  .build();
testOptions<Exclude<NonNullable<OCSPQuestion['certId']>, { equals: unknown }>>('certId', {
  call: (certId) => tell(verifier.verify(der, { certId, issuer: kit.ca.certificate })),
  base: { hashAlgorithm: 'sha1', issuerNameHash, issuerKeyHash, serialNumber },
  changes: {
    hashAlgorithm: 'sha256',
    issuerNameHash: Buffer.alloc(20),
    issuerKeyHash: Buffer.alloc(20),
    serialNumber: 5n,
  },
});

const messageChanges: { [name in keyof Required<MessageVerifyOptions>]: unknown } = {
  certificates: [],
  trust: [stranger.certificate],
  at: new Date(0),
  purpose: 'no such purpose',
  depth: -1,
  securityLevel: 5,
  policies: ['1.2.3', 'x'],
  pathFlags: ['suiteB192'],
  verifyName: 'no such name',
  verifyHostname: 'other.example',
  verifyEmail: 'other@example.com',
  verifyIp: '192.0.2.1',
  trustOther: 1,
  noIntern: 1,
  noSignatures: 1,
  noVerify: 1,
  noChain: 1,
  noChecks: 1,
  noExplicit: 1,
  partialChain: 1,
};
const response = loadDerOcspResponse(der);
const chain = { trust: [kit.root.certificate], certificates: [responder.certificate, kit.ca.certificate] };
testOptions<MessageVerifyOptions>('OCSPResponse.basicVerify', {
  call: (options) => response.basicVerify(options).reason,
  base: chain,
  changes: messageChanges,
});
testOptions<MessageVerifyOptions>('OCSPResponse.basicVerifyAsync', {
  call: async (options) => (await response.basicVerifyAsync(options)).reason,
  base: chain,
  changes: messageChanges,
});
const signedRequest = new OCSPRequestBuilder()
  .addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1')
  .sign(responder.certificate, responder.privateKey, 'sha256', { certificates: [kit.ca.certificate] });
for (const [name, call] of Object.entries({
  verifySignature: (options: MessageVerifyOptions) => signedRequest.verifySignature(options).reason,
  verifySignatureAsync: async (options: MessageVerifyOptions) =>
    (await signedRequest.verifySignatureAsync(options)).reason,
})) {
  testOptions<MessageVerifyOptions>(`OCSPRequest.${name}`, {
    call,
    base: { trust: [kit.root.certificate] },
    changes: { ...messageChanges, certificates: [1] },
  });
}

testOptions<TrustStoreOptions>('trust', {
  takesLists: true,
  call: (trust) => tell(verifyOcspResponse(der, { ...question, ...rules, trust })),
  base: { certificates: [kit.root.certificate] },
  changes: {
    certificates: [stranger.certificate],
    crls: ['no list'],
    caFile: '/no/such/file',
    caPath: '',
    caStore: '',
    system: 1,
  },
});

testOptions<ValidityOptions>('OCSPSingleResponse.checkValidity', {
  call: (options) => response.responses[0]?.checkValidity(options),
  base: {},
  changes: { at: new Date(0), clockTolerance: -1, maxAge: 1 },
});

/** With a byte behind it. */
const trailing = (message: Uint8Array) => Buffer.concat([message, Buffer.of(0)]);
testOptions<LoadOptions>('loadDerOcspResponse', {
  call: (options) => loadDerOcspResponse(trailing(der), options).responses.length,
  base: { strict: false },
  changes: { strict: true },
});
testOptions<LoadOptions>('loadDerOcspRequest', {
  call: (options) => loadDerOcspRequest(trailing(signedRequest.publicBytes()), options).requests.length,
  base: { strict: false },
  changes: { strict: true },
});

test('rules beside a question are refused by name', async (t) => {
  const verify = new Verifier();
  for (const [rule, value] of Object.entries(ruleChanges)) {
    const asked = { ...question, [rule]: value };
    const refusal = { ...invalid, message: new RegExp(`takes no '${rule}'`) };
    t.throws(() => verify.verify(der, asked), refusal);
    await t.throwsAsync(verify.verifyAsync(der, asked), refusal);
    await t.throwsAsync(verify.verifyMany([{ response: der, ...asked }]), refusal);
  }
});

test('the options of a call make a verifier, but for what its verdict depends on beside the rules', (t) => {
  const options = { ...question, ...rules };
  for (const form of [options, withGetters(options)])
    t.is(new Verifier(form as object).verify(der, question).status, 'good');
  const strange = withGetters({ ...options, trust: [stranger.certificate] });
  t.is(new Verifier(strange as object).verify(der, question).status, null);
  for (const [name, value] of Object.entries({ request: otherRequest, at: new Date() })) {
    t.throws(() => new Verifier({ ...options, [name]: value } as object), {
      ...invalid,
      message: new RegExp(`'${name}'`),
    });
  }
  t.throws(() => new Verifier({ certificate: responder.certificate } as object), {
    ...invalid,
    message: /did you mean 'certificates'/,
  });
});

test('options of another realm', async (t) => {
  const { runInNewContext } = await import('node:vm');
  const options = Object.assign(runInNewContext('({})'), question, rules);
  t.is(verifyOcspResponse(der, options).status, 'good');
  t.throws(() => verifyOcspResponse(der, Object.assign(options, { trusted: [] })), invalid);
});
