/**
 * Asks about an archive of the shape and size in the arguments, and prints how often the package went through a function, a branch
 * or a loop of its own for that: what it takes, whatever the machine.
 */
import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { Verifier } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, type TestEntry, type TestIdentity } from 'openssl-ocsp/testing';

const START = Date.UTC(2020, 0, 1);
const minute = (i: number): Date => new Date(START + i * 60_000);
const life = { notBefore: minute(-1_000_000), notAfter: minute(10_000_000) };
const root = createTestCa({ subject: 'CN=Root', ...life });
const ca = root.issueIntermediate({ subject: 'CN=CA', ...life });
const leaf = ca.issue({ subject: 'CN=leaf', ...life });

function delegate(i = 0): TestIdentity {
  return ca.issueResponder({ subject: `CN=Delegate ${i}`, ocspNoCheck: false, ...life });
}

function answer(i: number, of: TestIdentity, issuer: TestIdentity, signer = issuer, count = 1): Buffer {
  const entry: TestEntry = {
    certificate: of.certificate,
    issuer: issuer.certificate,
    thisUpdate: minute(i),
    nextUpdate: minute(i + 10_000),
  };
  return buildTestResponse({
    signer,
    certificates: signer === issuer ? [] : [signer.certificate],
    producedAt: minute(i),
    // (Each holds for another time.)
    entries: Array.from({ length: count }, (_, k) => ({ ...entry, nextUpdate: minute(i + 10_000 + k) })),
  });
}

const SHAPES: Readonly<Record<string, (n: number) => Buffer[]>> = {
  ca: (n) => pairs(n, (i) => [answer(i, leaf, ca), answer(i, ca, root)]),
  delegate: (n) => {
    const signer = delegate();
    return [answer(0, ca, root), ...pairs(n, (i) => [answer(i, leaf, ca, signer), answer(i, signer, ca)])];
  },
  delegates: (n) => [
    answer(0, ca, root),
    ...pairs(n, (i) => {
      const signer = delegate(i);
      return [answer(i, leaf, ca, signer), answer(i, signer, ca)];
    }),
  ],
  entries: (n) => [answer(0, leaf, ca), answer(0, ca, root, root, n)],
};

function pairs(n: number, make: (i: number) => Buffer[]): Buffer[] {
  return Array.from({ length: n }, (_, i) => make(i)).flat();
}

const [shape = '', size] = process.argv.slice(2);
const answers = SHAPES[shape]?.(Number(size)) ?? [];
const chain = [leaf, ca, root].map(({ certificate }) => certificate);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const { status } = new Verifier().statusAt(answers, { chain, at: minute(0), existedAt: minute(9000) });
const { result } = await session.post('Profiler.takePreciseCoverage');
assert.equal(status, 'good');
const ours = result.filter(({ url }) => url.includes('/dist/'));
const counts = ours.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)));
console.log(counts.reduce((sum, count) => sum + count, 0));
