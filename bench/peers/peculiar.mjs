// @peculiar/asn1-ocsp: encodes and decodes; hashes and signatures are node:crypto's.
import { createHash, sign, verify } from 'node:crypto';
import { wholeSeconds } from './whole-seconds.mjs';

const OIDS = {
  'P-256': '1.2.840.10045.4.3.2',
  'P-384': '1.2.840.10045.4.3.3',
  'RSA-2048': '1.2.840.113549.1.1.11',
  'RSA-3072': '1.2.840.113549.1.1.11',
  Ed25519: '1.3.101.112',
  'ML-DSA-44': '2.16.840.1.101.3.4.3.17',
};
const SHA1 = '1.3.14.3.2.26';
const sha1 = (data) => createHash('sha1').update(new Uint8Array(data)).digest();
const toArrayBuffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);

export async function createPeer(load) {
  const ocsp = await load('@peculiar/asn1-ocsp');
  const { AsnConvert, OctetString } = await load('@peculiar/asn1-schema');
  const { AlgorithmIdentifier, Certificate } = await load('@peculiar/asn1-x509');

  function certIdOf(certificate, issuer) {
    return new ocsp.CertID({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm: SHA1, parameters: null }),
      issuerNameHash: new OctetString(sha1(AsnConvert.serialize(certificate.tbsCertificate.issuer))),
      issuerKeyHash: new OctetString(sha1(issuer.tbsCertificate.subjectPublicKeyInfo.subjectPublicKey)),
      serialNumber: certificate.tbsCertificate.serialNumber,
    });
  }

  return {
    name: '@peculiar/asn1-ocsp, node:crypto',

    sign({ algorithm, certificate: x509, key, keyHash }, hash, embed) {
      const certificate = AsnConvert.parse(x509.raw, Certificate);
      const signatureAlgorithm = new AlgorithmIdentifier({
        algorithm: OIDS[algorithm],
        ...(algorithm.startsWith('RSA') && { parameters: null }),
      });
      return () => {
        const now = wholeSeconds();
        const tbsResponseData = new ocsp.ResponseData({
          responderID: new ocsp.ResponderID({ byKey: new ocsp.KeyHash(keyHash) }),
          producedAt: now,
          responses: [
            new ocsp.SingleResponse({
              certID: certIdOf(certificate, certificate),
              certStatus: new ocsp.CertStatus({ good: null }),
              thisUpdate: now,
              nextUpdate: new Date(now.getTime() + 3_600_000),
            }),
          ],
        });
        const basic = new ocsp.BasicOCSPResponse({
          tbsResponseData,
          signatureAlgorithm,
          signature: toArrayBuffer(sign(hash, Buffer.from(AsnConvert.serialize(tbsResponseData)), key)),
          ...(embed && { certs: [certificate] }),
        });
        const responseBytes = new ocsp.ResponseBytes({
          responseType: ocsp.id_pkix_ocsp_basic,
          response: new OctetString(AsnConvert.serialize(basic)),
        });
        const responseStatus = ocsp.OCSPResponseStatus.successful;
        return new Uint8Array(AsnConvert.serialize(new ocsp.OCSPResponse({ responseStatus, responseBytes })));
      };
    },

    parse(der) {
      return () => {
        const response = AsnConvert.parse(der, ocsp.OCSPResponse);
        const basic = AsnConvert.parse(response.responseBytes.response.buffer, ocsp.BasicOCSPResponse);
        const { responderID, producedAt, responses } = basic.tbsResponseData;
        const { certID, certStatus, thisUpdate, nextUpdate } = responses[0];
        return [certStatus, certID.serialNumber, producedAt, thisUpdate, nextUpdate, responderID];
      };
    },

    verify(der, publicKey, hash) {
      return () => {
        const response = AsnConvert.parse(der, ocsp.OCSPResponse);
        const basic = AsnConvert.parse(response.responseBytes.response.buffer, ocsp.BasicOCSPResponse);
        return verify(hash, new Uint8Array(basic.tbsResponseDataRaw), publicKey, new Uint8Array(basic.signature));
      };
    },

    buildRequest(certificate, issuer) {
      const subject = AsnConvert.parse(certificate.raw, Certificate);
      const authority = AsnConvert.parse(issuer.raw, Certificate);
      return () => {
        const requestList = [new ocsp.Request({ reqCert: certIdOf(subject, authority) })];
        const request = new ocsp.OCSPRequest({ tbsRequest: new ocsp.TBSRequest({ requestList }) });
        return new Uint8Array(AsnConvert.serialize(request));
      };
    },

    loadRequest(der) {
      return () => {
        const { reqCert } = AsnConvert.parse(der, ocsp.OCSPRequest).tbsRequest.requestList[0];
        return [reqCert.issuerNameHash, reqCert.issuerKeyHash, reqCert.hashAlgorithm.algorithm, reqCert.serialNumber];
      };
    },
  };
}
