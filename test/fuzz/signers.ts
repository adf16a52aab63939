/** Those who sign what the fuzzer of stores puts. */
import { constants, sign } from 'node:crypto';
import type { HashAlgorithm, OCSPResponse } from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa, type TestIdentity, type TestKeyType } from 'openssl-ocsp/testing';

export const KEYS: readonly TestKeyType[] = ['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448'];

const ca = createTestCa({ subject: 'CN=Fuzzed' });

/** A signer, and one with the same certificate whose key is elsewhere and may fail. */
export class Signers {
  readonly near: ResponseSigner;
  readonly far: ResponseSigner;
  readonly #responder: TestIdentity;
  /** What the key that is elsewhere does for the next signature, by its number. */
  fault: 'throws' | 'lies' | undefined;
  failed = false;

  constructor(keyType: TestKeyType) {
    this.#responder = ca.issueResponder({ keyType });
    const { certificate: responder, privateKey } = this.#responder;
    this.near = new ResponseSigner({ issuer: ca.certificate, responder, privateKey });
    const key = { key: privateKey, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const elsewhere = {
      sign: (tbs: Buffer, hash: HashAlgorithm | null): Buffer => {
        const fault = this.fault;
        this.fault = undefined;
        this.failed ||= fault !== undefined;
        if (fault === 'throws') throw Object.assign(new Error('the key is gone'), { code: 'KEY_GONE' });
        return sign(hash, fault === 'lies' ? Buffer.concat([tbs, tbs]) : tbs, key);
      },
    };
    this.far = new ResponseSigner({ issuer: ca.certificate, responder, privateKey: elsewhere });
  }

  isSignatureOf(response: OCSPResponse): boolean {
    const { certificate } = this.#responder;
    const options = { trust: [ca.certificate], certificates: [certificate] };
    return response.basicVerify(options).verified;
  }
}

const signers = new Map<TestKeyType, Signers>();

/** Those of a type of key. */
export function signersOf(keyType: TestKeyType): Signers {
  const found = signers.get(keyType) ?? new Signers(keyType);
  signers.set(keyType, found);
  return found;
}

/** Whose answers are signed. */
export const { issuer } = signersOf('ec').near;
