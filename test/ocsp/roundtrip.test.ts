import { createHash, createPublicKey, verify } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {
  ArchiveCutoff,
  CRLReason,
  Extension,
  HashAlgorithm,
  InvalidityDate,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPAcceptableResponses,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ReasonFlags,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';

const algorithms = [
  [HashAlgorithm.SHA1, 20],
  [HashAlgorithm.SHA224, 28],
  [HashAlgorithm.SHA256, 32],
  [HashAlgorithm.SHA384, 48],
  [HashAlgorithm.SHA512, 64],
] as const;

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map((array) => Buffer.from(array));
const anyBytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array));

const serial = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 800n }),
  fc.bigInt({ min: 0n, max: 2n ** 160n }),
  // Around the edges where a byte is added.
  fc.tuple(fc.integer({ min: 0, max: 800 }), fc.constantFrom(-1n, 0n, 1n)).map(([bit, delta]) => {
    const edge = 2n ** BigInt(bit) + delta;
    return edge < 0n ? 0n : edge;
  }),
);

const certId = fc.constantFrom(...algorithms).chain(([algorithm, size]) =>
  fc.record({
    algorithm: fc.constant(algorithm),
    issuerNameHash: bytes(size),
    issuerKeyHash: bytes(size),
    serialNumber: serial,
  }),
);

/** Years 1 to 9999, with milliseconds, which are cut off. */
const date = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

const seconds = (value: Date) => new Date(Math.floor(value.getTime() / 1000) * 1000);

const status = fc.oneof(
  fc.record({ certStatus: fc.constantFrom(OCSPCertStatus.GOOD, OCSPCertStatus.UNKNOWN) }).map((fields) => ({
    ...fields,
    revocationTime: null,
    revocationReason: null,
  })),
  fc.record({
    certStatus: fc.constant(OCSPCertStatus.REVOKED),
    revocationTime: date,
    revocationReason: fc.option(fc.constantFrom(...Object.values(ReasonFlags))),
  }),
);

const oid = fc
  .tuple(
    fc.constantFrom('1.2', '2.16', '2.999', '0.9'),
    fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 6 }),
  )
  .map(([start, rest]) => [start, ...rest].join('.'));

const unrecognized = fc.tuple(oid, anyBytes).map(([id, value]) => new UnrecognizedExtension(id, value));
const nonce = anyBytes.map((value) => new OCSPNonce(value));

/** Extensions without duplicates. */
function distinct<T extends { oid: string }>(value: fc.Arbitrary<T>): fc.Arbitrary<[T, boolean][]> {
  return fc.uniqueArray(fc.tuple(value, fc.boolean()), { maxLength: 4, selector: ([{ oid: id }]) => id });
}

const requestExtensions = distinct(
  fc.oneof(
    unrecognized,
    nonce,
    fc.array(oid, { maxLength: 3 }).map((oids) => new OCSPAcceptableResponses(oids)),
  ),
);
const responseExtensions = distinct(fc.oneof(unrecognized, nonce));
const singleExtensions = distinct(
  fc.oneof(
    unrecognized,
    date.map((value) => new InvalidityDate(value)),
    date.map((value) => new ArchiveCutoff(value)),
    fc.constantFrom(...Object.values(ReasonFlags)).map((reason) => new CRLReason(reason)),
  ),
);

function sameExtensions(
  t: { true(value: boolean, message?: string): void; deepEqual(a: unknown, b: unknown): void },
  actual: Iterable<Extension>,
  expected: [{ oid: string; publicBytes(): Buffer; equals(other: unknown): boolean }, boolean][],
): void {
  const list = [...actual];
  t.deepEqual(
    list.map((extension) => [extension.oid, extension.critical, extension.value.publicBytes()]),
    expected.map(([value, critical]) => [value.oid, critical, value.publicBytes()]),
  );
  for (const [i, [value]] of expected.entries()) t.true(list[i]?.value.equals(value) ?? false, value.oid);
}

test('requests', (t) => {
  fc.assert(
    fc.property(fc.array(certId, { minLength: 1, maxLength: 5 }), requestExtensions, (ids, extensions) => {
      let builder = new OCSPRequestBuilder();
      for (const id of ids) {
        builder = builder.addCertificateByHash(id.issuerNameHash, id.issuerKeyHash, id.serialNumber, id.algorithm);
      }
      for (const [value, critical] of extensions) builder = builder.addExtension(value, critical);
      const built = builder.build();
      const loaded = loadDerOcspRequest(built.publicBytes());
      t.true(loaded.equals(built));
      for (const request of [built, loaded]) {
        t.deepEqual(
          request.requests.map(({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }) => ({
            algorithm: hashAlgorithm,
            issuerNameHash,
            issuerKeyHash,
            serialNumber,
          })),
          ids,
        );
        sameExtensions(t, request.extensions, extensions);
      }
      t.deepEqual(loadDerOcspRequest(built.publicBytes(), { strict: false }).publicBytes(), built.publicBytes());
    }),
    { numRuns: 150 },
  );
});

const responder = createTestCa({ keyType: 'ed25519', subject: 'CN=Signer' });
const key = createPublicKey(responder.privateKey);

test('responses', (t) => {
  const entry = fc.record({
    id: certId,
    status,
    thisUpdate: date,
    nextUpdate: fc.option(date),
    extensions: singleExtensions,
  });
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 4 }),
      date,
      fc.constantFrom(...Object.values(OCSPResponderEncoding)),
      responseExtensions,
      fc.boolean(),
      (entries, producedAt, encoding, extensions, embed) => {
        let builder = new OCSPResponseBuilder().responderId(encoding, responder.certificate).producedAt(producedAt);
        for (const single of entries) {
          builder = builder.addResponseByHash({
            ...single.id,
            ...single.status,
            thisUpdate: single.thisUpdate,
            nextUpdate: single.nextUpdate,
            singleExtensions: single.extensions.map(([value, critical]) => new Extension(value.oid, critical, value)),
          });
        }
        for (const [value, critical] of extensions) builder = builder.addExtension(value, critical);
        if (embed) builder = builder.certificates([responder.certificate]);
        const built = builder.sign(responder.privateKey, null);
        const loaded = loadDerOcspResponse(built.publicBytes());
        t.true(loaded.equals(built));
        for (const response of [built, loaded]) {
          t.deepEqual(response.producedAt, seconds(producedAt));
          t.is(response.certificates.length, embed ? 1 : 0);
          if (encoding === OCSPResponderEncoding.NAME) t.is(response.responderName?.rfc4514String(), 'CN=Signer');
          else t.is(response.responderKeyHash?.length, createHash('sha1').digest().length);
          sameExtensions(t, response.extensions, extensions);
          t.is(response.responses.length, entries.length);
          for (const [i, single] of response.responses.entries()) {
            const expected = entries[i]!;
            t.deepEqual(
              {
                algorithm: single.hashAlgorithm,
                issuerNameHash: single.issuerNameHash,
                issuerKeyHash: single.issuerKeyHash,
                serialNumber: single.serialNumber,
                certStatus: single.certificateStatus,
                thisUpdate: single.thisUpdate,
                nextUpdate: single.nextUpdate,
                revocationTime: single.revocationTime,
                revocationReason: single.revocationReason,
              },
              {
                ...expected.id,
                ...expected.status,
                thisUpdate: seconds(expected.thisUpdate),
                nextUpdate: expected.nextUpdate && seconds(expected.nextUpdate),
                revocationTime: expected.status.revocationTime && seconds(expected.status.revocationTime),
              },
            );
            sameExtensions(t, single.extensions, expected.extensions);
          }
          t.true(verify(null, response.tbsResponseBytes, key, response.signature));
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('any bytes: a value or a refusal, and what loads comes out unchanged', (t) => {
  const sample = new OCSPRequestBuilder()
    .addCertificateByHash(Buffer.alloc(20), Buffer.alloc(20), 1n, HashAlgorithm.SHA1)
    .build()
    .publicBytes();
  const mutated = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const copy = Buffer.from(sample);
    for (const [at, value] of changes) copy[at] = value;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(anyBytes, mutated), (input) => {
      try {
        t.deepEqual(loadDerOcspRequest(input).publicBytes(), input);
      } catch (error) {
        t.is((error as { code?: string }).code, 'ERR_OCSP_MALFORMED');
      }
    }),
    { numRuns: 2000 },
  );
});
