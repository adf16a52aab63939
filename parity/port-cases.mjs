// Command lines of `ocsp -port`, and what clients ask: `openssl ocsp` and `openssl-ocsp ocsp` have to say the same.
// port-run.mjs runs and compares them.
/**
 * @typedef {object} PortRequest - one of
 * @property {string} [post] - a file of the fixtures, sent by POST
 * @property {string} [get] - the same by GET
 * @property {string} [path] - where to
 * @property {string} [raw] - bytes of a connection, as latin1
 * @property {string} [index] - no request: this file of the fixtures takes the place of the list
 *
 * @typedef {object} PortCase
 * @property {string} name - unique
 * @property {string[]} args - without -port; as those of command-cases.mjs
 * @property {PortRequest[]} requests
 * @property {NodeJS.Signals} [signal] - what ends it; without, -nrequest has to
 * @property {string[]} [outputs] - files that it writes
 * @property {boolean} [connects] - false: that OpenSSL listens before it fails is of no interest
 * @property {string} [differs] - why the two do not do the same, deliberately
 */

const SIGNER = ['-rsigner', '@resp.pem', '-rkey', '@resp.key'];
const CA = ['-index', '%index.txt', '-CA', '@ca.pem'];
const BASIC = [...CA, ...SIGNER];
/** Asked in each case that does not say what. */
const QUESTIONS = [
  { post: 'good.req' },
  { get: 'good.req' },
  { post: 'revoked.req' },
  { post: 'expired.req' },
  { post: 'sha256.req' },
  { post: 'nonce.req' },
  { post: 'three.req' },
  { post: 'foreign.req' },
  { post: 'signed.req' },
];

const answered = (name, args, requests = QUESTIONS, more = {}) => ({
  name,
  args: [...args, '-nrequest', String(requests.filter(({ index }) => index === undefined).length)],
  requests,
  ...more,
});
/** A server that does not begin. */
const refused = (name, ...args) => ({ name, args: [...args, '-nrequest', '1'], requests: [{ post: 'good.req' }] });

const options = [
  [],
  ['-ndays', '3'],
  ['-nmin', '5'],
  ['-nmin', '5', '-ndays', '3'],
  ['-ndays', '08'],
  ['-resp_key_id'],
  ['-resp_no_certs'],
  ['-resp_key_id', '-resp_no_certs'],
  ['-rother', '@chain.pem'],
  ['-rmd', 'sha384'],
  ['-rmd', 'sha1'],
  ['-rsigopt', 'rsa_padding_mode:pss'],
  ['-badsig'],
  ['-ignore_err'],
  ['-timeout', '30'],
  ['-text'],
  ['-req_text'],
  ['-resp_text'],
].map((more) => answered(more.join(' ') || 'as it is', [...BASIC, ...more]));

const signers = [
  ['the CA', '@ca.pem', '@ca.key'],
  ['RSA-PSS', '@pss.pem', '@pss.key'],
  ['Ed25519', '@ed25519.pem', '@ed25519.key'],
  ['ECDSA', '@va.pem', '@va.key'],
  ['no responder', '@plain.pem', '@plain.key'],
].map(([name, cert, key]) => answered(`by ${name}`, [...CA, '-rsigner', cert, '-rkey', key], QUESTIONS.slice(0, 3)));

const lists = [
  ...['empty', 'allowed', 'strange-type', 'r-key-compromise', 'r-hold', 'r-remove', 'r-hold-instruction'],
  ...['r-hold-instruction-bad', 'r-key-time', 'r-bad-date', 'r-no-date', 'r-bad-reason'],
].map((name) =>
  answered(
    `the list index-${name}`,
    ['-index', `@index-${name}.txt`, '-CA', '@ca.pem', ...SIGNER, '-ignore_err'],
    [{ post: 'good.req' }, { post: 'three.req' }],
  ),
);

const raw = (line, body = '') => ({ raw: `${line}\r\n\r\n${body}` });
const http = [
  answered('below a path', BASIC, [{ post: 'good.req', path: '/ocsp/status' }]),
  answered('POST of nothing', [...BASIC, '-ignore_err'], [raw('POST / HTTP/1.0\r\nContent-Length: 0')]),
  answered(
    'POST of no request',
    [...BASIC, '-ignore_err'],
    [{ post: 'text' }, { post: 'cut.req' }, { post: 'good.req' }],
  ),
  answered('a request that asks nothing', [...BASIC, '-ignore_err'], [{ post: 'no-entry.req' }, { post: 'good.req' }]),
  answered('GET of nothing', [...BASIC, '-ignore_err'], [raw('GET / HTTP/1.0')]),
  answered('GET of no request', [...BASIC, '-ignore_err'], [raw('GET /nonsense HTTP/1.0'), { get: 'good.req' }]),
  answered('GET of bad encoding', [...BASIC, '-ignore_err'], [raw('GET /M%ZZ HTTP/1.0'), { get: 'good.req' }]),
  answered('after an error, without -ignore_err', BASIC, [{ post: 'text' }, { post: 'good.req' }], {
    differs: 'No client ends a responder.',
  }),
  answered('another method', [...BASIC, '-ignore_err'], [raw('PUT / HTTP/1.0'), { post: 'good.req' }]),
  {
    ...answered('what is no HTTP', [...BASIC, '-ignore_err'], [{ post: 'good.req' }, raw('nonsense')]),
    signal: 'SIGTERM',
    differs: 'It is no request, and not counted.',
  },
  answered('-out', [...BASIC, '-text', '-out', '%text'], QUESTIONS.slice(0, 3), { outputs: ['text'] }),
  answered('-rcid', [...BASIC, '-rcid', 'sha384'], QUESTIONS, {
    differs: 'The CertID has the serial number of the request.',
  }),
  answered(
    'a list that is replaced',
    BASIC,
    [{ post: 'good.req' }, { index: 'index-r-plain.txt' }, { post: 'good.req' }],
    {
      differs: 'OpenSSL answers one more request by the old list.',
    },
  ),
  answered(
    'two CAs',
    ['-index', '@index.txt', '-CA', '@both-cas.pem', ...SIGNER],
    [{ post: 'good.req' }, { post: 'ec.req' }],
  ),
  {
    name: '-multi, ended by SIGTERM',
    args: [...BASIC, '-multi', '2'],
    requests: QUESTIONS,
    signal: 'SIGTERM',
    differs: 'Processes are not listed, and SIGTERM is an end like another: exit code 0.',
  },
];

/** OpenSSL listens, and then looks whether it can. */
const starts = [
  refused('no signer', ...CA),
  refused('no CA', '-index', '@index.txt', ...SIGNER),
  refused('no such list', '-index', '@nothing', '-CA', '@ca.pem', ...SIGNER),
  refused('a bad list', '-index', '@index-short.txt', '-CA', '@ca.pem', ...SIGNER),
  refused('no such CA', '-index', '@index.txt', '-CA', '@nothing', ...SIGNER),
  refused('no such key', ...CA, '-rsigner', '@resp.pem', '-rkey', '@nothing'),
  refused('no such signer', ...CA, '-rsigner', '@nothing', '-rkey', '@resp.key'),
  refused('no such others', ...BASIC, '-rother', '@nothing'),
].map((entry) => ({ ...entry, connects: false }));
const usage = [
  refused('-multi 0', ...BASIC, '-multi', '0'),
  refused('-timeout 0', ...BASIC, '-timeout', '0'),
  refused('-out into no folder', ...BASIC, '-out', '@nowhere/file'),
  refused('no list', '-CA', '@ca.pem', ...SIGNER),
  {
    ...refused("another's key", ...CA, '-rsigner', '@resp.pem', '-rkey', '@ca.key'),
    differs: 'No client ends a responder: it is told of an internal error.',
  },
];

/** @type {PortCase[]} */
export const PORT_CASES = [...options, ...signers, ...lists, ...http, ...starts, ...usage];
