// Which ids Kinto's API takes, and how it makes them.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace tombolo::protocol::kinto {

inline constexpr std::size_t kGeneratedIdLength = 8;

// Whether `id` matches ^[a-zA-Z0-9][a-zA-Z0-9_-]*$: the rule for buckets, collections, groups and
// records alike.
bool is_valid_id(std::string_view id);

// An id for a bucket, collection or group that was posted without one: letters and digits.
std::string generate_short_id(Random& random);

}  // namespace tombolo::protocol::kinto
