/** The options of `openssl ocsp`, and what kind of value each takes. */

/**
 * `text`, `file` (is read), `out` (is written); numbers as C reads them: `positive`, `nonneg`, `int` (32 bits), `integer`
 * (64 bits), `unsigned` (64 bits); none for a flag.
 */
export type ValueKind = 'text' | 'file' | 'out' | 'positive' | 'nonneg' | 'int' | 'integer' | 'unsigned';

interface Row {
  readonly kind?: ValueKind;
  readonly help: string;
}

type Section = Readonly<Record<string, Row>>;

const flag = (help: string): Row => ({ help });
const text = (help: string): Row => ({ kind: 'text', help });
const file = (help: string): Row => ({ kind: 'file', help });
const out = (help: string): Row => ({ kind: 'out', help });
const positive = (help: string): Row => ({ kind: 'positive', help });

const SECTIONS: Readonly<Record<string, Section>> = {
  General: {
    help: flag('this table'),
    out: out('file for text and summary (standard output)'),
    text: flag('-req_text and -resp_text'),
    req_text: flag('print the request'),
    resp_text: flag('print the response'),
    ignore_err: flag('go on after an error status'),
    passin: text('passphrase of -rkey: pass:TEXT, env:NAME, file:PATH, fd:NUMBER or stdin'),
  },
  'Making a request': {
    issuer: file('certificate of the issuer of what follows; may be repeated'),
    cert: file('certificate to ask about'),
    serial: text('serial number to ask about, decimal, or hexadecimal after 0x'),
    '': flag('hash of the CertIDs that follow (-sha256, ...); -sha1 by default'),
    nonce: flag('add a nonce'),
    no_nonce: flag('add no nonce'),
    reqin: text('file with the request'),
    reqout: text('file for the request'),
    signer: file('certificate to sign the request with'),
    signkey: text('its private key (the same file)'),
    sign_other: file('certificates that travel along'),
    no_certs: flag('let no certificate travel along'),
  },
  Sending: {
    url: text('URL of the responder'),
    host: text('host[:port] of the responder'),
    port: { kind: 'nonneg', help: 'port of the responder' },
    path: text('path of the responder'),
    proxy: text('proxy: [http[s]://]host[:port][/path]'),
    no_proxy: text('hosts that are reached without the proxy'),
    header: text('name=value of a header to send; may be repeated'),
    timeout: positive('seconds that the exchange may take'),
    respin: text('file with the response, instead of asking'),
    respout: text('file for the response'),
  },
  'Verifying the response': {
    CAfile: file('file of trusted certificates'),
    CApath: file('folder of trusted certificates'),
    CAstore: text('URI of a store of trusted certificates'),
    'no-CAfile': flag('without the system’s file of trusted certificates'),
    'no-CApath': flag('without the system’s folder'),
    'no-CAstore': flag('without the system’s store'),
    verify_other: file('certificates to look for the signer in'),
    VAfile: file('the same, and they are trusted (-trust_other)'),
    trust_other: flag('trust what -verify_other holds'),
    noverify: flag('verify nothing'),
    no_signature_verify: flag('do not check the signature'),
    no_cert_verify: flag('do not verify the signer’s certificate'),
    no_cert_checks: flag('do not check that the signer may answer for the CA'),
    no_chain: flag('build no path with certificates of the response'),
    no_intern: flag('do not look for the signer in the response'),
    no_explicit: flag('no explicit trust of the root'),
    validity_period: { kind: 'unsigned', help: 'seconds that clocks may differ (300)' },
    status_age: positive('greatest age of a status in seconds'),
  },
  'Answering from a file': {
    index: file('index.txt of the CA'),
    CA: file('certificate of the CA'),
    rsigner: file('certificate that signs the response'),
    rkey: file('its private key (the same file)'),
    rother: file('certificates that travel along'),
    rmd: text('hash of the signature'),
    rsigopt: text('name:value of a signature parameter; may be repeated'),
    rcid: text('hash of the CertIDs of the response'),
    resp_no_certs: flag('let no certificate travel along'),
    resp_key_id: flag('name the responder by the hash of its key'),
    nmin: positive('minutes to nextUpdate'),
    ndays: positive('days to nextUpdate'),
    badsig: flag('spoil the signature, for tests'),
    nrequest: positive('requests to answer'),
    multi: positive('processes to answer with'),
  },
  'Verifying certificates': {
    policy: text('policy that has to hold'),
    purpose: text('purpose that certificates have to serve'),
    verify_name: text('named set of parameters'),
    verify_depth: { kind: 'int', help: 'most intermediate certificates' },
    auth_level: { kind: 'int', help: 'security level, 0 to 5' },
    attime: { kind: 'integer', help: 'time of the verification, seconds since 1970' },
    verify_hostname: text('host that the signer has to be'),
    verify_email: text('mail address that the signer has to be'),
    verify_ip: text('IP address that the signer has to be'),
    ignore_critical: flag('ignore critical extensions that are unknown'),
    issuer_checks: flag('(no effect)'),
    crl_check: flag('look the signer up in revocation lists'),
    crl_check_all: flag('look the whole path up in revocation lists'),
    policy_check: flag('check policies'),
    explicit_policy: flag('require a policy'),
    inhibit_any: flag('inhibit anyPolicy'),
    inhibit_map: flag('inhibit policy mapping'),
    x509_strict: flag('no work-arounds for broken certificates'),
    extended_crl: flag('indirect revocation lists'),
    use_deltas: flag('delta revocation lists'),
    policy_print: flag('(no effect)'),
    check_ss_sig: flag('check the signatures of roots'),
    trusted_first: flag('look for issuers among trusted certificates first (default)'),
    suiteB_128_only: flag('Suite B, 128 bits only'),
    suiteB_128: flag('Suite B, 128 bits, and 192'),
    suiteB_192: flag('Suite B, 192 bits only'),
    partial_chain: flag('let a path end at any trusted certificate'),
    no_alt_chains: flag('(no effect)'),
    no_check_time: flag('ignore the validity of certificates'),
    allow_proxy_certs: flag('allow proxy certificates'),
  },
  Providers: {
    'provider-path': text('(not supported)'),
    provider: text('default; nothing else is supported'),
    propquery: text('(not supported)'),
  },
};

/** Kind of value by name of option; undefined for flags. */
export const OPTIONS: ReadonlyMap<string, ValueKind | undefined> = new Map(
  Object.values(SECTIONS).flatMap((section) =>
    Object.entries(section)
      .filter(([name]) => name !== '')
      .map(([name, { kind }]): [string, ValueKind | undefined] => [name, kind]),
  ),
);

const SHOWN: Readonly<Record<ValueKind, string>> = {
  text: 'TEXT',
  file: 'FILE',
  out: 'FILE',
  positive: 'N',
  nonneg: 'N',
  int: 'N',
  integer: 'N',
  unsigned: 'N',
};

/** What `-help` prints. */
export function help(): string {
  const lines = [
    'Usage: openssl-ocsp ocsp [options]',
    '',
    'A stand-in for "openssl ocsp". The order of options counts.',
  ];
  for (const [title, section] of Object.entries(SECTIONS)) {
    lines.push('', `${title}:`);
    for (const [name, { kind, help: meaning }] of Object.entries(section)) {
      const left = ` -${name || '*'}${kind === undefined ? '' : ` ${SHOWN[kind]}`}`;
      lines.push(`${left.padEnd(24)} ${meaning}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
