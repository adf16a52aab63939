import { invalidValue } from '../errors.js';
import { crlSource, type SerialList } from '../statuses/crl.js';
import { readCrl } from '../statuses/crl-der.js';
import { isPermanent } from '../statuses/is-permanent.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { hexOf, type StatusAuthority } from './authority.js';
import { WatchedFile, type WatchOptions } from './watched-file.js';

/** What {@link crlAuthority} takes beside the file. */
export interface CrlAuthorityOptions extends WatchOptions {
  /** The CA: a CRL that its key has not signed is not taken. */
  readonly issuer: CertificateInput;
  /**
   * All serial numbers that were issued: what the CRL does not list is good. They are read again with each CRL, so no stream and no
   * iterator will do. Without it, only what is
   * revoked is known: then `notIssued: 'good'` says that all else is good.
   */
  readonly serials?: SerialList;
  /**
   * Says that all certificates asked about are of the part of the CA's list that the CRL is. Without it, a CRL that says that it is one
   * part of a list is not taken: certificates of other parts would count as not revoked.
   */
  readonly serialsOfPart?: boolean;
}

const OPTION_NAMES: OptionNames<CrlAuthorityOptions> = {
  issuer: true,
  serials: true,
  serialsOfPart: true,
  interval: true,
  onError: true,
};

/**
 * A CRL file, which is read again when it has changed; an older CRL than the one before, by thisUpdate or by number, is not taken.
 * Answers hold from and until when the CRL does; when it has expired, nothing is good any more, and what it revokes for ever stays revoked,
 * from now on for as long as the signer says.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` for what is no certificate; `ERR_OCSP_INVALID_VALUE` for options that are none, and for
 * `serials` that can be read once only.
 */
export function crlAuthority(path: string, options: CrlAuthorityOptions): StatusAuthority {
  const { issuer, serials, serialsOfPart = false, ...watch } = readOptions(options, OPTION_NAMES);
  const ca = toCertificate(issuer, 'issuer');
  if (['next', 'pipe', 'getReader'].some((name) => name in Object(serials)))
    throw invalidValue(
      'serials are read again with each CRL: a file, bytes or an array, and nothing that is read once',
    );
  let list: ReadonlyMap<string, StatusEntry> | undefined;
  let thisUpdate = Number.NEGATIVE_INFINITY;
  let number = -1n;
  let nextUpdate = Number.POSITIVE_INFINITY;
  let times: { readonly thisUpdate?: Date; readonly nextUpdate?: Date | null } = {};
  const hasExpired = (): boolean => Date.now() >= nextUpdate;
  const file = new WatchedFile(path, watch, async () => {
    const crl = await readCrl(path, ca);
    const begin = crl.thisUpdate.getTime();
    if (crl.part !== undefined && !serialsOfPart)
      throw new Error(`${path} is one part of a list (${crl.part}): serialsOfPart says that no others are asked about`);
    if (begin < thisUpdate || (crl.number !== undefined && crl.number < number))
      throw new Error(`${path} is older than the CRL before it`);
    const next = new Map<string, StatusEntry>();
    const given = serials === undefined ? {} : { serials, serialsOfPart };
    const source = crlSource(crl.der, { issuer: ca.x509, allowExpired: true, ...given });
    const own = { thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate ?? null };
    const statusVersion = Math.floor(begin / 1000);
    for await (const batch of source.batches())
      for (const entry of batch) next.set(hexOf(entry.serialNumber), { ...entry, ...own, statusVersion });
    return () => {
      list = next;
      times = own;
      thisUpdate = begin;
      number = crl.number ?? number;
      nextUpdate = crl.nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY;
      if (hasExpired()) file.tell(new Error(`${path} has expired: nothing but what it revokes for ever is answered`));
    };
  });
  return {
    lookup: ({ serialNumber }) => {
      const entry = list?.get(serialNumber);
      if (entry === undefined || !isPermanent(entry) || !hasExpired()) return entry;
      // True whatever the list that is missing says, which its own times would keep from being answered.
      const { thisUpdate: _begin, nextUpdate: _end, ...forEver } = entry;
      return forEver;
    },
    holds: () => times,
    lag: () => Math.max(file.lag, Date.now() - nextUpdate),
    ready: () => file.first,
    refresh: () => file.refresh(),
    close: () => file.close(),
  };
}
