// What the library does with given bytes, as JSON: the same under every build of it, or else there is a difference. Run as
// a program (`node tasks.mjs file`), it does the tasks in the file and prints their results.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError, opensslInfo, UnrecognizedExtension } from 'openssl-ocsp';
import { buildRequest, buildResponse } from './messages.mjs';
import { requestValues, responseValues } from './values.mjs';

const LOADERS = {
  request: [loadDerOcspRequest, requestValues],
  response: [loadDerOcspResponse, responseValues],
};
const bytes = (hex) => Buffer.from(hex, 'hex');

const TASKS = {
  verify: ({ kind, message, certificates, trusted, options }) => {
    const [load] = LOADERS[kind];
    const loaded = load(bytes(message));
    const given = {
      ...options,
      at: new Date(options.at * 1000),
      certificates: certificates.map(bytes),
      ...(trusted && { trust: { certificates: trusted.map(bytes) } }),
    };
    const { verified, authority } = kind === 'request' ? loaded.verifySignature(given) : loaded.basicVerify(given);
    return { verified, authority };
  },
  read: ({ kind, message, strict = true }) => {
    const [load, values] = LOADERS[kind];
    return values(load(bytes(message), { strict }));
  },
  print: ({ kind, message }) => LOADERS[kind][0](bytes(message)).toText(),
  buildRequest: (given) => buildRequest(revive(given)).publicBytes().toString('hex'),
  buildResponse: (given) => buildResponse(revive(given)).publicBytes().toString('hex'),
};

/** `someRequest` and `someResponse` as JSON holds them: bytes in hex. */
export function freeze(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(freeze);
  if (typeof value !== 'object' || value === null) return value;
  if (value.certificate !== undefined) {
    const { type, der, pkcs8 } = value;
    return { type, der: freeze(der), pkcs8: freeze(pkcs8) };
  }
  if (value.critical !== undefined) {
    const { value: given, critical } = value;
    return { extensionValue: { oid: given.oid, octets: freeze(given.publicBytes()) }, critical };
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, freeze(part)]));
}

/** What JSON made of `someRequest` and `someResponse`, as they were. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  if (value.pkcs8 !== undefined) {
    const privateKey = createPrivateKey({ key: bytes(value.pkcs8), format: 'der', type: 'pkcs8' });
    return { ...value, certificate: new X509Certificate(bytes(value.der)), privateKey };
  }
  if (value.extensionValue !== undefined) {
    const { oid, octets } = value.extensionValue;
    return { value: new UnrecognizedExtension(oid, bytes(octets)), critical: value.critical };
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revive(part)]));
}

export function perform([name, given]) {
  try {
    return TASKS[name](given);
  } catch (error) {
    if (!(error instanceof OCSPError)) throw error;
    return { error: error.code };
  }
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const results = JSON.parse(readFileSync(process.argv[2], 'utf8')).map(perform);
  process.stdout.write(JSON.stringify({ openssl: opensslInfo.version, results }));
}
