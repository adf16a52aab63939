// Turns messages into almost-messages.
import { encode, parse } from './der.mjs';

const TAGS = '01020304050607090a0c1316171e1830318081a0a1a2a3a400'.match(/../g).map((hex) => Buffer.from(hex, 'hex'));

/** One time in four bytes are changed anywhere; else elements, with the lengths around them kept right. */
export function mutate(message, random) {
  const roots = random.once(4) ? undefined : parse(message);
  if (roots === undefined) return mutateOctets(message, random);
  for (let left = 1 + random.below(3); left > 0; left -= 1) changeElement(roots, random);
  return Buffer.concat(roots.map(encode));
}

function mutateOctets(message, random) {
  let bytes = Buffer.from(message);
  for (let left = 1 + random.below(3); left > 0 && bytes.length > 0; left -= 1) {
    const at = random.below(bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 2:
        bytes = Buffer.concat([before, after]);
        break;
      case 3:
        bytes = Buffer.concat([before, random.bytes(1), bytes.subarray(at)]);
        break;
      default: // the usual BER: indefinite, with its end at the end of the message
        bytes = Buffer.concat([before, Buffer.from([0x80]), after, Buffer.alloc(2)]);
    }
  }
  return bytes;
}

function places(elements, found = []) {
  elements.forEach((element, index) => {
    found.push([elements, index]);
    if (element.inside !== undefined) places(element.inside, found);
  });
  return found;
}

function changeElement(roots, random) {
  const all = places(roots);
  if (all.length === 0) return;
  const [list, index] = random.pick(all);
  const element = list[index];
  const copyOf = ([from, at]) => structuredCopy(from[at]);
  switch (random.below(12)) {
    case 0:
      list.splice(index, 1);
      break;
    case 1:
      list.splice(index, 0, structuredCopy(element));
      break;
    case 2: {
      const other = random.below(list.length);
      [list[index], list[other]] = [list[other], list[index]];
      break;
    }
    case 3:
      element.identifier = random.pick(TAGS);
      break;
    case 4:
      element.inside = undefined;
      element.content = random.bytes(random.once(4) ? random.below(300) : random.below(8));
      break;
    case 5:
      element.extra = 'indefinite';
      break;
    case 6:
      element.extra = 1 + random.below(9);
      break;
    case 7:
      segment(element, random);
      break;
    case 8: // an element from elsewhere, often one that may stand here
      list[index] = copyOf(random.pick(all));
      break;
    case 9:
      list.splice(index, 0, copyOf(random.pick(all)));
      break;
    case 10: // the tag number in the long form, with leading zeros that BER forbids and OpenSSL reads
      element.identifier = Buffer.concat([
        Buffer.from([element.identifier[0] | 0x1f]),
        Buffer.alloc(random.below(7), 0x80),
        Buffer.from([random.below(128)]),
      ]);
      break;
    default:
      if (element.inside === undefined && element.content.length > 0) {
        element.content = Buffer.from(element.content);
        element.content[random.below(element.content.length)] ^= 1 << random.below(8);
      }
  }
}

function structuredCopy(element) {
  return { ...element, inside: element.inside?.map(structuredCopy) };
}

/** A string as a constructed one of several segments. */
function segment(element, random) {
  if (element.inside !== undefined || (element.identifier[0] & 0x20) !== 0) return;
  const identifier = (element.identifier[0] & 0xc0) === 0 ? element.identifier : Buffer.from([0x04]);
  const inside = [];
  let rest = element.content;
  while (rest.length > 0) {
    const length = inside.length === 4 ? rest.length : 1 + random.below(rest.length);
    inside.push({ identifier, content: rest.subarray(0, length) });
    rest = rest.subarray(length);
  }
  element.identifier = Buffer.from([element.identifier[0] | 0x20]);
  element.inside = inside;
}
