#include "cli/field_words.h"

#include <array>

#include "os/files.h"

namespace tombolo::cli {

namespace {

Result<Object> parse_object(std::string_view text, const std::string& whence) {
  auto value = Value::parse(text);
  if (!value) {
    return fail(ErrorCode::invalid_argument, whence + " is no JSON: " + value.error().message);
  }
  Object* object = value->if_object();
  if (object == nullptr) {
    return fail(ErrorCode::invalid_argument,
                whence + " must be a JSON object such as '{\"name\":\"Ladin\"}'");
  }
  return std::move(*object);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Operator {
  std::string_view text;
  Condition::Comparison comparison;
};

// Longer ones first where one begins another.
constexpr std::array<Operator, 7> kOperators = {{
    {"!=", Condition::Comparison::not_equal},
    {"<=", Condition::Comparison::at_most},
    {">=", Condition::Comparison::at_least},
    {"^=", Condition::Comparison::starts_with},
    {"<", Condition::Comparison::less},
    {">", Condition::Comparison::greater},
    {"=", Condition::Comparison::equal},
}};

Array list_of(std::string_view text) {
  if (auto json = Value::parse(text); json && json->is_array()) return *json->if_array();
  Array values;
  while (true) {
    const auto comma = text.find(',');
    values.push_back(typed_value(trimmed(text.substr(0, comma))));
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Value typed_value(std::string_view text) {
  auto value = Value::parse(text);
  return value ? *std::move(value) : Value(text);
}

Result<Object> read_fields(std::span<const std::string> words) {
  Object fields;
  for (const std::string& word : words) {
    const auto first = word.find_first_not_of(" \t\n");
    if (word == "-" || (first != std::string::npos && word[first] == '{')) {
      std::string text = word;
      if (word == "-") {
        auto input = os::read_standard_input();
        if (!input) return fail(input);
        text = *std::move(input);
      }
      auto object = parse_object(text, word == "-" ? "standard input" : "\"" + word + "\"");
      if (!object) return fail(object);
      for (Member& member : *object) fields.set(member.key, std::move(member.value));
      continue;
    }
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::invalid_argument,
                  "\"" + word + "\" is neither name=value nor a JSON object");
    }
    fields.set(word.substr(0, equals), typed_value(std::string_view(word).substr(equals + 1)));
  }
  return fields;
}

Result<QuerySpecification::Filter> read_condition(std::string_view text) {
  const auto at = text.find_first_of("=<>!^");
  const auto in_word = text.find(" in ");
  if (in_word != std::string_view::npos && in_word < at) {
    const std::string_view field = trimmed(text.substr(0, in_word));
    if (!field.empty()) {
      return QuerySpecification::Filter{std::string(field), in(list_of(text.substr(in_word + 4)))};
    }
  }
  if (at != std::string_view::npos) {
    const std::string_view field = trimmed(text.substr(0, at));
    for (const Operator& candidate : kOperators) {
      if (!text.substr(at).starts_with(candidate.text) || field.empty()) continue;
      const std::string_view operand = trimmed(text.substr(at + candidate.text.size()));
      Value value = candidate.comparison == Condition::Comparison::starts_with
                        ? Value(operand)
                        : typed_value(operand);
      return QuerySpecification::Filter{std::string(field),
                                        Condition(candidate.comparison, std::move(value))};
    }
  }
  return fail(ErrorCode::invalid_argument,
              "\"" + std::string(text) +
                  "\" is no condition; write for example scope=I, 'speakers>1000', 'name^=La' or "
                  "'type in L,H' (comparisons: = != < <= > >= ^= in)");
}

QuerySpecification::Sort read_order(std::string_view text) {
  if (text.starts_with('-')) return {std::string(text.substr(1)), Order::descending};
  if (text.starts_with('+')) text.remove_prefix(1);
  return {std::string(text), Order::ascending};
}

}  // namespace tombolo::cli
