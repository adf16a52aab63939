// jsrsasign: everything in JavaScript, the arithmetic too. Works on hexadecimal text.
const ALGORITHMS = {
  'P-256': 'SHA256withECDSA',
  'P-384': 'SHA384withECDSA',
  'RSA-2048': 'SHA256withRSA',
  'RSA-3072': 'SHA256withRSA',
};

/** `YYYYMMDDHHMMSSZ`. */
const zulu = (date) => `${date.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;

export async function createPeer(load) {
  const module = await load('jsrsasign');
  const { KEYUTIL, KJUR } = module.default ?? module;
  const { ocsp } = KJUR.asn1;

  return {
    name: 'jsrsasign',

    sign({ algorithm, certificate, key, keyHash }, _hash, embed) {
      if (!(algorithm in ALGORITHMS)) return undefined;
      const pem = certificate.toString();
      const reskey = KEYUTIL.getKey(key.export({ format: 'pem', type: 'pkcs8' }));
      return () => {
        const now = new Date();
        const response = new ocsp.OCSPResponse({
          resstatus: 'successful',
          restype: 'ocspBasic',
          respid: { key: keyHash.toString('hex') },
          prodat: zulu(now),
          array: [
            {
              certid: { alg: 'sha1', issuerCert: pem, subjectCert: pem },
              status: { status: 'good' },
              thisupdate: zulu(now),
              nextupdate: zulu(new Date(now.getTime() + 3_600_000)),
            },
          ],
          sigalg: ALGORITHMS[algorithm],
          reskey,
          ...(embed && { certs: [pem] }),
        });
        return Buffer.from(response.tohex(), 'hex');
      };
    },

    parse(der) {
      return () => new ocsp.OCSPParser().getOCSPResponse(der.toString('hex'));
    },

    buildRequest(certificate, issuer) {
      const reqList = [{ alg: 'sha1', issuerCert: issuer.toString(), subjectCert: certificate.toString() }];
      return () => Buffer.from(new ocsp.OCSPRequest({ reqList }).tohex(), 'hex');
    },

    loadRequest(der) {
      return () => new ocsp.OCSPParser().getOCSPRequest(der.toString('hex'));
    },
  };
}
