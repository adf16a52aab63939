// Building a request for a certificate, and loading one and reading its CertID.
import assert from 'node:assert/strict';
import { loadDerOcspRequest, OCSPRequestBuilder } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { walkRequest } from '../der-walker.mjs';
import { contender } from '../measure.mjs';
import { peerContenders, recorded, recordedCertificate } from './common.mjs';

export const heading = 'Requests';

export async function* tables({ peers }) {
  const baseline = loadBaseline();
  const certificate = recordedCertificate('cryptography.io.pem');
  const issuer = recordedCertificate('rapidssl_sha256_ca_g3.pem');
  const [subjectHandle, issuerHandle] = [certificate, issuer].map(({ raw }) => baseline.certificate(raw));
  const der = recorded('ocsp/req-sha1.der');
  const build = () => new OCSPRequestBuilder().addCertificate(certificate, issuer, 'sha1').build().publicBytes();
  const load = () => {
    const request = loadDerOcspRequest(der);
    return [request.issuerNameHash, request.issuerKeyHash, request.hashAlgorithm, request.serialNumber];
  };
  const serialNumber = BigInt(`0x${certificate.serialNumber}`);
  const check = (built) => {
    const request = loadDerOcspRequest(built);
    if (request.serialNumber !== serialNumber) throw new Error('another serial number');
    if (request.hashAlgorithm !== 'sha1') throw new Error('another hash');
  };
  yield {
    title: 'load, read the CertID',
    contenders: [
      { name: 'd2i and getters, C++', kind: 'limit', run: (n) => baseline.parseRequest(der, n) },
      await contender('openssl-ocsp', load, { kind: 'own' }),
      await contender('plain walker, JavaScript', () => walkRequest(der), {
        check: (read) => assert.deepEqual(read, load()),
      }),
      ...(await peerContenders(peers, (peer) => peer.loadRequest?.(der))),
    ],
  };
  yield {
    title: 'build',
    contenders: [
      {
        name: 'OCSP_cert_to_id and i2d, C++',
        kind: 'limit',
        run: (n) => baseline.buildRequest(subjectHandle, issuerHandle, n),
      },
      await contender('openssl-ocsp', build, { check, kind: 'own' }),
      ...(await peerContenders(peers, (peer) => peer.buildRequest?.(certificate, issuer), check)),
    ],
  };
}
