/** The request that a GET carries in its target (RFC 6960 appendix A.1.1), in all the shapes that clients and proxies give it. */

/** What was found in a target. */
export type TargetContent =
  | { readonly kind: 'request'; readonly der: Buffer }
  /** Nothing but the path of the responder: balancers ask so. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'malformed' }
  /** Characters are missing, and slashes stand inside: a proxy has made one of two. */
  | { readonly kind: 'merged' }
  | { readonly kind: 'too-long' };

const MALFORMED = { kind: 'malformed' } as const;
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * @param target - the request-target as it stands in the request line; never what a URL parser made of it
 * @param basePaths - paths of the responder, the longest first, each with a slash at its beginning and none at its end
 * @param maxBytes - of the longest request
 */
export function readTarget(target: string, basePaths: readonly string[], maxBytes: number): TargetContent {
  let path = target.replace(ABSOLUTE_FORM, '');
  const end = path.search(/[?#]/);
  if (end >= 0) path = path.slice(0, end);
  const base = basePaths.find((one) => path === one || path.startsWith(`${one}/`));
  if (base !== undefined) path = path.slice(base.length);
  // A request begins with 0x30, and so its base64 with M: every slash before is one too many.
  path = path.replace(/^(?:\/|%2f)+/i, '');
  if (path === '') return { kind: 'empty' };
  // Three characters for each at worst, and twice encoded five.
  if (path.length > Math.ceil((maxBytes * 4) / 3) * 5) return { kind: 'too-long' };
  let text: string | undefined = path;
  if (text.includes('%')) text = percentDecoded(text);
  if (text !== undefined && /%(?:2B|2F|3D)/i.test(text)) text = percentDecoded(text);
  if (text === undefined) return MALFORMED;
  const letters = text
    .replace(/^\/+/, '')
    .replace(/[\r\n]/g, '')
    .replace(/[ -]/g, '+')
    .replace(/_/g, '/');
  // (Each character can be read in one way only: else the time would grow with the square of the length.)
  if (!/^[A-Za-z0-9+/]+(?:=[=/]*)?$/.test(letters)) return MALFORMED;
  return decode(letters, maxBytes);
}

/** undefined where a % does not stand before two digits, or what they say is no text: no request has such characters. */
function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The DER header says how long the request is; so padding need not be there, and a slash behind does no harm. */
function decode(letters: string, maxBytes: number): TargetContent {
  const length = derLength(Buffer.from(letters.slice(0, 12), 'base64'));
  if (length === undefined) return MALFORMED;
  if (length > maxBytes) return { kind: 'too-long' };
  const needed = Math.ceil((length * 8) / 6);
  const core = letters.slice(0, needed);
  if (!/^[=/]*$/.test(letters.slice(needed))) return MALFORMED;
  const der = Buffer.from(core, 'base64');
  if (der.length === length) return { kind: 'request', der };
  return /\/[^=/]/.test(letters) ? { kind: 'merged' } : MALFORMED;
}

/** Bytes of the SEQUENCE that begins here, as DER has them; undefined for anything else. */
function derLength(header: Buffer): number | undefined {
  const [tag, first = 0xff] = header;
  if (tag !== 0x30) return undefined;
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  if (octets < 1 || octets > 4 || header.length < 2 + octets) return undefined;
  return 2 + octets + header.readUIntBE(2, octets);
}
