/** The configuration of `openssl-ocsp serve`: what may stand in it. One schema for people, editors and the command itself. */
import { UsageError } from '../command.js';

/** The part of JSON Schema that is needed here. */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
}

const text = (description: string): Schema => ({ type: 'string', description });
const whole = (description: string, minimum = 1): Schema => ({ type: 'integer', minimum, description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const choice = (names: readonly string[], description: string): Schema => ({
  type: 'string',
  enum: names,
  description,
});
const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
  description: string,
): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  description,
});

const SIGNER = object(
  {
    certificate: text('File of the certificate that signs; may be left out when the key is a PKCS#12 file.'),
    key: text('Its private key: a file (PEM, DER, PKCS#12), or a URI that OpenSSL knows, such as pkcs11:'),
    passphraseFile: text('The first line of this file is the passphrase or PIN of the key.'),
    passphraseEnv: text('Name of the environment variable with the passphrase or PIN.'),
    digest: text('Hash of the signature: sha256 by default, none for Ed25519, Ed448 and ML-DSA.'),
  },
  ['key'],
  'Who signs.',
);

const ISSUER = object(
  {
    name: text('Name in logs and metrics; by default the subject of the certificate.'),
    certificate: text('File of the certificate of the CA.'),
    subject: text('Certificates that the CA has issued, where they spell its name in other string types than its own.'),
    signers: {
      type: 'array',
      items: SIGNER,
      description:
        'Who signs: the valid one whose validity began last, or whose signature algorithm the client prefers.',
    },
    index: text('The index.txt of openssl ca, read again when it has changed.'),
    crl: text('A CRL of the CA, read again when it has changed.'),
    serials: text('With crl, a file of all that was issued: what the CRL does not list is good.'),
    serialsOfPart: flag(
      "A crl that is one part of the CA's list is taken: no certificates of other parts are asked about.",
    ),
    postgres: text(
      'Connection string of a PostgreSQL database that knows the statuses: postgres://USER@HOST/DATABASE.',
    ),
    store: text(
      'Folder of answers that were signed before; without index, crl and postgres, what is in it is what is known.',
    ),
    notIssued: choice(
      ['unauthorized', 'unknown', 'good', 'revoked'],
      'What to answer for serial numbers never issued.',
    ),
    includeExpired: flag('E rows of an index.txt are good.'),
    hours: whole('Hours from thisUpdate to nextUpdate; 24 by default. Not with a CRL, which says it itself.'),
    extendedRevoke: choice(
      ['when-used', 'always'],
      'With notIssued revoked: which answers say so by an extension; when-used by default.',
    ),
    archiveCutoff: whole('Seconds for which statuses are kept after a certificate has expired.', 0),
    allowUnauthorized: flag('Sign even with certificates that clients will refuse.'),
  },
  ['certificate'],
  'A CA that is answered for.',
);

/** Of the whole file. */
export const SCHEMA: Schema = object(
  {
    $schema: text('Where this schema is, for editors.'),
    listen: text(
      'HOST:PORT, :PORT, unix:PATH or fd:NUMBER; by default the socket that systemd hands over, else :8080.',
    ),
    admin: text('The same for a page for people, /healthz, /readyz, /metrics and /health; by default nowhere.'),
    basePath: text('Path of the responder in URLs, such as /ocsp.'),
    issuers: { type: 'array', items: ISSUER, minItems: 1, description: 'The CAs that are answered for.' },
    nonce: choice(['optional', 'ignored', 'required', 'forbidden'], 'What to do with nonces; optional by default.'),
    requestSignatures: choice(
      ['ignored', 'verified', 'required'],
      'What to do with signatures of requests; ignored by default. The others need requestTrust.',
    ),
    requestTrust: text('File of the certificates that those who sign requests are trusted by.'),
    maxAge: whole('Seconds for which HTTP caches may keep an answer, at most; 3600 by default.', 0),
    maxLag: whole('Seconds by which a list may be behind before nothing is good any more; 10 by default.'),
    maxRequestBytes: whole('Bytes of the longest request; 10000 by default.'),
    maxCertIds: whole('Certificates that one request may ask about; 16 by default.'),
    cachePost: flag('Let HTTP caches keep answers to POST.'),
    strictContentType: flag('Refuse a POST whose content type is not application/ocsp-request.'),
    errorStatus: choice(['ok', 'mapped'], 'HTTP status of OCSP errors: 200, or 400, 403, 500 and 503.'),
    cacheBytes: whole('Bytes of answers in memory; 64 MiB by default.', 0),
    live: object(
      {
        maxInflight: whole('Signatures at a time.'),
        maxWaiting: whole('Requests that wait for a signature; beyond, the answer is tryLater.', 0),
        timeout: whole('Milliseconds that a signature may take.'),
        perSecond: whole('Answers a second that no cache can help with.'),
      },
      [],
      'Limits of what is signed as it is asked for.',
    ),
    tls: object(
      { certificate: text('File of the certificate chain.'), key: text('File of its private key.') },
      ['certificate', 'key'],
      'Answer by HTTPS.',
    ),
    processes: whole('Processes that share the port; 1 by default.'),
    shutdownTimeout: whole('Seconds in which connections may end by themselves; 10 by default.', 0),
  },
  ['issuers'],
  'Configuration of openssl-ocsp serve.',
);

/** @throws UsageError that says where the value is not what the schema has. */
export function checkSchema(value: unknown, schema: Schema, where = 'the configuration'): void {
  const { type, properties = {}, required = [], items, minItems = 0, enum: names, minimum } = schema;
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const isNumber = type === 'integer' || type === 'number';
  if (isNumber ? typeof value !== 'number' || (type === 'integer' && !Number.isSafeInteger(value)) : actual !== type)
    throw new UsageError(`${where} is ${actual === 'number' ? value : `of type ${actual}`}, not ${type}`);
  if (minimum !== undefined && (value as number) < minimum) throw new UsageError(`${where} is less than ${minimum}`);
  if (names !== undefined && !names.includes(value as string))
    throw new UsageError(`${where} is one of ${names.join(', ')}, not ${value}`);
  if (Array.isArray(value)) {
    if (value.length < minItems) throw new UsageError(`${where} is empty`);
    for (const [i, item] of value.entries()) checkSchema(item, items as Schema, `${where}[${i}]`);
    return;
  }
  if (type !== 'object') return;
  for (const [name, member] of Object.entries(value as object)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known === undefined) throw new UsageError(`${where} has no member ${name}`);
    checkSchema(member, known, `${where}.${name}`);
  }
  for (const name of required)
    if (!Object.hasOwn(value as object, name)) throw new UsageError(`${where} needs ${name}`);
}
