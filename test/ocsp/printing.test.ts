import { inspect } from 'node:util';
import test from 'ava';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPResponseBuilder } from 'openssl-ocsp';
import * as der from '../helpers/der.js';
import type { RecordedCase } from '../helpers/recorded.js';
import { base64Vector, referenceOcsp, vectorJson } from '../helpers/vectors.js';

test('inspect shows a response so that a person can read it', (t) => {
  const text = inspect(loadDerOcspResponse(referenceOcsp('resp-revoked-reason')), { depth: 10 });
  for (const part of [
    'OCSPResponse',
    'SUCCESSFUL',
    'REVOKED',
    'superseded',
    'QuoVadis OCSP Authority Signature',
    'sha1',
  ]) {
    t.true(text.includes(part), `${part} in ${text}`);
  }
  t.true(inspect(OCSPResponseBuilder.buildUnsuccessful(6)).includes('UNAUTHORIZED'));
});

test('inspect shows a request', (t) => {
  const text = inspect(loadDerOcspRequest(referenceOcsp('req-ext-nonce')), { depth: 10 });
  for (const part of ['OCSPRequest', 'sha1', '1.3.6.1.5.5.7.48.1.2']) t.true(text.includes(part), `${part} in ${text}`);
});

test('JSON: serial numbers as X509Certificate has them, bytes as hex, times in ISO 8601', (t) => {
  const request = JSON.parse(JSON.stringify(loadDerOcspRequest(referenceOcsp('req-sha1'))));
  t.like(request.requests[0], {
    hashAlgorithm: 'sha1',
    issuerNameHash: '38ca468c07448df48196c76d6d4c70519e60a7bd',
    issuerKeyHash: '7975bb843acb2cde7a09be311b43bc1c2a4d5358',
    serialNumber: '98D9E5C0B4C373552DF77C5D0F1EB5128E4945F9',
  });
  const response = JSON.parse(JSON.stringify(loadDerOcspResponse(referenceOcsp('resp-sha256'))));
  t.like(response, { responseStatus: 'SUCCESSFUL', producedAt: '2018-08-30T11:15:00.000Z' });
  t.like(response.responses[0], {
    certificateStatus: 'GOOD',
    thisUpdate: '2018-08-30T11:00:00.000Z',
    nextUpdate: '2018-09-06T11:00:00.000Z',
    revocationTime: null,
    revocationReason: null,
  });
});

test('printing never throws, whatever is in a message that loads', (t) => {
  const { cases } = vectorJson<{ cases: RecordedCase[] }>('reference/cases.json');
  let printed = 0;
  for (const { kind, name, der_hex } of cases) {
    const load = kind === 'request' ? loadDerOcspRequest : loadDerOcspResponse;
    let message: ReturnType<typeof load>;
    try {
      message = load(Buffer.from(der_hex, 'hex'), { strict: false });
    } catch {
      continue;
    }
    t.true(inspect(message, { depth: 10 }).length > 0, name);
    t.true(JSON.stringify(message).length > 0, name);
    printed += 1;
  }
  t.true(printed > 80, String(printed));
});

test('entries print and compare by themselves', (t) => {
  const [first, second] = loadDerOcspResponse(referenceOcsp('ocsp-army.deps.mil-resp')).responses;
  const [again] = loadDerOcspResponse(referenceOcsp('ocsp-army.deps.mil-resp')).responses;
  t.true(first?.equals(again));
  t.false(first?.equals(second));
  t.false(first?.equals({}));
  t.regex(inspect(first), /OCSPSingleResponse/);
  const [one, two] = loadDerOcspRequest(referenceOcsp('req-multi-sha1')).requests;
  t.true(one?.equals(one));
  t.false(one?.equals(two));
  t.regex(inspect(one), /OCSPRequestEntry/);
  t.false(loadDerOcspResponse(base64Vector('openssl/ocsp-tests/ND1.ors')).equals(first));
});

test('JSON of a signature algorithm that only OpenSSL reads', (t) => {
  const algorithm = der.sequence(der.hex('06092a864886f70d01010b'), der.hex('30800000'));
  const response = loadDerOcspResponse(der.response([der.singleResponse()], { algorithm }), { strict: false });
  t.throws(() => response.signatureAlgorithmOid, { code: 'ERR_OCSP_MALFORMED' });
  t.regex(JSON.stringify(response), /"signatureAlgorithmOid":\{"error"/);
});
