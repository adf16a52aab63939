// Loading a response and reading status, serial number, times and responder id.
import { loadDerOcspResponse } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { recorded, repeat } from './common.mjs';

const MESSAGES = [
  ['by key', 'ocsp/resp-responder-key-hash.der'],
  ['by name', 'ocsp/resp-sha256.der'],
  ['by key, certificate embedded', 'ocsp/resp-delegate-unknown-cert.der'],
];

export const title = 'parse';

export async function tables({ quick, peers }) {
  const baseline = loadBaseline();
  return (quick ? MESSAGES.slice(0, 1) : MESSAGES).map(([name, file]) => {
    const der = recorded(file);
    return {
      title: `load a response, responder ${name}`,
      contenders: [
        { name: 'd2i and getters, C++', limit: true, run: (n) => baseline.opensslParse(der, n) },
        {
          name: 'openssl-ocsp',
          run: repeat(() => {
            const response = loadDerOcspResponse(der);
            return [
              response.certificateStatus,
              response.serialNumber,
              response.producedAt,
              response.thisUpdate,
              response.nextUpdate,
              response.responderKeyHash ?? response.responderName,
            ];
          }),
        },
        ...peersOf(der, peers),
      ],
    };
  });
}

function peersOf(der, peers) {
  const contenders = [];
  const { pkijs, jsrsasign } = peers;
  const asn1 = peers['@peculiar/asn1-ocsp'];
  const schema = peers['@peculiar/asn1-schema'];
  if (asn1 && schema) {
    contenders.push({
      name: '@peculiar/asn1-ocsp',
      run: repeat(() => {
        const response = schema.AsnConvert.parse(der, asn1.OCSPResponse);
        return schema.AsnConvert.parse(response.responseBytes.response.buffer, asn1.BasicOCSPResponse).tbsResponseData;
      }),
    });
  }
  if (pkijs) {
    contenders.push({
      name: 'pkijs',
      run: repeat(() => {
        const response = pkijs.OCSPResponse.fromBER(der);
        return pkijs.BasicOCSPResponse.fromBER(response.responseBytes.response.valueBlock.valueHexView).tbsResponseData;
      }),
    });
  }
  if (jsrsasign) {
    const hex = der.toString('hex');
    const { KJUR } = jsrsasign.default ?? jsrsasign;
    contenders.push({ name: 'jsrsasign', run: repeat(() => new KJUR.asn1.ocsp.OCSPParser().getOCSPResponse(hex)) });
  }
  const ocsp = peers.ocsp?.default ?? peers.ocsp;
  if (ocsp) contenders.push({ name: 'ocsp', run: repeat(() => ocsp.utils.parseResponse(der)) });
  return contenders;
}
