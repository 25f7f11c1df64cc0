#include "core/names.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace tombolo::core {
namespace {

constexpr std::size_t kQuotedBytes = 80;  // of a bad name, in the error

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
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

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMaxNameBytes &&
                    std::none_of(name.begin(), name.end(), is_control) && is_utf8(name);
  if (good) return {};
  std::string quoted;
  if (is_utf8(name) && std::none_of(name.begin(), name.end(), is_control)) {
    std::size_t end = std::min(name.size(), kQuotedBytes);
    while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    quoted = "\"" + std::string(name.substr(0, end)) + "\" ";
  } else {
    quoted = "this name ";
  }
  return fail(ErrorCode::invalid_argument,
              quoted + "cannot name " + std::string(what) + ": " + reason(name));
}

}  // namespace tombolo::core
