/** What the options ask for, read in their order: certificates are loaded, and CertIDs made, as they come. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { opensslInfo } from '../../binding.js';
import type { MessageVerifyOptions } from '../../ocsp/basic-verify.js';
import type { PathFlag } from '../../ocsp/openssl-flags.js';
import { isOid } from '../../x509/oids.js';
import { type Digest, findDigest } from './digests.js';
import { loadCertificate } from './files.js';
import { atoi, type Option, parseNumber, readOptions } from './grammar.js';
import { HttpError, parseUrl } from './http.js';
import { BAD_SERIAL, UNKNOWN_OBJECT, unknownDigest } from './queue.js';
import { certIdOf, certIdOfSerial, parseSerial } from './request.js';
import { PROGRAM, type Session, Stop } from './session.js';
import { optionLines } from './table.js';

/** OpenSSL's `MAX_VALIDITY_PERIOD`: seconds that clocks may differ. */
const DEFAULT_TOLERANCE = 300n;

type Mutable<T> = { -readonly [K in keyof T]?: T[K] };

/** What was asked for. */
export class Settings {
  /** Values of options that just have one, by name; the last counts. */
  readonly texts: Map<string, string> = new Map();
  /** Flags that were given. */
  readonly flags: Set<string> = new Set();
  readonly issuers: X509Certificate[] = [];
  /** CertIDs to ask about, with the names that the summary gives them. */
  readonly asked: { readonly name: string; readonly certId: Buffer }[] = [];
  readonly headers: (readonly [string, string])[] = [];
  readonly signatureOptions: string[] = [];
  readonly path: Mutable<MessageVerifyOptions> = {};
  readonly pathFlags: Set<PathFlag> = new Set();
  readonly policies: string[] = [];
  /** 2: whatever the request is made of; 1: when it is made here. */
  nonce: 0 | 1 | 2 = 1;
  tls = false;
  tolerance: bigint = DEFAULT_TOLERANCE;
  maxAge: bigint | undefined;
  responseDigest: Digest | undefined;
  certIdDigest: Digest | undefined;
  days: number | undefined;
  minutes = 0;

  /** The value of an option; undefined when it was not given. */
  text(name: string): string | undefined {
    return this.texts.get(name);
  }
}

/** Flags of path validation by option. */
const PATH_FLAGS: Readonly<Record<string, readonly PathFlag[]>> = {
  ignore_critical: ['ignoreCritical'],
  crl_check: ['crlCheck'],
  crl_check_all: ['crlCheck', 'crlCheckAll'],
  policy_check: ['policyCheck'],
  explicit_policy: ['explicitPolicy'],
  inhibit_any: ['inhibitAny'],
  inhibit_map: ['inhibitMap'],
  x509_strict: ['x509Strict'],
  extended_crl: ['extendedCrl'],
  use_deltas: ['useDeltas'],
  check_ss_sig: ['checkSelfSigned'],
  trusted_first: ['trustedFirst'],
  suiteB_128_only: ['suiteB128Only'],
  suiteB_128: ['suiteB128'],
  suiteB_192: ['suiteB192'],
  no_alt_chains: ['noAltChains'],
  no_check_time: ['noCheckTime'],
  allow_proxy_certs: ['allowProxyCerts'],
};

const PURPOSES = [
  'sslclient',
  'sslserver',
  'nssslserver',
  'smimesign',
  'smimeencrypt',
  'crlsign',
  'any',
  'ocsphelper',
  'timestampsign',
];
const VERIFY_NAMES = ['default', 'pkcs7', 'smime_sign', 'ssl_client', 'ssl_server'];
const UNKNOWN_DIGEST = `${PROGRAM}: Unknown option or message digest: `;
const ANY_POLICY = '2.5.29.32.0';

/** Reads the command line. Ends the run for wrong usage, and for what cannot be loaded. */
export function readSettings(args: readonly string[], session: Session): Settings {
  const settings = new Settings();
  let issuer: X509Certificate | undefined;
  let digest: Digest | undefined;
  /** A hash that nothing has been asked about with. */
  let trailing = false;
  const ask = (name: string, makeId: (digest: Digest, issuer: X509Certificate) => Buffer): void => {
    digest ??= findDigest('SHA1') as Digest;
    if (issuer === undefined) session.stop('No issuer certificate specified');
    settings.asked.push({ name, certId: makeId(digest, issuer) });
    trailing = false;
  };
  const tooLate = (): never => session.usage(`${PROGRAM}: Digest must be before -cert or -serial`);

  for (const option of readOptions(args, session)) {
    const { name, value } = option;
    switch (name) {
      case 'help':
        session.say(`Usage: ${PROGRAM} [options]\n${optionLines().trimEnd()}`);
        throw new Stop(0);
      case 'issuer':
        issuer = loadCertificate(session, value, 'issuer certificate');
        settings.issuers.push(issuer);
        break;
      case 'cert': {
        const certificate = loadCertificate(session, value, 'certificate');
        ask(value, (hash, of) => certIdOf(hash, certificate, of));
        break;
      }
      case 'serial':
        ask(value, (hash, of) => certIdOfSerial(hash, serialOf(session, value), of));
        break;
      default:
        if (readPathOption(option, settings, session) || readSimple(option, settings, session)) break;
        if (trailing) tooLate();
        if (name === '') session.usage(`${UNKNOWN_DIGEST}""`);
        digest = lookUpDigest(session, name) ?? session.usage();
        trailing = true;
    }
  }
  if (trailing) tooLate();
  const responseDigest = settings.text('rmd');
  if (responseDigest !== undefined) settings.responseDigest = lookUpDigest(session, responseDigest) ?? session.stop();
  return settings;
}

function serialOf(session: Session, text: string): bigint {
  const serial = parseSerial(text);
  if (serial !== undefined) return serial;
  session.push(BAD_SERIAL);
  return session.stop(`Error converting serial number ${text}`);
}

/** undefined when there is none of that name, which has been said then. */
function lookUpDigest(session: Session, name: string): Digest | undefined {
  const digest = findDigest(name);
  if (digest === undefined) {
    session.say(`${UNKNOWN_DIGEST}${name}`);
    session.push(unknownDigest(name));
  }
  return digest;
}

const TEXTS = new Set([
  ...[
    'out',
    'passin',
    'reqin',
    'reqout',
    'respin',
    'respout',
    'signer',
    'signkey',
    'sign_other',
    'host',
    'port',
    'path',
  ],
  ...['proxy', 'no_proxy', 'timeout', 'CAfile', 'CApath', 'CAstore', 'verify_other', 'index', 'CA', 'rsigner', 'rkey'],
  // OpenSSL looks the hash of the signature up when it has read everything, that of CertIDs at once.
  ...['rother', 'nrequest', 'multi', 'rmd'],
]);
const FLAGS = new Set([
  ...[
    'req_text',
    'resp_text',
    'ignore_err',
    'no_certs',
    'no-CAfile',
    'no-CApath',
    'no-CAstore',
    'trust_other',
    'noverify',
  ],
  ...[
    'no_signature_verify',
    'no_cert_verify',
    'no_cert_checks',
    'no_chain',
    'no_intern',
    'no_explicit',
    'resp_no_certs',
  ],
  ...['resp_key_id', 'badsig'],
]);

/** All other options. false for a name that is none. */
function readSimple({ name, value }: Option, settings: Settings, session: Session): boolean {
  if (TEXTS.has(name)) settings.texts.set(name, value);
  else if (FLAGS.has(name)) settings.flags.add(name);
  else {
    switch (name) {
      case 'text':
        settings.flags.add('req_text').add('resp_text');
        break;
      case 'nonce':
        settings.nonce = 2;
        break;
      case 'no_nonce':
        settings.nonce = 0;
        break;
      case 'VAfile':
        settings.texts.set('verify_other', value);
        settings.flags.add('trust_other');
        break;
      case 'url':
        readUrl(value, settings, session);
        break;
      case 'header': {
        const equals = value.indexOf('=');
        if (equals < 0) session.usage('Missing = in header key=value');
        settings.headers.push([value.slice(0, equals), value.slice(equals + 1)]);
        break;
      }
      case 'rcid':
        settings.certIdDigest = lookUpDigest(session, value) ?? session.usage();
        break;
      case 'rsigopt':
        settings.signatureOptions.push(value);
        break;
      case 'ndays':
        settings.days = atoi(value);
        break;
      case 'nmin':
        settings.minutes = Number(parseNumber(value));
        settings.days ??= 0;
        break;
      case 'validity_period':
        // Checked as unsigned, then read as signed.
        settings.tolerance = parseNumber(value) ?? settings.tolerance;
        break;
      case 'status_age':
        settings.maxAge = parseNumber(value);
        break;
      case 'provider':
        if (value !== 'default')
          session.stop(`${PROGRAM}: unable to load provider ${value}: Node's OpenSSL keeps its own`);
        break;
      case 'provider-path':
      case 'propquery':
        return session.stop(`${PROGRAM}: -${name} is not supported: the OpenSSL in use is Node's, with its providers`);
      default:
        return false;
    }
  }
  return true;
}

function readUrl(url: string, settings: Settings, session: Session): void {
  try {
    const { tls, host, port, path } = parseUrl(url);
    settings.tls = tls;
    settings.texts.set('host', host).set('port', port).set('path', path);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    session.push(...error.entries);
    session.stop(`${PROGRAM} Error parsing -url argument`);
  }
}

/** The options that OpenSSL's `opt_verify` takes. false for any other. */
function readPathOption({ name, value }: Option, settings: Settings, session: Session): boolean {
  const flags = PATH_FLAGS[name];
  if (flags !== undefined) {
    for (const flag of flags) settings.pathFlags.add(flag);
    return true;
  }
  const { path } = settings;
  switch (name) {
    case 'partial_chain':
      path.partialChain = true;
      break;
    case 'issuer_checks':
    case 'policy_print':
      break;
    case 'policy': {
      const oid = value === 'anyPolicy' ? ANY_POLICY : value;
      if (!isOid(oid)) {
        session.push(UNKNOWN_OBJECT);
        session.stop(`${PROGRAM}: Invalid Policy ${value}`);
      }
      settings.policies.push(oid);
      break;
    }
    case 'purpose':
      if (!purposes().includes(value)) session.stop(`${PROGRAM}: Invalid purpose ${value}`);
      path.purpose = value;
      break;
    case 'verify_name':
      if (!VERIFY_NAMES.includes(value)) session.stop(`${PROGRAM}: Invalid verify name ${value}`);
      path.verifyName = value;
      break;
    case 'verify_depth':
      if (atoi(value) >= 0) path.depth = Math.min(atoi(value), 100);
      break;
    case 'auth_level':
      if (atoi(value) >= 0) path.securityLevel = Math.min(atoi(value), 5);
      break;
    case 'attime':
      path.at = timeOf(session, value);
      break;
    case 'verify_hostname':
      path.verifyHostname = value || session.usage(`${PROGRAM}: -${name} needs a name`);
      break;
    case 'verify_email':
      path.verifyEmail = value || session.usage(`${PROGRAM}: -${name} needs an address`);
      break;
    case 'verify_ip':
      if (isIP(value) === 0) session.stop();
      path.verifyIp = value;
      break;
    default:
      return false;
  }
  return true;
}

/** OpenSSL 3.2 has one more. */
function purposes(): string[] {
  return isAtLeast(3, 2) ? [...PURPOSES, 'codesign'] : PURPOSES;
}

/** Whether the OpenSSL in use is of this version or newer. */
export function isAtLeast(major: number, minor: number): boolean {
  const [, has = 0, hasMinor = 0] = (/^OpenSSL (\d+)\.(\d+)/.exec(opensslInfo.version) ?? []).map(Number);
  return has > major || (has === major && hasMinor >= minor);
}

function timeOf(session: Session, text: string): Date {
  const time = new Date(Number(parseNumber(text)) * 1000);
  const year = time.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) session.stop(`${PROGRAM}: epoch time out of range ${text}`);
  return time;
}
