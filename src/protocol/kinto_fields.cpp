#include "protocol/kinto_fields.h"

#include <string_view>

namespace tombolo::protocol::kinto {
namespace {

void keep(const Object& from, std::string_view path, Object& into) {
  if (const Value* whole = from.find(path)) {
    into.set(path, *whole);
    return;
  }
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return;
  const std::string_view root = path.substr(0, dot);
  const Value* parent = from.find(root);
  if (parent == nullptr) return;
  const Object* nested = parent->if_object();
  if (nested == nullptr) {
    into.set(root, *parent);
    return;
  }
  Value& kept = into[root];
  if (!kept.is_object()) kept = Object();
  keep(*nested, path.substr(dot + 1), *kept.if_object());
}

}  // namespace

Object project(const Object& object, const std::vector<std::string>& fields) {
  Object kept;
  for (const std::string& field : fields) keep(object, field, kept);
  return kept;
}

}  // namespace tombolo::protocol::kinto
