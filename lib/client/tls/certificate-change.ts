/** The moment at which a TLS server gets another certificate. */
import { AsyncResource, executionAsyncId } from 'node:async_hooks';

/** Milliseconds that Node.js gives a handshake by default. */
const HANDSHAKE_TIME = 120_000;

/**
 * Tells connections that were accepted before the server got another certificate: they have the old one, and Node.js tells of the new one.
 * What it goes by are the numbers of asynchronous resources, which grow: a handshake has that of its connection; behind an `SNICallback` that
 * calls back late it has another one, of a promise or a database, say, that tells nothing.
 */
export class CertificateChange {
  readonly #attached = nextId();
  #changed = 0;
  #until = 0;
  #certificate: Buffer | undefined;

  /** @param certificate - That for those who name no other server, DER; undefined where it is not known. */
  to(certificate: Buffer | undefined): void {
    this.#changed = nextId();
    this.#until = performance.now() + HANDSHAKE_TIME;
    this.#certificate = certificate;
  }

  /**
   * In a handshake: whether its connection is from before the change, and has another certificate than Node.js tells of.
   *
   * @param certificate - DER; null for a context without one
   */
  isOlderConnection(certificate: Buffer | null): boolean {
    const id = executionAsyncId();
    const isBefore = id > this.#attached && id < this.#changed && performance.now() < this.#until;
    // (Those that are chosen by name do not change.)
    return isBefore && certificate !== null && (this.#certificate?.equals(certificate) ?? true);
  }
}

function nextId(): number {
  return new AsyncResource('OCSPStapler').asyncId();
}
