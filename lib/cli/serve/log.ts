/** What `openssl-ocsp serve` tells: a JSON object in each line. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { OCSPCertStatus } from '../../ocsp/enums.js';
import { hexOf } from '../../responder/authority.js';
import type { ErrorMessage, SignatureMessage } from '../../responder/channels.js';
import { messageOf } from '../system-error.js';

/** Milliseconds after which signatures are told, and after which the same trouble is told again. */
const AUDIT_INTERVAL = 1000;
const TROUBLE_INTERVAL = 10_000;
/** Certificates in one line. */
const AUDIT_LINE = 100;

export type LogLevel = 'info' | 'warn' | 'error';

/** Writes lines, and listens to what responders tell. */
export class Log {
  readonly #write: (line: string) => void;
  readonly #audited = new Map<string, { issuer: string; signer: string; entries: string[] }>();
  readonly #troubles = new Map<string, { at: number; unsaid: number }>();
  readonly #timer: NodeJS.Timeout;
  readonly #onSign = (message: unknown): void => this.#audit(message as SignatureMessage);
  readonly #onError = (message: unknown): void => {
    const { where, issuer, error } = message as ErrorMessage;
    this.trouble(where, error, issuer === undefined ? {} : { issuer });
  };

  constructor(write: (line: string) => void) {
    this.#write = write;
    subscribe('ocsp:responder:sign', this.#onSign);
    subscribe('ocsp:responder:error', this.#onError);
    this.#timer = setInterval(() => this.#flush(), AUDIT_INTERVAL);
    this.#timer.unref();
  }

  line(level: LogLevel, event: string, fields: object = {}): void {
    this.#write(`${JSON.stringify({ time: new Date().toISOString(), level, event, pid: process.pid, ...fields })}\n`);
  }

  /** What went wrong; the same trouble once in ten seconds. */
  trouble(where: string, error: unknown, fields: object = {}): void {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    const message = error instanceof Error ? messageOf(error) : String(error);
    const key = `${where} ${message} ${JSON.stringify(fields)}`;
    const now = performance.now();
    const before = this.#troubles.get(key);
    if (before !== undefined && now - before.at < TROUBLE_INTERVAL) {
      before.unsaid += 1;
      return;
    }
    if (this.#troubles.size > 1000) this.#troubles.clear();
    this.#troubles.set(key, { at: now, unsaid: 0 });
    const more = before === undefined || before.unsaid === 0 ? {} : { repeated: before.unsaid };
    this.line('error', where, { message, ...(code !== undefined && { code }), ...fields, ...more });
  }

  close(): void {
    clearInterval(this.#timer);
    unsubscribe('ocsp:responder:sign', this.#onSign);
    unsubscribe('ocsp:responder:error', this.#onError);
    this.#flush();
  }

  #audit({ issuer, signer, entries }: SignatureMessage): void {
    const key = `${issuer} ${signer}`;
    const batch = this.#audited.get(key) ?? { issuer, signer, entries: [] };
    this.#audited.set(key, batch);
    for (const { serialNumber, status } of entries)
      batch.entries.push(`${hexOf(serialNumber)}:${OCSPCertStatus[status]?.toLowerCase()}`);
    if (batch.entries.length >= AUDIT_LINE) this.#flush();
  }

  #flush(): void {
    for (const batch of this.#audited.values()) this.line('info', 'signed', batch);
    this.#audited.clear();
  }
}
