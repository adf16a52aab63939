/** Revokes one certificate after the other, and tells of each that is acknowledged; until it is killed. */
import { OCSPCertStatus } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { listAuthority, Responder } from 'openssl-ocsp/responder';

const [folder = '', first = '0'] = process.argv.slice(2);

process.once('message', async (message) => {
  const { ca, delegate, key } = message as { ca: string; delegate: string; key: string };
  const store = await SegmentStore.open(folder);
  const responder = new Responder({
    issuers: [
      { certificate: ca, authority: listAuthority([]), signers: [{ responder: delegate, privateKey: key }], store },
    ],
  });
  for (let serial = Number(first); ; serial += 1) {
    const serialNumber = serial.toString(16);
    await responder.update([
      { serialNumber, status: OCSPCertStatus.REVOKED, revocationTime: new Date(), reason: 'keyCompromise' },
    ]);
    process.send?.(serialNumber);
  }
});
