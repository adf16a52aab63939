/** What a live TLS server shows: its certificates, and the answer that it staples. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { mayBeFitted } from '../x509/fitted-key.js';
import { UsageError } from './command.js';
import { subjectOf } from './input.js';
import { findIssuer, type Target } from './target.js';

/** A server's certificate, and its staple. */
export interface LiveTarget extends Target {
  readonly certificate: X509Certificate;
  /** Null where the server staples nothing. */
  readonly staple: Buffer | null;
}

const HTTPS_PORT = 443;

/**
 * Connects to a server, and looks at what it shows. Nothing of it is validated here.
 *
 * @throws UsageError; an Error when there is no handshake, or no one knows the issuer.
 */
export async function liveTarget(
  text: string,
  issuers: readonly X509Certificate[],
  milliseconds: number,
): Promise<LiveTarget> {
  const { host, port } = addressOf(text);
  const { chain, staple } = await handshake(host, port, milliseconds).catch((error: unknown) => {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new Error(`${text}: ${message || code}`, { cause: error });
  });
  const [certificate, ...others] = chain;
  if (certificate === undefined) throw new Error(`${text}: the server shows no certificate`);
  const named = findIssuer(issuers, certificate);
  // As with --cert: who names an issuer means that one, not whatever the server shows.
  if (named === undefined && issuers.length > 0)
    throw new Error(`${text}: ${subjectOf(certificate)} was not issued by what --issuer names`);
  // (Of a certificate that everybody has, anyone can make an "issuer" whose key is made for its signature.)
  const issuer =
    named ??
    findIssuer(
      others.filter((other) => !mayBeFitted(other)),
      certificate,
    );
  if (issuer === undefined) {
    throw new Error(`${text}: the server does not show the issuer of its certificate; --issuer can name it`);
  }
  const issuerFoundIn = named === undefined ? `what ${text} shows` : null;
  return { certificate, serial: certificate.serialNumber, issuer, issuerFoundIn, chain: others, staple };
}

function addressOf(text: string): { host: string; port: number } {
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const number = port === undefined ? HTTPS_PORT : Number(port);
  const host = bracketed ?? plain;
  if (host === '' || number < 1 || number > 65535) throw new UsageError(`--connect is not HOST:PORT: ${text}`);
  return { host, port: number };
}

async function handshake(
  host: string,
  port: number,
  milliseconds: number,
): Promise<{ chain: X509Certificate[]; staple: Buffer | null }> {
  return await new Promise((resolve, reject) => {
    let staple: Buffer | null = null;
    const socket: TLSSocket = connect({
      host,
      port,
      requestOCSP: true,
      // Who the server is, is not the question here; what it shows is verified as an answer is.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
    } as ConnectionOptions);
    const timer = setTimeout(
      () => socket.destroy(new Error(`no handshake within ${milliseconds / 1000} seconds`)),
      milliseconds,
    );
    socket.on('OCSPResponse', (der: Buffer | null) => {
      if (der !== null && der.length > 0) staple = der;
    });
    socket.on('secureConnect', () => {
      resolve({ chain: chainOf(socket), staple });
      // (A server may wait for a request, whatever it is told.)
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the server ended the connection'));
    });
  });
}

/** The certificate of the server and those behind it, as far as they go. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  // (Node has a root point to itself.)
  while (next !== undefined && chain.every((seen) => seen.fingerprint256 !== next?.fingerprint256)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}
