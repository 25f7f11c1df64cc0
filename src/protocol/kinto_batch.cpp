#include "protocol/kinto_batch.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace tombolo::protocol::kinto {
namespace {

ApiError batch_error(std::string name, std::string description) {
  return invalid_parameter("body", std::move(name), std::move(description));
}

ApiError no_mapping(std::string name, const Value& value) {
  return batch_error(std::move(name), "\"" + value.to_json() +
                                          "\" is not a mapping type: Does not implement dict-like "
                                          "functionality.");
}

void merge_defaults(Object& into, const Object& defaults) {
  for (const Member& member : defaults) {
    Value* own = into.find(member.key);
    if (own == nullptr) {
      into.append_unchecked(member.key, member.value);
    } else if (own->is_object() && member.value.is_object()) {
      merge_defaults(*own->if_object(), *member.value.if_object());
    }
  }
}

Checked<void> read_headers(const std::string& name, const Value& value, BatchItem& item) {
  const Object* headers = value.if_object();
  if (headers == nullptr) return refuse(no_mapping(name, value));
  for (const Member& header : *headers) {
    if (!header.value.is_string()) {
      return refuse(batch_error(name, value.to_json() + " contains non string value"));
    }
    item.headers.emplace_back(header.key, header.value.as_string());
  }
  return {};
}

Checked<void> read_method(const std::string& name, const Value& value, BatchItem& item) {
  constexpr std::array<std::string_view, 7> kMethods = {"GET",  "HEAD", "DELETE", "TRACE",
                                                        "POST", "PUT",  "PATCH"};
  if (std::find(kMethods.begin(), kMethods.end(), value.as_string()) == kMethods.end()) {
    return refuse(batch_error(name, "\"" + std::string(value.as_string()) +
                                        "\" is not one of GET, HEAD, DELETE, TRACE, POST, PUT, "
                                        "PATCH"));
  }
  item.method = value.as_string();
  return {};
}

Checked<void> read_member(const std::string& prefix, const Member& member, BatchItem& item) {
  const std::string name = prefix + "." + member.key;
  if (member.key == "method") return read_method(name, member.value, item);
  if (member.key == "headers") return read_headers(name, member.value, item);
  if (member.key == "path") {
    if (!member.value.as_string().starts_with('/')) {
      return refuse(batch_error(name, "String does not match expected pattern"));
    }
    item.path = member.value.as_string();
    return {};
  }
  if (member.key == "body") {
    if (!member.value.is_object()) return refuse(no_mapping(name, member.value));
    item.body = member.value;
    return {};
  }
  return refuse(batch_error(prefix, "Unrecognized keys in mapping: \"" + member.key + "\""));
}

Checked<BatchItem> read_item(const std::string& name, const Value& value, const Object* defaults) {
  if (!value.is_object()) return refuse(no_mapping(name, value));
  Object members = *value.if_object();
  if (defaults != nullptr) merge_defaults(members, *defaults);
  BatchItem item;
  for (const Member& member : members) {
    const Checked<void> read = read_member(name, member, item);
    if (!read) return refuse(read);
  }
  if (item.path.empty()) return refuse(batch_error(name + ".path", "Required"));
  if (item.path.find("/batch") != std::string::npos) {
    return refuse(batch_error("requests", "Recursive call on /batch endpoint is forbidden."));
  }
  return item;
}

}  // namespace

Checked<std::vector<BatchItem>> read_batch(const Value& body, std::size_t max_requests) {
  const Object* members = body.if_object();
  if (members == nullptr) return refuse(no_mapping("", body));
  for (const Member& member : *members) {
    if (member.key != "defaults" && member.key != "requests") {
      return refuse(batch_error("", "Unrecognized keys in mapping: \"" + member.key + "\""));
    }
  }
  const Value* defaults = members->find("defaults");
  if (defaults != nullptr) {
    if (!defaults->is_object()) return refuse(no_mapping("defaults", *defaults));
    BatchItem unused;
    for (const Member& member : *defaults->if_object()) {
      const Checked<void> read = read_member("defaults", member, unused);
      if (!read) return refuse(read);
    }
  }
  const Value* requests = members->find("requests");
  if (requests == nullptr) return refuse(batch_error("requests", "Required"));
  const Array* list = requests->if_array();
  if (list == nullptr) {
    return refuse(batch_error("requests", "\"" + requests->to_json() + "\" is not iterable"));
  }
  if (list->size() > max_requests) {
    return refuse(batch_error("requests",
                              "Number of requests is limited to " + std::to_string(max_requests)));
  }
  std::vector<BatchItem> items;
  for (std::size_t index = 0; index < list->size(); ++index) {
    Checked<BatchItem> item = read_item("requests." + std::to_string(index), (*list)[index],
                                        defaults != nullptr ? defaults->if_object() : nullptr);
    if (!item) return refuse(item);
    items.push_back(std::move(*item));
  }
  return items;
}

void append_batch_answer(std::string& out, std::string_view path, int status,
                         const std::vector<std::pair<std::string, std::string>>& headers,
                         std::string_view body) {
  out.append("{\"path\":");
  append_json_string(out, path);
  out.append(",\"status\":").append(std::to_string(status));
  out.append(",\"headers\":{");
  bool first = true;
  for (const auto& [name, value] : headers) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, name);
    out.push_back(':');
    append_json_string(out, value);
  }
  out.append("},\"body\":").append(body.empty() ? std::string_view("\"\"") : body);
  out.push_back('}');
}

}  // namespace tombolo::protocol::kinto
