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
  const auto padded_key = [&](unsigned char pad) {
    std::string text(block.data(), block.size());
    for (char& byte : text) byte = static_cast<char>(byte ^ pad);
    return text;
  };
  const Sha256Digest inner = sha256(padded_key(0x36).append(message));
  return sha256(padded_key(0x5c).append(view_of(inner)));
}

}  // namespace tombolo
