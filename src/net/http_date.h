// The Date header.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::net {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string format_http_date(std::int64_t wall_ms);

// The date of now, made once a second for each thread.
std::string_view current_http_date();

}  // namespace tombolo::net
