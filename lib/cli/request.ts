import { KeyObject } from 'node:crypto';
import type { OCSPRequest } from '../ocsp/request.js';
import { OCSPRequestBuilder } from '../ocsp/request-builder.js';
import { HashAlgorithm, type HashAlgorithmName, plainHashName } from '../x509/algorithms.js';
import { ocspUrls } from '../x509/certificate.js';
import { readArguments } from './arguments.js';
import { printable, toJsonLine } from './colour.js';
import { type Command, choiceOption, ExitCode, print, UsageError } from './command.js';
import { readSigner, type Signer } from './key-options.js';
import { NONCE_HELP, nonceOption, withNonceDefault } from './nonce-option.js';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS } from './passphrase.js';
import { writeOutput } from './system-error.js';
import { addTarget, hashOption, readTargets, type Target, targetText } from './target.js';

const HELP = `Usage: openssl-ocsp request --cert CERT.pem --issuer CA.pem [--out FILE] [options]

Makes an OCSP request. Where to send it stands in the certificate, and is printed to standard error.

  --cert FILE             a certificate to ask about; behind it the file may hold its chain; may be repeated
  --serial HEX            the same by serial number, as openssl x509 -serial prints it
  --issuer FILE           certificate of the CA that issued it; may be repeated: each certificate finds its own
  --hash NAME             hash of the CertIDs: sha1, sha224, sha256 (the default), sha384, sha512; old responders
                          know sha1 only
${NONCE_HELP}
Signing, which few responders want:
  --sign-key FILE         private key of the signer: PEM, DER or PKCS#12; or a URI that OpenSSL knows, such as pkcs11:
  --sign-cert FILE        its certificate; others in the file are included. By default those of the PKCS#12 file
${PASSPHRASE_HELP}
  --digest NAME           hash of the signature: sha224, sha256 (the default), sha384, sha512; for keys that take one

Output:
  --out FILE              where to write the request (standard output, -)
  --pem, --base64         as text; DER otherwise, but PEM on a terminal
  --json                  about the request, as one object; the request is in it, in base64, unless --out is given

Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

const OPTIONS = {
  cert: { type: 'string', multiple: true },
  serial: { type: 'string', multiple: true },
  issuer: { type: 'string', multiple: true },
  hash: { type: 'string' },
  nonce: { type: 'string' },
  'sign-cert': { type: 'string' },
  'sign-key': { type: 'string' },
  ...PASSPHRASE_OPTIONS,
  digest: { type: 'string' },
  out: { type: 'string' },
  pem: { type: 'boolean' },
  base64: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const DIGESTS = ['sha224', 'sha256', 'sha384', 'sha512'] as const;
const PEM_LINE = 64;

/** `openssl-ocsp request` */
export const requestCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = readArguments(withNonceDefault(args), OPTIONS);
    const { pem, base64, json } = values;
    const out = values.out === '-' ? undefined : values.out;
    if (pem && base64) throw new UsageError('--pem and --base64 are two things');
    if (json && out === undefined && (pem || base64))
      throw new UsageError('--json without --out holds the request in base64');
    const hash = hashOption(values.hash);
    const nonce = nonceOption(values.nonce);
    const digest = choiceOption(values.digest && plainHashName(values.digest), 'digest', DIGESTS);
    const targets = await readTargets(values);
    if (targets.length === 0) throw new UsageError('--cert or --serial has to say which certificate is meant');
    let builder = new OCSPRequestBuilder();
    for (const target of targets) builder = addTarget(builder, target, hash);
    if (nonce !== undefined) builder = builder.addExtension(nonce, false);
    const { 'sign-key': key, 'sign-cert': certificate } = values;
    if (key === undefined && (digest ?? values['passphrase-file'] ?? values['passphrase-env']) !== undefined)
      throw new UsageError('--digest, --passphrase-file and --passphrase-env go with --sign-key');
    const signer =
      key === undefined && certificate === undefined
        ? undefined
        : await readSigner({ option: 'sign-key', value: key }, { option: 'sign-cert', value: certificate }, values);
    const request = signer === undefined ? builder.build() : sign(builder, signer, digest);

    const der = request.publicBytes();
    if (out !== undefined) writeOutput(out, encode(der, { pem, base64 }));
    else if (!json) process.stdout.write(encode(der, { pem: pem || (process.stdout.isTTY && !base64), base64 }));
    if (json) print(toJsonLine(summary(request, targets, hash, nonce?.nonce, out)));
    else for (const target of targets) tellUrls(target);
    return ExitCode.OK;
  },
};

function sign(
  builder: OCSPRequestBuilder,
  { certificates, privateKey }: Signer,
  digest: HashAlgorithmName | undefined,
): OCSPRequest {
  const [certificate, ...others] = certificates;
  const type = privateKey instanceof KeyObject ? privateKey.asymmetricKeyType : privateKey.keyType;
  const hashesItself = /^(ed|ml-dsa)/i.test(type ?? '');
  const algorithm = digest ?? (hashesItself ? null : HashAlgorithm.SHA256);
  return builder.sign(certificate, privateKey, algorithm, { certificates: others });
}

function encode(
  der: Buffer,
  { pem, base64 }: { pem?: boolean | undefined; base64?: boolean | undefined },
): Buffer | string {
  if (!pem) return base64 ? `${der.toString('base64')}\n` : der;
  const lines = der.toString('base64').match(new RegExp(`.{1,${PEM_LINE}}`, 'g')) ?? [];
  return `-----BEGIN OCSP REQUEST-----\n${lines.join('\n')}\n-----END OCSP REQUEST-----\n`;
}

function summary(
  request: OCSPRequest,
  targets: readonly Target[],
  hash: HashAlgorithmName,
  nonce: Buffer | undefined,
  out: string | undefined,
): object {
  const der = request.publicBytes();
  return {
    bytes: der.length,
    hash,
    nonce: nonce?.toString('hex') ?? null,
    signed: request.isSigned,
    entries: targets.map((target) => ({ serialNumber: target.serial, urls: urlsOf(target) })),
    ...(out === undefined ? { request: der.toString('base64') } : { out }),
  };
}

function urlsOf({ certificate }: Target): string[] {
  return certificate === undefined ? [] : ocspUrls(certificate);
}

function tellUrls(target: Target): void {
  const urls = urlsOf(target);
  const where = urls.length === 0 ? 'names no responder' : `asks at ${urls.map(printable).join(', ')}`;
  if (target.certificate !== undefined) process.stderr.write(`${targetText(target)} ${where}\n`);
}
