import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { ResponderHealth } from '../../responder/health.js';
import { Responder } from '../../responder/responder.js';
import { type ResponderServer, type ServeOptions, serve } from '../../responder/serve.js';
import { readArguments } from '../arguments.js';
import { printable } from '../colour.js';
import { type Command, choiceOption, countOption, ExitCode, print, required, UsageError } from '../command.js';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS } from '../passphrase.js';
import { reading } from '../system-error.js';
import {
  checkSocketFolder,
  type IssuerConfig,
  parseAddress,
  Resources,
  readConfig,
  responderOptions,
  type ServeConfig,
} from './configuration.js';
import { howToAsk } from './greeting.js';
import { Log } from './log.js';
import { supervise, tellSupervisor } from './processes.js';
import { handedSocket, notify } from './systemd.js';

const HELP = `Usage: openssl-ocsp serve --issuer CA.pem --signer OCSP.pem --key OCSP.key --index index.txt [options]

Answers OCSP requests over HTTP. The list is read again when it has changed; so is the configuration on SIGHUP. SIGTERM
and SIGINT end it, after the answers that are under way. Prints how to ask it; all else is JSON, a line each, on
standard error.

  --issuer FILE           certificate of the CA that is answered for
  --key FILE              private key of the signer: PEM, DER or PKCS#12; or a URI that OpenSSL knows, such as pkcs11:
  --signer FILE           certificate that signs: the CA's own or its delegate's; by default that of the PKCS#12 file
${PASSPHRASE_HELP}
  --index FILE            list of certificates: the index.txt of openssl ca; or
  --crl FILE              a CRL of the CA
  --serials FILE          with --crl, all that was issued, a hexadecimal serial number in each line: what the CRL does
                          not list is good
  --store FOLDER          answers that bulk-sign has signed; without --index and --crl, what is in it is what is known
  --subject FILE          certificates that the CA has issued: where they spell the CA's name in other string
                          types than its own certificate does, it is answered for by both
  --not-issued ANSWER     to serial numbers that were never issued: unauthorized (the default), unknown, revoked or good
  --include-expired       E rows of an index.txt, which are unknown otherwise, are good
  --hours N               from thisUpdate to nextUpdate (24); a CRL says it itself
  --nonce POLICY          optional (the default), ignored, required or forbidden
  --listen ADDRESS        HOST:PORT, :PORT, unix:PATH or fd:NUMBER (the socket that systemd hands over, else :8080)
  --admin ADDRESS         the same for a page, /healthz, /readyz, /metrics and /health (nowhere)
  --base-path PATH        path of the responder in URLs, such as /ocsp
  --config FILE           all of this and more, for any number of CAs, as JSON; --listen and --admin go before it
  --check                 read everything, say what is wrong, and end

Exit codes: 0 ended as it was told to, or checked and well, 1 failed, 2 wrong usage.
`;

const OPTIONS = {
  issuer: { type: 'string' },
  signer: { type: 'string' },
  key: { type: 'string' },
  ...PASSPHRASE_OPTIONS,
  index: { type: 'string' },
  crl: { type: 'string' },
  serials: { type: 'string' },
  store: { type: 'string' },
  subject: { type: 'string' },
  'not-issued': { type: 'string' },
  'include-expired': { type: 'boolean' },
  hours: { type: 'string' },
  nonce: { type: 'string' },
  listen: { type: 'string' },
  admin: { type: 'string' },
  'base-path': { type: 'string' },
  config: { type: 'string' },
  check: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

/** Options that say what a configuration says. */
const NOT_WITH_CONFIG = [
  'issuer',
  'signer',
  'key',
  'passphrase-file',
  'passphrase-env',
  'index',
  'crl',
  'serials',
  'store',
  'subject',
  'not-issued',
  'include-expired',
  'hours',
  'nonce',
] as const;

/** `openssl-ocsp serve` */
export const serveCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = readArguments(args, OPTIONS);
    const log = new Log((line) => void process.stderr.write(line));
    try {
      return await new Service(values, log).run();
    } finally {
      log.close();
      // The channel to the supervisor would keep the process, also one that could not begin.
      cluster.worker?.disconnect();
    }
  },
};

/** What the options say, as a configuration. */
function configOf(values: Values): ServeConfig {
  const { listen, admin, config: path, 'base-path': basePath } = values;
  const own = {
    ...(listen !== undefined && { listen }),
    ...(admin !== undefined && { admin }),
    ...(basePath !== undefined && { basePath }),
  };
  if (path !== undefined) {
    const other = NOT_WITH_CONFIG.find((name) => values[name] !== undefined);
    if (other !== undefined) throw new UsageError(`--${other} does not go with --config`);
    return { ...readConfig(path), ...own };
  }
  const { signer, key, subject, index, crl, serials, store } = values;
  const notIssued = choiceOption(values['not-issued'], 'not-issued', [
    'unauthorized',
    'unknown',
    'revoked',
    'good',
  ] as const);
  const nonce = choiceOption(values.nonce, 'nonce', ['optional', 'ignored', 'required', 'forbidden'] as const);
  const hours = countOption(values.hours, 'hours');
  const { 'passphrase-file': passphraseFile, 'passphrase-env': passphraseEnv } = values;
  if (key === undefined && (signer !== undefined || store === undefined)) throw new UsageError('--key is missing');
  if (key === undefined && (passphraseFile ?? passphraseEnv) !== undefined)
    throw new UsageError('a passphrase goes with --key');
  const issuer: IssuerConfig = {
    certificate: required(values.issuer, 'issuer'),
    signers:
      key === undefined
        ? []
        : [
            {
              key,
              ...(signer !== undefined && { certificate: signer }),
              ...(passphraseFile !== undefined && { passphraseFile }),
              ...(passphraseEnv !== undefined && { passphraseEnv }),
            },
          ],
    ...(subject !== undefined && { subject }),
    ...(index !== undefined && { index }),
    ...(crl !== undefined && { crl }),
    ...(serials !== undefined && { serials }),
    ...(store !== undefined && { store }),
    ...(notIssued !== undefined && { notIssued }),
    ...(hours !== undefined && { hours }),
    ...(values['include-expired'] && { includeExpired: true }),
  };
  return { issuers: [issuer], ...own, ...(nonce !== undefined && { nonce }) };
}

/** One run of the command. */
class Service {
  readonly #values: Values;
  readonly #log: Log;
  readonly #resources = new Resources();

  constructor(values: Values, log: Log) {
    this.#values = values;
    this.#log = log;
  }

  async run(): Promise<number> {
    const config = configOf(this.#values);
    const address = parseAddress(config.listen ?? handedSocket() ?? ':8080', 'listen');
    const admin = config.admin === undefined ? undefined : parseAddress(config.admin, 'admin');
    if (!this.#values.check) for (const one of [address, admin]) if (one !== undefined) checkSocketFolder(one);
    const { processes = 1 } = config;
    if (processes > 1 && cluster.isPrimary && !this.#values.check)
      return await supervise(processes, address, admin, this.#log);
    const reloads = new Reloads();
    await using responder = new Responder(await this.#options(config));
    this.#resources.settle();
    await listsRead(responder);
    const tls = config.tls && tlsOptions(config.tls);
    if (this.#values.check) return check(responder);
    if (cluster.isWorker) tellSupervisor(responder);
    const options: ServeOptions = {
      // Of several processes the one that looks after them tells.
      ...(admin !== undefined && cluster.isPrimary && { admin }),
      ...(tls && { tls }),
      shutdownTimeout: (config.shutdownTimeout ?? 10) * 1000,
    };
    const server = await serve(responder, address, options);
    const ended = untilSignal();
    await this.#greet(config, server);
    await this.#notify('READY');
    reloads.start((overtaken) => this.#reload(responder, overtaken));
    const signal = await ended;
    // The line is read as "no one can connect any more".
    const closed = server.close();
    this.#log.line('info', 'stopping', { signal });
    await Promise.all([this.#notify('STOPPING'), closed]);
    this.#log.line('info', 'stopped');
    return ExitCode.OK;
  }

  #options(config: ServeConfig): ReturnType<typeof responderOptions> {
    return responderOptions(config, {
      onError: (file, error) => this.#log.trouble('list', error, { file }),
      resources: this.#resources,
      warn: (message) => this.#log.line('warn', 'signer', { message }),
      everyKey: this.#values.check === true,
    });
  }

  /** A command that asks, to be pasted; and the line for the log. */
  async #greet(config: ServeConfig, { url, adminUrl }: ResponderServer): Promise<void> {
    const { issuers } = config;
    const [first] = issuers;
    if ((cluster.worker?.id ?? 1) === 1 && first !== undefined) print(await howToAsk(config, first, url));
    this.#log.line('info', 'listening', {
      url,
      ...(adminUrl !== undefined && { admin: adminUrl }),
      issuers: issuers.length,
    });
  }

  async #reload(responder: Responder, overtaken: Promise<void>): Promise<void> {
    await this.#notify('RELOADING');
    // Before anything can fail: what is in use is not new.
    this.#resources.begin();
    try {
      const options = await this.#options(configOf(this.#values));
      const before = new Set(problemsOf(responder.health()));
      const done = responder.reloadIf(options, (next) => refuseWorse(next, before));
      // Also where the next one never begins, as its configuration is wrong: what the log calls failed does not count later.
      void overtaken.then(() => responder.giveUpReload());
      await done;
      this.#resources.settle();
      this.#log.line('info', 'reloaded');
    } catch (error) {
      this.#resources.abandon();
      this.#log.trouble('reload', error);
    }
    await this.#notify('READY');
  }

  #notify(state: Parameters<typeof notify>[0]): Promise<void> {
    return notify(state, (error) => this.#log.trouble('systemd-notify', error));
  }
}

/** Reads everything again; gives up when it is overtaken. */
type Reload = (overtaken: Promise<void>) => Promise<void>;

/** What SIGHUP asks for: one after the other, those that come before there is anything to reload as soon as there is. */
class Reloads {
  #begin: (reload: Reload) => void = () => undefined;
  #last: Promise<unknown>;
  #overtake: () => void = () => undefined;

  constructor() {
    const begun = new Promise<Reload>((resolve) => {
      this.#begin = resolve;
    });
    this.#last = begun;
    process.on('SIGHUP', () => {
      // What a mistake made wait, such as for a database that there is not, must not hold up the reload that mends it.
      this.#overtake();
      const overtaken = new Promise<void>((resolve) => {
        this.#overtake = resolve;
      });
      this.#last = this.#last.then(async () => (await begun)(overtaken));
    });
  }

  start(reload: Reload): void {
    this.#begin(reload);
  }
}

/** Resolves with the signal that ends the run. */
function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** Milliseconds in which the lists are read at the start; then the responder listens all the same, and says tryLater. */
const START = 10_000;

/** Resolves when every list has been read, or cannot be. */
async function listsRead(responder: Responder): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, START);
  });
  await Promise.race([responder.ready(), late]);
  clearTimeout(timer);
}

/** @throws An Error for files that cannot be read, or do not belong together. */
function tlsOptions({ certificate, key }: { certificate: string; key: string }): SecureContextOptions {
  const [cert, privateKey] = [certificate, key].map((path) => reading(path, () => readFileSync(path)));
  const options = { cert, key: privateKey };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new Error(`${certificate} and ${key} are no certificate and key for TLS: ${(cause as Error).message}`, {
      cause,
    });
  }
  return options;
}

/** What is wrong, and with which issuer. */
function problemsOf({ issuers }: ResponderHealth): string[] {
  return issuers.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
}

/** @throws An Error where something is wrong that is not wrong now: a mistake must not take the place of what answers. */
function refuseWorse(next: ResponderHealth, before: ReadonlySet<string>): void {
  const problems = problemsOf(next).filter((problem) => !before.has(problem));
  if (problems.length > 0) throw new Error(problems.join('; '));
}

/** Tells of every issuer who signs, and what is wrong. */
function check(responder: Responder): number {
  const { ready, issuers } = responder.health();
  for (const { name, problems, signers } of issuers) {
    for (const { subject, notAfter, active } of signers)
      print(printable(`${name}: ${subject}, until ${notAfter.toISOString()}${active ? ', signs' : ''}`));
    for (const problem of problems) print(printable(`${name}: ${problem}`));
  }
  return ready ? ExitCode.OK : ExitCode.FAILED;
}
