// Loading a response and checking its signature with the responder's certificate, which is trusted as it is.
import { verify as nodeVerify } from 'node:crypto';
import { loadDerOcspResponse, OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { contender } from '../measure.mjs';
import { KEYS, makeResponder, peerContenders } from './common.mjs';

export const heading = 'Loading a response and verifying its signature';

export async function* tables({ peers }) {
  const baseline = loadBaseline();
  for (const [algorithm, keyOptions, hash] of KEYS) {
    const responder = makeResponder(algorithm, keyOptions);
    if (responder === undefined) continue;
    const { certificate } = responder;
    const signer = baseline.key(responder.pkcs8);
    const signerCertificate = baseline.certificate(certificate.raw);
    const der = responseOf(responder, hash);
    const { tbsResponseBytes, signature } = loadDerOcspResponse(der);
    const { publicKey } = certificate;
    const own = () => {
      const response = loadDerOcspResponse(der);
      return nodeVerify(hash, response.tbsResponseBytes, publicKey, response.signature);
    };
    const check = (valid) => {
      if (valid !== true) throw new Error('the signature is refused');
    };
    yield {
      title: algorithm,
      contenders: [
        { name: 'bare verification', kind: 'limit', run: (n) => baseline.digestVerify(signer, hash, n) },
        await contender('openssl-ocsp load, node:crypto', own, { check, kind: 'own' }),
        { name: 'd2i, OCSP_basic_verify, C++', run: (n) => baseline.verifyResponse(der, signerCertificate, n) },
        await contender('node:crypto verify alone', () => nodeVerify(hash, tbsResponseBytes, publicKey, signature), {
          check,
        }),
        ...(await peerContenders(peers, (peer) => peer.verify?.(der, publicKey, hash), check)),
      ],
    };
  }
}

function responseOf({ certificate, key }, hash) {
  const now = new Date();
  return new OCSPResponseBuilder()
    .addResponse(
      certificate,
      certificate,
      'sha1',
      OCSPCertStatus.GOOD,
      now,
      new Date(now.getTime() + 3_600_000),
      null,
      null,
    )
    .responderId(OCSPResponderEncoding.HASH, certificate)
    .sign(key, hash)
    .publicBytes();
}
