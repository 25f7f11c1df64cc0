// Request bodies of Kinto's write endpoints: {"data": {...}, "permissions": {...}}.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/kinto_error.h"
#include "protocol/kinto_route.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// Levels of nesting in the body of a request.
inline constexpr int kBodyDepthLimit = 64;

// Permissions as a body gives them: the names in it, each with its principals. No list (null in
// the body) says nothing, except in a merge patch, where it takes the permission's list away.
struct PermissionChange {
  std::string name;
  std::optional<std::vector<std::string>> principals;
};
using PermissionChanges = std::vector<PermissionChange>;

// The names of permissions that objects of that kind have.
std::span<const std::string_view> permission_names(ResourceKind kind);

struct WriteBody {
  std::optional<Object> data;
  PermissionChanges permissions;
};

// How a PATCH says what changes.
enum class PatchKind { shallow, merge, json_patch };

// The Content-Type of a request with a body, without its parameters, in lower case. 415 when it is
// not among those that the method takes: application/json, and for PATCH also
// application/merge-patch+json and application/json-patch+json. Absent counts as application/json.
Checked<PatchKind> check_content_type(std::optional<std::string_view> content_type, bool is_patch);

// 406 when the Accept header rules application/json out.
Checked<void> check_accept(std::optional<std::string_view> accept);

// Any JSON body; an empty one counts as {}.
Checked<Value> parse_body(std::string_view text);

// The body of a POST or PUT, or of a PATCH other than a JSON patch.
Checked<WriteBody> read_write_body(Value body, ResourceKind kind);

// The id in `data`; nothing when it has none. Refuses an id that is no string of the right form.
Checked<std::optional<std::string>> read_posted_id(const Object& data);

// Refuses a `data.id` that is not the one in the path.
Checked<void> check_same_id(const Object& data, std::string_view id);

// Takes `last_modified` out of `data`; nothing when it was no integer.
std::optional<std::int64_t> take_forced_timestamp(Object& data);

// Takes what the server keeps beside the fields of an object (id, last_modified) out of `data`.
void remove_metadata(Object& data);

// Refuses fields that cannot be stored, and fields of the wrong type in objects of that kind.
Checked<void> check_data(const Object& data, ResourceKind kind);

}  // namespace tombolo::protocol::kinto
