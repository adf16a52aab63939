// ocsp: asn1.js over node:crypto. Its responder signs with RSA and SHA-512 only, embeds no certificate, and its requests
// carry a nonce.
export async function createPeer(load) {
  const module = await load('ocsp');
  const ocsp = module.default ?? module;
  const { default: rfc2560 } = await load('asn1.js-rfc2560');
  const { default: rfc5280 } = await load('asn1.js-rfc5280');

  return {
    name: 'ocsp',

    sign({ algorithm, certificate, key }, _hash, embed) {
      if (!algorithm.startsWith('RSA') || embed) return undefined;
      const server = ocsp.Server.create({
        cert: certificate.toString(),
        key: key.export({ format: 'pem', type: 'pkcs8' }),
      });
      const { data } = ocsp.request.generate(certificate.raw, certificate.raw);
      const request = rfc2560.OCSPRequest.decode(data, 'der');
      server.addCert(request.tbsRequest.requestList[0].reqCert.serialNumber, 'good');
      return () => {
        let result;
        server.getResponses(request, (error, der) => {
          if (error) throw error;
          result = der;
        });
        return result;
      };
    },

    ask(certificate, issuer) {
      const question = { cert: certificate.raw, issuer: issuer.raw };
      return () =>
        new Promise((resolve, reject) => {
          ocsp.check(question, (error, result) => (error ? reject(error) : resolve(result.type)));
        });
    },

    parse(der) {
      return () => ocsp.utils.parseResponse(der);
    },

    buildRequest(certificate, issuer) {
      const subject = rfc5280.Certificate.decode(certificate.raw, 'der');
      const authority = rfc5280.Certificate.decode(issuer.raw, 'der');
      return () => ocsp.request.generate(subject, authority).data;
    },

    loadRequest(der) {
      return () => {
        const { reqCert } = rfc2560.OCSPRequest.decode(der, 'der').tbsRequest.requestList[0];
        return [reqCert.issuerNameHash, reqCert.issuerKeyHash, reqCert.hashAlgorithm.algorithm, reqCert.serialNumber];
      };
    },
  };
}
