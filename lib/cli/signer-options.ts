/** Options of the commands that sign responses ahead of time, and the signer that they make. */

import type { X509Certificate } from 'node:crypto';
import { OCSPResponderEncoding } from '../ocsp/enums.js';
import { DEFAULT_PERIOD, resolveLifetime, timesAt } from '../signing/lifetime.js';
import { ResponseSigner } from '../signing/response-signer.js';
import { HashAlgorithm, plainHashName } from '../x509/algorithms.js';
import { parsePrintedTime } from '../x509/time.js';
import type { OptionValues } from './arguments.js';
import { choiceOption, numberOption, required, UsageError } from './command.js';
import { readCertificates, readInput } from './input.js';
import { readSigner } from './key-options.js';
import { PASSPHRASE_HELP, type PassphraseValues } from './passphrase.js';
import { certIdHashOption } from './target.js';

/** Hashes that responses are signed with. */
const DIGESTS = Object.values(HashAlgorithm).filter((hash) => ![HashAlgorithm.MD5, HashAlgorithm.SHA1].includes(hash));

export const SIGNER_OPTIONS = {
  issuer: { type: 'string' },
  signer: { type: 'string' },
  key: { type: 'string' },
  subject: { type: 'string' },
  'cert-id-hash': { type: 'string' },
  digest: { type: 'string' },
  'responder-id': { type: 'string' },
  embed: { type: 'string' },
  'no-certs': { type: 'boolean' },
  'allow-unauthorized': { type: 'boolean' },
  days: { type: 'string' },
  hours: { type: 'string' },
} as const;

/** Who signs. */
export const SIGNER_HELP: string = `  --issuer FILE           certificate of the CA that is answered for
  --key FILE              private key of the signer: PEM, DER or PKCS#12; or a URI that OpenSSL knows, such as pkcs11:
${PASSPHRASE_HELP}
  --signer FILE           certificate that signs: the CA's, or one that it issued for OCSP; PKCS#12 brings its own`;

/** How it signs. */
export const SIGNING_HELP: string = `  --cert-id-hash NAMES    hashes of the CertIDs, a response for each (sha1,sha256)
  --subject FILE          certificates that the CA has issued: where they spell the CA's name in other string
                          types than its own certificate does, responses are signed for both
  --digest NAME           hash of the signatures (sha256)
  --responder-id WHAT     how responses name the responder: hash or name (hash)
  --embed WHAT            certificates in the responses: signer, issuer, both (signer,issuer), or none (signer)
  --no-certs              the same as --embed none
  --allow-unauthorized    sign though clients will refuse the signer's certificate: expired, or not made for OCSP
  --days N, --hours N     from thisUpdate to nextUpdate (7 days), but never beyond the signer's certificate`;

const RESPONDER_ENCODINGS = { hash: OCSPResponderEncoding.HASH, name: OCSPResponderEncoding.NAME } as const;
const RESPONDER_IDS = Object.keys(RESPONDER_ENCODINGS) as (keyof typeof RESPONDER_ENCODINGS)[];
const EMBEDDED = ['signer', 'issuer', 'none'] as const;

/** A signer, and what tells its responses from those of another. */
export interface NamedSigner {
  readonly signer: ResponseSigner;
  readonly issuer: Buffer;
  readonly responder: X509Certificate;
  /** Seconds from thisUpdate to nextUpdate. */
  readonly period: number;
  /** What else decides what is signed. */
  readonly settings: readonly unknown[];
}

/** @throws UsageError; what reading files and `ResponseSigner` throw. */
export async function readResponseSigner(
  values: OptionValues<typeof SIGNER_OPTIONS> & PassphraseValues,
): Promise<NamedSigner> {
  const issuer = await readInput(required(values.issuer, 'issuer'));
  const hashes = listOption(values['cert-id-hash'], 'cert-id-hash', plainHashName)?.map(
    (name) => certIdHashOption(name, 'cert-id-hash') as HashAlgorithm,
  );
  const algorithm = choiceOption(values.digest && plainHashName(values.digest), 'digest', DIGESTS);
  const responderId = choiceOption(values['responder-id'], 'responder-id', RESPONDER_IDS);
  const period = validityPeriod(values.days, values.hours);
  const embed = embedOption(values.embed, values['no-certs'] === true);
  const { privateKey, certificates } = await readSigner(
    { option: 'key', value: values.key },
    { option: 'signer', value: values.signer },
    values,
  );
  const [responder] = certificates;
  const subjects = values.subject === undefined ? [] : await readCertificates(values.subject);
  const signer = new ResponseSigner({
    issuer,
    responder,
    privateKey,
    subjects,
    ...(hashes !== undefined && { certIdAlgorithm: hashes }),
    ...(algorithm !== undefined && { algorithm }),
    ...(responderId !== undefined && { responderId: RESPONDER_ENCODINGS[responderId] }),
    certificates: embed.map((which) => (which === 'signer' ? responder : issuer)),
    ...(period !== undefined && { validity: { period } }),
    allowUnauthorized: values['allow-unauthorized'] === true,
  });
  const settings = [signer.answers, algorithm, period, responderId, embed];
  return { signer, issuer, responder, period: period ?? DEFAULT_PERIOD, settings };
}

/** nextUpdate is never past the end of the signer's certificate: whoever asked for more waits until then with the next run. */
export function noteEarlyEnd(
  { responder, period }: Pick<NamedSigner, 'responder' | 'period'>,
  values: { readonly 'allow-unauthorized'?: boolean },
): void {
  if (values['allow-unauthorized']) return;
  const lifetime = resolveLifetime({ period }, parsePrintedTime(responder.validTo));
  const { thisUpdate, nextUpdate = 0 } = timesAt(lifetime, Date.now());
  if (nextUpdate >= thisUpdate + period) return;
  const until = new Date(nextUpdate * 1000).toISOString();
  process.stderr.write(`note: the responses hold until ${until} only, when the certificate of the signer ends\n`);
}

function listOption(
  value: string | undefined,
  option: string,
  plain: (item: string) => string = (item) => item,
): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const items = value.split(',').map((item) => plain(item.trim()));
  if (new Set(items).size < items.length) throw new UsageError(`--${option} names one thing twice: ${value}`);
  return items;
}

function embedOption(value: string | undefined, none: boolean): readonly ('signer' | 'issuer')[] {
  if (none && value !== undefined) throw new UsageError('--embed and --no-certs do not go together');
  const given = none ? ['none'] : (listOption(value, 'embed') ?? ['signer']);
  const chosen = given.map((item) => choiceOption(item, 'embed', EMBEDDED));
  if (chosen.includes('none') && chosen.length > 1) throw new UsageError(`--embed is none or not: ${value}`);
  return chosen.filter((item) => item === 'signer' || item === 'issuer');
}

function validityPeriod(days: string | undefined, hours: string | undefined): number | undefined {
  if (days === undefined && hours === undefined) return undefined;
  const seconds = Math.round((numberOption(days, 'days') ?? 0) * 86_400 + (numberOption(hours, 'hours') ?? 0) * 3600);
  if (seconds < 1) throw new UsageError('--days and --hours leave no time from thisUpdate to nextUpdate');
  return seconds;
}
