import { X509Certificate } from 'node:crypto';
import { malformed } from '../errors.js';
import { printRequest, printResponse, wholeBytes } from '../ocsp/printing.js';
import { loadDerOcspRequest, OCSPRequest } from '../ocsp/request.js';
import { loadDerOcspResponse, type OCSPResponse } from '../ocsp/response.js';
import { Tag } from '../x509/der.js';
import { readArguments } from './arguments.js';
import { paintFor, toJsonLine } from './colour.js';
import { type Command, ExitCode, print, UsageError } from './command.js';
import { describeRequest, describeResponse, messageJson } from './describe.js';
import { messagePath, nameOf, readInput, type Unwrapped, unwrap } from './input.js';
import { outlineLines } from './outline.js';

const HELP = `Usage: openssl-ocsp inspect [FILE] [--json | --text] [--lenient]

Shows what is in an OCSP request or response, whichever it is: DER, PEM or base64, in a file or on standard input.
Nothing is verified: \`openssl-ocsp verify\` does that.

  --json      one object, of stable members
  --text      the text that OpenSSL prints (openssl ocsp -req_text, -resp_text)
  --lenient   read what OpenSSL reads, where strict DER is refused

Exit codes: 0 shown, 1 it is not such a message, 2 wrong usage.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  text: { type: 'boolean' },
  lenient: { type: 'boolean' },
} as const;

/** `openssl-ocsp inspect` */
export const inspectCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values, positionals } = readArguments(args, OPTIONS, 1);
    if (values.json && values.text) throw new UsageError('--json and --text are two things');
    const path = messagePath(positionals);
    const input = unwrap(await readInput(path));
    const message = load(input, nameOf(path), values.lenient === true);
    if (values.text) process.stdout.write(textOf(message));
    else if (values.json) {
      const { form, der } = input;
      const head = { type: message instanceof OCSPRequest ? 'request' : 'response', form, bytes: der.length };
      print(toJsonLine({ ...head, lenient: values.lenient === true, ...messageJson(message) }));
    } else {
      const now = Math.floor(Date.now() / 1000);
      const outline = message instanceof OCSPRequest ? describeRequest(message) : describeResponse(message, now);
      const title = `${outline.title}, ${input.der.length} bytes (${input.form})`;
      print(outlineLines({ ...outline, title }, paintFor(process.stdout)).join('\n'));
    }
    return ExitCode.OK;
  },
};

/** Loads whichever message it is. */
function load(input: Unwrapped, name: string, lenient: boolean): OCSPRequest | OCSPResponse {
  const read = (strict: boolean) =>
    isResponse(input.der) ? loadDerOcspResponse(input.der, { strict }) : loadDerOcspRequest(input.der, { strict });
  try {
    return read(!lenient);
  } catch (error) {
    const other = whatElse(input);
    if (other !== undefined) throw malformed(`${name} holds ${other}, not an OCSP request or response`);
    if (lenient || !succeeds(() => read(false))) throw error;
    throw malformed(`${(error as Error).message}; OpenSSL reads it all the same: --lenient shows how`);
  }
}

/** As OpenSSL prints it, to the byte. */
function textOf(message: OCSPRequest | OCSPResponse): Buffer {
  const der = message.publicBytes();
  return wholeBytes(message instanceof OCSPRequest ? printRequest(der) : printResponse(der));
}

/** Whether the first thing inside is an ENUMERATED: in a request it is a SEQUENCE. */
function isResponse(der: Buffer): boolean {
  const first = der[1] ?? 0;
  const lengthOctets = first > 0x80 ? first - 0x7f : 1;
  return der[1 + lengthOctets] === Tag.ENUMERATED;
}

/** What people take for an OCSP message. */
function whatElse({ der, form, label }: Unwrapped): string | undefined {
  if (der.length === 0) return 'nothing';
  if (succeeds(() => new X509Certificate(der))) return 'a certificate';
  if (label !== undefined && !label.startsWith('OCSP')) return `a ${label} in PEM`;
  return form === 'DER' && der[0] !== Tag.SEQUENCE ? 'neither DER nor PEM nor base64' : undefined;
}

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
