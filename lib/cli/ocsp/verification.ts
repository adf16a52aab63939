/** Whether the response is to be believed: the trust store, the nonce, and OpenSSL's verification. */
import type { X509Certificate } from 'node:crypto';
import { OCSPError } from '../../errors.js';
import type { MessageVerifyOptions } from '../../ocsp/basic-verify.js';
import type { OCSPRequest } from '../../ocsp/request.js';
import type { OCSPResponse } from '../../ocsp/response.js';
import { checkNonce } from '../../ocsp/verification/nonce.js';
import { type SystemTrust, TrustStore, type TrustStoreOptions } from '../../x509/trust-store.js';
import { loadCertificates } from './files.js';
import { openError } from './queue.js';
import type { Session } from './session.js';
import type { Settings } from './settings.js';

const SOURCES = [
  ['caFile', 'CAfile', 'file', 'Error loading file'],
  ['caPath', 'CApath', 'folder', 'Error loading directory'],
  ['caStore', 'CAstore', 'store', 'Error loading store URI'],
] as const;

/** The trusted certificates (`setup_verify`): each source that is named, or, unless told not to, the system's. */
function openTrust(session: Session, settings: Settings): TrustStore {
  const options: { -readonly [K in keyof TrustStoreOptions]: TrustStoreOptions[K] } = {};
  const system: SystemTrust[] = [];
  for (const [key, name, part, complaint] of SOURCES) {
    const path = settings.text(name);
    if (path === '') {
      session.push(...openError({ code: 'ENOENT' }, path, 'r'));
      session.stop(`${complaint} `);
    }
    if (path !== undefined) options[key] = path;
    else if (!settings.flags.has(`no-${name}`)) system.push(part);
  }
  try {
    const trust = new TrustStore({ ...options, system });
    session.clearErrors();
    return trust;
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    for (const [key, name, , complaint] of SOURCES) {
      const path = settings.text(name);
      if (path === undefined) continue;
      try {
        new TrustStore({ [key]: path });
      } catch {
        session.say(`${complaint} ${path}`);
        break;
      }
    }
    session.pushFrom(error);
    return session.stop();
  }
}

/** What a response is verified with. */
export interface VerifyMaterial {
  readonly trust: TrustStore;
  /** To look for the signer in. */
  readonly certificates: readonly X509Certificate[];
}

/** All of it is loaded before anything is looked at, and also where nothing is verified. */
export function openVerifyMaterial(session: Session, settings: Settings): VerifyMaterial {
  const trust = openTrust(session, settings);
  const other = settings.text('verify_other');
  return { trust, certificates: other === undefined ? [] : loadCertificates(session, other, 'validator certificate') };
}

/** false when the answer is to another request. Says what is wrong. */
export function nonceFits(session: Session, request: OCSPRequest, response: OCSPResponse): boolean {
  let state: string;
  try {
    state = checkNonce(request, response);
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    state = 'different';
  }
  if (state === 'request-only') session.say('WARNING: no nonce in response');
  if (state !== 'different') return true;
  session.say('Nonce Verify error');
  return false;
}

/** OpenSSL's verdict on the response, with the issuers as a second try. Says it. */
export function verifyResponse(
  session: Session,
  response: OCSPResponse,
  settings: Settings,
  { trust, certificates }: VerifyMaterial,
): boolean {
  const options: MessageVerifyOptions = { ...verifyOptions(settings), trust };
  let verified = tryVerify(session, response, { ...options, certificates });
  if (!verified && settings.issuers.length > 0) {
    verified = tryVerify(session, response, { ...options, certificates: settings.issuers });
    if (verified) session.clearErrors();
  }
  session.say(verified ? 'Response verify OK' : 'Response Verify Failure');
  session.printErrors();
  return verified;
}

function tryVerify(session: Session, response: OCSPResponse, options: MessageVerifyOptions): boolean {
  const { verified, error } = response.basicVerify(options);
  session.pushFrom(error);
  return verified;
}

function verifyOptions({ flags, path, pathFlags, policies }: Settings): MessageVerifyOptions {
  return {
    ...path,
    noIntern: flags.has('no_intern'),
    noSignatures: flags.has('no_signature_verify'),
    noChain: flags.has('no_chain'),
    noVerify: flags.has('no_cert_verify'),
    noExplicit: flags.has('no_explicit'),
    noChecks: flags.has('no_cert_checks'),
    trustOther: flags.has('trust_other'),
    pathFlags: [...pathFlags],
    policies,
  };
}
