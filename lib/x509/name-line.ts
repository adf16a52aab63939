/**
 * A name of Node's `X509Certificate`, which has a line for each attribute, in one line; empty for an empty name, of which Node.js says
 * undefined.
 */
export function nameLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
