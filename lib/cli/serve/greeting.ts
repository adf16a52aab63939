/** How to ask a responder that has begun to listen: a command, to be pasted. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hexOf } from '../../responder/authority.js';
import { rootedPath } from '../../responder/options.js';
import { crlSource } from '../../statuses/crl.js';
import { indexTxtSource } from '../../statuses/index-txt.js';
import type { StatusSource } from '../../statuses/status-source.js';
import type { IssuerConfig, ServeConfig } from './configuration.js';

/**
 * The command.
 *
 * @param url - where it listens; a path for a unix socket
 */
export async function howToAsk(
  { basePath = '', tls }: ServeConfig,
  issuer: IssuerConfig,
  url: string,
): Promise<string> {
  const path = quoted(rootedPath(basePath));
  const about = `--issuer ${quoted(issuer.certificate)} --serial ${(await firstSerial(issuer)) ?? '1'}`;
  if (tls !== undefined && /^https:/.test(url)) {
    const { trust, host } = nameInTls(tls.certificate, new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'));
    const name = isIP(host) === 6 ? `[${host}]` : host;
    return `${trust}openssl-ocsp query ${about} --url https://${name}:${new URL(url).port}${path}`;
  }
  if (/^http:/.test(url)) return `openssl-ocsp query ${about} --url ${url}${path}`;
  const type = "-H 'Content-Type: application/ocsp-request'";
  let origin = 'http://localhost';
  if (tls !== undefined) {
    const { trust, host } = nameInTls(tls.certificate, 'localhost');
    origin = `${trust === '' ? '' : `--cacert ${quoted(tls.certificate)} `}https://${host}`;
  }
  const curl = `curl --silent --unix-socket ${quoted(url)} ${type} --data-binary @- ${origin}${path}/`;
  return `openssl-ocsp request ${about} | ${curl} | openssl-ocsp verify ${about}`;
}

/** A name that the certificate has, and, where no one else vouches for it, what makes Node.js trust it. */
function nameInTls(path: string, host: string): { trust: string; host: string } {
  const certificate = new X509Certificate(readFileSync(path));
  const trust = certificate.checkIssued(certificate) ? `NODE_EXTRA_CA_CERTS=${quoted(path)} ` : '';
  const isNamed = isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host);
  const [, name = host] = /DNS:([^*",\s]+)/.exec(certificate.subjectAltName ?? '') ?? [];
  return { trust, host: isNamed === undefined ? name : host };
}

/** The serial number of a certificate of the list; undefined where the list does not tell. */
async function firstSerial({ index, crl, serials, serialsOfPart = false }: IssuerConfig): Promise<string | undefined> {
  const quiet = { onBadRow: () => undefined };
  const issued = serials === undefined ? {} : { serials, serialsOfPart };
  try {
    let source: StatusSource | undefined;
    if (index !== undefined) source = indexTxtSource(index, quiet);
    else if (crl !== undefined) source = crlSource(crl, { ...quiet, ...issued });
    for await (const [entry] of source?.batches({ batchSize: 1 }) ?? []) return entry && hexOf(entry.serialNumber);
  } catch {
    // Whoever watches the list says so.
  }
  return undefined;
}

function quoted(path: string): string {
  return /^[\w./@%+,:=-]*$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
