/** Just enough DER to make messages that no builder makes. Independent of the package's own writer. */
export function tlv(tag: number, ...contents: Uint8Array[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag]), lengthOctets(length), ...contents]);
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...contents: Uint8Array[]): Buffer => tlv(0x30, ...contents);
export const octets = (bytes: Uint8Array | string): Buffer => tlv(0x04, Buffer.from(bytes as string, 'latin1'));
export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
export const generalizedTime = (text: string): Buffer => tlv(0x18, Buffer.from(text, 'latin1'));

/** Two's complement, minimal. */
export function integer(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  const digits = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  return tlv(0x02, Buffer.from(digits, 'hex'));
}

const sha1 = sequence(hex('06052b0e03021a'), hex('0500'));

/** A CertID with 20-byte hashes of 'n' and 'k'. */
export function certId(serial: bigint = 5n, algorithm: Buffer = sha1): Buffer {
  return sequence(algorithm, octets('n'.repeat(20)), octets('k'.repeat(20)), integer(serial));
}

/** An OCSPRequest out of Request elements. */
export function request(...entries: Buffer[]): Buffer {
  return sequence(sequence(sequence(...entries)));
}

/** A Request element. */
export function requestEntry(serial?: bigint, singleExtensions?: Buffer): Buffer {
  return sequence(certId(serial), ...(singleExtensions ? [tlv(0xa0, singleExtensions)] : []));
}

/** An Extension. */
export function extension(oid: Buffer, value: Uint8Array, critical?: boolean): Buffer {
  const flag = critical === undefined ? [] : [hex(critical ? '0101ff' : '010100')];
  return sequence(oid, ...flag, octets(value as Buffer));
}

/** A SingleResponse, GOOD unless another CertStatus is given. */
export function singleResponse(
  parts: { id?: Buffer; status?: Buffer; thisUpdate?: string; nextUpdate?: string; extensions?: Buffer } = {},
): Buffer {
  return sequence(
    parts.id ?? certId(),
    parts.status ?? hex('8000'),
    generalizedTime(parts.thisUpdate ?? '20200101000000Z'),
    ...(parts.nextUpdate === undefined ? [] : [tlv(0xa0, generalizedTime(parts.nextUpdate))]),
    ...(parts.extensions ? [tlv(0xa1, parts.extensions)] : []),
  );
}

/** An OCSPResponse with status 0 and a dummy signature. */
export function response(
  singles: Buffer[],
  parts: {
    responderId?: Buffer;
    producedAt?: string;
    extensions?: Buffer;
    algorithm?: Buffer;
    signature?: Buffer;
    certs?: Buffer;
  } = {},
): Buffer {
  const tbs = sequence(
    parts.responderId ?? tlv(0xa2, octets('r'.repeat(20))),
    generalizedTime(parts.producedAt ?? '20200102000000Z'),
    sequence(...singles),
    ...(parts.extensions ? [tlv(0xa1, parts.extensions)] : []),
  );
  const algorithm = parts.algorithm ?? sequence(hex('06092a864886f70d01010b'), hex('0500'));
  const signature = tlv(0x03, Buffer.from([0]), parts.signature ?? Buffer.from('sig'));
  return wrapBasic(sequence(tbs, algorithm, signature, ...(parts.certs ? [tlv(0xa0, parts.certs)] : [])));
}

/** An OCSPResponse around the bytes of a BasicOCSPResponse. */
export function wrapBasic(basic: Uint8Array, status = 0): Buffer {
  const bytes = sequence(hex('06092b0601050507300101'), octets(basic as Buffer));
  return sequence(Buffer.from([0x0a, 1, status]), tlv(0xa0, bytes));
}
