#include "protocol/kinto_object.h"

#include "base/check.h"
#include "base/json.h"

namespace tombolo::protocol::kinto {
namespace {

void append_id_and_timestamp(std::string& out, std::string_view id, std::int64_t last_modified) {
  out.append("\"id\":");
  append_json_string(out, id);
  out.append(",\"last_modified\":").append(std::to_string(last_modified));
}

const Value kTrue(true);

}  // namespace

const Value* find_path(const Object& object, std::string_view path) {
  if (const Value* found = object.find(path)) return found;
  std::size_t dot = path.rfind('.');
  while (dot != std::string_view::npos) {
    const Value* parent = object.find(path.substr(0, dot));
    const Object* nested = parent != nullptr ? parent->if_object() : nullptr;
    if (nested != nullptr) return find_path(*nested, path.substr(dot + 1));
    dot = dot == 0 ? std::string_view::npos : path.rfind('.', dot - 1);
  }
  return nullptr;
}

const Value* find_field(const ObjectView& view, std::string_view field) {
  if (field == kIdField) return &view.id;
  if (field == kModifiedField) return &view.last_modified;
  if (view.deleted) return field == kDeletedField ? &kTrue : nullptr;
  return view.data != nullptr ? find_path(*view.data, field) : nullptr;
}

void append_object_text(std::string& out, std::string_view data_text, std::string_view id,
                        std::int64_t last_modified) {
  TOMBOLO_CHECK(data_text.size() >= 2 && data_text.front() == '{' && data_text.back() == '}',
                "the stored text of an object is compact JSON of an object");
  out.append(data_text.substr(0, data_text.size() - 1));
  if (data_text.size() > 2) out.push_back(',');
  append_id_and_timestamp(out, id, last_modified);
  out.push_back('}');
}

void append_tombstone_text(std::string& out, std::string_view id, std::int64_t last_modified) {
  out.push_back('{');
  append_id_and_timestamp(out, id, last_modified);
  out.append(",\"deleted\":true}");
}

}  // namespace tombolo::protocol::kinto
