/** What is remembered of a question for one certificate: the bytes that it came in are let go of. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { nameHash } from '../store/issuer-identity.js';
import { serialToBytes } from '../x509/serial-number.js';
import type { Place } from './answer-cache.js';
import type { ResponderIssuer } from './issuer.js';
import type { Question } from './question.js';

export class Remembered implements Question {
  readonly issuer: ResponderIssuer;
  readonly hash: CertIdHashIndex;
  readonly name: number;
  readonly serialNumber: string;
  signer: undefined;
  key: string | undefined;
  place: Place | undefined;

  constructor({ issuer, hash, name, serialNumber }: Question) {
    this.issuer = issuer;
    this.hash = hash;
    this.name = name;
    this.serialNumber = serialNumber;
  }

  get serialBytes(): Buffer {
    return serialToBytes(this.serialNumber);
  }

  get issuerNameHash(): Buffer {
    return nameHash(this.issuer.identity.names[this.name] as Uint8Array, this.hash);
  }

  get issuerKeyHash(): Buffer {
    return this.issuer.parsed.publicKeyHash(this.hash);
  }
}
