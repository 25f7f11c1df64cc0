#include "base/hmac.h"

#include <array>
#include <cstring>
#include <string>

namespace tombolo {

namespace {

constexpr std::size_t kBlockBytes = 64;

std::string_view view_of(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
  std::array<char, kBlockBytes> block{};
  if (key.size() > kBlockBytes) {
    const Sha256Digest short_key = sha256(key);
    std::memcpy(block.data(), short_key.data(), short_key.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  std::string inner;
  inner.reserve(kBlockBytes + message.size());
  std::string outer;
  for (const char byte : block) {
    inner += static_cast<char>(byte ^ 0x36);
    outer += static_cast<char>(byte ^ 0x5c);
  }
  inner += message;
  const Sha256Digest digest = sha256(inner);
  outer += view_of(digest);
  return sha256(outer);
}

}  // namespace tombolo
