// Passing over JSON without reading it: what goes on as text needs only its end found. Nesting
// costs no stack.
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/byte_block.h"
#include "base/json_cursor.h"

namespace tombolo {
namespace {

// The bytes at `at`; zeros stand behind the end.
ByteBlock block_at(const char* at, const char* end) {
  const auto left = static_cast<std::size_t>(end - at);
  if (left >= ByteBlock::kBytes) return ByteBlock(at);
  char bytes[ByteBlock::kBytes] = {};
  std::memcpy(bytes, at, left);
  return ByteBlock(bytes);
}

// For each of the low 16 bits, whether an odd number of bits up to it are set: from its opening
// quote on, a string.
std::uint32_t parity_up_to(std::uint32_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  return bits ^ bits << 8;
}

// Behind the closing bracket of the object or array at `at`; null when it does not close. Goes
// block by block, or up to the next backslash.
const char* skip_bracketed(const char* at, const char* end) {
  std::size_t depth = 0;
  std::uint32_t in_string = 0;  // all bits set while in one
  while (at < end) {
    const ByteBlock bytes = block_at(at, end);
    const std::uint32_t backslashes = bytes.equal('\\');
    const int length = std::countr_zero(backslashes | std::uint32_t{1} << ByteBlock::kBytes);
    const std::uint32_t looked_at = (std::uint32_t{1} << length) - 1;
    const std::uint32_t quotes = bytes.equal('"') & looked_at;
    const std::uint32_t closing = bytes.equal('}') | bytes.equal(']');
    std::uint32_t brackets = (bytes.equal('{') | bytes.equal('[') | closing) & looked_at;
    if (brackets != 0) brackets &= ~(parity_up_to(quotes) ^ in_string);
    for (; brackets != 0; brackets &= brackets - 1) {
      const int place = std::countr_zero(brackets);
      if ((closing >> place & 1) == 0) {
        ++depth;
      } else if (--depth == 0) {
        return at + place + 1;
      }
    }
    if (std::popcount(quotes) % 2 != 0) in_string = ~in_string;
    std::ptrdiff_t step = length;
    if (backslashes != 0) step += in_string != 0 ? 2 : 1;
    at += std::min(step, end - at);
  }
  return nullptr;
}

const char* skip_string(const char* at, const char* end) {
  for (++at; at < end; ++at) {
    if (*at == '"') return at + 1;
    if (*at == '\\' && ++at == end) break;
  }
  return nullptr;
}

// Behind a number or word; null when there is none.
const char* skip_scalar(const char* at, const char* end) {
  const char* start = at;
  while (at < end && std::memchr(",]} \n\r\t", *at, 7) == nullptr) ++at;
  return at > start ? at : nullptr;
}

}  // namespace

bool JsonCursor::skip(std::string_view& out) {
  const char first = peek();
  const char* start = at_;
  const char* behind = first == '"'                   ? skip_string(at_, end_)
                       : first == '{' || first == '[' ? skip_bracketed(at_, end_)
                                                      : skip_scalar(at_, end_);
  if (behind == nullptr) return complain("a value is missing or does not end");
  at_ = behind;
  out = {start, static_cast<std::size_t>(behind - start)};
  return true;
}

}  // namespace tombolo
