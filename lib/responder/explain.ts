/** What a request or a response says, and what a responder makes of it: for people who look for a mistake. */
import { OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import { HASH_INDEX, ISSUER_KEY_HASH, ISSUER_NAME_HASH } from '../ocsp/layout.js';
import type { OCSPRequest } from '../ocsp/request.js';
import { loadDerOcspResponse, type OCSPResponse } from '../ocsp/response.js';
import { verifyOcspResponse } from '../ocsp/verification/verifier.js';
import { pemBlocks } from '../x509/pem.js';
import type { Answer } from './answer.js';
import type { IssuerTable, ResponderIssuer } from './issuer.js';
import { type Asked, readAsked, readRequest } from './request.js';
import { readTarget } from './request-target.js';

/** One step of an explanation. */
export interface ExplanationStep {
  readonly title: string;
  /** Lines of text. */
  readonly text: string;
}

/** Whom {@link explain} asks. */
export interface Explainer {
  readonly issuers: IssuerTable;
  readonly maxRequestBytes: number;
  readonly answer: (request: Buffer) => Answer | Promise<Answer>;
}

/**
 * Explains what was pasted, step by step.
 *
 * @param pasted - PEM, base64 or hexadecimal digits of a request or response, or the URL of a GET.
 */
export async function explain(pasted: string, responder: Explainer): Promise<ExplanationStep[]> {
  const { der, how } = bytesOf(pasted, responder.maxRequestBytes);
  if (der.length === 0) return [{ title: 'Nothing to explain', text: how }];
  const steps = [{ title: 'What was pasted', text: `${der.length} bytes, ${how}` }];
  const request = attempt(() => readRequest(der));
  if (!(request instanceof Error)) return [...steps, ...(await explainRequest(request, der, responder))];
  const response = attempt(() => loadDerOcspResponse(der, { strict: false }));
  if (!(response instanceof Error)) return [...steps, ...explainResponse(response, der, responder)];
  return [
    ...steps,
    { title: 'Neither a request nor a response', text: `request: ${request.message}\nresponse: ${response.message}` },
  ];
}

async function explainRequest(request: OCSPRequest, der: Buffer, responder: Explainer): Promise<ExplanationStep[]> {
  const asked = attempt(() => request.requests.map((entry) => readAsked(entry, responder.issuers)));
  if (asked instanceof Error) return [{ title: 'The request cannot be read', text: asked.message }];
  const answer = await responder.answer(der);
  const steps: ExplanationStep[] = [
    { title: 'The request', text: textOf(request) },
    { title: 'What is asked about', text: asked.map(askedLine).join('\n') },
    { title: `The answer of this responder: ${answerName(answer)}`, text: textOf(loadDerOcspResponse(answer.der)) },
  ];
  const [{ issuer }] = asked as [Asked];
  if (asked.length === 1 && issuer !== undefined && answer.responseStatus === OCSPResponseStatus.SUCCESSFUL)
    steps.push({ title: 'What a client makes of it', text: verdictOn(answer.der, issuer, { request }) });
  return steps;
}

function explainResponse(response: OCSPResponse, der: Buffer, responder: Explainer): ExplanationStep[] {
  const steps: ExplanationStep[] = [{ title: 'The response', text: textOf(response) }];
  if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL)
    return [
      ...steps,
      { title: 'It has no status', text: `${OCSPResponseStatus[response.responseStatus]}: no one has signed it` },
    ];
  const entries = attempt(() => response.responses);
  if (entries instanceof Error) return [...steps, { title: 'Its entries cannot be read', text: entries.message }];
  for (const entry of entries) {
    const title = `What a client makes of it that asks about ${entry.serialNumber.toString(16).toUpperCase()}`;
    const id = entry.parsedCertId();
    const name = id.memory.toString('latin1', id.start(ISSUER_NAME_HASH), id.end(ISSUER_KEY_HASH));
    const issuer = responder.issuers.find(name, id.number(HASH_INDEX))?.issuer;
    if (issuer === undefined) steps.push({ title, text: 'no CA of this responder has this name and key' });
    else steps.push({ title, text: `of ${issuer.name}\n${verdictOn(der, issuer, { certId: entry })}` });
  }
  return steps;
}

function askedLine({ issuer, serialNumber = 'no serial number' }: Asked): string {
  return `${serialNumber}: ${issuer === undefined ? 'no CA of this responder has this name and key' : `of ${issuer.name}`}`;
}

function answerName({ responseStatus, source, certStatus }: Answer): string {
  if (responseStatus !== OCSPResponseStatus.SUCCESSFUL) return OCSPResponseStatus[responseStatus] as string;
  const status = certStatus === undefined ? '' : `${OCSPCertStatus[certStatus]?.toLowerCase()}, `;
  return `${status}${source === 'live' ? 'signed for it' : `from ${source === 'cache' ? 'memory' : 'the store'}`}`;
}

function verdictOn(
  der: Buffer,
  { certificate: issuer }: ResponderIssuer,
  question: Pick<Parameters<typeof verifyOcspResponse>[1], 'request' | 'certId'>,
): string {
  const text = attempt(() => verifyOcspResponse(der, { ...question, issuer }).explain());
  return text instanceof Error ? text.message : text;
}

function textOf(message: { toText(): string }): string {
  const text = attempt(() => message.toText());
  return text instanceof Error ? text.message : text;
}

/** The bytes in what was pasted; none for what is no form of them. */
function bytesOf(pasted: string, maxBytes: number): { der: Buffer; how: string } {
  const text = pasted.trim();
  if (text === '')
    return { der: Buffer.alloc(0), how: 'Paste a request or a response: PEM, base64, hexadecimal digits, or a URL.' };
  const block = attempt(() => [...pemBlocks(text)][0]);
  if (block !== undefined && !(block instanceof Error)) return { der: block.der, how: `PEM of ${block.label}` };
  const letters = text.replace(/[\s:]+/g, '');
  if (/^30(?:[0-9a-f]{2})+$/i.test(letters)) return { der: Buffer.from(letters, 'hex'), how: 'hexadecimal digits' };
  const bare = text.replace(/\s+/g, '');
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(bare)) {
    const der = Buffer.from(bare, 'base64');
    if (der[0] === 0x30) return { der, how: 'base64' };
  }
  const last = bare.split(/[^A-Za-z0-9+/_%=-]/).at(-1) as string;
  const start = last.indexOf('M');
  const target = readTarget(`/${start < 0 ? '' : last.slice(start)}`, [], maxBytes);
  if (target.kind === 'request') return { der: target.der, how: 'the path of a URL' };
  return {
    der: Buffer.alloc(0),
    how: 'This is neither PEM nor base64, nor hexadecimal digits, nor the URL of a request.',
  };
}

function attempt<T>(action: () => T): T | Error {
  try {
    return action();
  } catch (error) {
    return error as Error;
  }
}
