/** The options of `openssl ocsp`, and what kind of value each takes. */

/**
 * `text`, `uri`, `file` (is read), `out` (is written); numbers as C reads them: `positive`, `nonneg`, `int` (32 bits), `integer`
 * (64 bits), `unsigned` (64 bits); none for a flag.
 */
export type ValueKind = 'text' | 'uri' | 'file' | 'out' | 'positive' | 'nonneg' | 'int' | 'integer' | 'unsigned';

type Row = readonly [name: string, kind: ValueKind | undefined, ...help: string[]];

/** As OpenSSL 3.0 lists them: scripts look for its words. */
const SECTIONS: Readonly<Record<string, readonly Row[]>> = {
  'General options': [
    ['help', undefined, 'Display this summary'],
    ['ignore_err', undefined, 'Ignore error on OCSP request or response and continue running'],
    ['CAfile', 'file', 'Trusted certificates file'],
    ['CApath', 'file', 'Trusted certificates directory'],
    ['CAstore', 'uri', 'Trusted certificates store URI'],
    ['no-CAfile', undefined, 'Do not load the default certificates file'],
    ['no-CApath', undefined, 'Do not load certificates from the default certificates directory'],
    ['no-CAstore', undefined, 'Do not load certificates from the default certificates store'],
  ],
  'Responder options': [
    ['timeout', 'positive', 'Connection timeout (in seconds) to the OCSP responder'],
    ['resp_no_certs', undefined, "Don't include any certificates in response"],
    ['multi', 'positive', 'run multiple responder processes'],
    ['no_certs', undefined, "Don't include any certificates in signed request"],
    ['badsig', undefined, 'Corrupt last byte of loaded OCSP response signature (for test)'],
    ['CA', 'file', 'CA certificate'],
    ['nmin', 'positive', 'Number of minutes before next update'],
    ['nrequest', 'positive', 'Number of requests to accept (default unlimited)'],
    ['reqin', 'text', 'File with the DER-encoded request'],
    ['signer', 'file', 'Certificate to sign OCSP request with'],
    ['sign_other', 'file', 'Additional certificates to include in signed request'],
    ['index', 'file', 'Certificate status index file'],
    ['ndays', 'positive', 'Number of days before next update'],
    ['rsigner', 'file', 'Responder certificate to sign responses with'],
    ['rkey', 'file', 'Responder key to sign responses with'],
    ['passin', 'text', 'Responder key pass phrase source'],
    ['rother', 'file', 'Other certificates to include in response'],
    ['rmd', 'text', 'Digest Algorithm to use in signature of OCSP response'],
    ['rsigopt', 'text', 'OCSP response signature parameter in n:v form'],
    ['header', 'text', 'key=value header to add'],
    ['rcid', 'text', 'Use specified algorithm for cert id in response'],
    ['*', undefined, 'Any supported digest algorithm (sha1,sha256, ... )'],
  ],
  'Client options': [
    ['url', 'text', 'Responder URL'],
    ['host', 'text', 'TCP/IP hostname:port to connect to'],
    ['port', 'nonneg', 'Port to run responder on'],
    ['path', 'text', 'Path to use in OCSP request'],
    ['proxy', 'text', '[http[s]://]host[:port][/path] of HTTP(S) proxy to use; path is ignored'],
    [
      'no_proxy',
      'text',
      'List of addresses of servers not to use HTTP(S) proxy for',
      "Default from environment variable 'no_proxy', else 'NO_PROXY', else none",
    ],
    ['out', 'out', 'Output filename'],
    ['noverify', undefined, "Don't verify response at all"],
    ['nonce', undefined, 'Add OCSP nonce to request'],
    ['no_nonce', undefined, "Don't add OCSP nonce to request"],
    ['no_signature_verify', undefined, "Don't check signature on response"],
    ['resp_key_id', undefined, 'Identify response by signing certificate key ID'],
    ['no_cert_verify', undefined, "Don't check signing certificate"],
    ['text', undefined, 'Print text form of request and response'],
    ['req_text', undefined, 'Print text form of request'],
    ['resp_text', undefined, 'Print text form of response'],
    ['no_chain', undefined, "Don't chain verify response"],
    ['no_cert_checks', undefined, "Don't do additional checks on signing certificate"],
    ['no_explicit', undefined, 'Do not explicitly check the chain, just verify the root'],
    ['trust_other', undefined, "Don't verify additional certificates"],
    ['no_intern', undefined, "Don't search certificates contained in response for signer"],
    ['respin', 'text', 'File with the DER-encoded response'],
    ['VAfile', 'file', 'Validator certificates file'],
    ['verify_other', 'file', 'Additional certificates to search for signer'],
    ['cert', 'file', 'Certificate to check'],
    ['serial', 'text', 'Serial number to check'],
    ['validity_period', 'unsigned', 'Maximum validity discrepancy in seconds'],
    ['signkey', 'text', 'Private key to sign OCSP request with'],
    ['reqout', 'text', 'Output file for the DER-encoded request'],
    ['respout', 'text', 'Output file for the DER-encoded response'],
    ['issuer', 'file', 'Issuer certificate'],
    ['status_age', 'positive', 'Maximum status age in seconds'],
  ],
  'Validation options': [
    ['policy', 'text', 'adds policy to the acceptable policy set'],
    ['purpose', 'text', 'certificate chain purpose'],
    ['verify_name', 'text', 'verification policy name'],
    ['verify_depth', 'int', 'chain depth limit'],
    ['auth_level', 'int', 'chain authentication security level'],
    ['attime', 'integer', 'verification epoch time'],
    ['verify_hostname', 'text', 'expected peer hostname'],
    ['verify_email', 'text', 'expected peer email'],
    ['verify_ip', 'text', 'expected peer IP address'],
    ['ignore_critical', undefined, 'permit unhandled critical extensions'],
    ['issuer_checks', undefined, '(deprecated)'],
    ['crl_check', undefined, 'check leaf certificate revocation'],
    ['crl_check_all', undefined, 'check full chain revocation'],
    ['policy_check', undefined, 'perform rfc5280 policy checks'],
    ['explicit_policy', undefined, 'set policy variable require-explicit-policy'],
    ['inhibit_any', undefined, 'set policy variable inhibit-any-policy'],
    ['inhibit_map', undefined, 'set policy variable inhibit-policy-mapping'],
    ['x509_strict', undefined, 'disable certificate compatibility work-arounds'],
    ['extended_crl', undefined, 'enable extended CRL features'],
    ['use_deltas', undefined, 'use delta CRLs'],
    ['policy_print', undefined, 'print policy processing diagnostics'],
    ['check_ss_sig', undefined, 'check root CA self-signatures'],
    ['trusted_first', undefined, 'search trust store first (default)'],
    ['suiteB_128_only', undefined, 'Suite B 128-bit-only mode'],
    ['suiteB_128', undefined, 'Suite B 128-bit mode allowing 192-bit algorithms'],
    ['suiteB_192', undefined, 'Suite B 192-bit-only mode'],
    ['partial_chain', undefined, 'accept chains anchored by intermediate trust-store CAs'],
    ['no_alt_chains', undefined, '(deprecated)'],
    ['no_check_time', undefined, 'ignore certificate validity time'],
    ['allow_proxy_certs', undefined, 'allow the use of proxy certificates'],
  ],
  'Provider options': [
    ['provider-path', 'text', "Provider load path (must be before 'provider' argument if required)"],
    ['provider', 'text', 'Provider to load (can be specified multiple times)'],
    ['propquery', 'text', 'Property query used when fetching algorithms'],
  ],
};

/** The option that stands for any hash. */
const ANY_DIGEST = '*';

/** Kind of value by name of option; undefined for flags. */
export const OPTIONS: ReadonlyMap<string, ValueKind | undefined> = new Map(
  Object.values(SECTIONS)
    .flat()
    .filter(([name]) => name !== ANY_DIGEST)
    .map(([name, kind]) => [name, kind]),
);

const SHOWN: Readonly<Record<ValueKind, string>> = {
  text: 'val',
  uri: 'uri',
  file: 'infile',
  out: 'outfile',
  positive: '+int',
  nonneg: 'nonneg',
  int: 'int',
  integer: 'intmax',
  unsigned: 'ulong',
};
const WIDTH = 24;

/** The options as `openssl ocsp -help` prints them, line by line. */
export function optionLines(): string {
  const lines: string[] = [];
  for (const [title, rows] of Object.entries(SECTIONS)) {
    lines.push('', `${title}:`);
    for (const [name, kind, first, ...others] of rows) {
      const left = ` -${name}${kind === undefined ? '' : ` ${SHOWN[kind]}`}`;
      lines.push(`${left.padEnd(WIDTH)} ${first}`, ...others.map((more) => `${' '.repeat(WIDTH)} ${more}`));
    }
  }
  return `${lines.join('\n')}\n`;
}
