#include "mutate.h"

#include <algorithm>
#include <utility>

namespace mutate {

using ocsp::Bytes;
using ocsp::ByteVector;

namespace {

constexpr int kMaxDepth = 24;

std::size_t below(Engine& engine, std::size_t limit) { return static_cast<std::size_t>(engine() % limit); }

std::uint32_t index32(std::size_t size) { return static_cast<std::uint32_t>(size); }

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

// Grows towards its front, so that what is inside an element stands before its length is written.
class Elements::Output {
 public:
  explicit Output(std::size_t expected) : buffer_(expected), start_(expected) {}

  std::size_t size() const { return buffer_.size() - start_; }
  void prepend(const std::uint8_t* bytes, std::size_t count) {
    if (count == 0) return;
    if (count > start_) grow(count);
    start_ -= count;
    std::copy_n(bytes, count, buffer_.data() + start_);
  }
  void prepend(std::uint8_t octet) { prepend(&octet, 1); }
  // As large as its content: sanitizers see a reader that goes on behind it.
  ByteVector take() const { return {buffer_.begin() + static_cast<std::ptrdiff_t>(start_), buffer_.end()}; }

 private:
  void grow(std::size_t count) {
    ByteVector larger(2 * buffer_.size() + count);
    const std::size_t start = larger.size() - size();
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(start_), buffer_.end(),
              larger.begin() + static_cast<std::ptrdiff_t>(start));
    buffer_ = std::move(larger);
    start_ = start;
  }

  ByteVector buffer_;
  std::size_t start_;
};

Elements::Elements(Bytes message) : bytes_(message.begin(), message.end()), message_size_(message.size()) {
  if (!decode(0, message.size(), roots_, 0)) decoded_.clear();
}

// Definite lengths only; false where the bytes are no sequence of elements.
bool Elements::decode(std::size_t at, std::size_t end, std::uint32_t& last, int depth) {
  while (at != end) {
    Element element;
    element.identifier[0] = bytes_[at];
    if ((bytes_[at++] & 0x1f) == 0x1f || at == end) return false;
    std::size_t length = bytes_[at++];
    if (length >= 0x80) {
      std::size_t octets = length & 0x7f;
      if (octets == 0 || octets > 3 || end - at < octets) return false;
      for (length = 0; octets != 0; --octets) length = (length << 8) | bytes_[at++];
    }
    if (end - at < length) return false;
    element.content = index32(at);
    element.content_size = index32(length);
    const bool holds_elements = (element.identifier[0] & 0x20) != 0 || (element.identifier[0] == 0x04 && length > 4);
    const std::size_t known = decoded_.size();
    if (!holds_elements || depth == kMaxDepth || !decode(at, at + length, element.last, depth + 1)) {
      decoded_.resize(known);
      element.last = kNone;
    }
    element.previous = std::exchange(last, index32(decoded_.size()));
    decoded_.push_back(element);
    at += length;
  }
  return true;
}

std::uint32_t Elements::add(const Element& element) {
  elements_.push_back(element);
  return index32(elements_.size() - 1);
}

// With all that is inside its elements.
std::uint32_t Elements::copy_list(std::uint32_t last) {
  std::uint32_t copied = kNone, later = kNone;
  for (; last != kNone; last = elements_[last].previous) {
    if (elements_[last].removed) continue;
    Element element = elements_[last];
    element.last = copy_list(element.last);
    element.previous = kNone;
    const std::uint32_t index = add(element);
    (later == kNone ? copied : elements_[later].previous) = index;
    later = index;
  }
  return copied;
}

void Elements::insert_copy(std::uint32_t source, std::uint32_t before) {
  Element element = elements_[source];
  element.last = copy_list(element.last);
  element.removed = false;
  element.previous = elements_[before].previous;
  const std::uint32_t index = add(element);
  elements_[before].previous = index;
}

void Elements::swap_with_earlier(std::uint32_t index, Engine& engine) {
  std::size_t earlier = 0;
  for (std::uint32_t at = elements_[index].previous; at != kNone; at = elements_[at].previous) ++earlier;
  if (earlier == 0) return;
  std::uint32_t other = elements_[index].previous;
  for (std::size_t steps = below(engine, earlier); steps != 0; --steps) other = elements_[other].previous;
  std::swap(elements_[index], elements_[other]);
  std::swap(elements_[index].previous, elements_[other].previous);
}

// A string as a constructed one of several segments.
void Elements::segment(std::uint32_t index, Engine& engine) {
  const Element whole = elements_[index];
  if (whole.last != kNone || (whole.identifier[0] & 0x20) != 0) return;
  const bool universal = (whole.identifier[0] & 0xc0) == 0;
  std::uint32_t at = whole.content, rest = whole.content_size, last = kNone;
  for (int segments = 0; rest != 0 && segments < 5; ++segments) {
    Element part;
    part.identifier[0] = universal ? whole.identifier[0] : std::uint8_t{0x04};
    part.content = at;
    part.content_size = segments == 4 ? rest : index32(1 + below(engine, rest));
    part.previous = last;
    at += part.content_size;
    rest -= part.content_size;
    last = add(part);
  }
  elements_[index].identifier[0] |= 0x20;
  elements_[index].last = last;
  elements_[index].content_size = 0;
}

void Elements::refill(Element& element, Engine& engine) {
  element.last = kNone;
  element.content = index32(bytes_.size());
  element.content_size = index32(below(engine, 4) == 0 ? below(engine, 300) : below(engine, 8));
  for (std::uint32_t i = 0; i < element.content_size; ++i) bytes_.push_back(static_cast<std::uint8_t>(engine()));
}

void Elements::flip_bit(Element& element, Engine& engine) {
  if (element.last != kNone || element.content_size == 0) return;
  const std::size_t from = std::exchange(element.content, index32(bytes_.size()));
  bytes_.resize(bytes_.size() + element.content_size);
  std::copy_n(bytes_.data() + from, element.content_size, bytes_.data() + element.content);
  bytes_[element.content + below(engine, element.content_size)] ^= static_cast<std::uint8_t>(1U << below(engine, 8));
}

// Where the element is inside one that was removed, nothing changes.
void Elements::change_one(Engine& engine) {
  static constexpr std::uint8_t kTags[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18,
                                           0x1e, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x00};
  const std::uint32_t index = index32(below(engine, elements_.size()));
  Element& element = elements_[index];  // until one is added
  switch (below(engine, 12)) {
    case 0:
      element.removed = true;
      break;
    case 1:
      insert_copy(index, index);
      break;
    case 2:
      swap_with_earlier(index, engine);
      break;
    case 3:
      element.identifier[0] = kTags[below(engine, std::size(kTags))];
      element.identifier_size = 1;
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
      segment(index, engine);
      break;
    case 9:  // an element from elsewhere, often one that may stand here
      insert_copy(index32(below(engine, elements_.size())), index);
      elements_[index].removed = below(engine, 2) == 0;
      break;
    case 10: {  // the tag number in the long form, with leading zeros that BER forbids and OpenSSL reads
      const std::size_t zeros = below(engine, 7);
      element.identifier[0] |= 0x1f;
      std::fill_n(element.identifier.begin() + 1, zeros, std::uint8_t{0x80});
      element.identifier[1 + zeros] = static_cast<std::uint8_t>(engine() & 0x7f);
      element.identifier_size = index32(2 + zeros);
      break;
    }
    default:
      flip_bit(element, engine);
      break;
  }
}

void Elements::write(std::uint32_t last, Output& out) const {
  for (; last != kNone; last = elements_[last].previous) {
    const Element& element = elements_[last];
    if (element.removed) continue;
    if (element.extra_octets == kIndefinite) {
      out.prepend(0);
      out.prepend(0);
    }
    const std::size_t behind = out.size();
    if (element.last != kNone) {
      write(element.last, out);
    } else {
      out.prepend(bytes_.data() + element.content, element.content_size);
    }
    const std::size_t size = out.size() - behind;
    if (element.extra_octets == kIndefinite) {
      out.prepend(0x80);
    } else if (size < 0x80 && element.extra_octets == 0) {
      out.prepend(static_cast<std::uint8_t>(size));
    } else {
      int octets = element.extra_octets;
      for (std::size_t rest = size; rest != 0; rest >>= 8, ++octets) out.prepend(static_cast<std::uint8_t>(rest));
      for (int i = 0; i < element.extra_octets; ++i) out.prepend(0);
      out.prepend(static_cast<std::uint8_t>(0x80 | octets));
    }
    out.prepend(element.identifier.data(), element.identifier_size);
  }
}

ByteVector Elements::mutant(Engine& engine) {
  bytes_.resize(message_size_);
  if (decoded_.empty()) return octets(bytes_, engine);
  elements_ = decoded_;
  const std::size_t times = 1 + below(engine, 4);
  for (std::size_t i = 0; i < times; ++i) change_one(engine);
  Output out(bytes_.size() + 64);
  write(roots_, out);
  return out.take();
}

}  // namespace mutate
