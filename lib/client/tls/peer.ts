/** Who is at the other end of a TLS connection, and by whom its certificate was issued. */
import type { X509Certificate } from 'node:crypto';
import { type EventEmitter, errorMonitor } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { certificateExtension } from '../../x509/certificate-extensions.js';
import { DerReader, Tag } from '../../x509/der.js';
import { mayBeFitted } from '../../x509/fitted-key.js';
import { integerFromBytes } from '../../x509/integer.js';
import { parsePrintedTime } from '../../x509/time.js';
import { toSubject } from '../subject.js';

/** TLS features of a certificate (RFC 7633). */
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
/** The feature of a server that always staples: status_request (RFC 6066 section 8). */
const STATUS_REQUEST = 5n;

/** What a connection has shown. */
interface ShownCertificate {
  readonly certificate: X509Certificate;
  readonly isOfServer: boolean;
}

/** Kept with the connection itself: each request of HTTP/2 has a socket of its own, which stands for it. */
const SHOWN: unique symbol = Symbol('the certificate that it has shown');

/**
 * The certificate of the peer, as often as it is asked for: Node.js takes the chain out of the connection when it tells of it. After
 * that a server is told the certificate alone, and a client nothing.
 */
export function peerCertificate(socket: TLSSocket & { [SHOWN]?: ShownCertificate }): X509Certificate | undefined {
  const known = socket[SHOWN];
  const certificate = socket.getPeerX509Certificate();
  // (To a server, this says that there is none: that of an earlier handshake is not that of this one.)
  if (certificate === undefined) return known?.isOfServer ? known.certificate : undefined;
  if (certificate.issuerCertificate === undefined && known?.certificate.raw.equals(certificate.raw))
    return known.certificate;
  // Node.js tells a server null, and a client an object, whatever the key.
  socket[SHOWN] = { certificate, isOfServer: socket.getEphemeralKeyInfo() !== null };
  return certificate;
}

const KEPT: unique symbol = Symbol('it shows no other certificate from now on');

/**
 * What is found out has to stay true of the connection, whose handshake is over: TLS 1.2 lets a peer begin a new one, with another certificate.
 * (Listeners are added by a method that what stands for a connection in HTTP/2 hands on, and end what they are called for.)
 */
export function keepCertificate(socket: TLSSocket & { [KEPT]?: boolean }): void {
  if (socket[KEPT]) return;
  socket[KEPT] = true;
  // Node.js tells a server of the attempt, and lets it go on; to a client it says nothing before the end.
  socket.disableRenegotiation();
  const emitter = socket as EventEmitter;
  emitter.addListener(errorMonitor, function (this: TLSSocket, { code }: NodeJS.ErrnoException) {
    if (code === 'ERR_TLS_RENEGOTIATION_DISABLED') endSoon(this);
  });
  emitter.prependListener('secure', function (this: TLSSocket) {
    Object.assign(this.pause(), { _write: sendNothing, _writev: sendNothing });
    endSoon(this);
  });
}

/** Before anything else comes, but not in the midst of what Node.js does with it. */
function endSoon(socket: TLSSocket): void {
  process.nextTick(() => socket.destroy());
}

/** In the place of what writes: it never calls back, as the connection ends. */
function sendNothing(): void {
  return;
}

/**
 * The certificate of the CA that issued it: of those given, or the one that came with it. Who sent that does not matter: its key has signed the
 * certificate, and it is no key that can be made to fit a signature. Of several certificates of the CA, one that is valid.
 */
export function issuerOf(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
): X509Certificate | undefined {
  const sent = certificate.issuerCertificate;
  const candidates = sent === undefined || mayBeFitted(sent) ? issuers : [...issuers, sent];
  const isIssuer = (issuer: X509Certificate): boolean => isIssuedBy(certificate, issuer);
  return candidates.find((issuer) => isValid(issuer) && isIssuer(issuer)) ?? candidates.find(isIssuer);
}

function isValid({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return now >= parsePrintedTime(validFrom) && now <= parsePrintedTime(validTo);
}

/** False, too, where either cannot be read: strangers send anything. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return toSubject({ certificate, issuer }).target.mismatch === '';
  } catch {
    return false;
  }
}

/** Whether a certificate says that its server always staples (RFC 7633 section 4.2.3.1). */
export function isMustStaple(certificate: X509Certificate): boolean {
  const value = certificateExtension(certificate, TLS_FEATURE);
  if (value === undefined) return false;
  try {
    const features = new DerReader(value).enter(Tag.SEQUENCE, 'Features');
    while (!features.atEnd) {
      const { contentStart, end } = features.read(Tag.INTEGER, 'TLSFeature');
      if (integerFromBytes(value, contentStart, end) === STATUS_REQUEST) return true;
    }
    return false;
  } catch {
    return true; // What cannot be read is not absence.
  }
}
