import test from 'ava';
import { checkReason, ReasonFlags, reasonFromCode, reasonToCode } from '#dist/x509/reason.js';

const CODES: [ReasonFlags, number][] = [
  [ReasonFlags.unspecified, 0],
  [ReasonFlags.keyCompromise, 1],
  [ReasonFlags.cACompromise, 2],
  [ReasonFlags.affiliationChanged, 3],
  [ReasonFlags.superseded, 4],
  [ReasonFlags.cessationOfOperation, 5],
  [ReasonFlags.certificateHold, 6],
  [ReasonFlags.removeFromCRL, 8],
  [ReasonFlags.privilegeWithdrawn, 9],
  [ReasonFlags.aACompromise, 10],
];

test('codes and members, both ways; members are called what they say', (t) => {
  t.is(Object.keys(ReasonFlags).length, CODES.length);
  for (const [reason, code] of CODES) {
    t.is(reasonToCode(reason), code);
    t.is(reasonFromCode(code), reason);
    t.is(reasonFromCode(BigInt(code)), reason);
    t.is(checkReason(reason, 'reason'), reason);
    t.is(ReasonFlags[reason] as ReasonFlags, reason);
  }
});

test('refuses codes without a meaning', (t) => {
  for (const code of [7, 11, -1, 256]) {
    t.throws(() => reasonFromCode(code), { code: 'ERR_OCSP_MALFORMED', message: `unsupported reason code: ${code}` });
  }
});

test('refuses what is not a reason', (t) => {
  for (const bad of [undefined, null, 1, {}]) {
    t.throws(() => checkReason(bad, 'reason'), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const bad of ['', 'key_compromise', 'KEYCOMPROMISE', 'toString']) {
    t.throws(() => checkReason(bad, 'reason'), { code: 'ERR_OCSP_INVALID_VALUE' });
  }
});
