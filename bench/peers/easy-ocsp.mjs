// easy-ocsp: pkijs and fetch. Only its client is of use here.
export async function createPeer(load) {
  const { getCertStatus } = await load('easy-ocsp');

  return {
    name: 'easy-ocsp',

    ask(certificate, issuer, ocspUrl) {
      const options = { ca: issuer, ocspUrl, enableNonce: false };
      return async () => (await getCertStatus(certificate, options)).status;
    },
  };
}
