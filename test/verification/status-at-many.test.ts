/**
 * What is asked about a CA, or a delegate, for each answer that it has signed is what `statusAt` says of it when it is asked for that
 * moment alone; and many answers take no more than their number.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { type OCSPAnswerAt, type OCSPLinkAt, Verifier, type VerifierOptions } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, type TestEntry, type TestIdentity } from 'openssl-ocsp/testing';
import { runProgram } from '../helpers/programs.js';
import { repeated } from '../helpers/repeated.js';

const HOUR = 3600;
const START = Date.UTC(2019, 0, 1) / 1000;
const date = (seconds: number): Date => new Date((START + seconds) * 1000);
const life = (from: number, to: number) => ({ notBefore: date(from * HOUR), notAfter: date(to * HOUR) });

const root = createTestCa({ subject: 'CN=Root', ...life(-1000, 90_000) });
/** Answers may be from the first and the last hours of its life, and of the delegate's. */
const ca = root.issueIntermediate({ subject: 'CN=CA', ...life(2, 28) });
const leaf = ca.issue({ subject: 'CN=leaf', ...life(-1000, 90_000) });
const free = ca.issueResponder({ subject: 'CN=Free', ...life(-1000, 90_000) });
const plain = ca.issueResponder({ subject: 'CN=Plain', ocspNoCheck: false, ...life(-1000, 90_000) });
const RULES: readonly VerifierOptions[] = [
  {},
  { clockTolerance: 0 },
  { clockTolerance: 0.5 },
  { clockTolerance: 4000.25 },
  { maxAge: 3 * HOUR },
  { maxAge: 3 * HOUR + 0.75, clockTolerance: 1.5 },
  { signerRevocation: 'accept' },
  { signerRevocation: 'nocheck' },
];
const VERIFIERS = RULES.map((rules) => new Verifier(rules));

interface Told {
  readonly about: TestIdentity;
  readonly signer: TestIdentity;
  readonly thisUpdate: number;
  readonly producedAt: number;
  readonly nextUpdate: number | null;
  readonly revoked: number | null;
  readonly reason: number | undefined;
  /** A second entry, with another nextUpdate. */
  readonly twin: number | null;
}

/** Hours, and seconds about them: where something begins or ends, with a tolerance and without. */
const moment = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 0, 0, 1, -1, 2, -2, 299, 300, 301, -300, 400))
  .map(([hour, beside]) => hour * HOUR + beside);

const told: fc.Arbitrary<Told> = fc
  .record({
    who: fc.constantFrom([ca, root], [ca, root], [plain, ca], [plain, free], [free, ca]),
    producedAt: moment,
    early: fc.constantFrom(0, 0, 0, 1, HOUR, 2 * HOUR, -200),
    hours: fc.constantFrom(1, 3, 8, 8, 20, null),
    beside: fc.constantFrom(0, 1, -1),
    back: fc.constantFrom(...Array<null>(14).fill(null), 0, 1, HOUR, 5 * HOUR, -HOUR),
    reason: fc.constantFrom(undefined, 1, 4, 6, 6, 6, 6, 6, 6),
    twin: fc.constantFrom(null, null, null, 1, 4, 10),
  })
  .map(({ who: [about, signer], producedAt, early, hours, beside, back, reason, twin }) => {
    const thisUpdate = producedAt - early;
    return {
      about: about as TestIdentity,
      signer: signer as TestIdentity,
      thisUpdate,
      producedAt,
      nextUpdate: hours === null ? null : thisUpdate + hours * HOUR + beside,
      revoked: back === null ? null : producedAt - back,
      reason,
      twin: twin === null ? null : thisUpdate + twin * HOUR,
    };
  });

function respond({ about, signer, thisUpdate, producedAt, nextUpdate, revoked, reason, twin }: Told): Buffer {
  const issuer = about === (ca as TestIdentity) ? root : ca;
  const entry: TestEntry = {
    certificate: about.certificate,
    issuer: issuer.certificate,
    thisUpdate: date(thisUpdate),
    nextUpdate: nextUpdate === null ? null : date(nextUpdate),
    ...(revoked !== null && { status: 'revoked', revocationTime: date(revoked) }),
    ...(revoked !== null && reason !== undefined && { revocationReason: reason }),
  };
  const entries = twin === null ? [entry] : [entry, { ...entry, hash: 'sha256' as const, nextUpdate: date(twin) }];
  const certificates = signer === (issuer as TestIdentity) ? [] : [signer.certificate];
  return buildTestResponse({ signer, certificates, producedAt: date(producedAt), entries });
}

/** An answer about the leaf that asks whether its signer, and the CA, were good when it was made. */
function probe(signer: TestIdentity, producedAt: number): Told {
  const nextUpdate = producedAt + 10 * HOUR;
  return {
    about: leaf,
    signer,
    thisUpdate: producedAt,
    producedAt,
    nextUpdate,
    revoked: null,
    reason: undefined,
    twin: null,
  };
}

/** Whether it was revoked, or something speaks against "good". */
function isObjected({ answers }: OCSPLinkAt): boolean {
  const ofGood = answers.filter(({ status }) => status === 'good').flatMap(({ statements }) => statements);
  return answers
    .flatMap(({ statements }) => statements)
    .some(
      ({ isObjection, isHold, knownAt }) =>
        isObjection && !(isHold && ofGood.some((good) => good.basis === 'current' && good.knownAt > knownAt)),
    );
}

const OF_PROOF = ['ISSUER_STATUS', 'SIGNER_REVOKED', 'SIGNER_REVOCATION_UNKNOWN'];
/** What an answer's proof came to: the kind, then the refusals. */
function proofOf({ signerProof, refusals }: OCSPAnswerAt): string {
  return [signerProof, ...refusals.map(({ code }) => code).filter((code) => OF_PROOF.includes(code))].join(' ');
}

test('a CA and its delegates at each moment at which they signed: as if asked for that moment alone', (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.constantFrom(...VERIFIERS.keys()),
      fc.array(told, { minLength: 1, maxLength: 14 }),
      fc.array(moment, { minLength: 6, maxLength: 6 }),
      fc.oneof(moment, fc.constant(27 * HOUR), fc.constant(40 * HOUR)),
      (rules, all, moments, existed) => {
        const verifier = VERIFIERS[rules] as Verifier;
        // (Those about the same moment at which something begins or ends.)
        const edges = all.flatMap(({ thisUpdate, nextUpdate }) => [
          thisUpdate,
          thisUpdate + 1,
          nextUpdate ?? thisUpdate,
        ]);
        const probes = [...moments, ...edges.slice(0, 12)].flatMap((at) =>
          [ca, free, plain].map((signer) => probe(signer, at)),
        );
        const known = all.map(respond);
        const existedAt = date(existed);
        const chain = [leaf, ca, root].map(({ certificate }) => certificate);
        const question = { chain, at: date(10 * HOUR), existedAt };
        const [link] = verifier.statusAt([...known, ...probes.map(respond)], question).links;

        const asked = new Map<string, OCSPLinkAt>();
        const linkAt = (of: readonly TestIdentity[], at: number): OCSPLinkAt => {
          const key = `${of.length} ${of[0]!.certificate.subject} ${at}`;
          const certificates = of.map(({ certificate }) => certificate);
          const result =
            asked.get(key) ?? verifier.statusAt(known, { chain: certificates, at: date(at), existedAt }).links[0]!;
          asked.set(key, result);
          return result;
        };
        const expectedOf = ({ signer, producedAt }: Told): string => {
          const ofCa = [ca, root];
          const isCaGood = linkAt(ofCa, producedAt).status === 'good' && !isObjected(linkAt(ofCa, existed));
          const refusals = isCaGood ? [] : ['ISSUER_STATUS'];
          if (signer === (ca as TestIdentity)) return ['ca', ...refusals].join(' ');
          const of = [signer, ca, root];
          if (isObjected(linkAt(of, producedAt)) || isObjected(linkAt(of, existed)))
            return ['', ...refusals, 'SIGNER_REVOKED'].join(' ');
          if (signer === free) return ['nocheck', ...refusals].join(' ');
          if (linkAt(of, producedAt).status === 'good') return ['answer', ...refusals].join(' ');
          if (RULES[rules]!.signerRevocation === 'accept') return ['accepted', ...refusals].join(' ');
          return ['', ...refusals, 'SIGNER_REVOCATION_UNKNOWN'].join(' ');
        };
        assert.equal(link!.answers.length, probes.length);
        for (const [i, answer] of link!.answers.entries()) {
          // One that is not authentic, or was made later, is asked nothing more.
          if (!answer.verdict.usable || answer.refusals.some(({ code }) => code === 'PRODUCED_LATER')) continue;
          if (answer.refusals.some(({ code }) => code.startsWith('SIGNER_') && !OF_PROOF.includes(code))) continue;
          const expected = expectedOf(probes[i]!);
          const why = () => JSON.stringify({ rules: RULES[rules], all, existed, at: probes[i]!.producedAt });
          assert.equal(proofOf(answer), expected, why());
          seen.add(expected);
        }
      },
    ),
    { numRuns: repeated(250) },
  );
  t.pass();
  if (repeated(10) < 10) return;
  // The walk has been everywhere.
  const walked = ['ca', 'nocheck', 'answer', ' SIGNER_REVOKED', ' SIGNER_REVOCATION_UNKNOWN', 'ca ISSUER_STATUS'];
  for (const proof of walked) t.true(seen.has(proof), proof);
});

test('a hold of the CA ends, for what it signs, where a later answer was good before', (t) => {
  const of = (hour: number, more: Partial<Told>): Told => ({ ...probe(root, hour * HOUR), about: ca, ...more });
  const held = of(10, { revoked: 5 * HOUR, reason: 6 });
  const signed = (producedAt: number, good: Told) => {
    const chain = [leaf, ca, root].map(({ certificate }) => certificate);
    const answers = [held, good, probe(ca, producedAt)].map(respond);
    const question = { chain, at: date(10 * HOUR), existedAt: date(13 * HOUR) };
    return proofOf(VERIFIERS[0]!.statusAt(answers, question).links[0]!.answers[0]!);
  };
  const later = of(10, { thisUpdate: 10 * HOUR + 1, producedAt: 10 * HOUR + 1 });
  t.is(signed(12 * HOUR, later), 'ca');
  t.is(signed(10 * HOUR + 2, later), 'ca');
  // Good from then on only, good as of the same second, and before.
  t.is(signed(10 * HOUR + 1, later), 'ca ISSUER_STATUS');
  t.is(signed(12 * HOUR, of(10, {})), 'ca ISSUER_STATUS');
  t.is(signed(12 * HOUR, of(9, {})), 'ca ISSUER_STATUS');
});

const counter = fileURLToPath(new URL('../helpers/counted-archive.js', import.meta.url));

async function stepsOf(shape: string, size: number): Promise<number> {
  // (What is counted there is not for a report on the tests' coverage.)
  const { stdout, stderr } = await runProgram(process.execPath, [counter, shape, `${size}`], { NODE_V8_COVERAGE: '' });
  const steps = Number(stdout);
  assert.ok(steps > 0, stderr);
  return steps;
}

for (const [shape, name] of [
  ['ca', 'by a CA, with as many about it'],
  ['delegate', 'by a delegate, with as many about it'],
  ['delegates', 'by as many delegates, with an answer about each'],
  ['entries', 'about the CA, in one of as many entries'],
] as const) {
  test(`twice as many answers take twice as many steps: ${name}`, async (t) => {
    const once = await stepsOf(shape, 100);
    const twice = await stepsOf(shape, 200);
    // Four times as many, where each is compared with each.
    t.true(twice < once * 2.4, `${once}, and ${twice}`);
  });
}
