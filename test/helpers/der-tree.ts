/** DER as a tree that can be changed: lengths are made right again when it is written. */
import { tlv } from './der.js';

export interface DerNode {
  tag: number;
  /** Of a constructed element. */
  children: DerNode[] | undefined;
  /** Of a primitive one. */
  content: Buffer;
}

export function parseTree(der: Buffer): DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at]!;
    const first = der[at + 1]!;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 ? first : der.readUIntBE(at + 2, octets);
    const start = at + 2 + octets;
    const content = der.subarray(start, start + length);
    nodes.push({ tag, content, children: (tag & 0x20) === 0 ? undefined : parseTree(content) });
    at = start + length;
  }
  return nodes;
}

export function writeTree({ tag, children, content }: DerNode): Buffer {
  return tlv(tag, ...(children === undefined ? [content] : children.map(writeTree)));
}

/** All nodes, with the list that each stands in. */
export function* walkTree(list: DerNode[]): Generator<{ list: DerNode[]; node: DerNode }> {
  for (const node of list) {
    yield { list, node };
    if (node.children !== undefined) yield* walkTree(node.children);
  }
}

/** Changes one thing somewhere in a list: an element goes, doubles, moves, gets another tag or other content. */
export function mutateTree(list: DerNode[], random: (limit: number) => number): void {
  const places = [...walkTree(list)];
  const place = places[random(places.length)]!;
  const { node } = place;
  const at = place.list.indexOf(node);
  switch (random(7)) {
    case 0:
      place.list.splice(at, 1);
      break;
    case 1:
      place.list.splice(at, 0, node);
      break;
    case 2:
      place.list.push(...place.list.splice(at, 1));
      break;
    case 3:
      node.tag = random(256) || 1;
      // Tags of more than one byte are another matter.
      if ((node.tag & 0x1f) === 0x1f) node.tag ^= 1;
      break;
    case 4:
      node.content = node.content.subarray(0, random(node.content.length + 1));
      break;
    case 5:
      node.content = Buffer.concat([node.content, Buffer.from([random(256)])]);
      break;
    default:
      node.content = Buffer.from(node.content);
      if (node.content.length > 0) node.content[random(node.content.length)] = random(256);
  }
}
