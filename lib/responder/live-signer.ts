/** Signs answers as they are asked for: any number of certificates, with a nonce or without. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type {
  CertIdHashIndex,
  NativePrivateKey,
  NativeResponseSigner,
  SingleResponseTuple,
} from '../../typings/binding.js';
import { native, takeOutput, viewOutput } from '../binding.js';
import { invalidValue } from '../errors.js';
import type { MessageView } from '../ocsp/message.js';
import type { OCSPResponse } from '../ocsp/response.js';
import { isResponder } from '../ocsp/response-parts.js';
import type { ExternalSigner } from '../ocsp/signing.js';
import { checkAuthorization } from '../signing/check-responder.js';
import { type DefaultTimes, unpackEntries } from '../signing/entry-packer.js';
import { signDataExternally } from '../signing/external-pool.js';
import { LIFETIME_NAMES, type Lifetime, type LifetimeOptions, resolveLifetime, timesAt } from '../signing/lifetime.js';
import {
  type ProfileOptions,
  resolveProfile,
  resolveSignature,
  type SignerProfile,
  signatureAlgorithmOf,
} from '../signing/signer-profile.js';
import {
  type AlgorithmIdentifier,
  encodeAlgorithmIdentifier,
  type HashAlgorithm,
  readAlgorithmIdentifier,
  readSignatureAlgorithm,
} from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { DerReader, Tag } from '../x509/der.js';
import type { PreferredSignatureAlgorithm } from '../x509/extensions/request.js';
import type { PrivateKeyInput } from '../x509/key.js';
import { SignatureAlgorithmOID } from '../x509/oids.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { StoredPrivateKey } from '../x509/stored-key.js';
import { parsePrintedTime } from '../x509/time.js';
import { after } from './after.js';
import { onDeviceThread } from './device-threads.js';

/** A certificate that signs for an issuer, and its key. */
export interface ResponderSigner extends Omit<ProfileOptions, 'issuer' | 'privateKey'> {
  /**
   * The private key of the certificate, or who signs with it elsewhere; or a function that loads it, called when a signature is
   * first needed, and again after it has failed or taken longer than `live.timeout`.
   */
  readonly privateKey: KeyInput | (() => KeyInput | Promise<KeyInput>);
  /** From when and until when answers hold. Default: from the second of signing, for a day. */
  readonly validity?: LifetimeOptions;
}

/** How a CertID names its issuer. */
export interface NamedCertId {
  readonly hash: CertIdHashIndex;
  /** Which spelling of the issuer's name. */
  readonly name: number;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
}

/** What an answer says. */
export interface Content {
  /** One for each entry. */
  readonly certIds: readonly NamedCertId[];
  /** Entries, packed. */
  readonly packed: Buffer;
  /** The responseExtensions element; undefined for none. */
  readonly extensions: Buffer | undefined;
}

/** A key, or who has it. */
export type KeyInput = PrivateKeyInput | ExternalSigner;

const DAY = 24 * 3600;
const SIGNER_NAMES: OptionNames<ResponderSigner> = {
  responder: true,
  privateKey: true,
  algorithm: true,
  signOptions: true,
  responderId: true,
  certificates: true,
  validity: true,
};

export class LiveSigner {
  readonly responder: ParsedCertificate;
  /** From when and until when the certificate is valid, in milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** OID of its signatures; null when there is none. */
  readonly signatureAlgorithm: string | null;
  /** The hash of its signatures; null for keys that hash by themselves. */
  readonly algorithm: HashAlgorithm | null;
  /** Whether its key is in this process, so that signing takes as long as a signature does. */
  isLocal = false;
  /** Whether its key is in a device, or what else OpenSSL's providers reach, so that signing may take a thread for ever. */
  isDevice = false;
  readonly #options: ResponderSigner;
  readonly #issuer: CertificateInput;
  readonly #validity: Lifetime;
  /** Milliseconds that a signature may take. */
  readonly #timeout: number;
  #profile: Promise<SignerProfile> | SignerProfile | undefined;
  /** By performance.now(). */
  #loadingSince = 0;
  #isQuick: boolean | undefined;
  #keyAlgorithm: AlgorithmIdentifier | undefined;
  /** By hash and spelling of the issuer's name. */
  readonly #natives = new Map<number, NativeResponseSigner>();

  /** @throws What `ResponseSigner` throws, but for the times: a signer may be there before it is needed, and after. */
  constructor(
    given: ResponderSigner,
    issuer: { readonly given: CertificateInput; readonly parsed: ParsedCertificate },
    allowUnauthorized: boolean,
    timeout: number,
  ) {
    this.#timeout = timeout;
    const options = readOptions(given, SIGNER_NAMES, 'signer');
    // A CA that signs for itself is read once.
    this.responder = options.responder === issuer.given ? issuer.parsed : toCertificate(options.responder, 'responder');
    const { x509 } = this.responder;
    if (!allowUnauthorized) checkAuthorization(x509, issuer.parsed.x509);
    this.notBefore = parsePrintedTime(x509.validFrom);
    this.notAfter = parsePrintedTime(x509.validTo);
    const { algorithm, scheme } = resolveSignature(this.responder.native.keyType, options);
    this.algorithm = algorithm;
    this.signatureAlgorithm = signatureAlgorithmOf({ key: undefined, responder: this.responder, scheme, algorithm });
    this.#options = options;
    this.#issuer = issuer.parsed.x509;
    this.#validity = resolveLifetime(
      { granularity: 1, period: DAY, ...readOptions(options.validity ?? {}, LIFETIME_NAMES, 'signer.validity') },
      this.notAfter,
    );
    if (typeof options.privateKey !== 'function') this.#profile = this.#resolve(options.privateKey);
  }

  isValid(now: number): boolean {
    return now >= this.notBefore && now <= this.notAfter;
  }

  /** Whether its signatures are what a client prefers. */
  suits({ sigIdentifier, certIdentifier }: PreferredSignatureAlgorithm): boolean {
    if (sigIdentifier.oid !== this.signatureAlgorithm) return false;
    // The parameters of RSASSA-PSS name its hash.
    if (sigIdentifier.oid === SignatureAlgorithmOID.RSASSA_PSS && sigIdentifier.parameters !== null)
      if (hashOf(sigIdentifier) !== this.algorithm) return false;
    if (certIdentifier === null) return true;
    this.#keyAlgorithm ??= keyAlgorithmOf(this.responder.x509);
    const { oid, parameters } = this.#keyAlgorithm;
    return certIdentifier.oid === oid && (certIdentifier.parameters?.equals(parameters ?? Buffer.alloc(0)) ?? true);
  }

  /** Whether a response that names it as its responder is signed as it signs. */
  hasSigned({ signatureAlgorithmOid, signatureHashAlgorithm }: OCSPResponse): boolean {
    return signatureAlgorithmOid === this.signatureAlgorithm && signatureHashAlgorithm === this.algorithm;
  }

  /** Whether a successful response names it as its responder. */
  isNamedBy(response: MessageView): boolean {
    return isResponder(response, this.responder.subject, this.responder.publicKeyHash(0));
  }

  /** Times of an entry that brings none, in seconds; nextUpdate is never past the end of the certificate. */
  timesAt(now: number): DefaultTimes & { readonly latest: number } {
    const latest = Math.floor(this.notAfter / 1000);
    return { ...timesAt(this.#validity, now), latest };
  }

  /** Whether its key is there. */
  get isLoaded(): boolean {
    return this.#profile !== undefined && !(this.#profile instanceof Promise);
  }

  /** Whether it signs at once: its key is loaded, and quicker than another thread. */
  get isQuick(): boolean {
    if (!this.isLocal || !this.isLoaded) return false;
    this.#isQuick ??= isQuickKey(this.responder.x509.publicKey);
    return this.#isQuick;
  }

  /**
   * The DER of a response, a character for each byte; at once where {@link isQuick} says so.
   *
   * @throws What loading the key and signing throw.
   */
  sign(content: Content, now: number): string | Promise<string> {
    return after(this.load(), (profile) => this.#signWith(profile, content, Math.floor(now / 1000)));
  }

  /** Loads the key, if that has not been done. One that takes longer than a signature may is begun again. */
  load(): Promise<SignerProfile> | SignerProfile {
    const isLate = this.#profile instanceof Promise && performance.now() - this.#loadingSince > this.#timeout;
    if (isLate) this.#profile = undefined;
    this.#profile ??= this.#loadKey();
    return this.#profile;
  }

  #signWith(profile: SignerProfile, content: Content, producedAt: number): string | Promise<string> {
    const { certIds, packed, extensions } = content;
    const { key, external, responder, responderIdTag, scheme, certificates } = profile;
    if (key !== undefined && certIds.length === 1) {
      const signer = this.#signerFor(profile, key, certIds[0] as NamedCertId);
      if (this.isQuick) return viewOutput(signer.sign(packed, producedAt, extensions)).toString('latin1');
      return this.#onThread(() => signer.signAsync(packed, producedAt, extensions)).then(latin1Of);
    }
    const data = takeOutput(
      native.encodeResponseData(
        responderIdTag,
        responderIdTag === 1 ? responder.subject : responder.publicKeyHash(0),
        producedAt,
        unpackEntries(packed).map((entry, i): SingleResponseTuple => {
          const { hash, issuerNameHash, issuerKeyHash } = certIds[i] as NamedCertId;
          return [hash, issuerNameHash, issuerKeyHash, ...entry];
        }),
        extensions,
      ),
    );
    if (external !== undefined) return signDataExternally({ ...profile, signer: external }, data).then(latin1Of);
    if (key === undefined) throw invalidValue('no key');
    if (this.isQuick) return latin1Of(viewOutput(key.signResponse(data, responder.native, ...scheme, certificates)));
    return this.#onThread(() => key.signResponseAsync(data, responder.native, ...scheme, certificates)).then(latin1Of);
  }

  #onThread(sign: () => Promise<Buffer>): Promise<Buffer> {
    return this.isDevice ? onDeviceThread(sign) : sign();
  }

  /** What signs answers about one certificate, by what the CertID has: its hash, and how the issuer's name is spelt. */
  #signerFor(profile: SignerProfile, key: NativePrivateKey, certId: NamedCertId): NativeResponseSigner {
    const kind = certId.hash + 8 * certId.name;
    let signer = this.#natives.get(kind);
    if (signer === undefined) {
      signer = nativeSigner(profile, key, certId);
      this.#natives.set(kind, signer);
    }
    return signer;
  }

  #loadKey(): Promise<SignerProfile> {
    const { privateKey } = this.#options;
    const load = async (): Promise<SignerProfile> =>
      this.#resolve(await (privateKey as () => KeyInput | Promise<KeyInput>)());
    this.#loadingSince = performance.now();
    const own = load();
    own.then(
      (profile) => {
        this.#profile = profile;
      },
      () => {
        if (this.#profile === own) this.#profile = undefined;
      },
    );
    return own;
  }

  #resolve(privateKey: KeyInput): SignerProfile {
    const profile = resolveProfile({ ...this.#options, issuer: this.#issuer, privateKey });
    this.isDevice = privateKey instanceof StoredPrivateKey;
    this.isLocal = profile.key !== undefined && !this.isDevice;
    checkKey(profile);
    return profile;
  }
}

/**
 * Whether the key is that of the certificate, also one in a device, and signs so: before the first client asks.
 *
 * @throws `ERR_OCSP_KEY_MISMATCH`; `ERR_OCSP_OPENSSL` for what OpenSSL refuses.
 */
function checkKey(profile: SignerProfile): void {
  const { key, responder } = profile;
  const hash = responder.publicKeyHash(0);
  if (key !== undefined) nativeSigner(profile, key, { hash: 0, issuerNameHash: hash, issuerKeyHash: hash });
}

function nativeSigner(
  { responder, scheme, responderIdTag, certificates }: SignerProfile,
  key: NativePrivateKey,
  { hash, issuerNameHash, issuerKeyHash }: Omit<NamedCertId, 'name'>,
): NativeResponseSigner {
  const certId = [hash, issuerNameHash, issuerKeyHash] as const;
  return new native.ResponseSigner(key, responder.native, ...scheme, responderIdTag, ...certId, certificates);
}

/** Bits of an RSA key that signs on this thread where no other one has a core of its own. */
const LONGEST_RSA = 3072;

/**
 * Whether it signs in less time than it takes to hand the work to another thread and back. Other curves take many times that of P-256. Where
 * there is one core, another thread takes as much of it, and its switches come on top.
 */
function isQuickKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ed25519' || asymmetricKeyDetails?.namedCurve === 'prime256v1') return true;
  const bits = asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits <= LONGEST_RSA && asymmetricKeyType !== 'dsa' && availableParallelism() === 1;
}

function latin1Of(der: Buffer): string {
  return der.toString('latin1');
}

/** undefined for parameters that cannot be read. */
function hashOf(algorithm: AlgorithmIdentifier): HashAlgorithm | null | undefined {
  try {
    return readSignatureAlgorithm(encodeAlgorithmIdentifier(algorithm)).hash;
  } catch {
    return undefined;
  }
}

/** The AlgorithmIdentifier in a certificate's SubjectPublicKeyInfo. */
function keyAlgorithmOf({ publicKey }: X509Certificate): AlgorithmIdentifier {
  return readAlgorithmIdentifier(
    new DerReader(publicKey.export({ format: 'der', type: 'spki' })).enter(Tag.SEQUENCE, 'spki'),
  );
}
