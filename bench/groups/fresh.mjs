// Certificates that no one has seen before: what real callers bring with each connection, document and request. Limits of
// verdicts are the signature verifications that they cannot do without.
import { fork } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { loadDerOcspRequest, OCSPRequestBuilder, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { loadBaseline } from '../baseline.mjs';
import { contender } from '../measure.mjs';
import { KEYS, responseOf } from './common.mjs';

export const heading = 'Certificates that are new each time';

/** More than the addon keeps of the latest decoded certificates (native/core/signer_certificate.h), each of them new. */
const SIZE = 520;

export async function* tables({ quick }) {
  const baseline = loadBaseline();
  const keys = KEYS.filter(([name]) => ['P-256', 'RSA-2048', 'Ed25519'].includes(name));
  for (const [algorithm, keyOptions, hash] of keys) {
    const cases = makeCases(keyOptions, hash, quick ? 4 : SIZE);
    const bareKey = baseline.key(cases[0].ca.privateKey.export({ format: 'der', type: 'pkcs8' }));
    const bare = (count, name) => ({
      name,
      kind: 'limit',
      run: (n) => baseline.digestVerify(bareKey, hash, count * n),
    });
    const check = (verdict) => {
      if (verdict.status !== 'good') throw new Error(verdict.explain());
    };
    const judgeNext = (name, list) => {
      const next = cycle(list);
      const run = () => {
        const { der, leaf, issuer } = next();
        return verifyOcspResponse(der, { certificate: leaf, issuer });
      };
      return contender(name, run, { check, kind: 'own' });
    };
    const judged = [await judgeNext('verifyOcspResponse', cases)];
    // So many RSA keys would take minutes to make.
    if (keyOptions.keyType !== 'rsa') {
      const others = Array.from({ length: quick ? 4 : SIZE }, () => makeCases(keyOptions, hash, 1)[0]);
      judged.push(await judgeNext('verifyOcspResponse, keys new, too', others));
    }
    yield {
      title: `${algorithm}, leaf, delegate and CA as new DER`,
      contenders: [bare(3, 'three bare verifications'), ...judged],
    };
    const [{ ca, delegate }] = cases;
    const leaves = makeLeaves(ca, delegate, ca.issue(keyOptions).privateKey, hash, quick ? 4 : SIZE);
    const nextLeaf = cycle(leaves);
    const verifier = new Verifier();
    const issuer = ca.certificate;
    const judge = (input) => {
      const { der, leaf } = nextLeaf();
      return verifier.verify(der, { certificate: input(leaf), issuer });
    };
    yield {
      title: `${algorithm}, leaf new, CA and delegate known`,
      contenders: [
        bare(2, 'two bare verifications'),
        await contender('Verifier, DER', () => judge((leaf) => leaf), { check, kind: 'own' }),
        await contender('Verifier, new X509Certificate', () => judge((leaf) => new X509Certificate(leaf)), {
          check,
          kind: 'own',
        }),
        await contender(
          'Verifier, DER of all',
          () => {
            const { der, leaf } = nextLeaf();
            return verifier.verify(der, { certificate: leaf, issuer: cases[0].issuer });
          },
          { check, kind: 'own' },
        ),
      ],
    };
    const many = Array.from({ length: 2048 }, () => {
      const { der, leaf } = nextLeaf();
      return { response: der, certificate: leaf, issuer };
    });
    yield {
      title: `${algorithm}, many on all cores`,
      contenders: [
        await contender('Verifier, one by one', () => judge((leaf) => leaf), { check, kind: 'own' }),
        await contender('verifyMany', () => verifier.verifyMany(many), {
          check: (verdicts) => verdicts.forEach(check),
          kind: 'own',
          batch: many.length,
        }),
      ],
    };
    if (algorithm === 'P-256') yield await requests(baseline, issuer, leaves);
  }
}

export async function* figures({ quick }) {
  const count = quick ? 100 : 1_000_000;
  const child = fork(fileURLToPath(new URL('../fresh-memory.mjs', import.meta.url)));
  child.send(count);
  const [bytes] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the process ended with ${code}`))),
  ]);
  yield {
    name: `memory after ${count} new certificates, more than after a tenth`,
    value: bytes / 2 ** 20,
    unit: 'MiB',
    goal: '<= 8',
  };
}

async function requests(baseline, issuer, leaves) {
  const next = cycle(leaves);
  const issuerHandle = baseline.certificate(issuer.raw);
  const handle = baseline.certificate(leaves[0].leaf);
  const object = new X509Certificate(leaves[0].leaf);
  const build = (certificate) =>
    new OCSPRequestBuilder().addCertificate(certificate, issuer, 'sha1').build().publicBytes();
  const check = (der) => {
    if (loadDerOcspRequest(der).hashAlgorithm !== 'sha1') throw new Error('another hash');
  };
  const own = (name, input) => contender(name, () => build(input(next())), { check, kind: 'own' });
  return {
    title: 'request',
    contenders: [
      {
        name: 'd2i_X509, OCSP_cert_to_id, i2d; C++',
        kind: 'limit',
        run: (n) => baseline.buildRequestFromDer(leaves[0].leaf, issuerHandle, n),
      },
      {
        name: 'OCSP_cert_to_id, i2d; C++',
        kind: 'limit',
        run: (n) => baseline.buildRequest(handle, issuerHandle, n),
      },
      await own('DER', ({ leaf }) => leaf),
      await own('PEM', ({ pem }) => pem),
      await own('new X509Certificate', ({ leaf }) => new X509Certificate(leaf)),
      await own('the same object again', () => object),
    ],
  };
}

function cycle(items) {
  let at = 0;
  return () => items[at++ % items.length];
}

/** A CA, a delegate and a certificate each, which share their keys only. */
function makeCases(keyOptions, hash, count) {
  const first = createTestCa(keyOptions);
  const second = first.issueResponder(keyOptions);
  const { privateKey } = first.issue(keyOptions);
  return Array.from({ length: count }, () => {
    const subject = 'C=XX,O=Benchmark,CN=Benchmark CA';
    const ca = createTestCa({ ...keyOptions, subject, privateKey: first.privateKey });
    const delegate = ca.issueResponder({
      subject: 'C=XX,O=Benchmark,CN=Benchmark responder',
      privateKey: second.privateKey,
    });
    const [leaf] = makeLeaves(ca, delegate, privateKey, hash, 1);
    return { ca, delegate, issuer: Buffer.from(ca.certificate.raw), ...leaf };
  });
}

export function makeLeaves(ca, delegate, privateKey, hash, count) {
  return Array.from({ length: count }, (_, i) => {
    const { certificate, certificatePem } = ca.issue({
      subject: `C=XX,O=Benchmark,CN=host-${i}.example`,
      privateKey,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['serverAuth'],
      dnsNames: [`host-${i}.example`],
      aia: { ocsp: 'http://ocsp.example/' },
    });
    const der = responseOf(certificate, ca, delegate, hash);
    return { leaf: Buffer.from(certificate.raw), pem: certificatePem, der };
  });
}
