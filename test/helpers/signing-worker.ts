import { parentPort } from 'node:worker_threads';
import { loadDerOcspRequest, loadDerOcspResponse } from 'openssl-ocsp';
import { goldenRequest, responseBuilder, rootKey, verifies } from './fixtures.js';

/** Loads, signs on both paths and checks, until terminated; reports every round. */
for (let round = 1; ; round += 1) {
  const request = loadDerOcspRequest(goldenRequest);
  const builder = responseBuilder();
  const signed = [builder.sign(rootKey, 'sha256'), ...(await Promise.all(pending(builder)))];
  const loaded = signed.map((response) => loadDerOcspResponse(response.publicBytes()));
  const fine = loaded.every((response) => verifies(response) && response.serialNumber === request.serialNumber);
  parentPort?.postMessage({ round, fine });
}

function pending(builder: ReturnType<typeof responseBuilder>): ReturnType<typeof builder.signAsync>[] {
  return Array.from({ length: 8 }, () => builder.signAsync(rootKey, 'sha256'));
}
