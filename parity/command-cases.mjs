// Command lines that `openssl ocsp` and `openssl-ocsp ocsp` are both run with. command-run.mjs runs and compares them.
import { REVOCATION_NAMES, vectorNames } from './command-fixtures.mjs';
import { RAW_NAMES } from './http-heads.mjs';

/**
 * @typedef {object} Case
 * @property {string} name - unique
 * @property {string[]} args - '@name' stands for a file of the fixtures, '%name' for one that the command writes, {port}
 *   and {tlsPort} for those of the servers
 * @property {string[]} [outputs] - files that the command writes, and that are compared
 * @property {'bytes' | 'verified'} [compareOutputs] - 'verified': signatures that differ each time; the texts are compared
 *   without them, and openssl has to verify both
 * @property {'all' | 'lines'} [stderr] - 'lines': without the entries of OpenSSL's error queue
 * @property {'all' | 'none'} [stdout]
 * @property {Record<string, string>} [env] - '@name' in values as in args
 * @property {string} [stdin] - name of a file of the fixtures
 * @property {string} [differs] - why the two do not do the same, deliberately
 */

const group = (prefix, cases) => cases.map((entry) => ({ ...entry, name: `${prefix}: ${entry.name}` }));
const plain = (name, ...args) => ({ name, args });
/** Each list of words is a case named by itself. */
const each = (before, lists, more = {}) =>
  lists.map((words) => {
    const list = Array.isArray(words) ? words : words.split(' ');
    return { name: list.join(' ') || '(nothing)', args: [...before, ...list], ...more };
  });

const ASK = ['-issuer', '@ca.pem', '-cert', '@good.pem'];
const usage = group('usage', [
  ...each(
    [],
    [
      [],
      '-nonsense',
      '-nonsense -more',
      'word',
      '--',
      '-',
      '-issuer',
      '-sha256',
      '-sha256 -sha1',
      '-sha999',
      '-text=1',
      '--text=1',
      '-=x',
      '-ndays 0',
      '-ndays -1',
      '-ndays x',
      '-ndays 0x',
      '-ndays 08',
      '-ndays 4294967296',
      '-nmin 1e3',
      ['-nmin', ''],
      '-nmin +5',
      '-timeout 0',
      '-multi 0',
      '-nrequest 0',
      '-status_age 0',
      '-status_age x',
      '-port -1',
      '-port x',
      '-port 0',
      '-validity_period x',
      '-validity_period -5',
      '-validity_period 99999999999999999999',
      '-verify_depth x',
      '-auth_level x',
      '-attime x',
      '-attime 99999999999999999999',
      '-attime 0x10',
      '-purpose nonsense',
      '-policy nonsense',
      '-verify_name nonsense',
      '-verify_ip nonsense',
      '-header nonsense',
      '-rcid nonsense',
      '-rcid sha256',
      ['-rcid', ''],
      '-rmd nonsense',
      ['-rmd', ''],
      '-rmd nonsense -ndays x',
      '-rmd nonsense -no_such',
      '-rmd nonsense -sha256',
      '-rmd nonsense -cert @good.pem',
      '-rmd nonsense -rmd sha256',
      '-url gopher://x',
      '-url http://x:0',
      '-url http://x:65536',
      '-url http://x:y',
      '-cert @good.pem',
      '-serial 5',
      '-respin',
      '-nonce',
      '-nonce -url http://x',
      '-index @index.txt',
      '-no_such -issuer @nothing',
      '-issuer @nothing -no_such',
      '-ignore_err -noverify -badsig -resp_key_id -resp_no_certs -no_certs',
    ],
  ),
  plain('a word at the end', ...ASK, 'word'),
  plain('two dashes end options', ...ASK, '-no_nonce', '--', '-text'),
  plain('two dashes for one', '--issuer', '@ca.pem', '--cert=@good.pem', '--no_nonce', '--req_text'),
  plain('a hash too late', ...ASK, '-sha256'),
  plain('two hashes', '-sha1', '-sha256', ...ASK),
  plain('help', '-help'),
  plain('help after options', '-text', '--help', '-nonsense'),
  plain('the help in short', '-h'),
  {
    ...plain('-provider-path', '-provider-path', '/nowhere', '-respin', '@good.resp', '-noverify'),
    differs: 'Node’s OpenSSL has its own providers.',
  },
  {
    ...plain('-provider', '-provider', 'nonsense'),
    differs: 'Node’s OpenSSL has its own providers: the message says so.',
  },
  plain('-provider default', '-provider', 'default', '-respin', '@good.resp', '-noverify', '-resp_text'),
  {
    ...plain('-propquery', '-propquery', 'fips=yes', '-respin', '@good.resp', '-noverify'),
    differs: 'Property queries are refused rather than ignored.',
  },
]);

const DIGESTS = [
  ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-224', 'sha512-256', 'sha3-224', 'sha3-256'],
  ...[
    'sha3-384',
    'sha3-512',
    'blake2b512',
    'blake2s256',
    'sm3',
    'ripemd160',
    'SHA256',
    'sha-256',
    'SHA2-256',
    'rmd160',
  ],
];

const OUT = ['-reqout', '%request.der'];
const writes = (name, ...args) => ({ name, args: [...args, ...OUT], outputs: ['request.der'] });
const requests = group('request', [
  writes('one certificate', ...ASK, '-no_nonce', '-req_text'),
  writes('with a nonce', ...ASK, '-req_text'),
  writes('a nonce on demand', ...ASK, '-nonce', '-text'),
  writes(
    'several',
    '-issuer',
    '@ca.pem',
    '-cert',
    '@good.pem',
    '-cert',
    '@revoked.pem',
    '-serial',
    '77',
    '-no_nonce',
    '-text',
  ),
  writes('several issuers', ...ASK, '-issuer', '@ec-ca.pem', '-cert', '@ec-good.pem', '-no_nonce', '-req_text'),
  writes('DER and text before PEM', '-issuer', '@ca.der', '-cert', '@good-text.pem', '-no_nonce'),
  writes('trusted certificate', '-issuer', '@va-trusted.pem', '-serial', '1', '-no_nonce'),
  writes(
    'several hashes',
    '-issuer',
    '@ca.pem',
    '-cert',
    '@good.pem',
    '-sha256',
    '-cert',
    '@good.pem',
    '-sha512',
    '-serial',
    '1',
    '-no_nonce',
    '-req_text',
  ),
  ...DIGESTS.map((name) => writes(`-${name}`, `-${name}`, ...ASK, '-no_nonce', '-req_text')),
  ...[
    '1',
    '0',
    '-0',
    '-1',
    '-128',
    '-129',
    '0x7f',
    '0X80',
    '-0x80',
    '0xffffffffffffffffffffffffffffffffffffffff',
    '007',
    '340282366920938463463374607431768211456',
  ].map((serial) => writes(`-serial ${serial}`, '-issuer', '@ca.pem', '-serial', serial, '-no_nonce', '-req_text')),
  ...['', 'x', '0x', '0xg', '12a', '1 ', ' 1', '+1', '1.5'].map((serial) =>
    plain(`-serial '${serial}'`, '-issuer', '@ca.pem', '-serial', serial, '-no_nonce'),
  ),
  writes('from a file', '-reqin', '@good.req', '-req_text'),
  writes('from a file, with a nonce', '-reqin', '@good.req', '-nonce', '-req_text'),
  writes('from a file, the nonce replaced', '-reqin', '@nonce.req', '-nonce', '-req_text'),
  writes('from a file, the nonce kept', '-reqin', '@nonce.req', '-req_text'),
  writes('from a file, signed', '-reqin', '@signed.req', '-req_text'),
  writes('from a file, signed, with a nonce', '-reqin', '@signed.req', '-nonce'),
  writes('from a file, without entries', '-reqin', '@no-entry.req', '-req_text'),
  { ...writes('from standard input', '-reqin', '-', '-req_text'), stdin: 'good.req' },
  writes('a file is ignored', ...ASK, '-reqin', '@revoked.req', '-no_nonce', '-req_text'),
  plain('to standard output', ...ASK, '-no_nonce', '-reqout', '-'),
  { ...plain('into a file of text', ...ASK, '-no_nonce', '-req_text', '-out', '%text'), outputs: ['text'] },
  writes('signed by RSA', '-reqin', '@good.req', '-signer', '@resp.pem', '-signkey', '@resp.key', '-req_text'),
  writes(
    'signed by Ed25519',
    '-reqin',
    '@good.req',
    '-signer',
    '@ed25519.pem',
    '-signkey',
    '@ed25519.key',
    '-req_text',
  ),
  writes('signed, key in the same file', '-reqin', '@good.req', '-signer', '@resp-both.pem'),
  writes('signed, key first', '-reqin', '@good.req', '-signer', '@key-first.pem'),
  writes('signed, with others', '-reqin', '@good.req', '-signer', '@resp-both.pem', '-sign_other', '@chain.pem'),
  writes(
    'signed, without certificates',
    '-reqin',
    '@good.req',
    '-signer',
    '@resp-both.pem',
    '-sign_other',
    '@chain.pem',
    '-no_certs',
  ),
  writes('signed again', '-reqin', '@signed.req', '-signer', '@ed25519.pem', '-signkey', '@ed25519.key'),
  writes('key in traditional form', '-reqin', '@good.req', '-signer', '@resp.pem', '-signkey', '@resp-traditional.key'),
  writes('key in DER', '-reqin', '@good.req', '-signer', '@resp.pem', '-signkey', '@resp-key.der'),
  {
    ...writes('signed by ECDSA', '-reqin', '@good.req', '-signer', '@ec-resp.pem', '-signkey', '@ec-resp-key.der'),
    compareOutputs: 'verified',
  },
  {
    ...writes('signed by RSA-PSS', '-reqin', '@good.req', '-signer', '@pss.pem', '-signkey', '@pss.key'),
    compareOutputs: 'verified',
  },
  plain('key of another', '-reqin', '@good.req', '-signer', '@resp.pem', '-signkey', '@ca.key', ...OUT),
  plain('key that is none', '-reqin', '@good.req', '-signer', '@resp.pem', ...OUT),
  plain('no key file', '-reqin', '@good.req', '-signer', '@resp.pem', '-signkey', '@nothing', ...OUT),
  plain('no signer', '-reqin', '@good.req', '-signer', '@nothing', ...OUT),
  plain('signer without certificate', '-reqin', '@good.req', '-signer', '@resp.key', ...OUT),
  plain('no others', '-reqin', '@good.req', '-signer', '@resp-both.pem', '-sign_other', '@nothing', ...OUT),
  plain('into no folder', '-reqin', '@good.req', '-reqout', '@nowhere/file'),
  plain('into a folder', '-reqin', '@good.req', '-reqout', '@folder'),
  plain('text into no folder', '-reqin', '@good.req', '-out', '@nowhere/file'),
  plain('nothing to sign', '-respin', '@good.resp', '-signer', '@resp-both.pem'),
  plain('nothing to write', '-respin', '@good.resp', '-reqout', '%request.der'),
  { ...plain("-serial '--1'", '-issuer', '@ca.pem', '-serial', '--1', '-no_nonce'), differs: 'Two signs are refused.' },
  plain('nothing to add a nonce to', '-respin', '@good.resp', '-nonce'),
]);

const RUBBISH = [
  'nothing',
  'empty',
  'text',
  'binary',
  'folder',
  'one-octet',
  'long-length',
  'indefinite',
  'ca.key',
  'ca.pem',
];
/** Where what OpenSSL's decoders complain about depends on what they tried. */
const DECODED = new Set(['text', 'binary', 'one-octet', 'long-length', 'indefinite', 'bad-pem.pem', 'good.req']);
const rubbish = group('rubbish', [
  ...[...RUBBISH, 'cut.req', 'good.resp'].map((name) => plain(`-reqin ${name}`, '-reqin', `@${name}`, '-req_text')),
  ...[...RUBBISH, 'cut.resp', 'good.req'].map((name) =>
    plain(`-respin ${name}`, '-respin', `@${name}`, '-no-CAfile', '-resp_text'),
  ),
  ...[...RUBBISH, 'bad-pem.pem', 'good.req'].flatMap((name) => {
    if (name === 'ca.pem') return [];
    const stderr = DECODED.has(name) ? 'lines' : 'all';
    const file = `@${name}`;
    return [
      { ...plain(`-issuer ${name}`, '-issuer', file), stderr },
      { ...plain(`-cert ${name}`, '-issuer', '@ca.pem', '-cert', file), stderr },
      { ...plain(`-VAfile ${name}`, '-respin', '@good.resp', '-VAfile', file), stderr },
      { ...plain(`-CAfile ${name}`, '-respin', '@good.resp', '-CAfile', file), stderr },
    ];
  }),
  plain('-VAfile of nothing, with a nonce that is missing', ...ASK, '-respin', '@good.resp', '-VAfile', '@nothing'),
  plain('-VAfile of nothing, nothing to verify', '-respin', '@good.resp', '-noverify', '-VAfile', '@nothing'),
  plain(
    '-verify_other of nothing, for a summary',
    ...ASK,
    '-respin',
    '@good.resp',
    '-noverify',
    '-verify_other',
    '@nothing',
  ),
  plain('-VAfile of nothing, response without an answer', '-respin', '@status-0.resp', '-VAfile', '@nothing'),
  plain('-CApath of nothing', '-respin', '@good.resp', '-CApath', '@nothing'),
  plain('-CAstore of nothing', '-respin', '@good.resp', '-CAstore', '@nothing'),
  plain('a thisUpdate that is no time', ...ASK, '-respin', '@odd-this-update.resp', '-noverify'),
  plain('bytes that are no UTF-8', '-respin', '@latin-1.resp', '-noverify', '-resp_text'),
  { ...plain('a length behind the end', '-respin', '@length-behind-the-end', '-noverify'), stderr: 'lines' },
  {
    ...plain('a request with a length behind the end', '-reqin', '@length-behind-the-end', '-noverify'),
    stderr: 'lines',
  },
  {
    ...plain('an envelope in BER around nothing', '-respin', '@ber-envelope.resp', '-noverify', '-resp_text'),
    differs: 'The envelope is not looked into: it is no DER.',
  },
  {
    ...plain('an envelope in BER alone', '-respin', '@ber-envelope-alone.resp', '-noverify', '-resp_text'),
    differs: 'The envelope is not looked into: it is no DER.',
  },
  plain('a status with a byte too many', '-respin', '@padded-status.resp', '-noverify', '-resp_text'),
  plain('a status without a byte', '-respin', '@empty-status.resp', '-noverify', '-resp_text'),
  plain('trailing bytes', '-respin', '@trailing.resp', '-noverify', '-resp_text'),
  plain('a device without end', '-respin', '/dev/zero'),
  { ...plain('nothing on standard input', '-reqin', '-'), stdin: 'empty' },
]);

const IN = (name, ...args) => ['-respin', `@${name}.resp`, ...args];
const CA = ['-CAfile', '@ca.pem'];
const verification = group('verify', [
  plain('delegate', ...IN('good', ...CA)),
  plain('delegate, with summary', ...IN('good', ...CA, ...ASK)),
  plain('delegate, revoked', ...IN('revoked', ...CA, '-issuer', '@ca.pem', '-cert', '@revoked.pem')),
  plain('delegate, unknown', ...IN('three', ...CA, '-issuer', '@ca.pem', '-serial', '0x1099')),
  plain('another hash finds nothing', ...IN('sha256', ...CA, ...ASK)),
  plain('the same hash', ...IN('sha256', ...CA, '-sha256', ...ASK)),
  plain('no answer', ...IN('expired', ...CA, '-issuer', '@ca.pem', '-serial', '0x1003')),
  plain(
    'several, one missing',
    ...IN('three', ...CA, '-issuer', '@ca.pem', '-cert', '@good.pem', '-serial', '9', '-cert', '@revoked.pem'),
  ),
  plain('without nextUpdate', ...IN('no-next', ...CA, ...ASK)),
  plain('CA', ...IN('by-ca', ...CA, ...ASK)),
  plain('no responder', ...IN('by-plain', ...CA, ...ASK)),
  plain('no responder, no checks', ...IN('by-plain', ...CA, '-no_cert_checks')),
  plain('bad signature', ...IN('bad-signature', ...CA, ...ASK)),
  plain('bad signature, not checked', ...IN('bad-signature', ...CA, '-no_signature_verify')),
  plain('bad signature, nothing checked', ...IN('bad-signature', ...CA, ...ASK, '-noverify')),
  plain('nothing trusted', ...IN('good', ...ASK)),
  plain('another CA', ...IN('good', '-CAfile', '@other-ca.pem')),
  plain('by key', ...IN('key-id', ...CA)),
  plain('by key, certificate elsewhere', ...IN('key-id-no-certs', ...CA, '-verify_other', '@resp.pem')),
  plain('by name, certificate elsewhere', ...IN('no-certs', ...CA, '-verify_other', '@resp.pem')),
  plain('no certificate', ...IN('no-certs', ...CA)),
  plain('certificate among the issuers', ...IN('no-certs', ...CA, '-issuer', '@resp.pem')),
  plain('certificate among the issuers, nothing trusted', ...IN('no-certs', '-issuer', '@resp.pem')),
  plain('issuers are not trusted', ...IN('by-va', '-issuer', '@va.pem')),
  plain('-VAfile', ...IN('by-va', '-VAfile', '@va.pem')),
  plain('-VAfile of another, and issuers', ...IN('by-va', '-VAfile', '@resp.pem', '-issuer', '@va.pem')),
  plain('trust for OCSP signing', ...IN('by-va', '-CAfile', '@va-trusted.pem')),
  plain('trust for OCSP signing, not explicit', ...IN('by-va', '-CAfile', '@va-trusted.pem', '-no_explicit')),
  plain('no trust for OCSP signing', ...IN('by-va', '-CAfile', '@va-rejected.pem')),
  plain('no said trust', ...IN('by-va', '-CAfile', '@va.pem')),
  plain('no said trust, not explicit', ...IN('by-va', '-CAfile', '@va.pem', '-no_explicit')),
  plain('Ed25519', ...IN('by-ed25519', ...CA, '-resp_text')),
  plain('RSA-PSS key', ...IN('by-pss', ...CA, '-resp_text')),
  plain('RSA-PSS', ...IN('pss', ...CA, '-resp_text')),
  plain('SHA-1', ...IN('sha1', ...CA)),
  plain('EC', ...IN('ec', '-CAfile', '@ec-ca.pem', '-resp_text')),
  plain('EC, Suite B', ...IN('ec', '-CAfile', '@ec-ca.pem', '-suiteB_192')),
  plain('intermediate missing', ...IN('int', ...CA)),
  plain('intermediate sent', ...IN('int-with-chain', ...CA)),
  plain('intermediate sent, no chain', ...IN('int-with-chain', ...CA, '-no_chain')),
  plain('intermediate elsewhere', ...IN('int', ...CA, '-verify_other', '@int.pem')),
  plain('intermediate as issuer', ...IN('int', ...CA, '-issuer', '@int.pem', '-cert', '@int-good.pem', '-no_nonce')),
  plain('intermediate trusted', ...IN('int', '-CAfile', '@int.pem')),
  plain('intermediate trusted, partial chain', ...IN('int', '-CAfile', '@int.pem', '-partial_chain')),
  plain('intermediate too deep', ...IN('int-with-chain', ...CA, '-verify_depth', '0')),
  plain('folder of trust', ...IN('good', '-CApath', '@hashed')),
  // OpenSSL leaves an entry in its queue that is of no importance: it looked for a name in what is no folder.
  { ...plain('store of trust', ...IN('good', '-CAstore', '@ca.pem')), stderr: 'lines' },
  { ...plain('folder as a store of trust', ...IN('good', '-CAstore', '@hashed')), stderr: 'lines' },
  plain('several files of trust', ...IN('good', '-CAfile', '@both-cas.pem')),
  plain('empty revocation list', ...IN('by-ed25519', '-CAfile', '@ca-crl.pem', '-crl_check')),
  plain('revoked responder', ...IN('by-ed25519', '-CAfile', '@ca-crl-ed25519.pem', '-crl_check')),
  plain('revoked responder, whole path', ...IN('by-ed25519', '-CAfile', '@ca-crl-ed25519.pem', '-crl_check_all')),
  plain('no revocation list', ...IN('by-va', '-CAfile', '@va-trusted.pem', '-crl_check')),
  ...[[], ['-no-CAfile'], ['-no-CApath'], ['-CAfile', '@other-ca.pem'], ['-CApath', '@folder']].flatMap((args) => [
    {
      ...plain(`the system's file ${args.join(' ')}`, ...IN('good', ...args)),
      env: { SSL_CERT_FILE: '@ca.pem', SSL_CERT_DIR: '@folder' },
    },
    {
      ...plain(`the system's folder ${args.join(' ')}`, ...IN('good', ...args)),
      // The folder is also the system's store, about which OpenSSL leaves a remark in its queue.
      stderr: 'lines',
      env: { SSL_CERT_FILE: '@nothing', SSL_CERT_DIR: '@hashed' },
    },
  ]),
  plain('nonce', ...IN('nonce', ...CA, '-reqin', '@nonce.req')),
  plain('another nonce', ...IN('nonce', ...CA, ...ASK)),
  plain('nonce in the response only', ...IN('nonce', ...CA, '-reqin', '@good.req')),
  plain('nonce in the request only', ...IN('good', ...CA, '-reqin', '@nonce.req')),
  plain('another nonce, nothing checked', ...IN('nonce', ...CA, ...ASK, '-noverify')),
  plain('no nonces', ...IN('good', ...CA, ...ASK, '-no_nonce')),
  plain('too old', ...IN('good', ...CA, ...ASK, '-status_age', '1', '-no_nonce')),
  plain('not too old', ...IN('good', ...CA, ...ASK, '-status_age', '100000', '-no_nonce')),
  plain('from the future', ...IN('good', ...CA, ...ASK, '-validity_period', '-100000', '-no_nonce')),
  plain('text, of everything', ...IN('three', ...CA, '-reqin', '@three.req', '-text')),
  {
    ...plain('text into a file', ...IN('good', ...CA, ...ASK, '-text', '-no_nonce', '-out', '%text')),
    outputs: ['text'],
  },
  { ...plain('a copy', ...IN('good', ...CA, '-respout', '%copy')), outputs: ['copy'] },
  { ...plain('a copy of what trails', ...IN('trailing', '-noverify', '-respout', '%copy')), outputs: ['copy'] },
  plain('a copy on standard output', ...IN('good', '-noverify', '-respout', '-')),
  { ...plain('from standard input', '-respin', '-', ...CA), stdin: 'good.resp' },
  ...[
    ...[
      'no_intern',
      'no_signature_verify',
      'no_cert_verify',
      'no_chain',
      'no_cert_checks',
      'no_explicit',
      'trust_other',
    ],
    ...['noverify', 'no-CAfile', 'no-CApath', 'no-CAstore', 'ignore_critical', 'issuer_checks', 'crl_check'],
    ...[
      'crl_check_all',
      'policy_check',
      'explicit_policy',
      'inhibit_any',
      'inhibit_map',
      'x509_strict',
      'extended_crl',
    ],
    ...['use_deltas', 'policy_print', 'check_ss_sig', 'trusted_first', 'suiteB_128_only', 'suiteB_128', 'suiteB_192'],
    ...['partial_chain', 'no_alt_chains', 'no_check_time', 'allow_proxy_certs'],
  ].flatMap((flag) => [
    plain(`-${flag}`, ...IN('good', ...CA, `-${flag}`)),
    plain(`-${flag}, nothing trusted`, ...IN('good', `-${flag}`)),
    plain(`-${flag}, responder given`, ...IN('no-certs', `-${flag}`, '-verify_other', '@resp.pem')),
    plain(
      `-${flag}, responder and intermediate`,
      ...IN('int-with-chain', ...CA, `-${flag}`, '-VAfile', '@int-resp.pem'),
    ),
  ]),
  ...each(IN('good', ...CA), [
    '-policy 1.2.3.4',
    '-policy 1.2.3.4 -explicit_policy',
    '-policy anyPolicy -explicit_policy',
    '-purpose sslclient',
    '-purpose sslserver',
    '-purpose nssslserver',
    '-purpose smimesign',
    '-purpose smimeencrypt',
    '-purpose crlsign',
    '-purpose any',
    '-purpose ocsphelper',
    '-purpose timestampsign',
    '-verify_name default',
    '-verify_name pkcs7',
    '-verify_name smime_sign',
    '-verify_name ssl_client',
    '-verify_name ssl_server',
    '-verify_depth 0',
    '-verify_depth 1000',
    '-verify_depth -1',
    '-auth_level 0',
    '-auth_level 2',
    '-auth_level 3',
    '-auth_level 99',
    '-auth_level -1',
    '-attime 1',
    '-attime -1',
    '-attime 4102444800',
    '-attime 1 -no_check_time',
    '-verify_hostname example.org',
    '-verify_email a@example.org',
    '-verify_ip 127.0.0.1',
    '-verify_ip ::1',
  ]),
]);

const statuses = group('status', [
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((status) => [
    plain(`${status}`, ...IN(`status-${status}`, '-no-CAfile')),
    plain(`${status}, text`, ...IN(`status-${status}`, '-no-CAfile', '-resp_text')),
    plain(`${status}, errors ignored`, ...IN(`status-${status}`, '-no-CAfile', '-resp_text', '-ignore_err')),
    { ...plain(`${status}, a copy`, ...IN(`status-${status}`, '-no-CAfile', '-respout', '%copy')), outputs: ['copy'] },
  ]),
  plain('another type of response', ...IN('other-type', '-resp_text')),
  plain('a basic response that is none', ...IN('broken-basic', '-resp_text')),
  plain('no basic response, trust that cannot be loaded', ...IN('other-type', '-CAfile', '@nothing')),
]);

/** OpenSSL's own test recipe 80-test_ocsp.t asks at this time. */
const THEN = '1355875200';
const vectors = group('vector', [
  ...vectorNames().map((name) =>
    plain(`${name} as text`, '-respin', `@${name}`, '-noverify', '-no-CAfile', '-resp_text'),
  ),
  ...vectorNames().map((name) => {
    const issuer = `@${/N?D\d/.exec(name)[0]}_Issuer_${/[12]/.test(name) ? (/D1/.test(name) ? 'ICA' : 'Root') : 'Root'}.pem`;
    const trust = ['-no-CApath', '-no-CAstore', '-CAfile', issuer, '-verify_other', issuer, '-attime', THEN];
    return plain(`${name} verified`, '-respin', `@${name}`, '-partial_chain', '-check_ss_sig', ...trust);
  }),
  ...['D1', 'D2', 'D3', 'ND1', 'ND2', 'ND3'].map((name) => {
    const end = name.endsWith('2') ? 'ICA' : 'EE';
    const issuer = `@${name}_Issuer_${name.endsWith('1') ? 'ICA' : 'Root'}.pem`;
    const asked = ['-issuer', issuer, '-cert', `@${name}_Cert_${end}.pem`, '-no_nonce'];
    const trust = ['-CAfile', issuer, '-partial_chain', '-attime', THEN];
    return plain(`${name} with summary, out of date`, '-respin', `@${name}.ors`, ...asked, ...trust);
  }),
]);

const SIGNER = ['-rsigner', '@resp.pem', '-rkey', '@resp.key'];
const ANSWER = ['-CA', '@ca.pem', '-reqin', '@good.req', '-respout', '%response.der'];
const answers = (name, ...args) => ({ name, args: [...ANSWER, ...args], outputs: ['response.der'] });
const INDEX = ['-index', '@index.txt', ...SIGNER];
const responder = group('answer', [
  answers('good', ...INDEX),
  answers('as text', ...INDEX, '-text'),
  { ...answers('text into a file', ...INDEX, '-resp_text', '-out', '%text'), outputs: ['response.der', 'text'] },
  ...['revoked', 'nonce', 'expired', 'sha256', 'three', 'foreign', 'no-entry', 'signed', 'int'].map((name) =>
    answers(`to ${name}`, ...INDEX, '-reqin', `@${name}.req`),
  ),
  answers('an error, ignored', ...INDEX, '-reqin', '@no-entry.req', '-ignore_err', '-resp_text'),
  answers('for several CAs', ...INDEX, '-CA', '@both-cas.pem', '-reqin', '@ec.req'),
  answers('to a certificate', ...INDEX, ...ASK, '-no_nonce'),
  answers('to every hash', ...INDEX, ...DIGESTS.slice(0, 16).flatMap((digest) => [`-${digest}`, ...ASK]), '-no_nonce'),
  ...each(
    [...ANSWER, ...INDEX],
    [
      '-ndays 3',
      '-nmin 5',
      '-ndays 3 -nmin 5',
      '-ndays 010',
      '-nmin 010',
      '-ndays 0x10',
      '-resp_key_id',
      '-resp_no_certs',
      '-rother @chain.pem',
      '-badsig',
      '-badsig -rother @chain.pem',
      '-passin pass:unused',
      '-nrequest 5',
      '-multi 2',
      '-ignore_err',
      '-resp_key_id -resp_no_certs -rother @chain.pem -ndays 7',
    ],
    { outputs: ['response.der'] },
  ),
  ...[
    'sha1',
    'sha224',
    'sha256',
    'sha384',
    'sha512',
    'md5',
    'sha512-256',
    'sha3-256',
    'blake2b512',
    'shake128',
    'SHA2-512',
  ].map((name) => answers(`-rmd ${name}`, ...INDEX, '-rmd', name)),
  ...[undefined, 'no_certs', 'shared']
    .slice(0, 1)
    .map(() => answers('key in the same file', '-index', '@index.txt', '-rsigner', '@resp-both.pem')),
  answers('key first', '-index', '@index.txt', '-rsigner', '@key-first.pem'),
  answers('key in DER', '-index', '@index.txt', '-rsigner', '@resp.pem', '-rkey', '@resp-key.der'),
  answers('key in traditional form', '-index', '@index.txt', '-rsigner', '@resp.pem', '-rkey', '@resp-traditional.key'),
  answers('by the CA', '-index', '@index.txt', '-rsigner', '@ca.pem', '-rkey', '@ca.key'),
  answers('by Ed25519', '-index', '@index.txt', '-rsigner', '@ed25519.pem', '-rkey', '@ed25519.key'),
  answers('by Ed448', '-index', '@index.txt', '-rsigner', '@ed448.pem', '-rkey', '@ed448.key'),
  answers(
    'by Ed25519 with a hash',
    '-index',
    '@index.txt',
    '-rsigner',
    '@ed25519.pem',
    '-rkey',
    '@ed25519.key',
    '-rmd',
    'sha256',
  ),
  ...[
    ['ECDSA', '@ec-resp.pem', '@ec-resp.key'],
    ['ECDSA, SHA-1', '@ec-resp.pem', '@ec-resp.key', '-rmd', 'sha1'],
    ['ECDSA, SHA-512, key in DER', '@ec-resp.pem', '@ec-resp-key.der', '-rmd', 'sha512'],
    ['RSA-PSS key', '@pss.pem', '@pss.key'],
    ['RSA-PSS key, SHA-512', '@pss.pem', '@pss.key', '-rmd', 'sha512'],
    ['RSA-PSS key of SHA-512', '@pss512.pem', '@pss512.key'],
  ].map(([name, cert, key, ...more]) => ({
    ...answers(`by ${name}`, '-index', '@index.txt', '-rsigner', cert, '-rkey', key, ...more),
    compareOutputs: 'verified',
  })),
  answers(
    'by an RSA-PSS key with another hash',
    '-index',
    '@index.txt',
    '-rsigner',
    '@pss512.pem',
    '-rkey',
    '@pss512.key',
    '-rmd',
    'sha256',
  ),
  ...[
    ['rsa_padding_mode:pss'],
    ['rsa_padding_mode:pss', 'rsa_pss_saltlen:20'],
    ['rsa_padding_mode:pss', 'rsa_pss_saltlen:digest'],
    ['rsa_padding_mode:pss', 'rsa_pss_saltlen:max'],
    ['rsa_padding_mode:pss', 'rsa_pss_saltlen:auto'],
  ].flatMap((options) =>
    [[], ['-rmd', 'sha1'], ['-rmd', 'sha512']].map((md) => ({
      ...answers(
        `-rsigopt ${options.join(' ')} ${md.join(' ')}`,
        ...INDEX,
        ...options.flatMap((option) => ['-rsigopt', option]),
        ...md,
      ),
      compareOutputs: 'verified',
    })),
  ),
  ...['rsa_padding_mode:pkcs1', 'rsa_padding_mode:none', 'rsa_pss_saltlen:20', 'nonsense', 'nonsense:x'].map((option) =>
    answers(`-rsigopt ${option}`, ...INDEX, '-rsigopt', option),
  ),
  ...['rsa_padding_mode:oaep', 'rsa_padding_mode:nonsense', 'rsa_padding_mode:x931'].map((option) => ({
    ...answers(`-rsigopt ${option}`, ...INDEX, '-rsigopt', option),
    differs: 'Paddings that are none for signatures are refused like any other bad parameter.',
  })),
  {
    ...answers(
      '-rsigopt with another MGF1',
      ...INDEX,
      '-rsigopt',
      'rsa_padding_mode:pss',
      '-rsigopt',
      'rsa_mgf1_md:sha1',
    ),
    differs: 'The mask of RSASSA-PSS takes the hash of the signature; another one is refused.',
  },
  ...['sha256', 'sha1'].map((name) => ({
    ...answers(`-rcid ${name}`, ...INDEX, '-rcid', name),
    differs: 'OpenSSL writes serial number 0, so the answer is for no one; here it is that of the request.',
  })),
  ...REVOCATION_NAMES.map((name) => ({
    ...answers(`revoked, ${name}`, '-index', `@index-r-${name}.txt`, ...SIGNER, '-resp_text'),
    ...(name === 'four-digit-year' && { differs: 'It is understood; OpenSSL answers internalError.' }),
    ...(name === 'key-time-offset' && { differs: 'It is left out with a line; OpenSSL writes what no DER may hold.' }),
  })),
  ...[
    'empty',
    'comment',
    'short',
    'blank',
    'same-serial',
    'zeros',
    'same-subject',
    'same-subject-revoked',
    'allowed',
    'strange-type',
  ].map((name) => answers(`index-${name}`, '-index', `@index-${name}.txt`, ...SIGNER, '-resp_text')),
  {
    ...answers('index-no-line-end', '-index', '@index-no-line-end.txt', ...SIGNER),
    differs: 'OpenSSL leaves out a last row without line end.',
  },
  {
    ...answers(
      'index-small-letters',
      '-index',
      '@index-small-letters.txt',
      ...SIGNER,
      '-issuer',
      '@ca.pem',
      '-serial',
      '0xabcd',
      '-no_nonce',
    ),
    differs: 'OpenSSL finds serial numbers in capital letters only.',
  },
  { ...answers('index-binary', '-index', '@index-binary.txt', ...SIGNER), differs: 'OpenSSL stops reading at a NUL.' },
  plain('no -CA', '-index', '@index.txt', ...SIGNER, '-reqin', '@good.req'),
  plain('no -rsigner', '-index', '@index.txt', '-CA', '@ca.pem', '-reqin', '@good.req'),
  plain('no request', '-index', '@index.txt', '-CA', '@ca.pem', ...SIGNER),
  plain(
    'a response instead of a request',
    '-index',
    '@index.txt',
    '-CA',
    '@ca.pem',
    ...SIGNER,
    '-respin',
    '@good.resp',
  ),
  answers('no index file', '-index', '@nothing', ...SIGNER),
  {
    ...answers('a folder as index', '-index', '@folder', ...SIGNER),
    differs: 'OpenSSL takes a folder for an empty index.',
  },
  answers('no signer file', ...INDEX, '-rsigner', '@nothing'),
  answers('no key file', ...INDEX, '-rkey', '@nothing'),
  answers('no CA file', ...INDEX, '-CA', '@nothing'),
  { ...answers('CA file of text', ...INDEX, '-CA', '@text'), stderr: 'lines' },
  answers('no file of others', ...INDEX, '-rother', '@nothing'),
  answers('key of another', ...INDEX, '-rkey', '@ca.key'),
  answers('key of another type', ...INDEX, '-rkey', '@ec-resp.key'),
  answers('key that is none', ...INDEX, '-rkey', '@text'),
  answers('loaded without an index', ...SIGNER, '-respin', '@good.resp', '-noverify'),
  answers('missing without an index', '-rsigner', '@nothing', '-respin', '@good.resp', '-noverify'),
  plain('into no folder', ...ANSWER, ...INDEX, '-respout', '@nowhere/file'),
]);

const ENCRYPTED = ['-index', '@index.txt', '-rsigner', '@resp.pem', '-rkey', '@resp-encrypted.key'];
const passphrases = group(
  'passphrase',
  [
    answers('pass:', ...ENCRYPTED, '-passin', 'pass:sesame'),
    { ...answers('env:', ...ENCRYPTED, '-passin', 'env:OCSP_PARITY_SECRET'), env: { OCSP_PARITY_SECRET: 'sesame' } },
    answers('file:', ...ENCRYPTED, '-passin', 'file:@password'),
    { ...answers('stdin', ...ENCRYPTED, '-passin', 'stdin'), stdin: 'password' },
    { ...answers('fd:', ...ENCRYPTED, '-passin', 'fd:0'), stdin: 'password' },
    { ...answers('an empty stdin', ...ENCRYPTED, '-passin', 'stdin'), stdin: 'empty' },
    // A number so high that no file of the parent, which children may inherit, ever has it.
    answers('fd: that is closed', ...ENCRYPTED, '-passin', 'fd:1013'),
    answers('wrong', ...ENCRYPTED, '-passin', 'pass:wrong'),
    answers('empty', ...ENCRYPTED, '-passin', 'pass:'),
    answers('not given', ...ENCRYPTED),
    ...each(
      [...ANSWER, ...ENCRYPTED, '-passin'],
      ['env:OCSP_PARITY_NOTHING', 'file:@nothing', 'file:@empty', 'nonsense', 'x:y', 'abcd:x', 'abcde:x'],
    ),
  ].map((entry) => {
    if (entry.name === 'wrong' || entry.name === 'empty') return { ...entry, stderr: 'lines' };
    if (entry.name !== 'not given') return entry;
    return {
      ...entry,
      stdin: 'empty',
      stderr: 'lines',
      differs: 'No one is asked for a passphrase; the message says that one is missing.',
    };
  }),
);

const AT = 'http://127.0.0.1:{port}';
const asks = (name, path, ...args) =>
  plain(name, ...ASK, '-no_nonce', '-noverify', '-no-CAfile', '-url', `${AT}${path}`, ...args);
const overHttp = group('http', [
  ...[
    'good',
    'upper-case',
    'try-later',
    'not-found',
    'failure',
    'html',
    'with-parameter',
    'no-type',
    'rubbish',
    'nothing',
  ].map((path) => asks(path, `/${path}`)),
  ...['trailing', 'malformed', 'redirect', 'large', 'chunks', 'hang-up'].map((path) => asks(path, `/${path}`)),
  ...RAW_NAMES.map((name) => asks(name, `/raw/${name}`)),
  asks('an error, ignored', '/try-later', '-ignore_err', '-resp_text'),
  asks('silence', '/silence', '-timeout', '1'),
  asks('half an answer', '/stall', '-timeout', '1'),
  asks('a query', '/good?x=y#fragment'),
  asks('no path', ''),
  asks('a query without path', '?x=y'),
  asks('another path', '/not-found', '-path', '/good'),
  asks('headers', '/good', '-header', 'X-One=1', '-header', 'X-Two=2'),
  {
    ...asks('a header without a value', '/good', '-header', 'X-One='),
    differs: 'It is sent; OpenSSL fails without a reason.',
  },
  asks('a wrong proxy', '/good', '-proxy', 'http://127.0.0.1:1'),
  asks('a wrong proxy, not used', '/good', '-proxy', 'http://127.0.0.1:1', '-no_proxy', 'example.org,127.0.0.1'),
  { ...asks('a wrong proxy by environment', '/good'), env: { http_proxy: 'http://127.0.0.1:1' } },
  {
    ...asks('a wrong proxy by environment, not used', '/good'),
    env: { http_proxy: 'http://127.0.0.1:1', no_proxy: '127.0.0.1' },
  },
  plain('verified', ...ASK, '-no_nonce', ...CA, '-url', `${AT}/good`, '-text'),
  plain('another nonce', ...ASK, ...CA, '-url', `${AT}/nonce`),
  {
    ...plain(
      'files',
      ...ASK,
      '-no_nonce',
      '-noverify',
      '-url',
      `${AT}/good`,
      '-reqout',
      '%request',
      '-respout',
      '%response',
    ),
    outputs: ['request', 'response'],
  },
  plain('a request from a file', '-reqin', '@three.req', '-noverify', '-url', `${AT}/good`, '-text'),
  plain('host and port', ...ASK, '-no_nonce', '-noverify', '-host', '127.0.0.1', '-port', '{port}'),
  plain(
    'a path without slash',
    ...ASK,
    '-no_nonce',
    '-noverify',
    '-host',
    '127.0.0.1:{port}',
    '-path',
    'raw/status-404-lf',
  ),
  plain('two ports', ...ASK, '-no_nonce', '-noverify', '-host', '127.0.0.1:1', '-port', '{port}', '-path', '/html'),
  plain('no port that is one', ...ASK, '-no_nonce', '-host', '127.0.0.1:good'),
  plain('several colons', ...ASK, '-no_nonce', '-host', '::1'),
  plain('several colons and a port', ...ASK, '-no_nonce', '-host', '::1', '-port', '1'),
  asks('a header without a name', '/good', '-header', '=1'),
  asks('a URL as path, by a proxy', '/good', '-path', 'http://a/', '-proxy', '127.0.0.1:{port}'),
  asks('a proxy with a path', '/html', '-proxy', 'http://127.0.0.1:{port}/path'),
  plain('host with port', ...ASK, '-no_nonce', '-noverify', '-host', '127.0.0.1:{port}', '-path', '/good'),
  plain('no scheme', ...ASK, '-no_nonce', '-noverify', '-url', '127.0.0.1:{port}/good'),
  plain('with a user', ...ASK, '-no_nonce', '-noverify', '-url', 'http://user:secret@127.0.0.1:{port}/good'),
  plain(
    'through a proxy',
    ...ASK,
    '-no_nonce',
    '-noverify',
    '-url',
    'http://example.invalid/good',
    '-proxy',
    '127.0.0.1:{port}',
  ),
  plain('no one there', ...ASK, '-no_nonce', '-url', 'http://127.0.0.1:1/'),
  plain('no such host', ...ASK, '-no_nonce', '-url', 'http://host.invalid/'),
  plain('over TLS', ...ASK, '-no_nonce', ...CA, '-url', 'https://127.0.0.1:{tlsPort}/good'),
  asks('TLS to a server without', '/good', '-url', 'https://127.0.0.1:{port}/'),
]);

/** @type {Case[]} */
export const COMMAND_CASES = [
  ...usage,
  ...requests,
  ...rubbish,
  ...verification,
  ...statuses,
  ...vectors,
  ...responder,
  ...passphrases,
  ...overHttp,
];
