// Just enough DER, independent of the package's own.

export function tlv(tag, ...contents) {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOctets(content.length), content]);
}

function lengthOctets(length) {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | octets.length]), octets]);
}

export const sequence = (...contents) => tlv(0x30, ...contents);
export const octetString = (bytes) => tlv(0x04, bytes);

export function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(BigInt);
  const octets = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const group = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) group.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...group);
  }
  return tlv(0x06, Buffer.from(octets));
}

/** An Extension. */
export function extension(id, critical, value) {
  return sequence(oid(id), ...(critical ? [Buffer.from('0101ff', 'hex')] : []), octetString(value));
}

/** The elements in `bytes`, those inside of constructed ones and of strings that hold DER too; undefined for no DER. */
export function parse(bytes, depth = 0) {
  const elements = [];
  for (let at = 0; at < bytes.length; ) {
    if ((bytes[at] & 0x1f) === 0x1f || at + 2 > bytes.length) return undefined;
    const identifier = bytes.subarray(at, at + 1);
    let length = bytes[at + 1];
    let start = at + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 3 || start + octets > bytes.length) return undefined;
      length = bytes.readUIntBE(start, octets);
      start += octets;
    }
    if (start + length > bytes.length) return undefined;
    const content = bytes.subarray(start, start + length);
    const nested = (identifier[0] & 0x20) !== 0 || (identifier[0] === 0x04 && length > 4);
    const inside = nested && depth < 24 ? parse(content, depth + 1) : undefined;
    elements.push({ identifier, content, inside });
    at = start + length;
  }
  return elements;
}

/** The bytes of what `parse` made. `extra` are leading zeros of its length, or 'indefinite'. */
export function encode({ identifier, content, inside, extra = 0 }) {
  const body = inside === undefined ? content : Buffer.concat(inside.map(encode));
  if (extra === 'indefinite') return Buffer.concat([identifier, Buffer.from([0x80]), body, Buffer.alloc(2)]);
  if (body.length < 0x80 && extra === 0) return Buffer.concat([identifier, Buffer.from([body.length]), body]);
  const hex = body.length.toString(16);
  const octets = Buffer.concat([
    Buffer.alloc(extra),
    Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'),
  ]);
  return Buffer.concat([identifier, Buffer.from([0x80 | octets.length]), octets, body]);
}
