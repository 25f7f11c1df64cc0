// SHA-256 (FIPS 180-4). One function, two homes: OpenSSL natively (sha256_openssl.cpp), portable
// code where there is none (sha256_portable.cpp, WebAssembly).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo {

using Sha256Digest = std::array<std::uint8_t, 32>;

// The digest of `bytes`. Thread-safe.
Sha256Digest sha256(std::string_view bytes);

// The portable implementation, the same everywhere; the tests hold the native one against it.
Sha256Digest sha256_portable(std::string_view bytes);

}  // namespace tombolo
