// Close codes of WebSockets (RFC 6455 section 7.4.1, and 1012 to 1014 of its registry).
#pragma once

#include <cstdint>

namespace tombolo::protocol {

enum WebSocketCloseCode : std::uint16_t {
  kCloseNormal = 1000,
  kCloseGoingAway = 1001,
  kCloseProtocolError = 1002,
  kCloseUnsupportedData = 1003,
  kCloseNoStatus = 1005,  // only reported: the peer's close frame named no code
  kCloseAbnormal = 1006,  // only reported: the connection ended without a close frame
  kCloseInvalidPayload = 1007,
  kClosePolicyViolation = 1008,
  kCloseMessageTooBig = 1009,
  kCloseInternalError = 1011,
  kCloseServiceRestart = 1012,
  kCloseTryAgainLater = 1013,
};

}  // namespace tombolo::protocol
