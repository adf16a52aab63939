// What answers that were signed before take of the memory of a responder: a process of its own, with a store of `count` of them.
import { OCSPRequestBuilder } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { Responder, storeAuthority } from 'openssl-ocsp/responder';

process.once('message', async ({ certificate, key, folder, first, count }) => {
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder()
    .addCertificate(certificate, certificate, 'sha1')
    .build();
  const store = await SegmentStore.open(folder);
  const signers = [{ responder: certificate, privateKey: key }];
  const responder = new Responder({ issuers: [{ certificate, authority: storeAuthority(store), store, signers }] });
  const ask = async (i) => {
    const request = new OCSPRequestBuilder().addCertificateByHash(
      issuerNameHash,
      issuerKeyHash,
      BigInt(first) + BigInt(i),
      'sha1',
    );
    const { source } = await responder.answer(request.build().publicBytes());
    if (source !== 'store' && source !== 'cache') throw new Error(`answered by ${source}`);
  };
  // One that has answered as often, but no more than one certificate: its code is compiled, and its heap has room.
  for (let i = 0; i < Math.min(count, 100_000); i += 1) await ask(0);
  const empty = process.memoryUsage.rss();
  let most = 0;
  for (let i = 0; i < count; i += 1) {
    await ask(i);
    if (i % 1000 === 0) most = Math.max(most, process.memoryUsage.rss());
  }
  process.send({ empty, most: Math.max(most, process.memoryUsage.rss()) });
  process.disconnect();
});
