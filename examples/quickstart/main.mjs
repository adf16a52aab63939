// The main job on real input, in small: ask for the status of a certificate, answer, read both messages, check the answer.
import { execFile, execFileSync } from 'node:child_process';
import { sign, verify } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  opensslInfo,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { bulkSign, indexTxtSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { listAuthority, Responder, serve } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';

const HOUR = 3600 * 1000;

// However this ends, nothing is left behind.
const work = mkdtempSync(join(tmpdir(), 'openssl-ocsp-quickstart-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

console.log(`openssl-ocsp on ${opensslInfo.version}\n`);

// A throw-away CA, a certificate that it issued, and the delegate that answers for it.
const ca = createTestCa({ subject: 'O=Example, CN=Example CA' });
const server = ca.issue({ subject: 'CN=server.example', serialNumber: 0x1234_5678_9abc_def0n });
const responder = ca.issueResponder({ subject: 'O=Example, CN=OCSP responder' });

// The client asks.
const request = new OCSPRequestBuilder()
  .addCertificate(server.certificate, ca.certificate, HashAlgorithm.SHA256)
  .addExtension(new OCSPNonce(Buffer.from('a nonce of thirty-two bytes ...')), false)
  .build();
console.log('The request:', request, '\n');

// The responder reads the request and answers.
const asked = loadDerOcspRequest(request.publicBytes());
const now = new Date();
const response = new OCSPResponseBuilder()
  .addResponseByHash({
    issuerNameHash: asked.issuerNameHash,
    issuerKeyHash: asked.issuerKeyHash,
    serialNumber: asked.serialNumber,
    algorithm: asked.hashAlgorithm,
    certStatus: OCSPCertStatus.GOOD,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 12 * HOUR),
  })
  .addExtension(asked.extensions.getExtensionForClass(OCSPNonce).value, false)
  .responderId(OCSPResponderEncoding.HASH, responder.certificate)
  .certificates([responder.certificate])
  .sign(responder.privateKey, HashAlgorithm.SHA256);

// The client reads the answer, and asks whether to believe it.
const answer = loadDerOcspResponse(response.publicBytes());
console.log('The response:', answer, '\n');
const { certificate } = server;
const verdict = verifyOcspResponse(response.publicBytes(), { certificate, issuer: ca.certificate, request });
console.log(`The verdict:\n${verdict.explain()}\n`);
if (verdict.status !== 'good') throw new Error('the answer was refused');

checkWithOpenssl();
await signInBulk();
await answerOverHttp();

/** The openssl command, where there is one, checks signature, chain and status. */
function checkWithOpenssl() {
  const file = (name, content) => {
    writeFileSync(join(work, name), content);
    return join(work, name);
  };
  const args = [
    'ocsp',
    ...['-respin', file('response.der', response.publicBytes()), '-no_nonce'],
    ...['-issuer', file('ca.pem', ca.certificatePem), '-sha256', '-cert', file('server.pem', server.certificatePem)],
    ...['-CAfile', join(work, 'ca.pem')],
  ];
  try {
    const output = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    console.log(`The openssl command says:\n${output}`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw new Error(`the openssl command disagrees: ${error.stderr}`);
    console.log('There is no openssl command here to check the answer with.');
  }
}

/** The same for a hundred thousand certificates: the CA's index.txt becomes a store of signed responses. */
async function signInBulk() {
  const COUNT = 100_000;
  const index = createWriteStream(join(work, 'index.txt'));
  for (let i = 1; i <= COUNT; i += 1) {
    const serial = i.toString(16).toUpperCase().padStart(16, '0');
    // Every hundredth has been revoked.
    const [type, revoked] = i % 100 === 0 ? ['R', '260102030405Z,keyCompromise'] : ['V', ''];
    index.write(`${type}\t301231235959Z\t${revoked}\t${serial}\tunknown\t/CN=device ${i}\n`);
  }
  await new Promise((resolve) => index.end(resolve));

  const store = await SegmentStore.open(join(work, 'responses'));
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: responder.certificate,
    privateKey: responder.privateKey,
  });
  const limit = await bareSignatures(responder.privateKey);
  const begin = Date.now();
  const { signed, bytes } = await bulkSign({
    source: indexTxtSource(join(work, 'index.txt')),
    signer,
    store,
    id: 'quickstart',
  });
  const rate = (signed / (Date.now() - begin)) * 1000;
  console.log(
    `Bulk: ${signed} responses (${(bytes / 2 ** 20).toFixed(0)} MiB) at ${Math.round(rate)}/s, ` +
      `${(rate / limit).toFixed(2)} of node:crypto signing alone on all cores`,
  );
  for (const i of [1, 4242, COUNT]) {
    const response = loadDerOcspResponse(store.get(BigInt(i)));
    const expected = i % 100 === 0 ? OCSPCertStatus.REVOKED : OCSPCertStatus.GOOD;
    const genuine = verify('sha256', response.tbsResponseBytes, responder.certificate.publicKey, response.signature);
    if (!genuine || response.certificateStatus !== expected) throw new Error(`the response for ${i} is wrong`);
  }
  console.log('A sample of them has the right status and a good signature.');
  store.close();
}

/** A responder on a loopback port, asked by the openssl command; a revocation shows in the next answer. */
async function answerOverHttp() {
  writeFileSync(join(work, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(work, 'server.pem'), server.certificatePem);
  const { serialNumber } = server.certificate;
  const overHttp = new Responder({
    issuers: [
      {
        certificate: ca.certificate,
        authority: listAuthority([{ serialNumber, status: OCSPCertStatus.GOOD }]),
        signers: [{ responder: responder.certificate, privateKey: responder.privateKey }],
      },
    ],
  });
  const http = await serve(overHttp, { port: 0, host: '127.0.0.1' });
  const request = new OCSPRequestBuilder()
    .addCertificate(server.certificate, ca.certificate, HashAlgorithm.SHA1)
    .build();
  const der = request.publicBytes();
  const ask = async (how, url, init) => {
    const answer = Buffer.from(await (await fetch(url, init)).arrayBuffer());
    const { status } = verifyOcspResponse(answer, { certificate: server.certificate, issuer: ca.certificate, request });
    console.log(`Responder, asked by ${how}: ${status}`);
    return status;
  };
  const get = () => ask('GET', `${http.url}/${encodeURIComponent(der.toString('base64'))}`);
  const post = () => ask('POST', http.url, { method: 'POST', body: der });
  console.log(`A responder at ${http.url}`);
  if ((await get()) !== 'good' || (await post()) !== 'good') throw new Error('the certificate is not good');
  await askWithOpenssl(http.url, 'good');

  const begin = performance.now();
  await overHttp.update([{ serialNumber, status: OCSPCertStatus.REVOKED, revocationTime: new Date() }]);
  if ((await get()) !== 'revoked') throw new Error('the revocation does not show');
  console.log(`From the revocation to an answer that says so: ${(performance.now() - begin).toFixed(1)} ms`);
  if ((await post()) !== 'revoked') throw new Error('the revocation does not show');
  await askWithOpenssl(http.url, 'revoked');
  await http.close();
  await overHttp.close();
}

/** `openssl ocsp -url`; beside this process, which has to answer. */
async function askWithOpenssl(url, expected) {
  const [caFile, cert] = ['ca.pem', 'server.pem'].map((name) => join(work, name));
  try {
    const { stdout } = await promisify(execFile)('openssl', [
      'ocsp',
      ...['-url', url, '-issuer', caFile, '-cert', cert, '-CAfile', caFile],
    ]);
    if (!stdout.includes(`: ${expected}\n`)) throw new Error(`the openssl command says: ${stdout}`);
    console.log(`Responder, asked by the openssl command, with a nonce: ${expected}`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Signatures per second with this key on all cores, by crypto.sign on libuv's pool. */
async function bareSignatures(key) {
  const data = Buffer.alloc(160);
  const signOne = promisify(sign);
  const COUNT = 4000;
  const begin = Date.now();
  await Promise.all(Array.from({ length: COUNT }, () => signOne('sha256', data, key)));
  return (COUNT / (Date.now() - begin)) * 1000;
}
