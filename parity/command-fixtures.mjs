// The files that the cases of command-cases.mjs name, made by the openssl command itself, and a web server for those that
// ask over HTTP.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { rawAnswers } from './http-heads.mjs';

const vectors = new URL('../test/vectors/openssl/', import.meta.url);

/** @typedef {(args: string[]) => void} OpenSsl runs the command in the folder of the fixtures */

/**
 * Fills an empty folder.
 *
 * @param {string} folder
 * @param {string} openssl - path of the openssl command
 */
export function makeFixtures(folder, openssl = 'openssl') {
  const at = (name) => join(folder, name);
  const write = (name, content) => writeFileSync(at(name), content);
  const run = (...args) => {
    const env = { ...process.env, OPENSSL_CONF: '/dev/null' };
    const { status, stderr } = spawnSync(openssl, args, { cwd: folder, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  const make = { at, write, run };
  makeCertificates(make);
  makeDatabases(make);
  makeMessages(make);
  makeRubbish(make);
  copyVectors(make);
}

const CA_EXTENSIONS = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n';
const RESPONDER = 'extendedKeyUsage=OCSPSigning\nnoCheck=ignored\n';
const LEAF = 'basicConstraints=CA:FALSE\n';

const RSA = ['-newkey', 'rsa:2048'];
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const P384 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'];
const ED25519 = ['-newkey', 'ed25519'];
const ED448 = ['-newkey', 'ed448'];
const RSA_PSS = ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'];
const RSA_PSS_512 = [...RSA_PSS, '-pkeyopt', 'rsa_pss_keygen_md:sha512', '-pkeyopt', 'rsa_pss_keygen_mgf1_md:sha512'];

function makeCertificates({ at, write, run }) {
  const root = (name, subject, key) => {
    write('ca.ext', `[e]\n${CA_EXTENSIONS}[req]\ndistinguished_name=d\n[d]\n`);
    const args = ['-x509', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', subject];
    run('req', ...args, '-days', '3650', '-set_serial', '1', '-config', 'ca.ext', '-extensions', 'e');
  };
  const issue = (name, issuer, subject, serial, extensions, key, days = '3000') => {
    write('empty.cnf', '[req]\ndistinguished_name=d\n[d]\n');
    write('leaf.ext', extensions);
    const files = ['-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`];
    run('req', '-new', ...key, ...files, '-subj', subject, '-config', 'empty.cnf');
    const from = ['-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', serial];
    run('x509', '-req', ...from, '-days', days, '-extfile', 'leaf.ext', '-out', `${name}.pem`);
  };
  root('ca', '/O=Parity/CN=Root CA', RSA);
  root('other-ca', '/O=Parity/CN=Other Root CA', EC);
  root('ec-ca', '/O=Parity/CN=EC Root CA', P384);
  root('va', '/O=Parity/CN=Validation Authority', EC);
  issue('resp', 'ca', '/O=Parity/CN=OCSP Responder', '0x2001', RESPONDER, RSA);
  issue('good', 'ca', '/O=Parity/CN=good', '0x1001', LEAF, EC);
  issue('revoked', 'ca', '/O=Parity/CN=revoked', '0x1002', LEAF, EC);
  issue('plain', 'ca', '/O=Parity/CN=No Responder', '0x2002', LEAF, EC);
  issue('ed25519', 'ca', '/O=Parity/CN=Ed25519 Responder', '0x2003', RESPONDER, ED25519);
  issue('ed448', 'ca', '/O=Parity/CN=Ed448 Responder', '0x2004', RESPONDER, ED448);
  issue('pss', 'ca', '/O=Parity/CN=PSS Responder', '0x2005', RESPONDER, RSA_PSS);
  issue('pss512', 'ca', '/O=Parity/CN=PSS Responder 512', '0x2006', RESPONDER, RSA_PSS_512);
  issue('int', 'ca', '/O=Parity/CN=Intermediate CA', '0x3001', CA_EXTENSIONS, EC);
  issue('int-good', 'int', '/O=Parity/CN=below', '0x4001', LEAF, EC);
  issue('int-resp', 'int', '/O=Parity/CN=Intermediate Responder', '0x4002', RESPONDER, EC);
  issue('ec-good', 'ec-ca', '/O=Parity/CN=EC good', '0x1001', LEAF, EC);
  issue('ec-resp', 'ec-ca', '/O=Parity/CN=EC Responder', '0x2001', RESPONDER, P384);
  run('x509', '-in', 'va.pem', '-addtrust', 'OCSPSigning', '-out', 'va-trusted.pem');
  run('x509', '-in', 'va.pem', '-addreject', 'OCSPSigning', '-out', 'va-rejected.pem');
  run('x509', '-in', 'ca.pem', '-outform', 'DER', '-out', 'ca.der');
  run('x509', '-in', 'good.pem', '-text', '-out', 'good-text.pem');
  run('rsa', '-aes128', '-passout', 'pass:sesame', '-in', 'resp.key', '-out', 'resp-encrypted.key');
  run('rsa', '-traditional', '-in', 'resp.key', '-out', 'resp-traditional.key');
  run('pkey', '-in', 'resp.key', '-outform', 'DER', '-out', 'resp-key.der');
  run('ec', '-in', 'ec-resp.key', '-outform', 'DER', '-out', 'ec-resp-key.der');
  const join2 = (to, ...names) => write(to, names.map((name) => readFileSync(at(name), 'utf8')).join(''));
  join2('both-cas.pem', 'ca.pem', 'ec-ca.pem');
  join2('chain.pem', 'int.pem', 'ca.pem');
  join2('resp-both.pem', 'resp.pem', 'resp.key');
  join2('key-first.pem', 'resp.key', 'resp.pem');
  makeCrls({ at, write, run, join2 });
  mkdirSync(at('hashed'));
  const hash = spawnSync('openssl', ['x509', '-in', at('ca.pem'), '-noout', '-hash'], {
    encoding: 'utf8',
  }).stdout.trim();
  write(`hashed/${hash}.0`, readFileSync(at('ca.pem')));
}

function makeCrls({ write, run, join2 }) {
  write('crl.cnf', '[ca]\ndefault_ca=d\n[d]\ndatabase=crl.txt\ndefault_md=sha256\n');
  write('crl.txt', '');
  const args = ['-config', 'crl.cnf', '-gencrl', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-crldays', '3000'];
  run('ca', ...args, '-out', 'empty.crl');
  write('crl.txt', 'R\t351231235959Z\t260102030405Z,keyCompromise\t2003\tunknown\t/CN=x\n');
  run('ca', ...args, '-out', 'ed25519.crl');
  join2('ca-crl.pem', 'ca.pem', 'empty.crl');
  join2('ca-crl-ed25519.pem', 'ca.pem', 'ed25519.crl');
}

const EXPIRY = '351231235959Z';
const row = (type, revocation, serial, name = serial) =>
  `${[type, EXPIRY, revocation, serial, 'unknown', `/CN=${name}`].join('\t')}\n`;

/** Revocation columns, each for serial number 1001. */
const REVOCATIONS = {
  plain: '260102030405Z',
  'four-digit-year': '20260102030405Z',
  'no-seconds': '2601020304Z',
  'offset-east': '260102030405+1259',
  'offset-west': '2601020304-0530,keyCompromise',
  'offset-too-far': '260102030405+1300',
  'offset-odd': '260102030405+0060',
  unspecified: '260102030405Z,unspecified',
  'key-compromise': '260102030405Z,keyCompromise',
  'ca-compromise': '260102030405Z,CACompromise',
  affiliation: '260102030405Z,affiliationChanged',
  superseded: '260102030405Z,superseded',
  cessation: '260102030405Z,cessationOfOperation',
  hold: '260102030405Z,certificateHold',
  remove: '260102030405Z,removeFromCRL',
  'hold-instruction': '260102030405Z,holdInstruction,holdInstructionReject',
  'hold-instruction-oid': '260102030405Z,holdInstruction,1.2.840.10040.2.2',
  'hold-instruction-none': '260102030405Z,holdInstruction',
  'hold-instruction-bad': '260102030405Z,holdInstruction,nonsense',
  'key-time': '260102030405Z,keyTime,20250102030405Z',
  'ca-key-time': '260102030405Z,CAkeyTime,20250102030405Z',
  'key-time-none': '260102030405Z,keyTime',
  'key-time-offset': '260102030405Z,keyTime,20250102030405+0100',
  'key-time-bad': '260102030405Z,keyTime,yesterday',
  'bad-date': 'yesterday',
  'no-date': '',
  'bad-reason': '260102030405Z,nonsense',
  'lower-case': '260102030405Z,KEYCOMPROMISE',
};
export const REVOCATION_NAMES = Object.keys(REVOCATIONS);

function makeDatabases({ write }) {
  const index = row('V', '', '1001') + row('R', REVOCATIONS['key-compromise'], '1002') + row('E', '', '1003');
  write('index.txt', index);
  write('index-empty.txt', '');
  write('index-comment.txt', `# a comment\n${index}`);
  write('index-int.txt', row('V', '', '4001'));
  write('index-short.txt', `${index}V\tx\n`);
  write('index-blank.txt', `${index}\n`);
  write('index-same-serial.txt', row('V', '', '1001', 'a') + row('V', '', '1001', 'b'));
  write('index-zeros.txt', row('V', '', '001001'));
  write('index-same-subject.txt', row('V', '', '1001', 'a') + row('V', '', '1002', 'a'));
  write('index-same-subject-revoked.txt', row('V', '', '1001', 'a') + row('R', '260102030405Z', '1002', 'a'));
  write('index-allowed.txt', row('V', '', '1001', 'a') + row('V', '', '1002', 'a'));
  write('index-allowed.txt.attr', 'unique_subject = no\n');
  write('index-strange-type.txt', row('X', '', '1001'));
  write('index-no-line-end.txt', row('R', '260102030405Z', '1001').trimEnd());
  write('index-small-letters.txt', row('R', '260102030405Z', 'abcd'));
  write('index-binary.txt', Buffer.from([0, 1, 2, 3, 255, 10, 9, 9, 9]));
  for (const [name, revocation] of Object.entries(REVOCATIONS)) {
    write(`index-r-${name}.txt`, row('R', revocation, '1001'));
  }
}

function makeMessages({ at, write, run }) {
  const request = (name, ...args) => run('ocsp', ...args, '-reqout', name);
  const respond = (name, reqin, ...args) => {
    const signer = args.includes('-rsigner') ? [] : ['-rsigner', 'resp.pem', '-rkey', 'resp.key'];
    const authority = args.includes('-CA') ? [] : ['-CA', 'ca.pem'];
    run('ocsp', '-index', 'index.txt', ...signer, ...authority, '-reqin', reqin, '-respout', name, ...args);
  };
  request('good.req', '-issuer', 'ca.pem', '-cert', 'good.pem', '-no_nonce');
  request('revoked.req', '-issuer', 'ca.pem', '-cert', 'revoked.pem', '-no_nonce');
  request('nonce.req', '-issuer', 'ca.pem', '-cert', 'good.pem');
  request('expired.req', '-issuer', 'ca.pem', '-serial', '0x1003', '-no_nonce');
  request('sha256.req', '-sha256', '-issuer', 'ca.pem', '-cert', 'good.pem', '-no_nonce');
  const three = ['-cert', 'good.pem', '-cert', 'revoked.pem', '-serial', '0x1099'];
  request('three.req', '-issuer', 'ca.pem', ...three, '-no_nonce');
  request('foreign.req', '-issuer', 'other-ca.pem', '-serial', '0x1001', '-no_nonce');
  request('int.req', '-issuer', 'int.pem', '-cert', 'int-good.pem', '-no_nonce');
  request('ec.req', '-issuer', 'ec-ca.pem', '-cert', 'ec-good.pem', '-no_nonce');
  const signed = ['-signer', 'resp.pem', '-signkey', 'resp.key'];
  request('signed.req', '-issuer', 'ca.pem', '-cert', 'good.pem', '-no_nonce', ...signed);
  write('no-entry.req', Buffer.from('300430023000', 'hex'));

  respond('good.resp', 'good.req', '-ndays', '3000');
  respond('no-next.resp', 'good.req');
  respond('revoked.resp', 'revoked.req', '-ndays', '3000');
  respond('nonce.resp', 'nonce.req', '-ndays', '3000');
  respond('three.resp', 'three.req', '-ndays', '3000');
  respond('sha256.resp', 'sha256.req', '-ndays', '3000');
  respond('expired.resp', 'expired.req');
  respond('key-id.resp', 'good.req', '-resp_key_id');
  respond('no-certs.resp', 'good.req', '-resp_no_certs');
  respond('key-id-no-certs.resp', 'good.req', '-resp_no_certs', '-resp_key_id');
  respond('bad-signature.resp', 'good.req', '-badsig');
  respond('by-ca.resp', 'good.req', '-rsigner', 'ca.pem', '-rkey', 'ca.key');
  respond('by-plain.resp', 'good.req', '-rsigner', 'plain.pem', '-rkey', 'plain.key');
  respond('by-va.resp', 'good.req', '-rsigner', 'va.pem', '-rkey', 'va.key');
  respond('by-ed25519.resp', 'good.req', '-rsigner', 'ed25519.pem', '-rkey', 'ed25519.key');
  respond('by-pss.resp', 'good.req', '-rsigner', 'pss.pem', '-rkey', 'pss.key');
  respond('sha1.resp', 'good.req', '-rmd', 'sha1');
  respond('pss.resp', 'good.req', '-rsigopt', 'rsa_padding_mode:pss');
  const below = ['-CA', 'int.pem', '-rsigner', 'int-resp.pem', '-rkey', 'int-resp.key', '-index', 'index-int.txt'];
  respond('int.resp', 'int.req', ...below);
  respond('int-with-chain.resp', 'int.req', ...below, '-rother', 'int.pem');
  respond('ec.resp', 'ec.req', '-CA', 'ec-ca.pem', '-rsigner', 'ec-resp.pem', '-rkey', 'ec-resp.key');
  for (const status of [1, 2, 3, 4, 5, 6, 7]) write(`status-${status}.resp`, Buffer.from([0x30, 3, 0x0a, 1, status]));
  write('status-0.resp', Buffer.from([0x30, 3, 0x0a, 1, 0]));
  const inner = 'a008300606022a030400';
  write('other-type.resp', Buffer.from(`300d0a0100${inner}`, 'hex'));
  const basic = '06092b0601050507300101';
  write('broken-basic.resp', Buffer.from(`30180a0100a0133011${basic}040430020500`, 'hex'));
  write('trailing.resp', Buffer.concat([readFileSync(at('good.resp')), Buffer.from('trailing')]));
}

/** A response whose certificate has a DNS name of one byte, 0xe6. */
const LATIN_1_RESPONSE =
  'MIIBkwoBAKCCAYwwggGIBgkrBgEFBQcwAQEEggF5MIIBdTB8ohYEFDMzMzMzMzMzMzMzMzMzMzMzMzMzGA8yMDI2MDEwMTAwMDAwMFowUTBPMDow' +
  'CQYFKw4DAhoFAAQUEREREREREREREREREREREREREREEFCIiIiIiIiIiIiIiIiIiIiIiIiIiAgEBgAAYDzIwMjYwMTAxMDAwMDAwWjAKBggqhkjO' +
  'PQQDAgMJADAGAgEBAgEBoIHdMIHaMIHXMIG9oAMCAQICAQEwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBeDAeFw0yNjAxMDEwMDAwMDBaFw0zNjAx' +
  'MDEwMDAwMDBaMAwxCjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARRWQt6UVFA0teEyFYIZo/f74yC/R9b5SQhVUoNw9Az7eDB' +
  'faiQSnJ9iuG/Nr+KeSYNAS8A1NgIiNHQu0T9oW2koxAwDjAMBgNVHREEBTADggHmMAoGCCqGSM49BAMCAwkAMAYCAQECAQE=';

function makeRubbish({ at, write }) {
  write('empty', '');
  write('text', 'This is no certificate, no key and no message.\n');
  write('binary', Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 37 + (i >> 3)) & 0xff)));
  write('cut.req', readFileSync(at('good.req')).subarray(0, 40));
  // thisUpdate stands behind producedAt, which says the same.
  const octets = readFileSync(at('good.resp')).toString('latin1');
  const header = '\x18\x0f';
  const place = octets.indexOf(header, octets.indexOf(header) + header.length);
  const odd = `${octets.slice(0, place + 2)}:${octets.slice(place + 3)}`;
  write('odd-this-update.resp', Buffer.from(odd, 'latin1'));
  write('cut.resp', readFileSync(at('good.resp')).subarray(0, 300));
  write('one-octet', Buffer.from([0x30]));
  write('long-length', Buffer.from('308400ffffff', 'hex'));
  write('indefinite', Buffer.from('30800000', 'hex'));
  // An envelope with a length of two bytes where one would do, around an empty SEQUENCE.
  write('ber-envelope.resp', Buffer.from('3081160a0100a011300f06092b060105050730010104023000', 'hex'));
  write('ber-envelope-alone.resp', Buffer.from('30800a01000000', 'hex'));
  write('padded-status.resp', Buffer.from('30040a020000', 'hex'));
  write('empty-status.resp', Buffer.from('30020a00', 'hex'));
  write('length-behind-the-end', Buffer.from('30f9', 'hex'));
  write('latin-1.resp', Buffer.from(LATIN_1_RESPONSE, 'base64'));
  write('bad-pem.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  write('password', 'sesame\nsecond line\n');
  mkdirSync(at('folder'));
}

/** OpenSSL's own responses of 2012, as DER, and their certificates. */
function copyVectors({ write }) {
  const folder = new URL('ocsp-tests/', vectors);
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(new URL(name, folder));
    write(name, name.endsWith('.ors') ? Buffer.from(bytes.toString('latin1'), 'base64') : bytes);
  }
}

/** @returns {string[]} names of OpenSSL's responses */
export function vectorNames() {
  return readdirSync(new URL('ocsp-tests/', vectors))
    .filter((name) => name.endsWith('.ors'))
    .sort();
}

const MEDIA_TYPE = 'application/ocsp-response';

/** What the server answers, by path. Content-Length is sent as OpenSSL's HTTP/1.0 would not get it otherwise. */
function answers(folder) {
  const good = readFileSync(join(folder, 'good.resp'));
  const send = (response, status, type, body) => {
    response.writeHead(status, { ...(type && { 'Content-Type': type }), 'Content-Length': body.length });
    response.end(body);
  };
  return {
    '/good': (response) => send(response, 200, MEDIA_TYPE, good),
    '/upper-case': (response) => send(response, 200, MEDIA_TYPE.toUpperCase(), good),
    '/nonce': (response) => send(response, 200, MEDIA_TYPE, readFileSync(join(folder, 'nonce.resp'))),
    '/try-later': (response) => send(response, 200, MEDIA_TYPE, Buffer.from('30030a0103', 'hex')),
    '/not-found': (response) => send(response, 404, 'text/plain', Buffer.from('not found')),
    '/failure': (response) => send(response, 500, MEDIA_TYPE, good),
    '/html': (response) => send(response, 200, 'text/html', Buffer.from('<html>')),
    '/with-parameter': (response) => send(response, 200, `${MEDIA_TYPE}; charset=x`, good),
    '/no-type': (response) => send(response, 200, undefined, good),
    '/rubbish': (response) => send(response, 200, MEDIA_TYPE, Buffer.from('rubbish rubbish')),
    '/nothing': (response) => send(response, 200, MEDIA_TYPE, Buffer.alloc(0)),
    '/trailing': (response) => send(response, 200, MEDIA_TYPE, Buffer.concat([good, Buffer.from('more')])),
    '/malformed': (response) => send(response, 200, MEDIA_TYPE, Buffer.from('30050a03010101', 'hex')),
    '/redirect': (response) => {
      response.writeHead(302, { Location: '/good', 'Content-Length': 0 });
      response.end();
    },
    '/large': (response) => {
      response.writeHead(200, { 'Content-Type': MEDIA_TYPE });
      response.end(Buffer.concat([Buffer.from('3083030000', 'hex'), Buffer.alloc(0x30000)]));
    },
    '/chunks': (response) => {
      response.writeHead(200, { 'Content-Type': MEDIA_TYPE });
      response.write(good.subarray(0, 10));
      setTimeout(() => response.end(good.subarray(10)), 20);
    },
    '/stall': (response) => {
      response.writeHead(200, { 'Content-Type': MEDIA_TYPE });
      response.write(good.subarray(0, 100));
    },
    '/silence': () => {},
    '/hang-up': (response) => response.destroy(),
    ...Object.fromEntries(
      Object.entries(rawAnswers(good)).map(([name, bytes]) => [
        `/raw/${name}`,
        (response) => response.socket.end(bytes),
      ]),
    ),
  };
}

/**
 * Starts servers on the loopback interface, one of them over TLS.
 *
 * @param {string} folder - of the fixtures
 * @returns {Promise<{ port: number, tlsPort: number, requests: object[], close: () => void }>}
 */
export async function startServers(folder) {
  const requests = [];
  const table = answers(folder);
  const listener = (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { httpVersion, method, url, rawHeaders } = request;
      requests.push({ httpVersion, method, url, rawHeaders, body: Buffer.concat(chunks) });
      // Through a proxy the URL comes with its host.
      const path = request.url.replace(/^http:\/\/[^/]*/, '').replace(/\?.*/, '');
      (table[path] ?? table['/good'])(response);
    });
  };
  const key = readFileSync(join(folder, 'va.key'));
  const cert = readFileSync(join(folder, 'va.pem'));
  const servers = [http.createServer(listener), https.createServer({ key, cert }, listener)];
  await Promise.all(servers.map((server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const [port, tlsPort] = servers.map((server) => server.address().port);
  return {
    port,
    tlsPort,
    requests,
    close: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
