import { request as httpRequest } from 'node:http';
import test from 'ava';
import { OCSPNonce, OCSPRequestBuilder, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponder, TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { runProgram } from '../helpers/programs.js';

const kit = new TestResponseKit();
const certificate = kit.leaf.certificate;
const issuer = kit.ca.certificate;
const request = (hash: 'sha1' | 'sha256' = 'sha256') =>
  new OCSPRequestBuilder().addCertificate(certificate, issuer, hash);

async function post(url: string, body: Uint8Array, signal?: AbortSignal): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    body: new Uint8Array(body),
    redirect: 'manual',
    ...(signal && { signal }),
  });
}
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

test('right and wrong answers, by POST and by GET, with the hash and the nonce of the request', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const asked = request('sha1')
    .addExtension(new OCSPNonce(Buffer.alloc(32, 7)), false)
    .build();
  for (const [behaviour, status, refusal] of [
    ['good', 'good', undefined],
    ['revoked', 'revoked', undefined],
    ['unknown', 'unknown', undefined],
    ['late', 'good', undefined],
    ['expired', null, 'EXPIRED'],
    ['not-yet-valid', null, 'NOT_YET_VALID'],
    ['other-certificate', null, 'CERTIFICATE_NOT_FOUND'],
    ['broken-signature', null, 'BAD_SIGNATURE'],
    ['stranger', null, 'SIGNER_NOT_AUTHORIZED'],
    ['tryLater', null, 'UNSUCCESSFUL'],
    ['cut', null, 'MALFORMED'],
    ['text', null, 'MALFORMED'],
    ['empty', null, 'MALFORMED'],
  ] as const) {
    responder.behaviour = behaviour;
    const der = await bytesOf(await post(responder.url, asked.publicBytes()));
    const verdict = verifyOcspResponse(der, { certificate, issuer, request: asked });
    t.is(verdict.status, status, behaviour);
    t.is(verdict.refusals[0]?.code, refusal, behaviour);
    if (verdict.usable) t.is(verdict.nonce, 'equal', behaviour);
  }
  responder.behaviour = 'good';
  const target = encodeURIComponent(request().build().publicBytes().toString('base64'));
  const answer = await fetch(responder.url + target);
  t.is(verifyOcspResponse(await bytesOf(answer), { certificate, issuer }).status, 'good');
  t.like(responder.requests.at(-1), { method: 'GET', target: `/${target}`, hashAlgorithm: 'sha256' });
  t.is(responder.requests.at(-1)!.serialNumber, 0x1234567890n);
  t.is(responder.requests[0]!.method, 'POST');
});

test('statuses of single certificates, hashes that are not known, answers that a function chooses', async (t) => {
  await using responder = await TestResponder.start(kit.ca, { hashes: ['sha1'] });
  responder.setStatus(certificate.serialNumber, 'revoked');
  const [bySha1, bySha256] = [request('sha1').build(), request().build()];
  const statusOf = async (body: Uint8Array) =>
    verifyOcspResponse(await bytesOf(await post(responder.url, body)), { certificate, issuer });
  t.is((await statusOf(bySha1.publicBytes())).status, 'revoked');
  t.is((await statusOf(bySha256.publicBytes())).responseStatus, 6);
  responder.behaviour = 'late';
  t.is((await statusOf(bySha1.publicBytes())).status, 'revoked');
  // What is late is the answer of that certificate, whatever it is.
  for (const [status, expected] of [
    ['expired', null],
    ['broken-signature', null],
    ['cut', 'good'],
  ] as const) {
    responder.setStatus(certificate.serialNumber, status);
    t.is((await statusOf(bySha1.publicBytes())).status, expected);
  }
  responder.setStatus(certificate.serialNumber, 'tryLater');
  t.is((await statusOf(bySha1.publicBytes())).responseStatus, 3);
  responder.setStatus(0x1234567890n, testErrorResponse(2));
  responder.behaviour = (asked) => (asked.hashAlgorithm === 'sha256' ? 'sigRequired' : 'good');
  t.is((await statusOf(bySha256.publicBytes())).responseStatus, 5);
  t.is((await statusOf(bySha1.publicBytes())).responseStatus, 2);
  t.is((await statusOf(Buffer.from('no request'))).responseStatus, 2 - 1);
});

test('what it is told to do and there is not, is an error, and no good answer', async (t) => {
  const none = { code: 'ERR_OCSP_INVALID_VALUE', message: /no behaviour 'revokd'/ };
  await t.throwsAsync(TestResponder.start(kit.ca, { behaviour: 'revokd' as never }), none);
  await using responder = await TestResponder.start(kit.ca);
  t.throws(() => responder.setStatus(1n, 'revokd' as never), none);
  t.throws(() => {
    responder.behaviour = 'toString' as never;
  });
  t.is(responder.behaviour, 'good');
  responder.behaviour = () => 'revokd' as never;
  await t.throwsAsync(post(responder.url, request().build().publicBytes()));
});

test('faults of HTTP', async (t) => {
  await using responder = await TestResponder.start(kit.ca, { delay: 1 });
  const body = request().build().publicBytes();
  responder.behaviour = 'slow';
  const slow = await bytesOf(await post(responder.url, body));
  t.is(verifyOcspResponse(slow, { certificate, issuer }).status, 'good');
  responder.behaviour = 404;
  t.is((await post(responder.url, body)).status, 404);
  responder.behaviour = 'wrong-type';
  t.is((await post(responder.url, body)).headers.get('content-type'), 'text/html');
  responder.behaviour = 'redirect-loop';
  t.is((await post(responder.url, body)).headers.get('location'), '/');
  for (const behaviour of ['half', 'gone', 'endless-header', 'bare-lf', 'no-colon', 'not-http'] as const) {
    responder.behaviour = behaviour;
    await t.throwsAsync(async () => await bytesOf(await post(responder.url, body)), { any: true }, behaviour);
  }
  responder.behaviour = 'silent';
  await t.throwsAsync(post(responder.url, body, AbortSignal.timeout(200)), { any: true, name: 'TimeoutError' });
  responder.behaviour = 'endless';
  let length = 0;
  const abort = new AbortController();
  const drain = async () => {
    for await (const chunk of (await post(responder.url, body, abort.signal)).body!) {
      length += (chunk as Uint8Array).length;
      if (length > 1 << 22) abort.abort();
    }
  };
  await t.throwsAsync(drain(), { any: true });
  t.true(length > 1 << 22);
  responder.behaviour = 'switching-protocols';
  const upgraded = await new Promise<number | undefined>((resolve, reject) => {
    httpRequest(responder.url, { method: 'POST' })
      .on('upgrade', (message, socket) => {
        socket.destroy();
        resolve(message.statusCode);
      })
      .on('error', reject)
      .end(body);
  });
  t.is(upgraded, 101);
});

test('it stops, whoever waits', async (t) => {
  const responder = await TestResponder.start(kit.ca, { behaviour: 'silent' });
  const waiting = post(responder.url, request().build().publicBytes());
  while (responder.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await responder.close();
  await responder.close();
  await t.throwsAsync(waiting, { any: true });
});

withCli('openssl ocsp asks it', async (t) => {
  using scratch = new Scratch();
  await using responder = await TestResponder.start(kit.ca);
  const args = [
    ...['ocsp', '-issuer', scratch.write('ca.pem', kit.ca.certificatePem), '-url', responder.url],
    ...['-cert', scratch.write('leaf.pem', kit.leaf.certificatePem)],
    ...['-CAfile', scratch.write('root.pem', kit.root.certificatePem + kit.ca.certificatePem)],
  ];
  const good = await runProgram('openssl', args);
  t.regex(good.stdout, /: good/, good.stderr);
  t.regex(good.stderr, /Response verify OK/);
  responder.behaviour = 'revoked';
  t.regex((await runProgram('openssl', args)).stdout, /: revoked/);
});
