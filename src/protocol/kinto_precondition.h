// Preconditions: If-Match and If-None-Match against the timestamp of an object or a list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/kinto_error.h"

namespace tombolo::protocol::kinto {

// One header: a timestamp in double quotes, or "*".
struct Condition {
  bool any = false;  // "*"
  std::int64_t timestamp = 0;
};

struct Preconditions {
  std::optional<Condition> if_match;
  std::optional<Condition> if_none_match;

  bool empty() const { return !if_match && !if_none_match; }
  // "If-None-Match: *": only if it does not exist yet.
  bool only_if_new() const { return if_none_match && if_none_match->any; }
};

Checked<Preconditions> parse_preconditions(std::optional<std::string_view> if_match,
                                           std::optional<std::string_view> if_none_match);

enum class Verdict { proceed, not_modified, failed };

// `current` is the timestamp of what the request is about, or nothing when it does not exist (a
// tombstone does not exist). Only reads are ever not_modified.
Verdict judge(const Preconditions& preconditions, std::optional<std::int64_t> current,
              bool is_read);

// The value of the ETag header: "\"1234\"".
std::string etag_of(std::int64_t timestamp);

// The value of the Last-Modified header (RFC 9110 section 5.6.7), e.g.
// "Sun, 06 Nov 1994 08:49:37 GMT". `timestamp` is in milliseconds since 1970.
std::string http_date_of(std::int64_t timestamp);

}  // namespace tombolo::protocol::kinto
