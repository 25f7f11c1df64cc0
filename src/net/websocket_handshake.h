// The opening handshake of RFC 6455 section 4, both sides' computations.
#pragma once

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace tombolo::net {

// The status that a server must answer to this request, and for 101 the accept value.
struct HandshakeCheck {
  int status = 400;  // 101: valid; 400: no handshake, or a broken one; 426: another version
  std::string accept;
};
HandshakeCheck check_handshake(const HttpRequest& request);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept_of(std::string_view key);

}  // namespace tombolo::net
