// Differences from OpenSSL that are meant. Each has to occur (with versions that `occurs` accepts), so that none outlives
// its cause; docs/openssl-parity.md lists the same ids.

import { octetString } from './der.mjs';

const MALFORMED = 'ERR_OCSP_MALFORMED';
const CERT_ID_HASHES = [
  '1.3.14.3.2.26',
  '2.16.840.1.101.3.4.2.4',
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
];

const last = (what) => what.split('.').at(-1);
const isStrict = (what, kind) => what.startsWith(`strict ${kind}`);
/** What OpenSSL's error queue says about where parsing stopped. */
const stoppedAt = (why, ...fields) => fields.some((field) => why?.includes(`Field=${field}`));

/** Whether hex holds the characters of a GeneralizedTime that DER, the calendar and RFC 6960 (year 1 on) allow. */
function isPlainTime(hex) {
  const text = Buffer.from(hex, 'hex').toString('latin1');
  const [, year, ...rest] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (year === undefined || year === '0000') return false;
  const [month, day, hour, minute, second] = rest;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const date = new Date(iso);
  return !Number.isNaN(date.getTime()) && date.toISOString() === iso;
}

/** In the group `reading`: loading, and members that throw. */
const READING = [
  {
    id: 'duplicate-extensions',
    covers: ({ what, ours, theirs }) =>
      last(what) === 'extensions' &&
      ours?.error === 'ERR_OCSP_DUPLICATE_EXTENSION' &&
      new Set(theirs.map(([oid]) => oid)).size < theirs.length,
  },
  {
    id: 'extension-values',
    covers: ({ what, ours }) => last(what) === 'extensions' && ours?.error === MALFORMED,
  },
  {
    id: 'raw-nonces',
    covers: ({ what, ours, theirs }) =>
      /extensions\.\d+\.2$/.test(what) && ours === octetString(Buffer.from(theirs, 'hex')).toString('hex'),
  },
  {
    id: 'cert-id-hashes',
    covers: ({ what, ours, theirs }) =>
      what.endsWith('certId.0') &&
      ['ERR_OCSP_UNSUPPORTED_ALGORITHM', MALFORMED].includes(ours?.error) &&
      !CERT_ID_HASHES.includes(theirs),
  },
  {
    id: 'odd-times',
    covers: ({ what, ours, theirs }) =>
      ['producedAt', 'thisUpdate', 'nextUpdate', 'revocationTime'].includes(last(what)) &&
      ours?.error === MALFORMED &&
      !isPlainTime(theirs),
  },
  {
    id: 'reason-codes',
    covers: ({ what, ours, theirs }) =>
      last(what) === 'reason' && ours?.error === MALFORMED && (theirs === 7 || theirs > 10 || theirs < 0),
  },
  {
    // An ENUMERATED below 0 or above 2^31 - 1.
    id: 'odd-statuses',
    covers: ({ what, ours }) => what === 'status' && ours === -2,
  },
  {
    id: 'names',
    covers: ({ what, ours, why }) =>
      (what === 'basic.responderName' && ours?.error === MALFORMED) ||
      (what.startsWith('strict') && stoppedAt(why, 'value.byName', 'requestorName')),
  },
  {
    id: 'embedded-certificates',
    covers: ({ what, why }) => isStrict(what, 'response') && stoppedAt(why, 'certs, Type=OCSP_BASICRESP'),
  },
  {
    id: 'request-signatures',
    covers: ({ what, why, theirs, tbs }) =>
      isStrict(what, 'request') && (stoppedAt(why, 'optionalSignature') || Boolean(theirs?.includes(tbs))),
  },
  {
    id: 'algorithm-parameters',
    covers: ({ what, ours, why }) =>
      (what === 'basic.algorithm' && ours?.error === MALFORMED) ||
      (what.startsWith('strict') && stoppedAt(why, 'parameter, Type=X509_ALGOR')),
  },
];

const isBefore32 = ([major, minor]) => major === 3 && minor < 2;
const isLine30 = (...versions) => versions.every((version) => version?.[0] === 3 && version[1] === 0);

/**
 * Leading zeros in a length, which 3.0.22 reads in places where 3.0.19, which Node.js 20 carries, gives up: a NULL, a public
 * key. Certificates are read by Node.js itself.
 */
const occursLongLengths = ({ library, node, oracle }) =>
  isLine30(library, node, oracle) && Math.min(library[2], node[2]) <= 19 && oracle[2] >= 22;
const LONG_LENGTHS = [
  {
    group: 'reading',
    occurs: occursLongLengths,
    covers: ({ what, ours, theirs, why }) =>
      (ours === null && theirs !== null && why.startsWith('header too long')) ||
      (what === 'basic.certificates' && ours?.error === MALFORMED),
  },
  {
    group: 'verify',
    occurs: (versions) => occursLongLengths(versions) && versions.library[2] <= 19,
    covers: ({ reason, bytes }) => reason === 'no signer key' && HAS_LONG_LENGTH.test(bytes),
  },
  {
    group: 'text',
    occurs: (versions) => occursLongLengths(versions) && versions.library[2] <= 19,
    covers: ({ ours, bytes }) => ours?.includes('Unable to load Public Key') && HAS_LONG_LENGTH.test(bytes),
  },
];
/** The header of a SEQUENCE. */
const HAS_LONG_LENGTH = /30(82|83|84|85|86|87|88|89)00/;

/** OpenSSL has names for privilegeWithdrawn and aACompromise from 3.2 on. */
const REASON_NAMES = [
  {
    group: 'lookups',
    occurs: ({ oracle }) => isBefore32(oracle),
    covers: ({ what, theirs }) => /^reason (9|10)$/.test(what) && theirs === '(unknown)',
  },
  {
    group: 'builds',
    occurs: ({ library, nodes }) => isBefore32(library) && nodes.length > 0,
    covers: ({ what, ours, theirs }) =>
      what.startsWith('print') &&
      ours === theirs.replaceAll(/Revocation Reason: \w+ \((0x9|0xa)\)/g, 'Revocation Reason: (UNKNOWN) ($1)'),
  },
];

/**
 * `group`, and `covers(difference)`: what it excuses there. A difference has `what`, `ours`, `theirs` and the facts that its
 * group gave. `occurs({ library, node, oracle, cli, nodes })` takes versions of OpenSSL as [major, minor, patch], and what
 * --node named.
 */
export const EXCEPTIONS = [
  ...READING.map((exception) => ({ group: 'reading', ...exception })),
  ...LONG_LENGTHS.map((exception) => ({ id: 'long-lengths', ...exception })),
  ...REASON_NAMES.map((exception) => ({ id: 'reason-names', ...exception })),
  {
    // Until 3.0.19 the command takes certificates of -issuer for trusted when the first verification fails.
    id: 'trusted-issuers',
    group: 'manifest',
    occurs: ({ cli }) => isLine30(cli) && cli[2] <= 19,
    covers: ({ what, theirs }) => /^untrusted-issuer-hints.*: openssl/.test(what) && theirs === 0,
  },
  {
    // The command prints what there is before the time that OpenSSL cannot print.
    id: 'bad-times',
    group: 'text',
    covers: ({ what, ours, theirs }) =>
      what.startsWith('openssl') && ours === null && theirs.endsWith('Bad time value'),
  },
];
