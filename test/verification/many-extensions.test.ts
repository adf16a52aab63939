/** What is told of a response is bounded, whatever it is full of. */
import test, { type ExecutionContext } from 'ava';
import { Verifier, verifyOcspResponse, verifyOcspResponseAsync } from 'openssl-ocsp';
import { createTestCa, type TestExtension, TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const stranger = createTestCa({ subject: 'CN=Stranger' });
const oid = (i: number): string => `1.3.${1000 + i}`;
const critical = (count: number, from: number = 0): TestExtension[] =>
  Array.from({ length: count }, (_, i) => ({ oid: oid(from + i), critical: true, value: Buffer.alloc(0) }));
/** The details of what is told of them. */
const named = (count: number, more: number): string[] => [
  ...Array.from({ length: count }, (_, i) => oid(i)),
  ...(more > 0 ? [`and ${more} more`] : []),
];

function tells(t: ExecutionContext, der: Buffer, details: readonly string[]): void {
  const verdict = verifyOcspResponse(der, question);
  t.false(verdict.usable);
  t.is(verdict.status, null);
  t.deepEqual(
    verdict.refusals.map(({ code, message }) => [code, message]),
    details.map((detail) => ['UNKNOWN_CRITICAL_EXTENSION', `an extension is critical and not understood: ${detail}`]),
  );
}

test('up to eight critical extensions are named, each by a refusal; of more it is said how many', (t) => {
  for (const [count, more] of [
    [1, 0],
    [2, 0],
    [8, 0],
    [8, 1],
    [8, 1000],
  ] as const) {
    const extensions = critical(count + more);
    tells(t, kit.respond(kit.entry({ extensions })), named(count, more));
    tells(t, kit.respond(undefined, { extensions }), named(count, more));
  }
});

test('they are counted over all lists: that of the response, and those of all entries about the certificate', (t) => {
  const extensions = critical(5);
  tells(t, kit.respond(kit.entry({ extensions: critical(5, 5) }), { extensions }), named(8, 2));
  const entries = Array.from({ length: 100 }, (_, i) => kit.entry({ extensions: critical(1, i) }));
  tells(t, kit.respond(undefined, { entries }), named(8, 92));
  // Also where one of the lists cannot be read to its end.
  const twice = kit.entry({ extensions: [...critical(1), ...critical(1)] });
  const { refusals } = verifyOcspResponse(kit.respond(twice, { extensions: critical(20) }), question);
  t.deepEqual(
    refusals.map(({ code }) => code),
    [...Array<string>(9).fill('UNKNOWN_CRITICAL_EXTENSION'), 'BAD_EXTENSIONS'],
  );
});

test('fifty thousand critical extensions are refused in a few words', async (t) => {
  const extensions = critical(50_000);
  const der = kit.respond(undefined, { extensions, signer: stranger });
  const verifier = new Verifier();
  for (const verdict of [
    verifyOcspResponse(der, question),
    await verifyOcspResponseAsync(der, question),
    verifier.verify(der, question),
    await verifier.verifyAsync(der, question),
    ...(await verifier.verifyMany([{ response: der, ...question }])),
  ]) {
    t.false(verdict.usable);
    t.is(verdict.status, null);
    t.true(verdict.refusals.some(({ code }) => code === 'SIGNER_NOT_FOUND' || code === 'SIGNER_NOT_AUTHORIZED'));
    t.is(verdict.refusals.filter(({ code }) => code === 'UNKNOWN_CRITICAL_EXTENSION').length, 9);
    t.regex(verdict.refusals.at(-1)!.message, /: and 49992 more$/);
    t.true(verdict.refusals.length <= 11);
    t.true(verdict.explain().length < 5000);
    t.true(JSON.stringify(verdict).length < 5000);
  }
  // One that the CA has signed says nothing of an earlier moment either.
  const [certificate, issuer] = [kit.leaf.certificate, kit.ca.certificate];
  const then = verifier.statusAt(kit.respond(undefined, { extensions }), {
    chain: [certificate, issuer],
    at: new Date(),
  });
  t.is(then.status, null);
  t.is(then.links[0]!.answers[0]!.refusals.length, 9);
  t.true(then.explain().length < 5000);
});
