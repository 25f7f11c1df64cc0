// Cross-origin access (CORS): which pages of which origins may read our answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_route.h"

namespace tombolo::protocol::kinto {

// The value of Access-Control-Allow-Origin for a request of that origin; nothing when it is not
// allowed. `allowed` lists origins, or "*" for all.
std::optional<std::string> allowed_origin(std::string_view origin,
                                          const std::vector<std::string>& allowed);

// The value of Access-Control-Expose-Headers. `route` is null where a path names nothing.
std::string_view exposed_headers(const Route* route, bool is_get, bool is_head);

// The value of Access-Control-Allow-Methods for a preflight.
std::string preflight_methods(const Route* route);

}  // namespace tombolo::protocol::kinto
