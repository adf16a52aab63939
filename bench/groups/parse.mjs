// Loading a response and reading status, serial number, times and responder id.
import assert from 'node:assert/strict';
import { loadDerOcspResponse } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { walkResponse } from '../der-walker.mjs';
import { contender } from '../measure.mjs';
import { peerContenders, recorded } from './common.mjs';

const MESSAGES = [
  ['responder by key', 'ocsp/resp-responder-key-hash.der'],
  ['responder by name', 'ocsp/resp-sha256.der'],
  ['by key, certificate embedded', 'ocsp/resp-delegate-unknown-cert.der'],
  ['by name, certificate embedded', 'ocsp/resp-revoked-reason.der'],
];

export const heading = 'Loading a response, reading status, serial number, times and responder id';

export async function* tables({ peers }) {
  const baseline = loadBaseline();
  for (const [title, file] of MESSAGES) {
    const der = recorded(file);
    const own = () => {
      const response = loadDerOcspResponse(der);
      return [
        response.certificateStatus,
        response.serialNumber,
        response.producedAt,
        response.thisUpdate,
        response.nextUpdate,
        response.responderKeyHash ?? response.responderName,
      ];
    };
    yield {
      title,
      contenders: [
        { name: 'd2i and getters, C++', kind: 'limit', run: (n) => baseline.parseResponse(der, n) },
        await contender('openssl-ocsp', own, { kind: 'own' }),
        await contender('plain walker, JavaScript', () => walkResponse(der), {
          check: (read) => assert.deepEqual(read.slice(0, -1), own().slice(0, -1)),
        }),
        ...(await peerContenders(peers, (peer) => peer.parse?.(der))),
      ],
    };
  }
}
