/** What a responder does, for those who listen (`node:diagnostics_channel`). */
import { channel } from 'node:diagnostics_channel';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { Answer } from './answer.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';

const answers = channel('ocsp:responder:answer');
const signatures = channel('ocsp:responder:sign');
const errors = channel('ocsp:responder:error');

/** A message of the channel `ocsp:responder:sign`: what was signed. */
export interface SignatureMessage {
  readonly responder: object;
  readonly issuer: string;
  /** Serial number of the signer's certificate. */
  readonly signer: string;
  readonly entries: readonly StatusEntry[];
}

/** A message of the channel `ocsp:responder:error`: what went wrong, and where. */
export interface ErrorMessage {
  readonly responder: object;
  /** Name of the issuer, where it is about one. */
  readonly issuer: string | undefined;
  readonly where: 'authority' | 'feed' | 'store' | 'signer' | 'answer' | 'http';
  readonly error: unknown;
}

export function publishAnswer(responder: object, answer: Answer): void {
  if (answers.hasSubscribers) answers.publish({ responder, answer });
}

export function publishSignature(
  responder: object,
  issuer: ResponderIssuer,
  signer: LiveSigner,
  content: readonly { readonly entry: StatusEntry }[],
): void {
  if (!signatures.hasSubscribers) return;
  const entries = content.map(({ entry }) => entry);
  const { serialNumber } = signer.responder.x509;
  signatures.publish({ responder, issuer: issuer.name, signer: serialNumber, entries } satisfies SignatureMessage);
}

export function publishError(
  responder: object,
  where: ErrorMessage['where'],
  issuer: ResponderIssuer | undefined,
  error: unknown,
): void {
  if (errors.hasSubscribers) errors.publish({ responder, issuer: issuer?.name, where, error } satisfies ErrorMessage);
}
