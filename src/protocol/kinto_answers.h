// What a Kinto server answers, as a client reads it (Kinto API 1.x). Nothing of it is trusted: what
// does not have the shape that the API promises is an error of the kind `protocol`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// The root of the API: what the server is and what it bounds.
struct HelloAnswer {
  std::int64_t batch_max_requests = 25;
  bool read_only = false;
};
Result<HelloAnswer> read_hello(std::string_view body);

// A record or a tombstone as a list or a write answers it.
struct ObjectAnswer {
  std::string id;
  std::int64_t last_modified = 0;  // ms since 1970, at most kMaxLastModified
  bool deleted = false;            // it is a tombstone; a record may have a field of that name
  Object fields;                   // without id and last_modified; empty for a tombstone
  std::string unusable;            // why no database here can keep it; empty: it can
};

inline constexpr std::int64_t kMaxLastModified = (std::int64_t{1} << 46) - 1;

Result<ObjectAnswer> read_object(const Value& data);

// The "data" of a list.
Result<std::vector<ObjectAnswer>> read_list(std::string_view body);

struct BatchAnswer {
  int status = 0;
  Value body;
};
// The answers of a batch of `count` requests, in their order.
Result<std::vector<BatchAnswer>> read_batch_answers(std::string_view body, std::size_t count);

// An error answer in words: its message, and the details where they say more.
std::string error_text(const Value& body);

// The tag of a list or an object: "\"1700000000000\"" as a number, also where a proxy made it a
// weak one; 0 when it is none.
std::int64_t read_tag(std::string_view header);

// Takes away what a record cannot have as fields of its own on a Kinto server. False: nothing.
bool remove_server_fields(Object& fields);

}  // namespace tombolo::protocol::kinto
