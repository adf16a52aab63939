// Every method and getter on everything that it was not made for: an error, never a crash, never a value.
import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPAnswerAt,
  OCSPError,
  OCSPRequest,
  OCSPRequestBuilder,
  OCSPRequestEntry,
  OCSPResponse,
  OCSPResponseBuilder,
  OCSPSingleResponse,
  OCSPStatusAt,
  OCSPVerdict,
  StoredPrivateKey,
  TrustStore,
  Verifier,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { native } from '#dist/binding.js';
import { refuses, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const request = new OCSPRequestBuilder().addCertificate(question.certificate, question.issuer, 'sha1').build();
const response = loadDerOcspResponse(kit.respond());
const verifier = new Verifier();

/** An object of every class, whole. */
const whole: Record<string, object> = {
  OCSPRequest: request,
  OCSPRequestEntry: request.requests[0]!,
  OCSPResponse: response,
  OCSPSingleResponse: response.responses[0]!,
  OCSPVerdict: verifyOcspResponse(kit.respond(), question),
  Verifier: verifier,
  TrustStore: new TrustStore({ certificates: [kit.root.certificate] }),
  OCSPRequestBuilder: new OCSPRequestBuilder(),
  OCSPResponseBuilder: new OCSPResponseBuilder(),
};

test('what was loaded or judged is not to be constructed', (t) => {
  const good = { status: 'good', answers: [], type: 'RSA', statements: [{ status: 'good' }], refusals: [] };
  for (const found of [
    OCSPRequest,
    OCSPRequestEntry,
    OCSPResponse,
    OCSPSingleResponse,
    OCSPVerdict,
    OCSPAnswerAt,
    OCSPStatusAt,
    StoredPrivateKey,
  ]) {
    const make = wrong<new (...args: unknown[]) => unknown>(found);
    for (const args of [[], [good], [good, good], [0, 0, [good], 0], [Symbol('openssl-ocsp internal'), good]]) {
      t.throws(() => new make(...args), { instanceOf: TypeError, code: 'ERR_ILLEGAL_CONSTRUCTOR' }, found.name);
    }
  }
});

/** Members of an object's class and of the classes above it, with what calls them. */
function members(object: object): [string, (receiver: unknown, ...args: unknown[]) => unknown][] {
  const list: [string, (receiver: unknown, ...args: unknown[]) => unknown][] = [];
  for (let proto = Object.getPrototypeOf(object); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      const call = (get ?? value) as ((...args: unknown[]) => unknown) | undefined;
      if (name === 'constructor' || typeof call !== 'function') continue;
      list.push([name, (receiver, ...args) => call.apply(receiver, args)]);
    }
  }
  return list;
}

/** What the call gives is nothing that could be taken for an answer. */
async function givesNothing(t: ExecutionContext, call: () => unknown, what: string): Promise<void> {
  try {
    const value = await call();
    // Comparing and printing work on anything.
    t.true(value === false || value === undefined || value === null || typeof value !== 'boolean', what);
    t.not((value as { usable?: boolean } | null | undefined)?.usable, true, what);
    t.not((value as { verified?: boolean } | null | undefined)?.verified, true, what);
  } catch (error) {
    t.true(error instanceof TypeError || error instanceof OCSPError, `${what}: ${String(error)}`);
  }
}

const ARGUMENTS: unknown[][] = [
  [],
  [undefined],
  [null],
  [{}],
  [kit.respond()],
  [kit.respond(), question],
  [{ trust: [kit.root.certificate], certificates: [kit.ca.certificate] }],
];

for (const [className, object] of Object.entries(whole)) {
  const receivers: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['an empty object', {}],
    ['the prototype', Object.getPrototypeOf(object)],
    ['an object that was never constructed', Object.create(Object.getPrototypeOf(object) as object)],
    ['a proxy', new Proxy(object, {})],
    ...Object.entries(whole).filter(([name]) => name !== className),
  ];
  test(`methods of ${className} on wrong receivers`, async (t) => {
    for (const [name, call] of members(object)) {
      for (const [receiver, value] of receivers) {
        // A request and a response have methods of their base in common.
        for (const args of ARGUMENTS) {
          await givesNothing(t, () => call(value, ...args), `${className}.${name} on ${receiver}`);
        }
      }
    }
    t.pass();
  });

  test(`methods of ${className} with wrong arguments`, async (t) => {
    for (const [name, call] of members(object)) {
      for (const args of ARGUMENTS.slice(0, 4)) {
        try {
          await call(object, ...args);
        } catch (error) {
          t.true(error instanceof TypeError || error instanceof OCSPError, `${className}.${name}: ${String(error)}`);
        }
      }
    }
    t.pass();
  });
}

test('an unsuccessful response has no members but its status', (t) => {
  const readable = ['responseStatus', 'publicBytes', 'toText', 'equals', 'toJSON', 'isSameClass'];
  for (const status of [1, 2, 3, 5, 6]) {
    const unsuccessful = loadDerOcspResponse(testErrorResponse(status));
    for (const [name, call] of members(unsuccessful)) {
      if (readable.includes(name) || typeof name !== 'string' || name.startsWith('basicVerify')) continue;
      const error = t.throws(() => call(unsuccessful, request.requests[0]), undefined, name) as OCSPError | undefined;
      t.true(error instanceof TypeError || error?.code === 'ERR_OCSP_UNSUCCESSFUL', `${name}: ${String(error)}`);
    }
    t.throws(() => unsuccessful.basicVerify(), { code: 'ERR_OCSP_UNSUCCESSFUL' });
    t.true(unsuccessful.toText().startsWith('OCSP Response Data:'));
  }
});

test('an unsuccessful response, asynchronously', async (t) => {
  const unsuccessful = loadDerOcspResponse(testErrorResponse(6));
  await t.throwsAsync(() => unsuccessful.basicVerifyAsync(), { code: 'ERR_OCSP_UNSUCCESSFUL' });
  await t.throwsAsync(() => response.basicVerifyAsync(wrong(5)), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(() => verifier.verifyAsync(wrong('x'), question), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(() => verifier.verifyMany(wrong(null)), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(() => verifier.verifyMany([wrong(null)]), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(() => verifier.verifyMany([{ ...question, response: wrong('x') }]), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.deepEqual(await verifier.verifyMany([]), []);
});

test('unsigned requests have no signature, and do not verify', (t) => {
  const { isSigned, signature, signatureAlgorithmOid, signatureHashAlgorithm, certificates } = request;
  t.deepEqual(
    [isSigned, signature, signatureAlgorithmOid, signatureHashAlgorithm, certificates],
    [false, null, null, null, []],
  );
  const result = loadDerOcspRequest(request.publicBytes()).verifySignature({ trust: [kit.root.certificate] });
  t.false(result.verified);
  t.is(result.reason, 'request not signed');
});

test('native classes know their own objects', (t) => {
  const none = undefined;
  const NativeVerifier = native.ResponseVerifier;
  const natives = [
    new NativeVerifier(none, [], [], 0, -1, 0, 0, 0, false, false),
    new native.TrustStore([], [], none, none, none, 0),
    new native.Certificate(kit.leaf.certificate.raw),
  ];
  for (const object of natives) {
    for (const [name, call] of members(object)) {
      for (const receiver of [none, null, {}, Object.create(object), ...natives.filter((other) => other !== object)]) {
        for (const args of [[], [none], [{}], [kit.respond(), {}, 0], [[[kit.respond(), {}, 0]], 1]]) {
          t.throws(() => call(receiver, ...args), { instanceOf: TypeError }, name);
        }
      }
    }
  }
  t.throws(() => natives[0]!.constructor.prototype.remembered, { instanceOf: TypeError });
  // A certificate that is none is refused, not read.
  const [nativeVerifier] = natives as [InstanceType<typeof NativeVerifier>];
  const authenticate = nativeVerifier.authenticator();
  const der = kit.respond();
  const issuer = new native.Certificate(kit.ca.certificate.raw);
  for (let i = 0; i < 2; i += 1) {
    for (const other of [undefined, null, 1, {}, nativeVerifier, Object.create(issuer)]) {
      t.throws(() => authenticate(der, 0, der.length, wrong(other), 0, undefined), { instanceOf: TypeError });
    }
    t.throws(
      () => authenticate(der, 0, der.length, der, 0, undefined),
      { instanceOf: OCSPError },
      'DER of something else',
    );
    for (const other of [undefined, null, 1, {}, nativeVerifier, Object.create(issuer)]) {
      t.throws(() => native.issuerMismatch(wrong(other), issuer), { instanceOf: TypeError });
      t.throws(() => native.issuerMismatch(issuer, wrong(other)), { instanceOf: TypeError });
      t.throws(() => native.isPlainlyIssued(der, wrong(other)), { instanceOf: TypeError });
    }
    t.throws(() => native.issuerMismatch(der, issuer), { instanceOf: OCSPError });
    t.throws(() => native.issuerMismatch(issuer, der), { instanceOf: OCSPError });
    // An issuer that it knows from the call before does not make it trust what comes next.
    t.is(authenticate.call(wrong(i), der, 0, der.length, issuer, Date.now() / 1000, undefined), undefined);
  }
  t.true(authenticate(der, 1, der.length + 1, issuer, 0, undefined) instanceof OCSPError, 'not within the memory');
});

test('a message beyond the 32 bits of an offset is malformed', (t) => {
  // Pages that no one looks at take no memory.
  const memory = Buffer.alloc(2 ** 31);
  const authenticate = new native.ResponseVerifier(undefined, [], [], 0, -1, 0, 0, 0, false, false).authenticator();
  const error = authenticate(memory, 0, memory.length, kit.ca.certificate.raw, 0, undefined);
  t.regex(error?.message ?? '', /larger than 2 GiB/);
  for (const parse of [native.parseRequest, native.parseResponse])
    refuses(t, 'ERR_OCSP_MALFORMED', () => parse(memory, 0, memory.length, 0));
});
