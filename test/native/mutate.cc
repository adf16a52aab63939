#include "mutate.h"

#include <algorithm>

namespace mutate {

using ocsp::Bytes;
using ocsp::ByteVector;

namespace {

constexpr int kMaxDepth = 24;
constexpr int kIndefinite = -1;

struct Element {
  ByteVector identifier;
  ByteVector content;           // when there is nothing inside
  std::vector<Element> inside;  // of a constructed element, or of a string that holds DER
  int extra_octets = 0;         // of the length, or kIndefinite
};

std::size_t below(Engine& engine, std::size_t limit) { return static_cast<std::size_t>(engine() % limit); }

// Definite lengths only; false where the bytes are no sequence of elements.
bool decode(Bytes bytes, std::vector<Element>& elements, int depth) {
  while (!bytes.empty()) {
    std::size_t at = 1;
    if ((bytes[0] & 0x1f) == 0x1f || bytes.size() < 2) return false;
    std::size_t length = bytes[at++];
    if (length >= 0x80) {
      std::size_t octets = length & 0x7f;
      if (octets == 0 || octets > 3 || bytes.size() - at < octets) return false;
      for (length = 0; octets != 0; --octets) length = (length << 8) | bytes[at++];
    }
    if (bytes.size() - at < length) return false;
    Element element;
    element.identifier.assign(bytes.begin(), bytes.begin() + 1);
    const Bytes content = bytes.subspan(at, length);
    const bool holds_elements = (bytes[0] & 0x20) != 0 || (bytes[0] == 0x04 && length > 4);
    if (!holds_elements || depth == kMaxDepth || !decode(content, element.inside, depth + 1)) {
      element.inside.clear();
      element.content.assign(content.begin(), content.end());
    }
    elements.push_back(std::move(element));
    bytes = bytes.subspan(at + length);
  }
  return true;
}

void encode(const Element& element, ByteVector& out) {
  ByteVector content = element.content;
  for (const Element& inner : element.inside) encode(inner, content);
  out.insert(out.end(), element.identifier.begin(), element.identifier.end());
  if (element.extra_octets == kIndefinite) {
    out.push_back(0x80);
  } else if (content.size() < 0x80 && element.extra_octets == 0) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    ByteVector length;
    for (std::size_t rest = content.size(); rest != 0; rest >>= 8) length.push_back(static_cast<std::uint8_t>(rest));
    length.insert(length.end(), static_cast<std::size_t>(element.extra_octets), 0);
    out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    out.insert(out.end(), length.rbegin(), length.rend());
  }
  out.insert(out.end(), content.begin(), content.end());
  if (element.extra_octets == kIndefinite) out.insert(out.end(), 2, 0);
}

void collect(std::vector<Element>& elements, std::vector<std::pair<std::vector<Element>*, std::size_t>>& all) {
  for (std::size_t i = 0; i < elements.size(); ++i) {
    all.emplace_back(&elements, i);
    collect(elements[i].inside, all);
  }
}

// A string as a constructed one of several segments.
void segment(Element& element, Engine& engine) {
  if (!element.inside.empty() || (element.identifier[0] & 0x20) != 0) return;
  Bytes rest = element.content;
  std::vector<Element> segments;
  const bool universal = (element.identifier[0] & 0xc0) == 0;
  while (!rest.empty() && segments.size() < 5) {
    const std::size_t count = segments.size() == 4 ? rest.size() : 1 + below(engine, rest.size());
    Element part;
    part.identifier = {universal ? element.identifier[0] : std::uint8_t{0x04}};
    part.content.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
    segments.push_back(std::move(part));
    rest = rest.subspan(count);
  }
  element.identifier[0] |= 0x20;
  element.inside = std::move(segments);
  element.content.clear();
}

void refill(Element& element, Engine& engine) {
  element.inside.clear();
  element.content.resize(below(engine, 4) == 0 ? below(engine, 300) : below(engine, 8));
  for (auto& octet : element.content) octet = static_cast<std::uint8_t>(engine());
}

void change_one(std::vector<Element>& roots, Engine& engine) {
  static constexpr std::uint8_t kTags[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18,
                                           0x1e, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x00};
  std::vector<std::pair<std::vector<Element>*, std::size_t>> all;
  collect(roots, all);
  if (all.empty()) return;
  const auto [list, index] = all[below(engine, all.size())];
  Element& element = (*list)[index];
  switch (below(engine, 12)) {
    case 0:
      list->erase(list->begin() + static_cast<std::ptrdiff_t>(index));
      break;
    case 1: {
      Element copy = element;
      list->insert(list->begin() + static_cast<std::ptrdiff_t>(index), std::move(copy));
      break;
    }
    case 2:
      std::swap(element, (*list)[below(engine, list->size())]);
      break;
    case 3:
      element.identifier = {kTags[below(engine, std::size(kTags))]};
      break;
    case 4:
      refill(element, engine);
      break;
    case 5:
    case 6:
      element.extra_octets = kIndefinite;
      break;
    case 7:
      element.extra_octets = 1 + static_cast<int>(below(engine, 9));
      break;
    case 8:
      segment(element, engine);
      break;
    case 9: {  // an element from elsewhere, often one that may stand here
      const auto [other_list, other_index] = all[below(engine, all.size())];
      Element copy = (*other_list)[other_index];
      if (below(engine, 2) == 0) {
        element = std::move(copy);
      } else {
        list->insert(list->begin() + static_cast<std::ptrdiff_t>(index), std::move(copy));
      }
      break;
    }
    case 10:  // the tag number in the long form, with leading zeros that BER forbids and OpenSSL reads
      element.identifier = {static_cast<std::uint8_t>(element.identifier[0] | 0x1f)};
      element.identifier.insert(element.identifier.end(), below(engine, 7), 0x80);
      element.identifier.push_back(static_cast<std::uint8_t>(engine() & 0x7f));
      break;
    default:
      if (!element.content.empty()) {
        element.content[below(engine, element.content.size())] ^= static_cast<std::uint8_t>(1U << below(engine, 8));
      }
      break;
  }
}

}  // namespace

ByteVector octets(ByteVector bytes, Engine& engine) {
  const std::size_t times = 1 + below(engine, 3);
  for (std::size_t i = 0; i < times && !bytes.empty(); ++i) {
    const std::size_t at = below(engine, bytes.size());
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(engine, 5)) {
      case 0:
        *place = static_cast<std::uint8_t>(engine());
        break;
      case 1:
        *place ^= static_cast<std::uint8_t>(1U << below(engine, 8));
        break;
      case 2:
        bytes.erase(place);
        break;
      case 3:
        bytes.insert(place, static_cast<std::uint8_t>(engine()));
        break;
      default:  // the usual BER: indefinite, with its end at the end of the message
        *place = 0x80;
        bytes.insert(bytes.end(), 2, 0);
        break;
    }
  }
  return bytes;
}

ByteVector elements(Bytes message, Engine& engine) {
  std::vector<Element> roots;
  if (!decode(message, roots, 0)) return octets({message.begin(), message.end()}, engine);
  const std::size_t times = 1 + below(engine, 4);
  for (std::size_t i = 0; i < times; ++i) change_one(roots, engine);
  ByteVector out;
  for (const Element& root : roots) encode(root, out);
  return out;
}

}  // namespace mutate
