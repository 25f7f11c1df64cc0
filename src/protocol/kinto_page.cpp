#include "protocol/kinto_page.h"

#include "base/json.h"
#include "base/percent_encoding.h"
#include "base/text.h"

namespace tombolo::protocol::kinto {
namespace {

std::unexpected<ApiError> invalid_token() {
  return refuse(invalid_parameter("querystring", std::nullopt, "_token has invalid content"));
}

const Value* pointer_to(const std::optional<Value>& value) {
  return value ? &*value : nullptr;
}

void append_parameter(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out.push_back('&');
  out.append(percent_encode(name)).append("=").append(percent_encode(value));
}

}  // namespace

Position position_of(const ObjectView& view, const std::vector<SortField>& sort) {
  Position position;
  for (const SortField& field : sort) {
    const Value* value = find_field(view, field.field);
    position.values.push_back(value != nullptr ? std::optional<Value>(*value) : std::nullopt);
  }
  position.id = view.id.as_string();
  return position;
}

std::weak_ordering compare_positions(const Position& left, const Position& right,
                                     const std::vector<SortField>& sort) {
  for (std::size_t index = 0; index < sort.size(); ++index) {
    const Value* left_value = pointer_to(left.values[index]);
    const Value* right_value = pointer_to(right.values[index]);
    const auto order = sort[index].descending ? compare_values(right_value, left_value)
                                              : compare_values(left_value, right_value);
    if (order != 0) return order;
  }
  return left.id <=> right.id;
}

std::string encode_page_token(const PageToken& token, const std::vector<SortField>& sort) {
  Object last;
  for (std::size_t index = 0; index < sort.size(); ++index) {
    if (token.last.values[index]) last.set(sort[index].field, *token.last.values[index]);
  }
  last.set(kIdField, token.last.id);
  const Value content =
      Object{{"last_object", std::move(last)}, {"offset", token.offset}, {"nonce", token.nonce}};
  return to_base64(content.to_json());
}

Checked<PageToken> decode_page_token(std::string_view text, const std::vector<SortField>& sort) {
  const std::optional<std::string> json = from_base64(text);
  if (!json) return invalid_token();
  const Result<Value> content = parse_json(*json);
  if (!content) return invalid_token();
  const Object* last = (*content)["last_object"].if_object();
  const Value& offset = (*content)["offset"];
  const Value& nonce = (*content)["nonce"];
  if (last == nullptr || !offset.is_integer() || !nonce.is_string()) return invalid_token();
  PageToken token;
  token.offset = offset.as_integer();
  token.nonce = nonce.as_string();
  for (const SortField& field : sort) {
    const Value* value = last->find(field.field);
    // Every object has these two, and what reads the token relies on their types.
    if (field.field == kModifiedField && (value == nullptr || !value->is_integer())) {
      return invalid_token();
    }
    token.last.values.push_back(value != nullptr ? std::optional<Value>(*value) : std::nullopt);
  }
  const Value* id = last->find(kIdField);
  if (id == nullptr || !id->is_string()) return invalid_token();
  token.last.id = id->as_string();
  return token;
}

ApiError page_token_used() {
  return invalid_parameter("querystring", std::nullopt, "_token was already used or has expired.");
}

std::string next_page_query(const std::vector<Parameter>& parameters, std::int64_t limit,
                            std::string_view token) {
  std::string query;
  for (const Parameter& parameter : parameters) {
    if (parameter.name == "_limit" || parameter.name == "_token") continue;
    append_parameter(query, parameter.name, parameter.value);
  }
  append_parameter(query, "_limit", std::to_string(limit));
  append_parameter(query, "_token", token);
  return query;
}

}  // namespace tombolo::protocol::kinto
