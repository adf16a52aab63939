/** The course of the command, step by step as `openssl ocsp` takes them: what is said when something fails depends on it. */
import cluster from 'node:cluster';
import { OCSPError } from '../../errors.js';
import { printRequest, printResponse } from '../../ocsp/printing.js';
import { loadDerOcspRequest, type OCSPRequest } from '../../ocsp/request.js';
import { loadDatabase } from './database.js';
import { loadCertificate, loadCertificates, loadKey, readMessage, readPassphrase, writeMessage } from './files.js';
import { atoi } from './grammar.js';
import { HttpError, post } from './http.js';
import { indexState } from './index-file.js';
import { keyMismatch, systemCode } from './queue.js';
import { makeRequest, withNonce, withSignature } from './request.js';
import { type ResponderSettings, respond } from './responder.js';
import { type IncomingResponse, readResponse } from './response-file.js';
import { serveRequests } from './server.js';
import { PROGRAM, Session, Stop, type Streams } from './session.js';
import { readSettings, type Settings } from './settings.js';
import { printSummary } from './summary.js';
import { nonceFits, openVerifyMaterial, verifyResponse } from './verification.js';

const STATUS_TEXTS = ['successful', 'malformedrequest', 'internalerror', 'trylater', '', 'sigrequired', 'unauthorized'];
const DAY = 24 * 3600;

/** Runs `openssl-ocsp ocsp` with these arguments; the exit code. */
export async function runOcsp(args: readonly string[], streams: Streams = process): Promise<number> {
  const session = new Session(streams);
  try {
    return await run(args, session);
  } catch (error) {
    if (error instanceof Stop) return error.exitCode;
    if (!(error instanceof OCSPError) && systemCode(error) === '') throw error;
    // Something that OpenSSL's command does not get into: a full disk, a message that is lenient beyond our reach.
    session.say(`${PROGRAM}: ${(error as Error).message}`);
    return 1;
  } finally {
    session.printErrors();
    session.close();
    // The channel to the process that looks after this one would keep it.
    cluster.worker?.disconnect();
  }
}

async function run(args: readonly string[], session: Session): Promise<number> {
  const settings = readSettings(args, session);
  const { flags } = settings;
  const reqin = settings.text('reqin');
  const respin = settings.text('respin');
  const index = settings.text('index');
  const asServer = settings.text('port') !== undefined && settings.text('host') === undefined;
  if (
    settings.asked.length === 0 &&
    reqin === undefined &&
    respin === undefined &&
    !(asServer && index !== undefined)
  ) {
    session.usage();
  }
  const out = settings.text('out');
  if (out !== undefined && out !== '-') session.openOut(out);

  let request = startingRequest(session, settings, reqin);
  const responder = index === undefined ? loadSigner(session, settings) : loadResponder(session, settings, index);
  if (request === undefined && asServer) {
    if (responder === undefined) session.stop(`${PROGRAM}: -port without -index: there is nothing to answer with`);
    return await serveRequests(session, settings, responder);
  }
  const nonce = settings.asked.length > 0 || settings.nonce === 2 ? settings.nonce : 0;
  if (request === undefined) {
    const needed = settings.text('signer') ?? settings.text('reqout') ?? settings.text('host') ?? index;
    if (needed !== undefined || nonce > 0) session.stop('Need an OCSP request for this operation!');
  } else {
    if (nonce > 0) request = withNonce(request);
    request = signIfAsked(session, settings, request);
    if (flags.has('req_text')) session.printMessage(printRequest(request.publicBytes()));
    const reqout = settings.text('reqout');
    if (reqout !== undefined) writeMessage(session, reqout, request.publicBytes());
  }

  const response = await obtainResponse(session, settings, request, responder);
  if (response === undefined) return 0;
  const respout = settings.text('respout');
  if (respout !== undefined) writeMessage(session, respout, response.der);
  if (response.status !== 0) {
    session.print(`Responder Error: ${STATUS_TEXTS[response.status] || '(UNKNOWN)'} (${response.status})\n`);
    if (!flags.has('ignore_err')) return 1;
  }
  if (flags.has('resp_text')) session.printMessage(printResponse(response.der));
  // No one verifies what was just made.
  if (responder !== undefined) return 0;
  return judge(session, settings, request, response);
}

function startingRequest(session: Session, settings: Settings, reqin: string | undefined): OCSPRequest | undefined {
  if (settings.asked.length > 0) return makeRequest(settings.asked.map(({ certId }) => certId));
  if (reqin === undefined) return undefined;
  const bytes = readMessage(session, reqin, 'OCSP request');
  try {
    return loadDerOcspRequest(bytes, { strict: false });
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    session.pushFrom(error);
    return session.stop('Error reading OCSP request');
  }
}

type SignerParts = Pick<ResponderSettings, 'signer' | 'key' | 'authorities' | 'others'>;

/** The responder's certificates and key, which OpenSSL loads in any case. */
function loadSignerParts(session: Session, settings: Settings): SignerParts | undefined {
  const rsigner = settings.text('rsigner');
  if (rsigner === undefined) return undefined;
  const signer = orSay(session, 'Error loading responder certificate', () =>
    loadCertificate(session, rsigner, 'responder certificate'),
  );
  const authorities = loadCertificates(session, settings.text('CA'), 'CA certificate');
  const rother = settings.text('rother');
  const others = rother === undefined ? [] : loadCertificates(session, rother, 'responder other certificate');
  const passphrase = readPassphrase(session, settings.text('passin'));
  const key = loadKey(session, settings.text('rkey') ?? rsigner, 'responder private key', passphrase);
  return { signer, key, authorities, others };
}

function loadSigner(session: Session, settings: Settings): undefined {
  loadSignerParts(session, settings);
}

function loadResponder(session: Session, settings: Settings, index: string): ResponderSettings {
  const parts = loadSignerParts(session, settings);
  if (parts === undefined) return session.stop('Responder mode requires certificate, key, and CA.');
  const { flags, days, minutes } = settings;
  return {
    ...parts,
    // (First: one that is replaced meanwhile is read again.)
    readAs: indexState(index),
    database: loadDatabase(session, index),
    digest: settings.responseDigest,
    signatureOptions: settings.signatureOptions,
    certIdDigest: settings.certIdDigest,
    noCertificates: flags.has('resp_no_certs'),
    byKey: flags.has('resp_key_id'),
    spoilSignature: flags.has('badsig'),
    period: days === undefined ? undefined : days * DAY + minutes * 60,
  };
}

/** Says one more line when `load` ends the run. */
function orSay<T>(session: Session, line: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof Stop) session.say(line);
    throw error;
  }
}

function signIfAsked(session: Session, settings: Settings, request: OCSPRequest): OCSPRequest {
  const path = settings.text('signer');
  if (path === undefined) return request;
  const signer = orSay(session, 'Error loading signer certificate', () =>
    loadCertificate(session, path, 'signer certificate'),
  );
  const other = settings.text('sign_other');
  const others = other === undefined ? [] : loadCertificates(session, other, 'signer certificate');
  const key = loadKey(session, settings.text('signkey') ?? path, 'signer private key');
  const certificates = settings.flags.has('no_certs') ? [] : [signer, ...others];
  try {
    return withSignature(request, { signer, key, certificates });
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    if (error.code === 'ERR_OCSP_KEY_MISMATCH') {
      session.push(...keyMismatch(signer.publicKey.asymmetricKeyType, key.asymmetricKeyType));
    } else session.pushFrom(error);
    return session.stop('Error signing OCSP request');
  }
}

/** Made, asked for, or read; undefined when none was wanted. */
async function obtainResponse(
  session: Session,
  settings: Settings,
  request: OCSPRequest | undefined,
  responder: ResponderSettings | undefined,
): Promise<IncomingResponse | undefined> {
  const host = settings.text('host');
  const respin = settings.text('respin');
  if (responder !== undefined && request !== undefined) return readResponse(respond(session, request, responder));
  let bytes: Buffer;
  let complaint: string;
  if (host !== undefined && request !== undefined) {
    complaint = 'Error querying OCSP responder';
    bytes = await query(session, settings, request, host, complaint);
  } else if (respin !== undefined) {
    complaint = 'Error reading OCSP response';
    bytes = readMessage(session, respin, 'OCSP response');
  } else return undefined;
  try {
    return readResponse(bytes);
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    session.pushFrom(error);
    return session.stop(complaint);
  }
}

async function query(
  session: Session,
  settings: Settings,
  request: OCSPRequest,
  host: string,
  complaint: string,
): Promise<Buffer> {
  const { tls, headers } = settings;
  const timeout = settings.text('timeout');
  try {
    return await post(request.publicBytes(), {
      tls,
      headers,
      host,
      port: settings.text('port'),
      path: settings.text('path') ?? '/',
      proxy: settings.text('proxy'),
      noProxy: settings.text('no_proxy'),
      timeout: timeout === undefined ? undefined : atoi(timeout),
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    session.push(...error.entries);
    return session.stop(complaint);
  }
}

const NO_RESPONSE_DATA = { code: '1380006C', library: 'OCSP routines', reason: 'no response data' };

/** Verifies, and prints what the response says. The exit code. */
function judge(
  session: Session,
  settings: Settings,
  request: OCSPRequest | undefined,
  { message, failure, status }: IncomingResponse,
): number {
  const material = openVerifyMaterial(session, settings);
  if (message === undefined || status !== 0) {
    if (failure === undefined) session.push(NO_RESPONSE_DATA);
    else session.pushFrom(failure);
    return session.stop('Error parsing response');
  }
  let exitCode = 0;
  if (!settings.flags.has('noverify')) {
    if (request !== undefined && !nonceFits(session, request, message)) return 1;
    if (!verifyResponse(session, message, settings, material)) exitCode = 1;
  }
  if (request !== undefined && !printSummary(session, message, settings)) exitCode = 1;
  return exitCode;
}
