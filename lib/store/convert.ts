import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { invalidValue } from '../errors.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { checkCertIdHash } from '../x509/algorithms.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { copyBytes } from '../x509/der.js';
import { readCheckedJson } from './durable-files.js';
import { issuerMismatch, storeDamaged } from './errors.js';
import { FrameKind, nextUpdateOf, versionOf } from './frames.js';
import { issuerIdentity } from './issuer-identity.js';
import { scanFrames } from './segment-scan.js';
import type { SegmentStore } from './segment-store.js';

/** Bytes before the serial number of a response. Behind it the second format has the kind of answer (1), the first has none. */
const RESPONSE_HEADER = 30;
const RUN_NAME = 'conversion';

/** What counts of it. */
interface OldManifest {
  readonly format: number;
  readonly segments: readonly { readonly file: string }[];
  readonly lists?: readonly ListEdition[];
}

const HEADER_LENGTH = 32;
const HEADER_MAGIC = 'OCSPSEG\x02';

/**
 * Copies a store of an earlier format into one of today's. What the first one did not know is read from the responses: hash of
 * the CertID and signature algorithm. The new one knows the lists that the old one was signed from, too. The old store stays as it is;
 * an unfinished run of it is left out.
 *
 * @param folder - the old store
 * @param subjects - as those of `ResponseSigner`, if responses bear another spelling of the issuer's name
 * @returns how many responses were read
 * @throws (rejects) `ERR_OCSP_INVALID_VALUE` when it is no store of an earlier format; `ERR_OCSP_ISSUER_MISMATCH` for a response of
 * another issuer; `ERR_OCSP_STORE_DAMAGED`; what the new store throws.
 */
export async function convertStore(
  folder: string,
  issuer: CertificateInput,
  target: SegmentStore,
  subjects: Iterable<CertificateInput> = [],
): Promise<number> {
  const manifest = readCheckedJson(join(folder, 'MANIFEST')) as OldManifest;
  const format = manifest?.format;
  if (format !== 1 && format !== 2) throw invalidValue(`${folder} is not a store of an earlier format`);
  const certificate = toCertificate(issuer, 'issuer');
  const run = await target.beginRun({
    id: RUN_NAME,
    otherRun: 'discard',
    issuer: issuerIdentity(certificate, subjects),
  });
  try {
    let count = 0;
    for (const { file } of manifest.segments) {
      let isWhole = false;
      for await (const { offset, frame } of scanFrames(
        join(folder, file),
        format === 1 ? 0 : await seedOf(folder, file),
      )) {
        isWhole = frame[8] === FrameKind.END;
        if (frame[8] !== FrameKind.RESPONSE) continue;
        const start = RESPONSE_HEADER + (frame[10] as number);
        const der = copyBytes(frame, format === 1 ? start : start + 1);
        const response = loadDerOcspResponse(der, { strict: false });
        const { hashAlgorithm, issuerNameHash, issuerKeyHash, signatureAlgorithmOid: signatureAlgorithm } = response;
        const keyHash = certificate.publicKeyHash(checkCertIdHash(hashAlgorithm, 'hashAlgorithm').index);
        if (!keyHash.equals(issuerKeyHash))
          throw issuerMismatch(
            `${file}, byte ${offset}: a response of another issuer, for serial number ${response.serialNumber.toString(16)}`,
          );
        const serial = copyBytes(frame, RESPONSE_HEADER, start);
        const label = { hashAlgorithm, issuerNameHash, signatureAlgorithm };
        await run.append([{ serial, ...label, ...versionOf(frame), nextUpdate: nextUpdateOf(frame), der }]);
        count += 1;
      }
      if (!isWhole) throw storeDamaged(`${file} of ${folder} is damaged`);
    }
    await run.commit();
    await takeOver(manifest.lists ?? [], target);
    return count;
  } catch (error) {
    await run.discard();
    throw error;
  }
}

/** The lists that the old store was signed from: the next one must not go back behind them. */
async function takeOver(lists: readonly ListEdition[], target: SegmentStore): Promise<void> {
  for (const edition of lists) {
    const run = await target.beginRun({ id: RUN_NAME });
    const isKnown = run.editions.some(
      ({ list, thisUpdate }) => list === edition.list && thisUpdate >= edition.thisUpdate,
    );
    // (A run brings one.)
    await (isKnown ? run.discard() : run.commit(edition));
  }
}

/** With what the checksums of a segment begin in the second format: that of its header. */
async function seedOf(folder: string, name: string): Promise<number> {
  const header = Buffer.alloc(HEADER_LENGTH);
  const file = await open(join(folder, name), 'r');
  try {
    await file.read(header, 0, HEADER_LENGTH, 0);
  } finally {
    await file.close();
  }
  const sum = crc32(header.subarray(0, HEADER_LENGTH - 4));
  if (header.toString('latin1', 0, 8) !== HEADER_MAGIC || header.readUInt32BE(HEADER_LENGTH - 4) !== sum)
    throw storeDamaged(`${name} of ${folder} is damaged`);
  return sum;
}
