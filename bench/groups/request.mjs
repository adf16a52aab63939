// Building a request for a certificate, and loading one and reading its CertID.
import { X509Certificate } from 'node:crypto';
import { loadDerOcspRequest, OCSPRequestBuilder } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { recorded, repeat } from './common.mjs';

export const title = 'request';

export async function tables({ peers }) {
  const baseline = loadBaseline();
  const cert = new X509Certificate(recorded('cryptography.io.pem'));
  const issuer = new X509Certificate(recorded('rapidssl_sha256_ca_g3.pem'));
  const der = recorded('ocsp/req-sha1.der');
  return [
    {
      title: 'build a request',
      contenders: [
        {
          name: 'OCSP_cert_to_id and i2d, C++',
          limit: true,
          run: (n) => baseline.opensslBuildRequest(cert.raw, issuer.raw, n),
        },
        {
          name: 'openssl-ocsp',
          run: repeat(() => new OCSPRequestBuilder().addCertificate(cert, issuer, 'sha1').build().publicBytes()),
        },
      ],
    },
    {
      title: 'load a request, read its CertID',
      contenders: [
        { name: 'd2i and getters, C++', limit: true, run: (n) => baseline.opensslParseRequest(der, n) },
        {
          name: 'openssl-ocsp',
          run: repeat(() => {
            const request = loadDerOcspRequest(der);
            return [request.issuerNameHash, request.issuerKeyHash, request.hashAlgorithm, request.serialNumber];
          }),
        },
        ...peersOf(der, peers),
      ],
    },
  ];
}

function peersOf(der, peers) {
  const contenders = [];
  const asn1 = peers['@peculiar/asn1-ocsp'];
  const schema = peers['@peculiar/asn1-schema'];
  if (asn1 && schema) {
    contenders.push({ name: '@peculiar/asn1-ocsp', run: repeat(() => schema.AsnConvert.parse(der, asn1.OCSPRequest)) });
  }
  if (peers.pkijs) contenders.push({ name: 'pkijs', run: repeat(() => peers.pkijs.OCSPRequest.fromBER(der)) });
  return contenders;
}
