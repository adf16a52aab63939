/** Where URLs of strangers may lead: the guard against requests into the own network. */
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction, type Socket } from 'node:net';

/** A target that the guard does not let through. */
export class PrivateAddressError extends Error {
  override readonly name: string = 'PrivateAddressError';

  constructor(what: string) {
    super(`${what}; hosts of the own network are named in allowPrivateAddresses`);
  }
}

/** Everything in the registries of special addresses (RFC 6890) that is not globally reachable, and multicast. */
const SPECIAL_IPV4 = new BlockList();
for (const [prefix, length] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  SPECIAL_IPV4.addSubnet(prefix, length, 'ipv4');
}
/** (A list of its own: BlockList takes IPv4 addresses for those below ::ffff:0:0, too.) */
const SPECIAL_IPV6 = new BlockList();
// Global unicast is 2000::/3. All else is special, and so are some blocks of it: Teredo and its like, documentation, 6to4.
for (const [prefix, length] of [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  SPECIAL_IPV6.addSubnet(prefix, length, 'ipv6');
}

/** Addresses that stand for IPv4 ones (RFC 6052): how a network without IPv4 reaches it. */
const TRANSLATED = new BlockList();
TRANSLATED.addSubnet('64:ff9b::', 96, 'ipv6');

/** Whether an IP address is one of the public internet. What is not an address is not. */
export function isPublicAddress(text: string): boolean {
  const [address = ''] = text.split('%', 1);
  const family = isIP(address);
  if (family === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  if (family !== 6) return false;
  if (TRANSLATED.check(address, 'ipv6')) return !SPECIAL_IPV4.check(embeddedIpv4(address), 'ipv4');
  return !SPECIAL_IPV6.check(address, 'ipv6');
}

function embeddedIpv4(address: string): string {
  const { hostname } = new URL(`http://[${address}]/`);
  const [high = '', low = ''] = hostname.slice(1, -1).split(':').slice(-2);
  const bytes = [high, low]
    .map((group) => Number.parseInt(group || '0', 16))
    .flatMap((group) => [group >> 8, group & 255]);
  return bytes.join('.');
}

/**
 * Refuses a host that is a private address by itself. (A name is looked up by {@link guardedLookup}, once, when the connection
 * is made.)
 *
 * @throws PrivateAddressError
 */
export function checkHost({ hostname }: URL): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !isPublicAddress(address))
    throw new PrivateAddressError(`${address} is not a public address`);
}

/** `dns.lookup`, of which only public addresses are left: the connection is made to what was checked. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  const all: LookupOptions & { all: true } = { ...(options as LookupOptions), all: true };
  dns.lookup(hostname, all, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '');
    const open = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = open;
    if (first === undefined) {
      const found = addresses.map(({ address }) => address).join(', ');
      return callback(new PrivateAddressError(`${hostname} is at no public address (${found})`), '');
    }
    if ((options as LookupOptions).all) callback(null, open);
    else callback(null, first.address, first.family);
  });
};

/** Refuses a connection that is made to an address which is not public: before it is made where that can be told, and before use. */
export function watchAddress(socket: Socket, refuse: (error: PrivateAddressError) => void): void {
  const look = (address: string | undefined): void => {
    if (address !== undefined && !isPublicAddress(address))
      refuse(new PrivateAddressError(`${address} is not a public address`));
  };
  if (socket.connecting)
    socket.on('lookup', (_error, address) => look(address)).once('connect', () => look(socket.remoteAddress));
  else look(socket.remoteAddress);
}
