#include "protocol/kinto_answers.h"

#include <charconv>

#include "base/json.h"
#include "core/names.h"
#include "protocol/kinto_object.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::size_t kMaxErrorBytes = 1'000;
// A record as deep as the databases here keep it lies some levels deep in an answer; what is deeper
// still is to be told from an answer that makes no sense.
constexpr int kAnswerDepthLimit = 4 * kJsonDepthLimit;
constexpr std::size_t kTombstoneMembers = 3;  // id, last_modified and deleted

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::protocol,
              "the server's answer is not what the Kinto API promises: " + std::string(what));
}

Result<Value> read_answer(std::string_view body) {
  Result<Value> value = parse_json(body, {.depth_limit = kAnswerDepthLimit});
  if (!value) return broken("no JSON (" + value.error().message + ")");
  if (!value->is_object()) return broken("no JSON object");
  return value;
}

// Whether containers lie in each other more than `levels` deep.
bool is_deeper_than(const Value& value, int levels) {
  if (const Array* array = value.if_array()) {
    if (levels == 0) return true;
    for (const Value& element : *array) {
      if (is_deeper_than(element, levels - 1)) return true;
    }
  } else if (const Object* object = value.if_object()) {
    if (levels == 0) return true;
    for (const Member& member : *object) {
      if (is_deeper_than(member.value, levels - 1)) return true;
    }
  }
  return false;
}

std::string reason_against(const Value& data, std::string_view id) {
  if (auto good = core::check_name("a record", id); !good) return good.error().message;
  if (!is_deeper_than(data, kJsonDepthLimit)) return {};
  return "record \"" + std::string(id) + "\" is nested more than " +
         std::to_string(kJsonDepthLimit) + " levels deep";
}

}  // namespace

Result<HelloAnswer> read_hello(std::string_view body) {
  const Result<Value> value = read_answer(body);
  if (!value) return fail(value);
  const Value& settings = (*value)["settings"];
  if (!(*value)["http_api_version"].is_string() || !settings.is_object()) {
    return fail(ErrorCode::unsupported,
                "the URL does not lead to a Kinto server: its root names no http_api_version and "
                "no settings");
  }
  HelloAnswer hello;
  const std::int64_t most = settings["batch_max_requests"].as_integer(hello.batch_max_requests);
  if (most > 0) hello.batch_max_requests = most;
  hello.read_only = settings["readonly"].as_bool();
  return hello;
}

Result<ObjectAnswer> read_object(const Value& data) {
  const Object* object = data.if_object();
  if (object == nullptr) return broken("a record is no object");
  ObjectAnswer answer;
  answer.id = data[kIdField].as_string();
  if (answer.id.empty()) return broken("a record has no id");
  answer.last_modified = data[kModifiedField].as_integer(-1);
  if (answer.last_modified < 0 || answer.last_modified > kMaxLastModified) {
    return broken("record \"" + answer.id + "\" has no usable last_modified");
  }
  answer.unusable = reason_against(data, answer.id);
  answer.deleted = data[kDeletedField].as_bool() && object->size() == kTombstoneMembers;
  if (answer.deleted || !answer.unusable.empty()) return answer;
  answer.fields.reserve(object->size());
  for (const auto& [key, value] : *object) {
    if (key == kIdField || key == kModifiedField) continue;
    answer.fields.append_unchecked(key, value);
  }
  return answer;
}

Result<std::vector<ObjectAnswer>> read_list(std::string_view body) {
  const Result<Value> value = read_answer(body);
  if (!value) return fail(value);
  const Array* data = (*value)["data"].if_array();
  if (data == nullptr) return broken("a list without \"data\"");
  std::vector<ObjectAnswer> objects;
  objects.reserve(data->size());
  for (const Value& one : *data) {
    Result<ObjectAnswer> object = read_object(one);
    if (!object) return fail(object);
    objects.push_back(std::move(*object));
  }
  return objects;
}

Result<std::vector<BatchAnswer>> read_batch_answers(std::string_view body, std::size_t count) {
  Result<Value> value = read_answer(body);
  if (!value) return fail(value);
  Array* responses = (*value)["responses"].if_array();
  if (responses == nullptr || responses->size() != count) {
    return broken("a batch of " + std::to_string(count) + " requests was answered by " +
                  std::to_string(responses != nullptr ? responses->size() : 0));
  }
  std::vector<BatchAnswer> answers;
  answers.reserve(count);
  for (Value& one : *responses) {
    const std::int64_t status = one["status"].as_integer();
    if (status < 100 || status > 599) return broken("an answer in a batch has no status");
    answers.push_back({static_cast<int>(status), std::move(one["body"])});
  }
  return answers;
}

std::string error_text(const Value& body) {
  std::string text(body["message"].as_string());
  if (text.empty()) text = body["error"].as_string("no reason given");
  if (body["details"].is_array() && body["details"].size() > 0) {
    text += " " + body["details"].to_json();
  }
  if (text.size() > kMaxErrorBytes) {
    text.resize(kMaxErrorBytes);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80U) != 0) {
      text.pop_back();
    }
    text += "...";
  }
  return text;
}

std::int64_t read_tag(std::string_view header) {
  if (header.starts_with("W/")) header.remove_prefix(2);
  if (header.size() < 2 || header.front() != '"' || header.back() != '"') return 0;
  header = header.substr(1, header.size() - 2);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), number);
  const bool whole = error == std::errc() && end == header.data() + header.size();
  return whole && number > 0 && number <= kMaxLastModified ? number : 0;
}

bool remove_server_fields(Object& fields) {
  const bool id = fields.erase(kIdField);
  const bool modified = fields.erase(kModifiedField);
  return id || modified;
}

}  // namespace tombolo::protocol::kinto
