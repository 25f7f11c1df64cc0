#include "net/websocket_handshake.h"

#include <array>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/text.h"

namespace tombolo::net {

std::string websocket_accept_of(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  TOMBOLO_CHECK(done == 1, "OpenSSL computes no SHA-1");
  const std::string bytes(digest.begin(), digest.begin() + size);
  return to_base64(bytes);
}

HandshakeCheck check_handshake(const HttpRequest& request) {
  constexpr std::size_t kKeyBytes = 16;
  const HttpHeaders& headers = request.headers;
  if (request.method() != HttpMethod::get || !headers.has_token("Connection", "Upgrade") ||
      !headers.has_token("Upgrade", "websocket")) {
    return {400, {}};
  }
  if (headers.get("Sec-WebSocket-Version") != "13") return {426, {}};
  const std::string_view key = headers.get("Sec-WebSocket-Key").value_or("");
  const auto decoded = from_base64(key);
  if (!decoded || decoded->size() != kKeyBytes) return {400, {}};
  return {101, websocket_accept_of(key)};
}

}  // namespace tombolo::net
