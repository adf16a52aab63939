/** Which proxy leads to a responder, as Node reads it from the environment. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { invalidArgType, invalidValue } from '../errors.js';

/** A proxy for everything; what the environment names; none. */
export type ProxySetting = URL | 'environment' | null;

/**
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE` for what is not the URL of an HTTP proxy.
 */
export function toProxySetting(value: unknown): ProxySetting {
  if (value === undefined) return process.env['NODE_USE_ENV_PROXY'] === '1' ? 'environment' : null;
  if (value === null || value === 'environment') return value;
  if (typeof value !== 'string' && !(value instanceof URL)) {
    throw invalidArgType('proxy', "a URL, 'environment', or null", value);
  }
  return proxyUrl(String(value), 'proxy');
}

/**
 * The proxy for a URL; null for none.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` when the environment names something that is no HTTP proxy.
 */
export function proxyFor(target: URL, setting: ProxySetting, env: NodeJS.ProcessEnv = process.env): URL | null {
  if (setting !== 'environment') return setting;
  const name = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  // In a CGI program HTTP_PROXY is the header `Proxy` of whoever sent the request.
  const upper = name === 'http_proxy' && env['REQUEST_METHOD'] !== undefined ? undefined : env[name.toUpperCase()];
  const value = env[name] || upper;
  if (!value || isExcepted(target, env['no_proxy'] || env['NO_PROXY'] || '')) return null;
  return proxyUrl(value, name);
}

/** The header that a proxy wants of those who have a name and a password in its URL. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** (What is wrong may hold a password, so it is not repeated.) */
function proxyUrl(text: string, name: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw invalidValue(`${name} is not the URL of an HTTP proxy`);
  return url;
}

/** `NO_PROXY`: host names, `.suffixes`, addresses and ranges of them, each also with a port; `*` is everything. */
function isExcepted(target: URL, list: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((rule) => rule !== '' && matches(rule, host, port));
}

function matches(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true;
  const [, bracketed, plain = rule, rulePort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(rule) ?? [];
  if (rulePort !== undefined && rulePort !== port) return false;
  const name = bracketed ?? plain;
  const [from = '', to = ''] = name.split('-');
  if (isIPv4(from) && isIPv4(to)) return isInRange(host, from, to);
  const suffix = name.replace(/^\*?\./, '.');
  return name === host || (suffix.startsWith('.') && (host.endsWith(suffix) || host === suffix.slice(1)));
}

function isInRange(host: string, from: string, to: string): boolean {
  if (isIP(host) !== 4) return false;
  const range = new BlockList();
  try {
    range.addRange(from, to, 'ipv4');
  } catch {
    return false; // the wrong way round
  }
  return range.check(host, 'ipv4');
}
