// pkijs: objects of its own, signatures by WebCrypto. Knows no Ed25519 and no ML-DSA.
import { webcrypto } from 'node:crypto';
import { wholeSeconds } from './whole-seconds.mjs';

const ALGORITHMS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  'RSA-2048': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'RSA-3072': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
};

export async function createPeer(load) {
  const pkijs = await load('pkijs');
  const asn1js = await load('asn1js');
  const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto, subtle: webcrypto.subtle });

  return {
    name: 'pkijs',

    async sign({ algorithm, certificate, key, keyHash }, hash, embed) {
      if (!(algorithm in ALGORITHMS)) return undefined;
      const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
      const cryptoKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHMS[algorithm], false, ['sign']);
      const issuer = pkijs.Certificate.fromBER(certificate.raw);
      const certIdOptions = { hashAlgorithm: 'SHA-1', issuerCertificate: issuer };
      const hashName = hash.replace('sha', 'SHA-');
      return async () => {
        const now = wholeSeconds();
        const basic = new pkijs.BasicOCSPResponse();
        basic.tbsResponseData.responderID = new asn1js.OctetString({ valueHex: keyHash });
        basic.tbsResponseData.producedAt = now;
        const single = new pkijs.SingleResponse();
        await single.certID.createForCertificate(issuer, certIdOptions, engine);
        single.certStatus = new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } });
        single.thisUpdate = now;
        single.nextUpdate = new Date(now.getTime() + 3_600_000);
        basic.tbsResponseData.responses.push(single);
        if (embed) basic.certs = [issuer];
        await basic.sign(cryptoKey, hashName, engine);
        const response = new pkijs.OCSPResponse();
        response.responseStatus.valueBlock.valueDec = 0;
        response.responseBytes = new pkijs.ResponseBytes();
        response.responseBytes.responseType = pkijs.id_PKIX_OCSP_Basic;
        response.responseBytes.response = new asn1js.OctetString({ valueHex: basic.toSchema().toBER(false) });
        return new Uint8Array(response.toSchema().toBER(false));
      };
    },

    parse(der) {
      return () => {
        const response = pkijs.OCSPResponse.fromBER(der);
        const octets = response.responseBytes.response.valueBlock.valueHexView;
        const { responderID, producedAt, responses } = pkijs.BasicOCSPResponse.fromBER(octets).tbsResponseData;
        const { certID, certStatus, thisUpdate, nextUpdate } = responses[0];
        return [certStatus, certID.serialNumber.toBigInt(), producedAt, thisUpdate, nextUpdate, responderID];
      };
    },

    buildRequest(certificate, issuer) {
      const subject = pkijs.Certificate.fromBER(certificate.raw);
      const options = { hashAlgorithm: 'SHA-1', issuerCertificate: pkijs.Certificate.fromBER(issuer.raw) };
      return async () => {
        const request = new pkijs.OCSPRequest();
        await request.createForCertificate(subject, options, engine);
        return new Uint8Array(request.toSchema(true).toBER(false));
      };
    },

    loadRequest(der) {
      return () => {
        const { reqCert } = pkijs.OCSPRequest.fromBER(der).tbsRequest.requestList[0];
        return [
          reqCert.issuerNameHash.valueBlock.valueHexView,
          reqCert.issuerKeyHash.valueBlock.valueHexView,
          reqCert.hashAlgorithm.algorithmId,
          reqCert.serialNumber.toBigInt(),
        ];
      };
    },
  };
}
