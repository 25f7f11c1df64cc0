#include "core/names.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace tombolo::core {
namespace {

constexpr std::size_t kQuotedBytes = 80;  // of a bad name, in the error

struct Bytes {
  bool control = false;
  bool beyond_ascii = false;
};

// One look at each byte and no branch: names are checked in every operation.
Bytes look_at(std::string_view name) {
  unsigned control = 0;
  unsigned all = 0;
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    control |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == 0x7f);
    all |= byte;
  }
  return {control != 0, all >= 0x80};
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
