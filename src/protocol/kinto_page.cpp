#include "protocol/kinto_page.h"

#include "base/json.h"
#include "base/percent_encoding.h"
#include "base/text.h"

namespace tombolo::protocol::kinto {
namespace {

std::unexpected<ApiError> invalid_token() {
  return refuse(invalid_parameter("querystring", std::nullopt, "_token has invalid content"));
}

void append_parameter(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out.push_back('&');
  out.append(percent_encode(name)).append("=").append(percent_encode(value));
}

}  // namespace

Position position_of(const ObjectView& view, const std::vector<SortField>& sort, std::int64_t key) {
  Position position;
  for (const SortField& field : sort) {
    const Value* value = find_field(view, field.field);
    position.values.push_back(value != nullptr ? std::optional<Value>(*value) : std::nullopt);
  }
  position.key = key;
  return position;
}

std::string encode_page_token(const PageToken& token, const std::vector<SortField>& sort) {
  Object last;
  for (std::size_t index = 0; index < sort.size(); ++index) {
    if (token.last.values[index]) last.set(sort[index].field, *token.last.values[index]);
  }
  const Value content = Object{{"last_object", std::move(last)},
                               {"key", token.last.key},
                               {"offset", token.offset},
                               {"nonce", token.nonce}};
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
  const Value& key = (*content)["key"];
  if (last == nullptr || !offset.is_integer() || !nonce.is_string() || !key.is_integer()) {
    return invalid_token();
  }
  PageToken token;
  token.offset = offset.as_integer();
  token.nonce = nonce.as_string();
  token.last.key = key.as_integer();
  for (const SortField& field : sort) {
    const Value* value = last->find(field.field);
    // Every object has these two, and what reads the token relies on their types.
    if (field.field == kModifiedField && (value == nullptr || !value->is_integer())) {
      return invalid_token();
    }
    token.last.values.push_back(value != nullptr ? std::optional<Value>(*value) : std::nullopt);
  }
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
