/** Requests that are nearly right, by the thousand: an answer that a client can read, and nothing thrown. */
import { connect } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPResponseStatus,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { ask, ca, listen, makeResponder, statusIn, TestAuthority } from './fixtures.js';

const seeds = [
  ask(['1001']),
  ask(['1002'], { hash: 'sha1' }),
  ask(['1001', '1002', '4711']),
  ask(['1001'], { nonce: Buffer.alloc(32, 5) }),
  ask(['F'.repeat(40)], { hash: 'sha512' }),
];

/** Flips, cuts, inserts and copies bytes. */
const mutated: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 400 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
  )
  .map(([seed, changes]) => {
    let bytes = Buffer.from(seed);
    for (const [kind, where, value] of changes) {
      const at = where % Math.max(1, bytes.length);
      if (kind === 0) bytes = Buffer.from(bytes.subarray(0, at));
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at)]);
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      else if (kind === 3) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
      else if (bytes.length > 0) bytes[at] = kind === 4 ? value : (bytes[at] as number) ^ (1 << (value & 7));
    }
    return bytes;
  });

test('answer(): whatever comes in', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority, notIssued: 'unknown' });
  await fc.assert(
    fc.asyncProperty(mutated, async (bytes) => {
      const answer = await responder.answer(bytes);
      const response = loadDerOcspResponse(answer.der);
      if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL) return answer.source === 'error';
      // What was answered was asked, and no one is good who is not on the list.
      const request = loadDerOcspRequest(bytes, { strict: false });
      if (request.requests.length !== response.responses.length) return false;
      if (
        request.requests.length === 1 &&
        verifyOcspResponse(answer.der, { request, issuer: ca.certificate }).status === null
      )
        return false;
      return response.responses.every(({ serialNumber, certificateStatus }, i) => {
        const isListed = authority.entries.get(serialNumber.toString(16).toUpperCase())?.status === OCSPCertStatus.GOOD;
        return (
          request.requests[i]?.serialNumber === serialNumber && (certificateStatus !== OCSPCertStatus.GOOD || isListed)
        );
      });
    }),
    { numRuns: 3000 },
  );
  const { byType } = responder.health().answers;
  t.true((byType['malformedRequest'] ?? 0) > 100 && (byType['good'] ?? 0) > 10, JSON.stringify(byType));
  t.is(byType['internalError'], 0);
});

test('over HTTP: whatever comes in, the next client is served', async (t) => {
  const responder = makeResponder(t);
  const { port, server } = await listen(t, responder);
  server.requestTimeout = 2000;
  const good = ask(['1001']);
  const wires = [
    Buffer.from(
      `GET /${encodeURIComponent(good.toString('base64'))} HTTP/1.1\r\nHost: x\r\nIf-None-Match: "x"\r\n\r\n`,
    ),
    Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${good.length}\r\n\r\n`), good]),
    Buffer.concat([
      Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n'),
      good.subarray(0, 5),
      Buffer.from('\r\n0\r\n\r\n'),
    ]),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...wires),
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 300 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 3,
      }),
      async (wire, changes) => {
        const bytes = Buffer.from(wire);
        for (const [kind, where, value] of changes) {
          const at = where % bytes.length;
          if (kind === 2) bytes.copyWithin(at, 0, value);
          else bytes[at] = value;
        }
        await new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
          socket.resume();
        });
      },
    ),
    { numRuns: 500 },
  );
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: good });
  t.is(statusIn(Buffer.from(await response.arrayBuffer()), good), 'good');
  t.is(responder.health().answers.byType['internalError'], 0);
});
