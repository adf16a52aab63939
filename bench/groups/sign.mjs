// Signing one response, from a certificate and its status to DER.
import { sign as nodeSign } from 'node:crypto';
import { loadDerOcspResponse, OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { contender } from '../measure.mjs';
import { KEYS, makeResponder, peerContenders } from './common.mjs';

/** In flight at a time, in the asynchronous forms. */
const IN_FLIGHT = 32;
/** As long as the ResponseData that the others sign. */
const DATA = Buffer.alloc(160, 0x30);

export const heading = 'Signing one response';

export async function* tables({ peers }) {
  const baseline = loadBaseline();
  for (const [algorithm, keyOptions, hash] of KEYS) {
    const responder = makeResponder(algorithm, keyOptions);
    if (responder === undefined) continue;
    const { certificate, key } = responder;
    const signer = baseline.key(responder.pkcs8);
    const signerCertificate = baseline.certificate(certificate.raw);
    for (const embed of [false, true]) {
      const check = (der) => checkResponse(der, certificate, embed);
      yield {
        title: `${algorithm}${embed ? ', certificate embedded' : ''}`,
        contenders: [
          {
            name: 'bare signature, EVP_DigestSign',
            kind: 'limit',
            run: (n) => baseline.digestSign(signer, hash, n, 1),
          },
          ...(hash === null
            ? []
            : [
                {
                  name: 'bare signature, EVP_PKEY_sign',
                  kind: 'limit',
                  run: (n) => baseline.pkeySign(signer, hash, n),
                },
              ]),
          ...(await own(responder, hash, embed, check)),
          {
            name: 'OCSP_basic_sign, C++',
            run: (n) => baseline.signResponse(signer, signerCertificate, hash, embed, n),
          },
          await contender('node:crypto sign alone', () => nodeSign(hash, DATA, key)),
          ...(await peerContenders(peers, (peer) => peer.sign?.(responder, hash, embed), check)),
        ],
      };
    }
  }
  yield together(makeResponder(...KEYS[0]));
}

/** However many answers are in one response, each costs the same. The first row is not a limit, but what the other one should be. */
function together({ certificate, key }) {
  const hashes = { issuerNameHash: Buffer.alloc(20, 1), issuerKeyHash: Buffer.alloc(20, 2), algorithm: 'sha1' };
  const now = new Date();
  const status = { certStatus: OCSPCertStatus.GOOD, thisUpdate: now, nextUpdate: new Date(now.getTime() + 3_600_000) };
  const contenders = [1000, 100_000].map((answers) => ({
    name: `openssl-ocsp, ${answers.toLocaleString('en')} answers`,
    kind: 'own',
    batch: answers,
    run: (n) => {
      for (let i = 0; i < n; i += 1) {
        let builder = new OCSPResponseBuilder().responderId(OCSPResponderEncoding.HASH, certificate);
        for (let number = 1n; number <= answers; number += 1n)
          builder = builder.addResponseByHash({ ...hashes, ...status, serialNumber: number << 64n });
        builder.sign(key, KEYS[0][2]);
      }
    },
  }));
  return { title: 'an answer of a response with many', contenders };
}

/** Every contender has to give a response that says the same. */
function checkResponse(der, certificate, embed) {
  const response = loadDerOcspResponse(der);
  if (response.serialNumber !== BigInt(`0x${certificate.serialNumber}`)) throw new Error('another serial number');
  if (response.certificateStatus !== OCSPCertStatus.GOOD) throw new Error('another status');
  if (response.responderKeyHash === null) throw new Error('no responder key hash');
  if (response.certificates.length !== (embed ? 1 : 0)) throw new Error('another number of certificates');
}

async function own({ certificate, key }, hash, embed, check) {
  const bare = new OCSPResponseBuilder().responderId(OCSPResponderEncoding.HASH, certificate);
  const base = embed ? bare.certificates([certificate]) : bare;
  const build = () => {
    const now = new Date();
    return base.addResponse({
      cert: certificate,
      issuer: certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 3_600_000),
    });
  };
  const external = { sign: (data) => nodeSign(hash, data, key) };
  const inFlight = async (signer) => {
    const pending = Array.from({ length: IN_FLIGHT }, () => build().signAsync(signer, hash));
    return (await Promise.all(pending)).map((response) => response.publicBytes());
  };
  const several = { check: (list) => list.forEach(check), batch: IN_FLIGHT, kind: 'own' };
  return [
    await contender('openssl-ocsp sign', () => build().sign(key, hash).publicBytes(), { check, kind: 'own' }),
    await contender(`openssl-ocsp signAsync, ${IN_FLIGHT} in flight`, () => inFlight(key), several),
    // Its signature is verified, so this is a signature and a verification.
    await contender('openssl-ocsp, external signer', () => inFlight(external), several),
  ];
}
