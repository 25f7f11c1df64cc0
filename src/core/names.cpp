#include "core/names.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/byte_block.h"
#include "base/text.h"

namespace tombolo::core {
namespace {

constexpr std::size_t kQuotedBytes = 80;  // of a bad name, in the error

struct Bytes {
  bool control = false;
  bool beyond_ascii = false;
};

Bytes look_at_each(std::string_view name) {
  unsigned control = 0;
  unsigned all = 0;
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    control |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == 0x7f);
    all |= byte;
  }
  return {control != 0, all >= 0x80};
}

// Without a branch for any byte: names are checked in every operation.
Bytes look_at(std::string_view name) {
  if (name.size() < ByteBlock::kBytes) return look_at_each(name);
  std::uint32_t control = 0;
  std::uint32_t beyond_ascii = 0;
  for (std::size_t index = 0; index < name.size(); index += ByteBlock::kBytes) {
    // The last block ends with the name, and so begins with bytes that were looked at.
    const std::size_t start = std::min(index, name.size() - ByteBlock::kBytes);
    const ByteBlock block(name.data() + start);
    control |= block.control() | block.equal(0x7f);
    beyond_ascii |= block.not_ascii();
  }
  return {control != 0, beyond_ascii != 0};
}

std::string reason(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMaxNameBytes) {
    return "it has " + std::to_string(name.size()) + " bytes and may have " +
           std::to_string(kMaxNameBytes);
  }
  if (!is_utf8(name)) return "it is not valid UTF-8";
  return "it holds a control character";
}

// The beginning of a name that can be shown.
std::string_view shortened(std::string_view name) {
  std::size_t end = std::min(name.size(), kQuotedBytes);
  while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  const Bytes bytes = look_at(name);
  const bool readable = !bytes.control && (!bytes.beyond_ascii || is_utf8(name));
  if (readable && !name.empty() && name.size() <= kMaxNameBytes) return {};
  const std::string shown =
      readable ? "\"" + std::string(shortened(name)) + "\"" : std::string("this name");
  return fail(ErrorCode::invalid_argument,
              shown + " cannot name " + std::string(what) + ": " + reason(name));
}

}  // namespace tombolo::core
