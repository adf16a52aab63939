/**
 * The life of a certificate, and an archive of what was answered meanwhile: never "good" at a moment at which it was not, as far as
 * the answers can tell; never "revoked" without a reason. A CA may date revocations back, forget certificates that have expired, and
 * lose the key of a delegate that has come to its end.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { ArchiveCutoff, InvalidityDate, Verifier } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, type TestEntry } from 'openssl-ocsp/testing';
import { repeated } from '../helpers/repeated.js';

const HOUR = 3600;
const START = Date.UTC(2019, 0, 1) / 1000;
/** Hours of the model: the certificate lives from 10 until 100. */
const FROM = 10;
const UNTIL = 100;
const TOLERANCE = 300;
const hour = (h: number): Date => new Date((START + h * HOUR) * 1000);
const seconds = (h: number): number => START + h * HOUR;

const ca = createTestCa({ subject: 'CN=CA', notBefore: hour(-1000), notAfter: hour(900_000) });
const leaf = ca.issue({ subject: 'CN=leaf', notBefore: hour(FROM), notAfter: hour(UNTIL) });
const delegate = ca.issueResponder({ subject: 'CN=D', notBefore: hour(-1000), notAfter: hour(900_000) });
/** Ends before the archive is known to have existed, and anybody may have its key. */
const leaked = ca.issueResponder({ subject: 'CN=Leaked', notBefore: hour(-1000), notAfter: hour(300) });
const EXISTED = hour(301);
const verifier = new Verifier();

const PLAIN = [undefined, 0, 3, 4, 5, 9];
const COMPROMISES = [1, 2, 10];

interface Hold {
  readonly from: number;
  readonly to: number;
}

interface Life {
  readonly holds: readonly Hold[];
  /** Recorded by the CA at `recorded`; says that it was so since `time`. */
  readonly revocation: { recorded: number; time: number; reason: number | undefined; invalid: number | null } | null;
}

const life: fc.Arbitrary<Life> = fc
  .record({
    cuts: fc.uniqueArray(fc.integer({ min: FROM + 1, max: UNTIL - 1 }), { minLength: 0, maxLength: 5 }),
    isRevoked: fc.boolean(),
    reason: fc.constantFrom(...PLAIN, ...COMPROMISES, ...COMPROMISES),
    back: fc.constantFrom(0, 0, 5, 20),
    invalid: fc.option(fc.integer({ min: 0, max: 30 })),
    isOnHold: fc.boolean(),
  })
  .map(({ cuts, isRevoked, reason, back, invalid, isOnHold }) => {
    const at = [...cuts].sort((one, other) => one - other);
    const recorded = isRevoked ? at.pop() : undefined;
    // X.509: a hold that ends in a revocation is dated by the day of the hold.
    const heldFrom = recorded !== undefined && isOnHold ? at.pop() : undefined;
    const holds: Hold[] = [];
    for (let i = 0; i + 1 < at.length; i += 2) holds.push({ from: at[i]!, to: at[i + 1]! });
    if (heldFrom !== undefined) holds.push({ from: heldFrom, to: recorded! });
    const time = heldFrom ?? (recorded === undefined ? 0 : recorded - back);
    return {
      holds,
      revocation:
        recorded === undefined ? null : { recorded, time, reason, invalid: invalid === null ? null : time - invalid },
    };
  });

/** What the CA knows at an hour. */
type Known = { status: 'good' } | { status: 'held'; from: number } | { status: 'revoked' };
function knownAt({ holds, revocation }: Life, h: number): Known {
  if (revocation !== null && h >= revocation.recorded) return { status: 'revoked' };
  const hold = holds.find(({ from, to }) => from <= h && h < to);
  return hold === undefined ? { status: 'good' } : { status: 'held', from: hold.from };
}

interface Said {
  readonly thisUpdate: number;
  readonly producedAt: number;
  readonly hours: number;
  readonly kind: 'honest' | 'forgetful' | 'forged';
  readonly hasCutoff: boolean;
}

const said: fc.Arbitrary<Said> = fc
  .record({
    thisUpdate: fc.integer({ min: 1, max: 200 }),
    late: fc.constantFrom(0, 0, 0, 1, 5),
    hours: fc.constantFrom(6, 6, 24, 100),
    kind: fc.constantFrom(
      'honest' as const,
      'honest' as const,
      'honest' as const,
      'forgetful' as const,
      'forged' as const,
    ),
    hasCutoff: fc.boolean(),
  })
  .map(({ thisUpdate, late, ...rest }) => ({
    thisUpdate,
    producedAt: thisUpdate + Math.min(late, rest.hours - 1),
    ...rest,
  }));

/** Who forgets has nothing but "good" for what has expired, and does not say how far back it knows. */
function isForgotten({ kind, producedAt }: Said): boolean {
  return kind === 'forgetful' && producedAt >= UNTIL;
}

function respond(of: Life, one: Said): Buffer {
  const { thisUpdate, producedAt, hours, kind, hasCutoff } = one;
  const known = isForgotten(one) || kind === 'forged' ? ({ status: 'good' } as const) : knownAt(of, thisUpdate);
  const entry: Partial<TestEntry> = {};
  if (known.status === 'held') Object.assign(entry, { revocationTime: hour(known.from), revocationReason: 6 });
  const extensions = [];
  if (known.status === 'revoked') {
    const { time, reason, invalid } = of.revocation!;
    Object.assign(entry, { revocationTime: hour(time), ...(reason !== undefined && { revocationReason: reason }) });
    if (invalid !== null)
      extensions.push({ oid: InvalidityDate.oid, value: new InvalidityDate(hour(invalid)).publicBytes() });
  }
  // Honest ones keep what has expired, and say so or not.
  if (kind !== 'forgetful' && hasCutoff) {
    extensions.push({ oid: ArchiveCutoff.oid, value: new ArchiveCutoff(hour(FROM)).publicBytes() });
  }
  const signer = kind === 'forged' ? leaked : hours === 24 ? ca : delegate;
  return buildTestResponse({
    signer,
    certificates: [signer.certificate],
    producedAt: hour(producedAt),
    entries: [
      {
        certificate: leaf.certificate,
        issuer: ca.certificate,
        status: known.status === 'good' ? 'good' : 'revoked',
        thisUpdate: hour(thisUpdate),
        nextUpdate: hour(thisUpdate + hours),
        extensions,
        ...entry,
      },
    ],
  });
}

/** Since when the certificate was no good, as the CA says in the end; Infinity for never; null where it does not say. */
function badSince({ revocation }: Life): number | null {
  if (revocation === null) return Number.POSITIVE_INFINITY;
  const { time, invalid, reason } = revocation;
  return invalid === null ? (COMPROMISES.includes(reason ?? -1) ? null : time) : Math.min(time, invalid);
}

/** Whether an honest answer gives a reason to say "good". */
function supports(of: Life, one: Said, at: number): boolean {
  if (one.kind === 'forged' || isForgotten(one)) return false;
  const known = knownAt(of, one.thisUpdate);
  const isLater = at <= seconds(one.thisUpdate);
  if (!isLater && at >= seconds(one.thisUpdate + one.hours) + TOLERANCE) return false;
  if (known.status === 'good') return one.producedAt < UNTIL || (one.kind === 'honest' && one.hasCutoff);
  if (!isLater) return false;
  const since = known.status === 'held' ? known.from : badSince(of);
  return since !== null && at < seconds(since);
}

/** Whether an answer that anybody may believe tells that it was not good. */
function contradicts(of: Life, one: Said, at: number): boolean {
  if (one.kind === 'forged' || isForgotten(one)) return false;
  const known = knownAt(of, one.thisUpdate);
  if (known.status === 'good') return false;
  if (known.status === 'held') {
    // Held at the moment, in truth and by what was said.
    const isHeld = of.holds.some(({ from, to }) => from === known.from && seconds(from) <= at && at < seconds(to));
    return isHeld;
  }
  const since = badSince(of);
  const { time } = of.revocation!;
  return since === null || at >= seconds(Math.min(since, time));
}

test('never good against what was published, never revoked without it', (t) => {
  const seen = { good: 0, revoked: 0, null: 0, later: 0, current: 0 };
  fc.assert(
    fc.property(
      life,
      fc.array(said, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 8 * 60, max: 110 * 60 }), { minLength: 4, maxLength: 4 }),
      (of, answers, minutes) => {
        const ders = answers.map((one) => respond(of, one));
        const edges = [
          ...answers.map(({ thisUpdate }) => thisUpdate),
          ...of.holds.flatMap(({ from, to }) => [from, to]),
        ];
        if (of.revocation !== null) edges.push(of.revocation.time, of.revocation.recorded);
        const moments = [...minutes.map((m) => START + m * 60), ...edges.flatMap((h) => [seconds(h) - 1, seconds(h)])];
        for (const at of moments) {
          const result = verifier.statusAt(ders, {
            chain: [leaf.certificate, ca.certificate],
            at: new Date(at * 1000),
            existedAt: EXISTED,
          });
          const { status, links } = result;
          const why = () => `${JSON.stringify({ of, answers, at: (at - START) / HOUR })}\n${result.explain()}`;
          const isAlive = at >= seconds(FROM) && at < seconds(UNTIL);
          const isSupported = isAlive && answers.some((one) => supports(of, one, at));
          const isContradicted = answers.some((one) => contradicts(of, one, at));
          seen[`${status as 'good'}`] += 1;
          if (status === 'good') {
            assert.ok(isSupported, `good for no reason: ${why()}`);
            assert.ok(!isContradicted, `good against what was said: ${why()}`);
            const basis = links[0]!.basis!;
            seen[basis] += 1;
          } else if (status === 'revoked') {
            assert.ok(
              answers.some(
                (one) => !isForgotten(one) && one.kind !== 'forged' && knownAt(of, one.thisUpdate).status !== 'good',
              ),
              `revoked for no reason: ${why()}`,
            );
          } else {
            assert.equal(status, null);
            // Nothing is held back for nothing: where all speak for it, it is good.
            const all = isAlive && answers.every((one) => supports(of, one, at));
            assert.ok(!all, `not known, though all say so: ${why()}`);
          }
          // A revocation that is for good, and published, is told.
          const isFinal = answers.some(
            (one) => one.kind !== 'forged' && !isForgotten(one) && knownAt(of, one.thisUpdate).status === 'revoked',
          );
          if (isFinal && at >= seconds(of.revocation!.time)) assert.equal(status, 'revoked', why());
        }
      },
    ),
    { numRuns: repeated(150) },
  );
  // The walk has been everywhere. (A tenth of it need not have been.)
  t.pass();
  if (repeated(10) < 10) return;
  for (const [state, count] of Object.entries(seen)) t.true(count > 0, state);
});
