#include "cli/import_file.h"

namespace tombolo::cli {

namespace {

Result<std::vector<Object>> from_array(Array& array, const std::string& source) {
  std::vector<Object> records;
  records.reserve(array.size());
  for (std::size_t index = 0; index < array.size(); ++index) {
    Object* object = array[index].if_object();
    if (object == nullptr) {
      return fail(ErrorCode::invalid_data, source + ": element " + std::to_string(index + 1) +
                                               " of the array is no JSON object");
    }
    records.push_back(std::move(*object));
  }
  return records;
}

// The only array among the members; nothing when there is none or are several.
Array* only_array(Object& object) {
  Array* found = nullptr;
  for (Member& member : object) {
    Array* array = member.value.if_array();
    if (array == nullptr) continue;
    if (found != nullptr) return nullptr;
    found = array;
  }
  return found;
}

Result<std::vector<Object>> from_lines(std::string_view text, const std::string& source) {
  std::vector<Object> records;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto value = Value::parse(content);
    if (!value || !value->is_object()) {
      return fail(ErrorCode::invalid_data,
                  source + ": line " + std::to_string(line) + " is no JSON object" +
                      (value ? std::string() : ": " + value.error().message));
    }
    records.push_back(std::move(*value->if_object()));
  }
  return records;
}

Result<std::vector<Object>> read_objects(std::string_view text, const std::string& source) {
  auto whole = Value::parse(text);
  if (!whole) return from_lines(text, source);
  if (Array* array = whole->if_array()) return from_array(*array, source);
  Object* object = whole->if_object();
  if (object == nullptr) {
    return fail(ErrorCode::invalid_data, source + " holds neither records nor an array of them");
  }
  if (Array* array = only_array(*object); array != nullptr && object->size() == 1) {
    return from_array(*array, source);
  }
  return std::vector<Object>{std::move(*object)};  // JSON lines with one line
}

}  // namespace

Result<std::vector<Object>> read_records(std::string_view text, const std::string& source,
                                         const std::string& id_field) {
  auto records = read_objects(text, source);
  if (!records) return records;
  if (id_field == "id") return records;
  for (std::size_t index = 0; index < records->size(); ++index) {
    Object& record = (*records)[index];
    const Value* id = record.find(id_field);
    if (id == nullptr || (!id->is_string() && !id->is_integer())) {
      return fail(ErrorCode::invalid_data, source + ": record " + std::to_string(index + 1) +
                                               " has no text or whole number under \"" + id_field +
                                               "\"");
    }
    Value text_id = id->is_string() ? *id : Value(id->to_json());
    record.set("id", std::move(text_id));
  }
  return records;
}

}  // namespace tombolo::cli
