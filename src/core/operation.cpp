#include "core/operation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "core/names.h"

namespace tombolo::core {
namespace {

template <typename Kind, std::size_t Count>
using Names = std::array<std::pair<Kind, std::string_view>, Count>;

constexpr Names<OperationType, 3> kTypeNames{{{OperationType::insert, "insert"},
                                              {OperationType::update, "update"},
                                              {OperationType::remove, "delete"}}};
constexpr Names<AtomicKind, 5> kAtomicNames{{{AtomicKind::increment, "increment"},
                                             {AtomicKind::max, "max"},
                                             {AtomicKind::min, "min"},
                                             {AtomicKind::append, "append"},
                                             {AtomicKind::remove, "remove"}}};

template <typename Kind, std::size_t Count>
std::string_view name_in(const Names<Kind, Count>& names, Kind kind) {
  return names[static_cast<std::size_t>(kind)].second;
}

template <typename Kind, std::size_t Count>
std::optional<Kind> kind_in(const Names<Kind, Count>& names, std::string_view name) {
  for (const auto& [kind, known] : names) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

void append_atomic_fields(std::string& out, const std::vector<AtomicField>& fields) {
  std::vector<const AtomicField*> sorted;
  sorted.reserve(fields.size());
  for (const AtomicField& field : fields) sorted.push_back(&field);
  std::sort(sorted.begin(), sorted.end(), [](const AtomicField* left, const AtomicField* right) {
    return compare_utf16(left->field, right->field) < 0;
  });
  const char* separator = "\"atomicOps\":{";
  for (const AtomicField* field : sorted) {
    out.append(separator);
    append_json_string(out, field->field);
    out.append(":{\"type\":\"").append(name_of(field->operation.kind)).append("\",\"value\":");
    append_canonical_json(out, field->operation.value);
    out.push_back('}');
    separator = ",";
  }
  out.append("},");
}

std::unexpected<Error> broken_rule(std::string rule) {
  return fail(ErrorCode::invalid_argument, std::move(rule));
}

}  // namespace

std::string_view name_of(OperationType type) {
  return name_in(kTypeNames, type);
}
std::optional<OperationType> operation_type_named(std::string_view name) {
  return kind_in(kTypeNames, name);
}
std::string_view name_of(AtomicKind kind) {
  return name_in(kAtomicNames, kind);
}
std::optional<AtomicKind> atomic_kind_named(std::string_view name) {
  return kind_in(kAtomicNames, name);
}

// Written member by member, already in the canonical order of the keys, without building a tree.
Result<Sha256Digest> operation_digest(const Operation& operation, std::string& canonical) {
  const Result<std::string> stamp = format_timestamp(operation.timestamp);
  if (!stamp) return fail(stamp);
  canonical.clear();
  canonical.reserve(512);
  canonical.push_back('{');
  if (!operation.atomic.empty()) append_atomic_fields(canonical, operation.atomic);
  canonical.append("\"collection\":");
  append_json_string(canonical, operation.collection);
  canonical.append(",\"data\":");
  if (operation.data) {
    append_canonical_json(canonical, *operation.data);
  } else {
    canonical.append("null");
  }
  canonical.append(",\"nodeId\":");
  append_json_string(canonical, operation.node);
  canonical.append(",\"recordId\":");
  append_json_string(canonical, operation.record);
  canonical.append(",\"timestamp\":");
  append_json_string(canonical, *stamp);
  canonical.append(",\"type\":\"").append(name_of(operation.type)).append("\"}");
  return sha256(canonical);
}

Result<std::string> operation_id(const Operation& operation) {
  std::string canonical;
  const Result<Sha256Digest> digest = operation_digest(operation, canonical);
  if (!digest) return fail(digest);
  return to_hex(*digest);
}

Result<void> check_operation(const Operation& operation) {
  if (auto good = check_name("the author of an operation", operation.node); !good) return good;
  if (!operation.timestamp.node.empty() && operation.timestamp.node != operation.node) {
    auto good = check_name("the author of a timestamp", operation.timestamp.node);
    if (!good) return good;
  }
  if (auto good = check_name("a collection", operation.collection); !good) return good;
  if (auto good = check_name("a record", operation.record); !good) return good;
  const bool has_data = operation.data.has_value();
  if (operation.type == OperationType::insert && !has_data) {
    return broken_rule("an insert must carry the data of the whole record");
  }
  if (operation.type == OperationType::update && !has_data) {
    return broken_rule("an update must carry the changed fields as data");
  }
  if (operation.type == OperationType::update && !operation.previous_data) {
    return broken_rule("an update must carry previous data: the old values of its fields");
  }
  if (operation.type == OperationType::remove && has_data) {
    return broken_rule("a delete must not carry data");
  }
  if (operation.sequence_number < 0) return broken_rule("sequence numbers start at 0");
  if (operation.schema_version < 1) return broken_rule("schema versions start at 1");
  return {};
}

bool happens_before(const Operation& left, const Operation& right) {
  const std::strong_ordering order = left.timestamp <=> right.timestamp;
  return order != 0 ? order < 0 : left.id < right.id;
}

bool is_encrypted(const Object& data) {
  const auto is_text = [&](std::string_view key) {
    const Value* value = data.find(key);
    return value != nullptr && value->is_string();
  };
  const Value* mark = data.find("__kora_e2e_encrypted");
  const Value* version = data.find("v");
  return mark != nullptr && mark->as_bool() && version != nullptr && version->is_number() &&
         is_text("iv") && is_text("ct") && is_text("alg");
}

}  // namespace tombolo::core
