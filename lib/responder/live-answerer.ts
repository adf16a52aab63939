/** Several certificates, or a nonce: an answer for this request alone. */
import { OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import { after } from './after.js';
import { Answer, clockOf, errorAnswer } from './answer.js';
import { notIssuedEntry, notIssuedTimes } from './content.js';
import type { Signed, SigningDesk } from './desk.js';
import type { Finder } from './finder.js';
import type { Finding } from './finding.js';
import { Overload } from './gate.js';
import type { ResponderIssuer } from './issuer.js';
import type { Known } from './knowledge.js';
import type { LiveSigner } from './live-signer.js';
import { type Question, signerOf } from './question.js';
import type { Asked, AskedNonce } from './request.js';

const { SUCCESSFUL, UNAUTHORIZED } = OCSPResponseStatus;

/** How often an answer is begun, in case the status changes while it is being signed. */
export const ATTEMPTS = 3;

export class LiveAnswerer {
  readonly #desk: SigningDesk;
  readonly #finder: Finder;

  constructor(desk: SigningDesk, finder: Finder) {
    this.#desk = desk;
    this.#finder = finder;
  }

  /** @throws (or rejects) as {@link SigningDesk.sign} and {@link Finder}. */
  answer(asked: readonly Asked[], nonce: AskedNonce | null, now: number): Answer | Promise<Answer> {
    const answer = this.#answer(asked, nonce, now, ATTEMPTS);
    if (!(answer instanceof Promise)) return answer;
    return asked.reduce(
      (late, { issuer, serialNumber }) => issuer?.words.during(serialNumber ?? '', late) ?? late,
      answer,
    );
  }

  #answer(asked: readonly Asked[], nonce: AskedNonce | null, now: number, attempts: number): Answer | Promise<Answer> {
    const first = asked.find((one) => one.issuer !== undefined) as Question | undefined;
    if (first === undefined) return errorAnswer(UNAUTHORIZED);
    const signer = signerOf(first, now);
    const saidAt = clockOf(now);
    const heard = new Map<Asked, Known>();
    const sign = (findings: readonly Finding[]): Answer | Promise<Answer> => {
      if (findings.every((finding) => finding === undefined)) return errorAnswer(UNAUTHORIZED);
      const content = asked.map((question, i) => ({
        question,
        entry: findings[i] ?? {
          serialNumber: question.serialNumber ?? 0n,
          status: OCSPCertStatus.UNKNOWN,
          ...notIssuedTimes(signer, now),
        },
      }));
      const signed = this.#desk.sign(first.issuer, signer, content, nonce, now);
      const status = content.length === 1 ? content[0]?.entry.status : undefined;
      const answer = ({ latin1 }: Signed): Answer =>
        new Answer(latin1, SUCCESSFUL, 'live', undefined, undefined, undefined, status);
      const isOutdone = (one: Question): boolean =>
        heard.has(one) && one.issuer.words.isOutdone(one.serialNumber, heard.get(one), saidAt);
      const isStill = (): boolean =>
        content.every(
          ({ question, entry }, i) =>
            findings[i] === undefined ||
            entry.status === OCSPCertStatus.REVOKED ||
            (this.#finder.isStill(question as Question, entry) && !isOutdone(question as Question)),
        );
      if (!(signed instanceof Promise)) return isStill() ? answer(signed) : again();
      return signed.then((late) => (isStill() ? answer(late) : again()));
    };
    const again = (): Answer | Promise<Answer> => {
      if (attempts <= 1) throw new Overload('the status changes all the time');
      return this.#answer(asked, nonce, Date.now(), attempts - 1);
    };
    // What fails at once waits for the others, whose promises no one would hold.
    const found = asked.map((one) => {
      try {
        return this.#find(one, first.issuer, signer, now, heard);
      } catch (error) {
        return Promise.reject(error);
      }
    });
    return found.some((finding) => finding instanceof Promise)
      ? Promise.all(found).then(sign)
      : sign(found as Finding[]);
  }

  /** What to say of one of several certificates; undefined for what this signer may say nothing of, or no one knows. */
  #find(
    asked: Asked,
    answering: ResponderIssuer,
    signer: LiveSigner | undefined,
    now: number,
    heard: Map<Asked, Known>,
  ): Finding | Promise<Finding> {
    const { issuer, serialNumber } = asked;
    if (issuer === undefined || serialNumber === undefined) return undefined;
    const maySign =
      issuer === answering ||
      issuer.signers.some(
        ({ responder }) => signer !== undefined && responder.x509.raw.equals(signer.responder.x509.raw),
      );
    if (!maySign) return undefined;
    const question = asked as Question;
    return after(this.#finder.known(question), (known) => {
      heard.set(question, known);
      issuer.words.heard(serialNumber, known, clockOf(now));
      return after(this.#finder.stored(question), (stored) => {
        const { finding: found } = this.#finder.together(issuer, known, stored);
        this.#finder.checkLag(question, found);
        return found ?? notIssuedEntry(issuer, serialNumber, signer, now);
      });
    });
  }
}
