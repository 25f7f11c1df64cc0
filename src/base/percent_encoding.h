// Percent-encoding (RFC 3986 section 2.1) and the encoding of query strings.
#pragma once

#include <string>
#include <string_view>

namespace tombolo {

// Replaces every %XX by its byte; with `plus_is_space` (query strings) also "+" by a space. What is
// no escape ("%zz", "100%") stays as it is. The result may be anything, also no UTF-8.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

// Escapes everything but the unreserved characters (letters, digits, "-._~").
std::string percent_encode(std::string_view text);

}  // namespace tombolo
