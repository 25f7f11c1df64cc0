#include "protocol/kinto_cors.h"

#include <algorithm>

namespace tombolo::protocol::kinto {

std::optional<std::string> allowed_origin(std::string_view origin,
                                          const std::vector<std::string>& allowed) {
  for (const std::string& entry : allowed) {
    if (entry == "*") return "*";
    if (entry == origin) return entry;
  }
  return std::nullopt;
}

std::string_view exposed_headers(const Route* route, bool is_get, bool is_head) {
  const bool is_list = route != nullptr && route->endpoint == Endpoint::list;
  const bool is_object = route != nullptr && route->endpoint == Endpoint::object;
  if (is_list && is_get) {
    return "Backoff, Retry-After, Alert, Content-Length, Content-Type, Last-Modified, ETag, "
           "Cache-Control, Expires, Pragma, Next-Page";
  }
  if (is_list && is_head) {
    return "Backoff, Retry-After, Alert, Content-Length, Content-Type, Last-Modified, ETag, "
           "Cache-Control, Expires, Pragma, Total-Objects, Total-Records";
  }
  if (is_object && (is_get || is_head)) {
    return "Backoff, Retry-After, Alert, Content-Length, Content-Type, Last-Modified, ETag, "
           "Cache-Control, Expires, Pragma";
  }
  return "Backoff, Retry-After, Alert, Content-Length, Content-Type";
}

std::string preflight_methods(const Route* route) {
  std::string methods(route != nullptr ? allowed_methods(*route) : "GET, HEAD, OPTIONS");
  methods.erase(std::remove(methods.begin(), methods.end(), ' '), methods.end());
  return methods;
}

}  // namespace tombolo::protocol::kinto
