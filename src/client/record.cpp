#include "tombolo/record.h"

#include "base/json.h"

namespace tombolo {

Record::Record(std::string id, Object fields) : id_(std::move(id)), fields_(std::move(fields)) {}

Record Record::from_text(std::string id, std::string fields_json) {
  Record record;
  record.id_ = std::move(id);
  record.text_ = std::move(fields_json);
  return record;
}

const Object& Record::fields() const {
  if (!fields_) {
    fields_.emplace();
    Result<Value> parsed = parse_json(text_);
    if (parsed && parsed->is_object()) *fields_ = std::move(*parsed->if_object());
  }
  return *fields_;
}

const Value& Record::operator[](std::string_view field) const {
  static const Value null;
  if (field == "id") {
    if (id_value_.is_null()) id_value_ = id_;
    return id_value_;
  }
  const Value* value = fields().find(field);
  return value != nullptr ? *value : null;
}

Object Record::to_object() const {
  Object object;
  object.reserve(fields().size() + 1);
  object.append_unchecked("id", id_);
  for (const auto& [key, value] : fields()) {
    if (key != "id") object.append_unchecked(key, value);
  }
  return object;
}

std::string Record::to_json() const {
  std::string text = "{\"id\":";
  append_json_string(text, id_);
  std::string fields_text = text_;
  if (fields_text.empty()) append_json(fields_text, fields());
  if (fields_text.size() > 2) {
    text.push_back(',');
    text.append(fields_text, 1);
  } else {
    text.push_back('}');
  }
  return text;
}

}  // namespace tombolo
