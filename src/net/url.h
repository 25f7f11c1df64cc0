// The addresses that clients connect to: http, https, ws and wss URLs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tombolo/result.h"

namespace tombolo::net {

struct Url {
  std::string scheme;  // "http", "https", "ws" or "wss"
  std::string host;    // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"; a fragment is left out

  bool is_secure() const { return scheme == "https" || scheme == "wss"; }
  std::string authority() const;  // for the Host header: the port only where it is not the scheme's
};

// Credentials in a URL ("user:password@") are refused: they belong into a header.
Result<Url> parse_url(std::string_view text);

}  // namespace tombolo::net
