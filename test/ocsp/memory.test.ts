import { createContext, runInContext } from 'node:vm';
import test from 'ava';
import { HashAlgorithm, loadDerOcspRequest, loadDerOcspResponse, OCSPNonce, OCSPRequestBuilder } from 'openssl-ocsp';
import { cert, certId, goldenRequest, issuer, responseBuilder, rootKey, times } from '../helpers/fixtures.js';
import { probe } from '../helpers/probe.js';
import { refuses } from '../helpers/refusals.js';
import { referenceOcsp } from '../helpers/vectors.js';

const { SHA1, SHA256 } = HashAlgorithm;

test('bytes in memory of every kind', (t) => {
  const { length } = goldenRequest;
  const expected = goldenRequest.toString('hex');
  const loads = (bytes: Uint8Array) => loadDerOcspRequest(bytes).publicBytes().toString('hex');

  const offset = new Uint8Array(length + 20).fill(0xee);
  offset.set(goldenRequest, 7);
  t.is(loads(offset.subarray(7, 7 + length)), expected, 'a subarray');
  t.is(loads(new Uint8Array(offset.buffer, 7, length)), expected, 'an offset');

  const shared = new Uint8Array(new SharedArrayBuffer(length));
  shared.set(goldenRequest);
  t.is(loads(shared), expected, 'shared memory');
  const request = loadDerOcspRequest(shared);
  shared.fill(0);
  t.is(request.publicBytes().toString('hex'), expected, 'and later changes there do not show');

  const foreign = runInContext(`Uint8Array.from([${[...goldenRequest]}])`, createContext({})) as Uint8Array;
  t.false(foreign instanceof Uint8Array);
  t.is(loads(foreign), expected, 'another realm');
  const foreignHash = runInContext(`Uint8Array.from([${[...certId.issuerKeyHash]}])`, createContext({})) as Uint8Array;
  const built = new OCSPRequestBuilder()
    .addCertificateByHash(certId.issuerNameHash, foreignHash, 0x3f20n, SHA1)
    .build();
  t.is(built.publicBytes().toString('hex'), expected);

  const Resizable = ArrayBuffer as unknown as new (
    size: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(size: number): void };
  const buffer = new Resizable(length, { maxByteLength: 2 * length });
  const resizable = new Uint8Array(buffer);
  resizable.set(goldenRequest);
  t.is(loads(resizable), expected, 'resizable memory');
  const kept = loadDerOcspRequest(resizable);
  buffer.resize(0);
  t.is(kept.publicBytes().toString('hex'), expected);
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(resizable), 'shrunk to nothing');

  const detached = new Uint8Array(goldenRequest);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(detached), 'detached: no bytes');
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () =>
    new OCSPRequestBuilder().addCertificateByHash(detached, certId.issuerKeyHash, 1n, SHA1),
  );
  refuses(t, 'ERR_OCSP_MALFORMED', () => new OCSPRequestBuilder().addCertificate(detached, issuer, SHA1));

  class Bytes extends Uint8Array {
    override get length(): number {
      return 1 << 30;
    }
  }
  const lying = new Bytes(goldenRequest);
  t.notThrows(() => probe(t, loadDerOcspRequest, lying), 'a length that lies');
});

test('a length that lies does no harm to other messages, which lie beside its copy', (t) => {
  for (const length of [-200, -1, 1, 1.5, Number.NaN, '5', goldenRequest.length + 2000]) {
    const before = loadDerOcspRequest(goldenRequest);
    const lying = new Uint8Array(goldenRequest);
    Object.defineProperty(lying, 'length', { value: length });
    t.deepEqual(loadDerOcspRequest(lying).publicBytes(), goldenRequest, `what is there is read, not ${length} bytes`);
    const after = loadDerOcspRequest(referenceOcsp('req-ext-nonce'));
    t.deepEqual(before.publicBytes(), goldenRequest, `before ${length}`);
    t.deepEqual(after.publicBytes(), referenceOcsp('req-ext-nonce'), `after ${length}`);
  }
});

test('inputs are not changed, and later changes to them do not show', (t) => {
  const pristine = { request: Buffer.from(goldenRequest), response: referenceOcsp('resp-sct-extension') };
  const bytes = { request: Buffer.from(pristine.request), response: Buffer.from(pristine.response) };
  const request = loadDerOcspRequest(bytes.request);
  const response = loadDerOcspResponse(bytes.response);
  JSON.stringify([request, response]);
  t.deepEqual(bytes, pristine);
  bytes.request.fill(0);
  bytes.response.fill(0);
  t.deepEqual(request.publicBytes(), pristine.request);
  t.deepEqual(response.publicBytes(), pristine.response);
  t.is(response.responses[0]?.extensions.length, 1);

  const nameHash = Buffer.from(certId.issuerNameHash);
  const nonce = Buffer.from('nonce');
  const builder = new OCSPRequestBuilder()
    .addCertificateByHash(nameHash, certId.issuerKeyHash, 1n, SHA1)
    .addExtension(new OCSPNonce(nonce), false);
  const before = builder.build().publicBytes();
  nameHash.fill(0);
  nonce.fill(0);
  t.deepEqual(builder.build().publicBytes(), before);

  const keyBytes = rootKey.export({ format: 'der', type: 'pkcs8' });
  const copy = Buffer.from(keyBytes);
  responseBuilder().sign({ key: keyBytes, format: 'der', type: 'pkcs8' }, SHA256);
  t.deepEqual(keyBytes, copy, "the caller's key bytes are the caller's");

  const thisUpdate = new Date(times.thisUpdate);
  const dated = responseBuilder({ thisUpdate });
  thisUpdate.setTime(0);
  t.deepEqual(dated.sign(rootKey, SHA256).thisUpdate, times.thisUpdate);

  const certs = [issuer];
  const certified = responseBuilder().certificates(certs);
  certs.push(cert);
  t.is(certified.sign(rootKey, SHA256).certificates.length, 1);
});

test('bytes that come out are not views of shared memory', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-sct-extension'));
  const request = loadDerOcspRequest(referenceOcsp('req-ext-nonce'));
  const nonce = request.extensions.getExtensionForClass(OCSPNonce).value;
  const outs = {
    publicBytes: response.publicBytes(),
    signature: response.signature,
    tbs: response.tbsResponseBytes,
    issuerKeyHash: response.issuerKeyHash,
    issuerNameHash: response.issuerNameHash,
    request: request.publicBytes(),
    requestHash: request.issuerKeyHash,
    nonce: nonce.nonce,
    value: nonce.publicBytes(),
    name: response.responderName?.publicBytes() ?? Buffer.alloc(0),
  };
  for (const [name, out] of Object.entries(outs)) {
    t.true(Buffer.isBuffer(out), name);
    t.is(out.buffer.byteLength, out.length, `${name} stands alone in its memory`);
    t.is(out.byteOffset, 0, name);
  }
});
