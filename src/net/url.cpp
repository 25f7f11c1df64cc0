#include "net/url.h"

#include <algorithm>
#include <charconv>

namespace tombolo::net {
namespace {

std::uint16_t default_port_of(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? 443 : 80;
}

std::unexpected<Error> bad_url(std::string_view text, std::string_view problem) {
  return fail(ErrorCode::invalid_argument,
              "the URL \"" + std::string(text) + "\" " + std::string(problem));
}

bool is_printable_ascii(std::string_view text) {
  for (const char letter : text) {
    if (letter <= ' ' || letter >= 0x7F) return false;
  }
  return true;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

// Splits "host", "host:port" or "[address]:port"; the port stays a text.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  const bool is_bracketed = authority.starts_with('[');
  const std::size_t end = is_bracketed ? authority.find(']') : authority.find(':');
  if (is_bracketed && end == std::string_view::npos) return false;
  host = is_bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  std::string_view rest =
      end == std::string_view::npos ? std::string_view() : authority.substr(end + is_bracketed);
  if (rest.empty()) return !host.empty();
  if (!rest.starts_with(':')) return false;
  port = rest.substr(1);
  return !host.empty() && !port.empty();
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.contains(':') ? "[" + host + "]" : host;
  if (port != default_port_of(scheme)) text += ":" + std::to_string(port);
  return text;
}

Result<Url> parse_url(std::string_view text) {
  if (!is_printable_ascii(text)) return bad_url(text, "holds a space or another odd character");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return bad_url(text, "does not begin with http:// or ws://");
  Url url;
  url.scheme = lower_case(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return bad_url(text, "has a scheme other than http, https, ws and wss");
  }
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path);
  if (authority.contains('@')) {
    // Not bad_url(): what the message says may end in a log.
    return fail(ErrorCode::invalid_argument,
                "the URL of " + std::string(authority.substr(authority.rfind('@') + 1)) +
                    " holds a user or password: give them as credentials instead");
  }
  std::string_view host;
  std::string_view port;
  if (!split_authority(authority, host, port)) return bad_url(text, "names no host");
  url.host = lower_case(host);
  url.port = default_port_of(url.scheme);
  if (!port.empty()) {
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || url.port == 0) {
      return bad_url(text, "has a port that is no number from 1 to 65535");
    }
  }
  url.target = rest.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace tombolo::net
