// Signing many responses with one ResponseSigner, without and with threads of its own.
import { availableParallelism } from 'node:os';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { loadBaseline } from '../baseline.mjs';
import { contender } from '../measure.mjs';
import { KEYS, makeResponder, peerContenders } from './common.mjs';

const FIRST_SERIAL = 0x1000_0000_0000_0000n;

export const heading = 'Signing many responses';
/** A run has threads to start and first signatures to verify, which has to be little beside the rest. */
export const effort = { rounds: 7, milliseconds: 500 };

export async function* tables({ peers }) {
  const baseline = loadBaseline();
  for (const [algorithm, keyOptions, hash] of KEYS) {
    const responder = makeResponder(algorithm, keyOptions);
    if (responder === undefined) continue;
    const { certificate, key } = responder;
    const bareKey = baseline.key(responder.pkcs8);
    const bareCertificate = baseline.certificate(certificate.raw);
    const signer = new ResponseSigner({
      issuer: certificate,
      responder: certificate,
      privateKey: key,
      algorithm: hash,
      // One response for each entry, as the bare signature is one.
      certIdAlgorithm: 'sha256',
    });
    // What is signed in a response, so that both hash as much.
    const { length } = loadDerOcspResponse(signer.sign(entryAt(0n))).tbsResponseBytes;
    const bare = (threads) => (n) => baseline.digestSign(bareKey, hash, n, threads, length);
    const signAll = (threads) => (n) => drain(signer.signAll(entries(n), { threads }));
    let serialNumber = 0n;
    const one = () => {
      serialNumber += 1n;
      return entryAt(serialNumber);
    };
    const check = (der) => loadDerOcspResponse(der).serialNumber;
    yield {
      title: `${algorithm}, one thread`,
      contenders: [
        { name: 'bare signature, EVP_DigestSign', kind: 'limit', run: bare(1) },
        await contender('openssl-ocsp sign', () => signer.sign(one()), { check, kind: 'own' }),
        { name: 'openssl-ocsp signAll, 1 thread', run: signAll(1), kind: 'own' },
        {
          name: 'OCSP_basic_sign, C++',
          run: (n) => baseline.signResponse(bareKey, bareCertificate, hash, false, n),
        },
        // One after the other: they have nothing for many.
        ...(await peerContenders(peers, (peer) => peer.sign?.(responder, hash, false), check)),
      ],
    };
    for (let threads = 2; threads <= availableParallelism(); threads *= 2) {
      yield {
        title: `${algorithm}, ${threads} threads`,
        contenders: [
          { name: `bare signature, ${threads} threads`, kind: 'limit', run: bare(threads) },
          { name: `openssl-ocsp signAll, ${threads} threads`, run: signAll(threads), kind: 'own' },
          {
            name: 'openssl-ocsp signAsync, 64 in flight',
            batch: 64,
            kind: 'own',
            run: async (n) => {
              for (let i = 0; i < n; i += 1) {
                await Promise.all(Array.from({ length: 64 }, () => signer.signAsync(one())));
              }
            },
          },
        ],
      };
    }
  }
}

const entryAt = (i) => ({ serialNumber: FIRST_SERIAL + i, status: OCSPCertStatus.GOOD });

function* entries(count) {
  for (let i = 0n; i < count; i += 1n) yield entryAt(i);
}

/** Takes all results and keeps none. */
async function drain(results) {
  let bytes = 0;
  for await (const { der } of results) bytes += der.length;
  return bytes;
}
