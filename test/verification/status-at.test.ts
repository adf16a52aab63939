/** What answers say about an earlier moment. */
import test, { type ExecutionContext } from 'ava';
import {
  ArchiveCutoff,
  CRLReason,
  InvalidityDate,
  loadDerOcspResponse,
  type OCSPStatusAt,
  type RefusalCode,
  type StatusAtQuestion,
  Verifier,
} from 'openssl-ocsp';
import {
  buildTestResponse,
  createTestCa,
  type TestEntry,
  type TestExtension,
  type TestIdentity,
  type TestResponseOptions,
  testErrorResponse,
} from 'openssl-ocsp/testing';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

const date = (text: string): Date => new Date(text.length === 10 ? `${text}T00:00:00Z` : text);
const life = (from: string, to: string) => ({ notBefore: date(from), notAfter: date(to) });

const root = createTestCa({ subject: 'CN=Root', ...life('2015-01-01', '2040-01-01') });
const ca = root.issueIntermediate({ subject: 'CN=CA', ...life('2016-01-01', '2035-01-01') });
const leaf = ca.issue({ subject: 'CN=leaf', serialNumber: 77n, ...life('2018-01-01', '2021-01-01') });
const delegate = ca.issueResponder({ subject: 'CN=Delegate', ...life('2017-01-01', '2034-01-01') });
/** Its status has to be asked for. */
const plain = ca.issueResponder({ subject: 'CN=Plain', ocspNoCheck: false, ...life('2017-01-01', '2034-01-01') });
const short = ca.issueResponder({ subject: 'CN=Short', ...life('2019-05-01', '2019-07-01') });

const T = date('2019-06-01T12:00:00Z');
const LATER = '2019-06-01T13:00:00Z';
const verifier = new Verifier();

interface Answer extends Partial<Omit<TestEntry, 'thisUpdate' | 'nextUpdate' | 'revocationTime'>> {
  made?: string;
  thisUpdate?: string;
  nextUpdate?: string | null;
  revoked?: string;
  signer?: TestIdentity;
  response?: Partial<TestResponseOptions>;
}

/** By the delegate, an hour after T, for a day. */
function answer({ made, thisUpdate, nextUpdate, revoked, signer = delegate, response, ...entry }: Answer = {}): Buffer {
  const known = date(thisUpdate ?? made ?? LATER);
  return buildTestResponse({
    signer,
    certificates: signer === (ca as TestIdentity) ? [] : [signer.certificate],
    producedAt: date(made ?? LATER),
    entries: [
      {
        certificate: leaf.certificate,
        issuer: ca.certificate,
        thisUpdate: known,
        nextUpdate: nextUpdate === null ? null : nextUpdate ? date(nextUpdate) : new Date(known.getTime() + 86_400_000),
        ...(revoked !== undefined && { status: 'revoked', revocationTime: date(revoked) }),
        ...entry,
      },
    ],
    ...response,
  });
}

const cutoff = (text: string): TestExtension => ({
  oid: ArchiveCutoff.oid,
  value: new ArchiveCutoff(date(text)).publicBytes(),
});
const invalidity = (text: string): TestExtension => ({
  oid: InvalidityDate.oid,
  value: new InvalidityDate(date(text)).publicBytes(),
});
const reasonCode = (code: number): TestExtension => ({ oid: CRLReason.oid, value: Buffer.from([0x0a, 1, code]) });
const chain = [leaf.certificate, ca.certificate];
const ask = (answers: Buffer[], question: Partial<StatusAtQuestion> = {}, by = verifier): OCSPStatusAt =>
  by.statusAt(answers, { chain, at: T, ...question });

/** Codes of the first answer about the first certificate. */
const codes = ({ links }: OCSPStatusAt): string[] => [
  ...new Set(links[0]?.answers.flatMap(({ refusals }) => refusals.map(({ code }) => code))),
];

function says(t: ExecutionContext, result: OCSPStatusAt, expected: OCSPStatusAt['status'] | RefusalCode): void {
  const isStatus = expected === null || ['good', 'revoked', 'unknown'].includes(expected);
  t.is(result.status, isStatus ? (expected as OCSPStatusAt['status']) : null, result.explain());
  if (!isStatus) t.deepEqual(codes(result), [expected], result.explain());
  t.regex(result.explain(), new RegExp(`=> ${isStatus && expected !== null ? expected : 'not known'} at 2`));
}

type Row = [
  name: string,
  answer: Answer,
  expected: OCSPStatusAt['status'] | RefusalCode,
  question?: Partial<StatusAtQuestion>,
];

const KEY_COMPROMISE = 1;
const CA_COMPROMISE = 2;
const SUPERSEDED = 4;
const HOLD = 6;
const REMOVE_FROM_CRL = 8;
const AA_COMPROMISE = 10;

const rows: Row[] = [
  // Good: until thisUpdate, and while it holds.
  ['known later', {}, 'good'],
  ['known at the very moment', { thisUpdate: '2019-06-01T12:00:00Z' }, 'good'],
  ['known before, still held', { made: '2019-06-01T11:00:00Z' }, 'good'],
  ['known before, signed after', { made: LATER, thisUpdate: '2019-06-01T11:00:00Z' }, 'good'],
  ['known before, ended before', { made: '2019-05-01' }, 'EXPIRED'],
  ['known before, ended that second', { made: '2019-05-31', nextUpdate: '2019-06-01T11:55:00Z' }, 'EXPIRED'],
  ['long before, no nextUpdate', { made: '2019-06-01', nextUpdate: null }, 'TOO_OLD'],
  ['minutes before, no nextUpdate', { made: '2019-06-01T11:30:00Z', nextUpdate: null }, 'good'],
  ['known later, no nextUpdate', { nextUpdate: null }, 'good'],
  ['a year later', { made: '2020-06-01' }, 'good'],
  [
    'ended when it was made',
    { made: LATER, thisUpdate: '2019-06-01T12:30:00Z', nextUpdate: '2019-06-01T12:40:00Z' },
    'EXPIRED',
  ],
  [
    'old when it was made, no nextUpdate',
    { made: '2019-06-05', thisUpdate: '2019-06-02', nextUpdate: null },
    'TOO_OLD',
  ],
  ['thisUpdate after it was made', { made: LATER, thisUpdate: '2019-06-02' }, 'NOT_YET_VALID'],
  // The certificate and its issuer.
  ['before the certificate', {}, 'CERTIFICATE_NOT_VALID', { at: date('2017-12-31') }],
  [
    'after the certificate',
    { made: '2021-01-02', extensions: [cutoff('2015-01-01')] },
    'CERTIFICATE_NOT_VALID',
    { at: date('2021-01-01') },
  ],
  [
    'its last second',
    { made: '2021-01-02', extensions: [cutoff('2015-01-01')] },
    'good',
    { at: date('2020-12-31T23:59:59Z') },
  ],
  // Archive cutoff (RFC 6960 section 4.4.4).
  ['made after the end, no cutoff', { made: '2022-01-01' }, 'ARCHIVE_CUTOFF'],
  ['made in the first second after the end', { made: '2021-01-01' }, 'ARCHIVE_CUTOFF'],
  ['made in the last second', { made: '2020-12-31T23:59:59Z' }, 'good'],
  ['known before the end, signed after it', { made: '2021-01-01', thisUpdate: '2020-12-31' }, 'ARCHIVE_CUTOFF'],
  ['a cutoff before the end', { made: '2022-01-01', extensions: [cutoff('2015-01-01')] }, 'good'],
  ['a cutoff after the moment', { made: '2022-01-01', extensions: [cutoff('2020-06-01')] }, 'good'],
  ['a cutoff at the end', { made: '2022-01-01', extensions: [cutoff('2021-01-01')] }, 'good'],
  ['a cutoff after the end', { made: '2022-01-01', extensions: [cutoff('2021-01-01T00:00:01Z')] }, 'ARCHIVE_CUTOFF'],
  [
    'a cutoff that cannot be read',
    { made: '2022-01-01', extensions: [{ oid: ArchiveCutoff.oid, value: Buffer.from('180130', 'hex') }] },
    'ARCHIVE_CUTOFF',
  ],
  [
    'a cutoff that is needed by no one',
    { extensions: [{ oid: ArchiveCutoff.oid, value: Buffer.from('180130', 'hex') }] },
    'good',
  ],
  // Revoked.
  ['revoked before', { revoked: '2019-05-01' }, 'revoked'],
  ['revoked at that second', { revoked: '2019-06-01T12:00:00Z' }, 'revoked'],
  ['revoked a second later', { revoked: '2019-06-01T12:00:01Z' }, 'good'],
  [
    'revoked before, as was known before',
    { made: '2019-05-02', revoked: '2019-05-01', revocationReason: SUPERSEDED },
    'revoked',
  ],
  ['revoked before, made after the end, no cutoff', { made: '2022-01-01', revoked: '2019-05-01' }, 'revoked'],
  ['revoked later, made after the end, no cutoff', { made: '2022-01-01', revoked: '2019-07-01' }, 'good'],
  ['revoked later than was known', { made: '2019-05-02', revoked: '2019-08-01' }, 'revoked'],
  ['never issued', { revoked: '1970-01-01', revocationReason: HOLD }, 'revoked'],
  ['revoked before, before the certificate', { revoked: '2017-01-01' }, 'revoked', { at: date('2017-06-01') }],
  [
    'revoked after the moment before the certificate',
    { revoked: '2019-01-01' },
    'CERTIFICATE_NOT_VALID',
    { at: date('2017-06-01') },
  ],
  ...[undefined, 0, 3, SUPERSEDED, 5, HOLD, 9].map(
    (reason): Row => [
      `revoked later, reason ${reason}`,
      { revoked: '2019-06-01T12:30:00Z', ...(reason !== undefined && { revocationReason: reason }) },
      'good',
    ],
  ),
  ...[KEY_COMPROMISE, CA_COMPROMISE, AA_COMPROMISE].flatMap((revocationReason): Row[] => [
    [
      `compromised, revoked later (${revocationReason})`,
      { revoked: '2019-06-01T12:30:00Z', revocationReason },
      'REVOCATION_UNCLEAR',
    ],
    [
      `compromised before by date (${revocationReason})`,
      { revoked: '2019-06-01T12:30:00Z', revocationReason, extensions: [invalidity('2019-05-01')] },
      'revoked',
    ],
    [
      `compromised after by date (${revocationReason})`,
      { revoked: '2019-06-01T12:30:00Z', revocationReason, extensions: [invalidity('2019-06-01T12:10:00Z')] },
      'good',
    ],
  ]),
  [
    'superseded, invalid before by date',
    { revoked: '2019-06-01T12:30:00Z', revocationReason: SUPERSEDED, extensions: [invalidity('2019-06-01T12:00:00Z')] },
    'revoked',
  ],
  [
    'no reason, invalid before by date',
    { revoked: '2019-06-01T12:30:00Z', extensions: [invalidity('2018-06-01')] },
    'revoked',
  ],
  [
    'held later, invalid before by date',
    { revoked: '2019-06-01T12:30:00Z', revocationReason: HOLD, extensions: [invalidity('2018-06-01')] },
    'revoked',
  ],
  [
    'an invalidityDate after the revocation',
    { revoked: '2019-05-01', extensions: [invalidity('2019-07-01')] },
    'revoked',
  ],
  [
    'an invalidityDate that cannot be read',
    { revoked: '2019-06-01T12:30:00Z', extensions: [{ oid: InvalidityDate.oid, value: Buffer.from('0500', 'hex') }] },
    'REVOCATION_UNCLEAR',
  ],
  [
    'the same, revoked before',
    { revoked: '2019-05-01', extensions: [{ oid: InvalidityDate.oid, value: Buffer.from('0500', 'hex') }] },
    'revoked',
  ],
  ...[7, 11, 200].map(
    (revocationReason): Row => [
      `revoked later, reason ${revocationReason}`,
      { revoked: '2019-06-01T12:30:00Z', revocationReason },
      'REVOCATION_UNCLEAR',
    ],
  ),
  ...(
    [
      ['no reason', {}],
      ['superseded', { revocationReason: SUPERSEDED }],
      ['a hold', { revocationReason: HOLD }],
    ] as const
  ).flatMap(([name, reason]): Row[] => {
    const given = { revoked: '2019-06-01T12:30:00Z', ...reason };
    const unreadable = { oid: CRLReason.oid, value: Buffer.from('0500', 'hex') };
    const dated = [reasonCode(KEY_COMPROMISE), invalidity('2019-06-01T12:20:00Z')];
    return [
      [
        `${name}, and a compromise by extension`,
        { ...given, extensions: [reasonCode(KEY_COMPROMISE)] },
        'REVOCATION_UNCLEAR',
      ],
      [`${name}, and a compromise by extension, with a date`, { ...given, extensions: dated }, 'good'],
      [`${name}, and superseded by extension`, { ...given, extensions: [reasonCode(SUPERSEDED)] }, 'good'],
      [
        `${name}, and by extension a reason that no one knows`,
        { ...given, extensions: [reasonCode(7)] },
        'REVOCATION_UNCLEAR',
      ],
      [
        `${name}, and by extension one that cannot be read`,
        { ...given, extensions: [unreadable] },
        'REVOCATION_UNCLEAR',
      ],
    ];
  }),
  [
    'a compromise, and superseded by extension',
    { revoked: '2019-06-01T12:30:00Z', revocationReason: KEY_COMPROMISE, extensions: [reasonCode(SUPERSEDED)] },
    'REVOCATION_UNCLEAR',
  ],
  [
    'a hold by extension, ended before',
    { made: '2019-05-02', revoked: '2019-05-01', extensions: [reasonCode(HOLD)] },
    'EXPIRED',
  ],
  [
    'a hold, superseded by extension',
    { made: '2019-05-02', revoked: '2019-05-01', revocationReason: HOLD, extensions: [reasonCode(SUPERSEDED)] },
    'revoked',
  ],
  [
    'removed from the list later',
    { revoked: '2019-06-01T12:30:00Z', revocationReason: REMOVE_FROM_CRL },
    'REVOCATION_UNCLEAR',
  ],
  // Holds.
  ['held before, still held later', { revoked: '2019-05-01', revocationReason: HOLD }, 'revoked'],
  [
    'held, as the answer says that still holds',
    { made: '2019-06-01T11:00:00Z', revoked: '2019-05-01', revocationReason: HOLD },
    'revoked',
  ],
  [
    'held, by an answer that has ended',
    { made: '2019-05-02', revoked: '2019-05-01', revocationReason: HOLD },
    'EXPIRED',
  ],
  [
    'held, as was known before 1970',
    {
      made: '2019-05-02',
      thisUpdate: '1969-06-01',
      nextUpdate: '2019-07-01',
      revoked: '1969-05-01',
      revocationReason: HOLD,
    },
    'revoked',
  ],
  // Unknown.
  ['unknown', { status: 'unknown' }, 'unknown'],
  ['unknown, ended before', { made: '2019-05-01', status: 'unknown' }, 'EXPIRED'],
  // Who signed, and when.
  ['by the CA', { signer: ca }, 'good'],
  ['by another CA', { signer: root }, 'SIGNER_NOT_AUTHORIZED'],
  ['with a broken signature', { response: { breakSignature: true } }, 'BAD_SIGNATURE'],
  ['a delegate that has expired since', { signer: short }, 'SIGNER_EXPIRED'],
  ['the same, existed before', { signer: short }, 'good', { existedAt: date('2019-06-30') }],
  [
    'the same, existed in the second of its end',
    { signer: short },
    'SIGNER_EXPIRED',
    { existedAt: date('2019-07-01') },
  ],
  [
    'a delegate that had expired when it signed',
    { signer: short, made: '2019-08-01' },
    'SIGNER_EXPIRED',
    { existedAt: date('2019-06-30') },
  ],
  [
    'a delegate that signed before it was there',
    { signer: short, made: '2019-04-01', nextUpdate: '2019-08-01' },
    'SIGNER_NOT_YET_VALID',
  ],
  [
    'made later than it is said to have existed',
    { made: '2019-06-10' },
    'PRODUCED_LATER',
    { existedAt: date('2019-06-05') },
  ],
  [
    'made minutes later than that: clocks differ',
    { made: '2019-06-05T00:04:00Z', thisUpdate: LATER, nextUpdate: '2019-07-01' },
    'good',
    { existedAt: date('2019-06-05') },
  ],
  [
    'an unknown critical extension',
    { extensions: [{ oid: '1.2.3', critical: true, value: Buffer.from('0500', 'hex') }] },
    'UNKNOWN_CRITICAL_EXTENSION',
  ],
];

for (const [name, given, expected, question] of rows) {
  test(`${name}: ${expected}`, (t) => says(t, ask([answer(given)], question), expected));
}

test('what "good" and "revoked" rest on', (t) => {
  const [later] = ask([answer()]).links;
  t.like(later, { basis: 'later', revokedSince: null });
  t.like(later!.answers[0], { status: 'good', basis: 'later', signerProof: 'nocheck' });
  t.is(ask([answer({ made: '2019-06-01T11:00:00Z' })]).links[0]!.basis, 'current');
  t.is(ask([answer({ made: '2019-06-01T11:00:00Z' }), answer()]).links[0]!.basis, 'later');
  t.is(ask([answer({ signer: ca })]).links[0]!.answers[0]!.signerProof, 'ca');
  const revoked = ask([
    answer({ revoked: '2019-05-01', extensions: [invalidity('2019-04-01')] }),
    answer({ revoked: '2019-03-01' }),
  ]);
  t.deepEqual(revoked.links[0]!.revokedSince, date('2019-03-01'));
  t.is(revoked.links[0]!.basis, null);
  t.deepEqual(
    ask([answer({ revoked: '2019-05-01', extensions: [invalidity('2019-04-01')] })]).links[0]!.revokedSince,
    date('2019-04-01'),
  );
});

test('no one knows at the moment of signing what is so later', (t) => {
  // thisUpdate is a little ahead: clocks differ, or the responder rounds.
  const ahead = { made: '2019-06-01T11:58:00Z', thisUpdate: '2019-06-01T12:02:00Z' };
  t.like(ask([answer(ahead)]).links[0], { status: 'good', basis: 'current' });
  t.is(ask([answer({ ...ahead, revoked: '2019-06-01T12:01:00Z' })]).status, 'revoked');
});

test('a moment in another second half, and in the future', (t) => {
  t.deepEqual(ask([answer()], { at: new Date(T.getTime() + 999) }).at, T);
  const now = Date.now();
  const young = ca.issue({ subject: 'CN=young' });
  const made = buildTestResponse({
    signer: delegate,
    certificates: [delegate.certificate],
    entries: [{ certificate: young.certificate, issuer: ca.certificate }],
  });
  const at = (ms: number) =>
    verifier.statusAt(made, { chain: [young.certificate, ca.certificate], at: new Date(now + ms) });
  t.is(at(3_600_000).status, 'good');
  t.is(at(90_000_000).status, null);
});

test('several answers: revocations come first, and what speaks against "good" is heard', (t) => {
  const good = answer();
  const of = (...answers: Buffer[]) => {
    const result = ask(answers);
    t.is(ask(answers.reverse()).status, result.status);
    return result.status;
  };
  t.is(of(good, answer({ status: 'unknown' })), 'good');
  t.is(of(good, answer({ made: '2019-05-01' })), 'good');
  t.is(of(good, answer({ response: { breakSignature: true }, revoked: '2019-05-01' })), 'good');
  // The CA dates a revocation back, after it has said "good".
  t.is(of(good, answer({ made: '2019-07-01', revoked: '2019-05-01' })), 'revoked');
  t.is(of(good, answer({ made: '2019-07-01', revoked: '2019-06-20', revocationReason: SUPERSEDED })), 'good');
  // Or learns of a compromise, and does not say since when.
  t.is(of(good, answer({ made: '2019-07-01', revoked: '2019-06-20', revocationReason: KEY_COMPROMISE })), null);
  // By a signer that has expired since: it does not count, but it was said.
  t.is(of(good, answer({ signer: short, revoked: '2019-05-01' })), null);
  t.is(of(good, answer({ signer: plain, revoked: '2019-05-01' })), null);
  t.is(of(answer({ status: 'unknown' }), answer({ made: '2019-05-01' })), 'unknown');
  t.is(of(), null);
});

test('several answers: one that is refused for what it holds is heard, when it tells of a revocation', (t) => {
  const good = answer();
  const heard = (more: Answer) => ask([good, answer(more)]).status;
  const critical = [{ oid: '1.2.3', critical: true, value: Buffer.from('0500', 'hex') }];
  t.is(heard({ revoked: '2019-05-01', extensions: critical }), null);
  t.is(heard({ extensions: critical }), 'good');
  t.is(heard({ revoked: '2019-05-01', nextUpdate: '2019-05-01' }), null);
  t.is(heard({ revoked: '2019-05-01', made: '2019-06-05', thisUpdate: '2019-06-02', nextUpdate: null }), null);
  t.is(heard({ revoked: '2019-07-01', made: '2019-08-01', nextUpdate: '2019-07-01' }), 'good');
  const twice = [invalidity('2019-05-01'), invalidity('2019-05-02')];
  t.is(heard({ revoked: '2019-07-01', made: '2019-08-01', extensions: twice }), null);
  const entry = { certificate: leaf.certificate, issuer: ca.certificate, thisUpdate: date(LATER) };
  const revoked = { ...entry, status: 'revoked' as const, revocationTime: date('2019-05-01') };
  t.is(heard({ response: { entries: [{ ...entry, nextUpdate: date('2019-07-01') }, revoked] } }), null);
  t.is(heard({ response: { entries: [{ ...revoked, revocationTime: '00000101000000Z' }] } }), null);
  t.is(heard({ response: { entries: [{ ...entry, thisUpdate: '00000101000000Z' }] } }), 'good');
});

test('several answers: a hold ends where a later answer was good before the moment', (t) => {
  const held = answer({ made: '2019-05-02', revoked: '2019-05-01', revocationReason: HOLD });
  const stillHeld = answer({ made: '2019-06-01T10:00:00Z', revoked: '2019-05-01', revocationReason: HOLD });
  const goodBefore = answer({ made: '2019-06-01T11:00:00Z' });
  const goodAfter = answer();
  // Lifted, but maybe after the moment only.
  t.is(ask([held, goodAfter]).status, null);
  t.is(ask([held, goodBefore]).status, 'good');
  t.is(ask([goodAfter, held, goodBefore]).status, 'good');
  t.is(ask([stillHeld, goodBefore]).status, 'good');
  t.is(ask([stillHeld, goodAfter]).status, 'revoked');
  t.is(ask([stillHeld, answer({ made: '2019-06-01T09:00:00Z' })]).status, 'revoked');
  t.is(ask([answer({ revoked: '2019-05-01', revocationReason: HOLD }), goodBefore]).status, 'revoked');
});

test('twins: both have to say it', (t) => {
  const twins = (...changes: Partial<TestEntry>[]) =>
    ask([
      buildTestResponse({
        signer: delegate,
        certificates: [delegate.certificate],
        producedAt: date('2022-01-01'),
        entries: changes.map((change, i) => ({
          certificate: leaf.certificate,
          issuer: ca.certificate,
          hash: i === 0 ? 'sha1' : 'sha256',
          thisUpdate: date('2022-01-01'),
          nextUpdate: date('2022-01-02'),
          ...change,
        })),
      }),
    ]).status;
  const archived = { extensions: [cutoff('2015-01-01')] };
  const revoked = { status: 'revoked' as const, revocationTime: date('2020-01-01'), revocationReason: KEY_COMPROMISE };
  t.is(twins(archived, archived), 'good');
  t.is(twins(archived, {}), null);
  t.is(twins({}, archived), null);
  const since = (text: string) => ({ ...revoked, extensions: [invalidity(text)] });
  t.is(twins(since('2019-12-01'), since('2019-12-01')), 'good');
  t.is(twins(since('2019-12-01'), since('2019-01-01')), 'revoked');
  t.is(twins(since('2019-12-01'), revoked), null);
  t.is(twins(archived, revoked), null);
});

const about = (subject: TestIdentity, more: Answer = {}) =>
  answer({ certificate: subject.certificate, signer: ca, ...more });

test("a delegate's own proof", (t) => {
  const by = answer({ signer: plain });
  const strict = new Verifier({ signerRevocation: 'nocheck' });
  for (const each of [verifier, strict]) {
    const proofOf = (...more: Buffer[]) => {
      const result = each.statusAt([by, ...more], { chain, at: T });
      return result.status ?? codes(result)[0];
    };
    t.is(proofOf(), 'SIGNER_REVOCATION_UNKNOWN');
    t.is(proofOf(about(plain)), 'good');
    t.is(proofOf(about(plain, { signer: delegate })), 'good');
    // No delegate vouches for itself, and none that needs a proof for another.
    t.is(proofOf(about(plain, { signer: plain })), 'SIGNER_REVOCATION_UNKNOWN');
    const second = ca.issueResponder({ subject: 'CN=Second', ocspNoCheck: false, ...life('2017-01-01', '2034-01-01') });
    t.is(proofOf(about(plain, { signer: second }), about(second, { signer: plain })), 'SIGNER_REVOCATION_UNKNOWN');
    // Of another time, of another certificate.
    t.is(proofOf(about(plain, { made: '2019-05-01' })), 'SIGNER_REVOCATION_UNKNOWN');
    t.is(proofOf(about(delegate)), 'SIGNER_REVOCATION_UNKNOWN');
    t.is(proofOf(about(plain, { status: 'unknown' })), 'SIGNER_REVOCATION_UNKNOWN');
    // Revoked before it signed; before the answer is known to have existed; by whomever is believed.
    t.is(proofOf(about(plain, { revoked: '2019-05-01' })), 'SIGNER_REVOKED');
    t.is(proofOf(about(plain), about(plain, { made: '2020-01-02', revoked: '2020-01-01' })), 'SIGNER_REVOKED');
    t.is(
      proofOf(
        about(plain, {
          made: '2019-06-01T13:30:00Z',
          revoked: '2019-06-01T13:20:00Z',
          revocationReason: KEY_COMPROMISE,
        }),
      ),
      'SIGNER_REVOKED',
    );
  }
  t.is(ask([by, about(plain)]).links[0]!.answers[0]!.signerProof, 'answer');
  // It existed before that revocation.
  const revokedLater = about(plain, { made: '2020-01-02', revoked: '2020-01-01', revocationReason: SUPERSEDED });
  t.is(ask([by, about(plain), revokedLater], { existedAt: date('2019-06-02') }).status, 'good');
  // Unless no one knows since when it was compromised.
  const compromised = about(plain, { made: '2020-01-02', revoked: '2020-01-01', revocationReason: KEY_COMPROMISE });
  t.is(ask([by, about(plain), compromised], { existedAt: date('2019-06-02') }).status, null);
});

test('a delegate with nocheck that an answer says is revoked', (t) => {
  t.is(codes(ask([answer(), about(delegate, { revoked: '2019-05-01' })]))[0], 'SIGNER_REVOKED');
  // And what such a one says of others.
  const by = answer({ signer: plain });
  t.is(ask([by, about(plain, { signer: delegate })]).status, 'good');
  t.is(ask([by, about(plain, { signer: delegate }), about(delegate, { revoked: '2019-05-01' })]).status, null);
});

test('what the policy accepts', (t) => {
  const by = answer({ signer: plain });
  const accepting = new Verifier({ signerRevocation: 'accept' });
  t.like(ask([by], {}, accepting).links[0]!.answers[0], { status: 'good', signerProof: 'accepted' });
  t.is(codes(ask([by, about(plain, { revoked: '2019-05-01' })], {}, accepting))[0], 'SIGNER_REVOKED');
  const stranger = createTestCa({ subject: 'CN=Stranger', ...life('2015-01-01', '2040-01-01') });
  const trusting = new Verifier({ trustedResponders: [stranger.certificate] });
  t.like(ask([answer({ signer: stranger })], {}, trusting).links[0]!.answers[0], {
    status: 'good',
    signerProof: 'trusted',
  });
  const rooted = new Verifier({ trust: [root.certificate], nonce: 'required' });
  t.is(ask([answer()], {}, rooted).status, 'good');
  t.is(codes(ask([answer()], {}, new Verifier({ trust: [stranger.certificate] })))[0], 'SIGNER_UNTRUSTED');
  t.is(ask([answer({ made: '2019-06-01T11:54:00Z', nextUpdate: '2019-06-01T11:58:00Z' })]).status, 'good');
  t.is(
    ask(
      [answer({ made: '2019-06-01T11:54:00Z', nextUpdate: '2019-06-01T11:58:00Z' })],
      {},
      new Verifier({ clockTolerance: 0 }),
    ).status,
    null,
  );
});

test('a chain: each CA then, and when it or its delegate signed', (t) => {
  const whole = [leaf.certificate, ca.certificate, root.certificate];
  const ofCa = (more: Answer = {}) =>
    answer({
      certificate: ca.certificate,
      issuer: root.certificate,
      signer: root,
      response: { certificates: [] },
      ...more,
    });
  const of = (answers: Buffer[], existedAt?: Date) => ask(answers, { chain: whole, ...(existedAt && { existedAt }) });
  const result = of([answer(), ofCa()]);
  t.is(result.status, 'good');
  t.deepEqual(
    result.links.map(({ status }) => status),
    ['good', 'good'],
  );
  t.is(of([answer()]).status, null);
  t.is(codes(of([answer()]))[0], 'ISSUER_STATUS');
  t.is(of([ofCa()]).status, null);
  t.is(of([answer(), ofCa({ revoked: '2019-05-01' })]).status, 'revoked');
  t.is(of([answer({ revoked: '2019-05-01' }), ofCa()]).status, 'revoked');
  t.is(of([answer(), ofCa({ status: 'unknown' })]).status, null);
  // Good at the moment, revoked when the answer was signed.
  const ended = ofCa({ made: '2020-01-01', revoked: '2019-06-01T12:30:00Z', revocationReason: SUPERSEDED });
  t.deepEqual(
    of([answer(), ended]).links.map(({ status }) => status),
    [null, 'good'],
  );
  // Good then, revoked before the answer is known to have existed: it may have been signed later than it says.
  const closed = [answer(), ofCa(), ofCa({ made: '2020-01-02', revoked: '2020-01-01', revocationReason: SUPERSEDED })];
  t.is(of(closed).status, null);
  t.is(of(closed, date('2019-12-31')).status, 'good');
  // A trusted responder does not answer by the key of the CA.
  const trusting = new Verifier({ trustedResponders: [delegate.certificate] });
  t.is(trusting.statusAt([answer()], { chain: whole, at: T }).links[0]!.status, 'good');
  // PEM does as well.
  const pem = [leaf, ca, root].map(({ certificatePem }) => certificatePem).join('');
  t.true(verifier.statusAt([answer(), ofCa()], { chain: pem, at: T, existedAt: result.existedAt }).equals(result));
  t.is(verifier.statusAt([answer(), ofCa()], { chain: Buffer.from(pem), at: T }).status, result.status);
});

test('what is in the list beside', (t) => {
  const other = ca.issue({ subject: 'CN=other', ...life('2018-01-01', '2021-01-01') });
  const beside = [Buffer.from('text'), testErrorResponse(3), about(other), about(other, { revoked: '2019-01-01' })];
  const result = ask([...beside, answer()]);
  t.is(result.status, 'good');
  t.is(result.links[0]!.answers.length, 1);
  t.regex(result.explain(), /2 of the answers are no successful responses/);
  t.is(ask(beside).status, null);
  t.regex(ask(beside).explain(), /there is none about it/);
  const loaded = loadDerOcspResponse(answer());
  for (const answers of [loaded, [loaded], answer(), new Set([answer()]), [new Uint8Array(answer())]]) {
    t.is(verifier.statusAt(answers, { chain, at: T }).status, 'good');
  }
});

test('JSON, and equality', (t) => {
  const existedAt = date('2026-01-01');
  const der = answer();
  const result = ask([der], { existedAt });
  t.true(result.equals(ask([der], { existedAt })));
  t.false(result.equals(ask([der], { existedAt, at: date('2019-06-01') })));
  t.false(result.equals({}));
  // Another CA of the same name, whose certificate has the same serial number.
  const namesake = createTestCa({ subject: ca.certificate.subject, ...life('2015-01-01', '2045-01-01') });
  const { certificate } = namesake.issue({ serialNumber: BigInt(`0x${leaf.certificate.serialNumber}`) });
  const none = ask([], { existedAt });
  t.true(none.equals(ask([], { existedAt })));
  t.false(none.equals(ask([], { existedAt, chain: [certificate, namesake.certificate] })));
  const json = JSON.parse(JSON.stringify(result));
  t.like(json, { status: 'good', at: T.toISOString(), existedAt: existedAt.toISOString() });
  t.like(json.links[0], { serialNumber: '4D', status: 'good', basis: 'later', revokedSince: null });
  t.like(json.links[0].answers[0], { status: 'good', signerProof: 'nocheck', refusals: [] });
});

test('arguments', (t) => {
  const der = answer();
  const of = (answers: unknown, question: unknown) => () => verifier.statusAt(wrong(answers), wrong(question));
  t.throws(of(der, { chain }), wrongType);
  t.throws(of(der, { chain, at: '2019' }), wrongType);
  t.throws(of(der, { chain, at: new Date(Number.NaN) }), invalid);
  t.throws(of(der, { chain, at: T, existedAt: 5 }), wrongType);
  t.throws(of(der, { at: T }), wrongType);
  t.throws(of(der, { chain: leaf.certificate.raw, at: T }), invalid);
  t.throws(of(der, { chain: [leaf.certificate], at: T }), invalid);
  t.throws(of(der, { chain: leaf.certificatePem, at: T }), invalid);
  t.throws(of(der, { chain: 'leaf.pem', at: T }), malformed);
  t.throws(of(der, { chain: [leaf.certificate, 'x'], at: T }), malformed);
  t.throws(of(der, { chain, at: T, time: T }), invalid);
  t.throws(of(der, undefined), wrongType);
  t.throws(of('MII', { chain, at: T }), wrongType);
  t.throws(of([5], { chain, at: T }), wrongType);
  t.throws(of(undefined, { chain, at: T }), wrongType);
});
