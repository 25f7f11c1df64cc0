#include "protocol/kinto_query.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/percent_encoding.h"
#include "base/text.h"
#include "protocol/kinto_object.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::size_t kMaxFilters = 100;
constexpr std::size_t kMaxSortFields = 20;
constexpr std::size_t kMaxFilterValues = 10'000;  // SQLite takes 32,766 parameters

constexpr std::int64_t kOneDayMs = 24 * 60 * 60 * 1000;
constexpr int kValueDepthLimit = 32;  // levels of nesting in a value of the query string

struct OperatorName {
  std::string_view prefix;
  FilterOperator comparison;
};
constexpr std::array<OperatorName, 12> kOperators = {{
    {"lt_", FilterOperator::less},
    {"min_", FilterOperator::at_least},
    {"max_", FilterOperator::at_most},
    {"not_", FilterOperator::not_equal},
    {"eq_", FilterOperator::equal},
    {"gt_", FilterOperator::greater},
    {"in_", FilterOperator::in},
    {"exclude_", FilterOperator::exclude},
    {"like_", FilterOperator::like},
    {"has_", FilterOperator::has},
    {"contains_any_", FilterOperator::contains_any},
    {"contains_", FilterOperator::contains},
}};

bool is_word(std::string_view text) {
  // As \w of Unicode: what is beyond ASCII counts as letters.
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '_' || character == '.' ||
           static_cast<unsigned char>(character) >= 0x80;
  });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string_view trim_quotes(std::string_view text) {
  while (!text.empty() && text.front() == '"') text.remove_prefix(1);
  while (!text.empty() && text.back() == '"') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_commas(std::string_view text) {
  std::vector<std::string_view> items;
  for (;;) {
    const std::size_t comma = text.find(',');
    items.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

bool has_nul(const Value& value) {
  if (const std::string* text = value.if_string()) return text->find('\0') != std::string::npos;
  if (const Array* elements = value.if_array()) {
    return std::any_of(elements->begin(), elements->end(), has_nul);
  }
  if (const Object* members = value.if_object()) {
    return std::any_of(members->begin(), members->end(), [](const Member& member) {
      return member.key.find('\0') != std::string::npos || has_nul(member.value);
    });
  }
  return false;
}

const std::string* find_parameter(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const Parameter& parameter : parameters) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

// Reads the parameters of one list request, one after the other.
class ListQueryReader {
 public:
  explicit ListQueryReader(std::int64_t now_ms) : now_ms_(now_ms) {}

  Checked<ListQuery> read(const std::vector<Parameter>& parameters) {
    for (const Parameter& parameter : parameters) {
      const std::string_view name = trim(parameter.name);
      const bool accepted = name.starts_with('_') ? read_reserved(name, parameter.value)
                                                  : read_filter(name, parameter.value);
      if (!accepted) return refuse(std::move(error_));
    }
    const std::string* sort = find_parameter(parameters, "_sort");
    read_sort(sort != nullptr ? *sort : std::string_view());
    query_.fields = parse_fields(parameters);
    if (!is_bounded()) return refuse(std::move(error_));
    return std::move(query_);
  }

 private:
  // Each condition becomes a part of one SQL expression, whose size SQLite bounds.
  bool is_bounded() {
    if (query_.filters.size() > kMaxFilters) {
      return complain(std::nullopt, "At most " + std::to_string(kMaxFilters) + " filters");
    }
    if (query_.sort.size() > kMaxSortFields) {
      return complain("_sort", "_sort takes at most " + std::to_string(kMaxSortFields) + " fields");
    }
    std::size_t values = 0;
    for (const Filter& filter : query_.filters) {
      values += filter.value.is_array() ? filter.value.size() : 1;
    }
    if (values > kMaxFilterValues) {
      return complain(std::nullopt, "At most " + std::to_string(kMaxFilterValues) +
                                        " values in all filters together");
    }
    return true;
  }

  bool complain(std::optional<std::string> name, std::string description) {
    error_ = invalid_parameter("querystring", std::move(name), std::move(description));
    return false;
  }

  bool complain_value(std::string_view name) {
    return complain(std::string(name), "Invalid value for " + std::string(name));
  }

  bool read_reserved(std::string_view name, const std::string& text) {
    if (name == "_since" || name == "_before" || name == "_to") {
      query_.uses_deprecated_to = query_.uses_deprecated_to || name == "_to";
      return read_timestamp(name, name == "_since" ? FilterOperator::greater : FilterOperator::less,
                            trim_quotes(text));
    }
    if (name == "_limit") return read_limit(text);
    if (name == "_token") query_.token = text;
    return true;
  }

  bool read_limit(const std::string& text) {
    if (text.empty()) return true;
    const Value value = typed_value(text);
    if (!value.is_integer() || value.as_integer() < 0) {
      return complain(std::nullopt, "_limit should be an integer");
    }
    query_.limit = value.as_integer();
    return true;
  }

  bool read_timestamp(std::string_view name, FilterOperator comparison, std::string_view text) {
    const Value value = typed_value(text);
    if (!is_timestamp(value)) return complain_value(name);
    query_.includes_tombstones = true;
    narrow(comparison, value.as_integer());
    return true;
  }

  bool is_timestamp(const Value& value) const {
    return value.is_integer() && value.as_integer() >= 0 &&
           value.as_integer() < now_ms_ + kOneDayMs;
  }

  void narrow(FilterOperator comparison, std::int64_t timestamp) {
    if (comparison == FilterOperator::greater) query_.after = std::max(query_.after, timestamp);
    if (comparison == FilterOperator::at_least)
      query_.after = std::max(query_.after, timestamp - 1);
    if (comparison == FilterOperator::less) query_.before = std::min(query_.before, timestamp);
    if (comparison == FilterOperator::at_most)
      query_.before = std::min(query_.before, timestamp + 1);
    if (comparison == FilterOperator::equal) {
      narrow(FilterOperator::at_least, timestamp);
      narrow(FilterOperator::at_most, timestamp);
    }
  }

  bool read_filter(std::string_view name, const std::string& text) {
    FilterOperator comparison = FilterOperator::equal;
    std::string_view field = name;
    for (const OperatorName& known : kOperators) {
      if (!name.starts_with(known.prefix)) continue;
      const std::string_view rest = name.substr(known.prefix.size());
      if (!is_word(rest)) continue;
      comparison = known.comparison;
      field = rest;
      break;
    }
    if (field.find('\0') != std::string_view::npos) return complain_value(name);
    if (field == kModifiedField) return read_modified_filter(name, comparison, text);
    if (comparison == FilterOperator::in || comparison == FilterOperator::exclude) {
      return read_list(name, comparison, field, text);
    }
    return add_filter(name, comparison, field, typed_value(text), text);
  }

  bool read_modified_filter(std::string_view name, FilterOperator comparison,
                            const std::string& text) {
    switch (comparison) {
      case FilterOperator::contains:
      case FilterOperator::contains_any:
        return complain(std::string(name), "Field 'last_modified' is not an array");
      case FilterOperator::like:
      case FilterOperator::has:
        query_.includes_tombstones = true;
        return add_filter(name, comparison, kModifiedField, typed_value(text), text);
      case FilterOperator::in:
      case FilterOperator::exclude:
        query_.includes_tombstones = true;
        return read_list(name, comparison, kModifiedField, text);
      case FilterOperator::not_equal: {
        const Value value = typed_value(trim_quotes(text));
        if (!is_timestamp(value)) return complain_value(name);
        query_.includes_tombstones = true;
        push_filter(comparison, kModifiedField, value);
        return true;
      }
      default:
        return read_timestamp(name, comparison, trim_quotes(text));
    }
  }

  bool read_list(std::string_view name, FilterOperator comparison, std::string_view field,
                 const std::string& text) {
    Array items;
    for (const std::string_view item : split_commas(text)) {
      Value value = typed_value(item);
      if (has_nul(value)) return complain_value(name);
      if (field == kIdField && !value.is_string()) return complain_value(name);
      if (field == kModifiedField && !value.is_integer()) return complain_value(name);
      items.push_back(std::move(value));
    }
    push_filter(comparison, field, std::move(items));
    return true;
  }

  bool add_filter(std::string_view name, FilterOperator comparison, std::string_view field,
                  Value value, const std::string& text) {
    const bool wants_array =
        comparison == FilterOperator::contains || comparison == FilterOperator::contains_any;
    if (has_nul(value)) return complain_value(name);
    if (wants_array && field == kIdField) {
      return complain(std::string(name), "Field 'id' is not an array");
    }
    if (comparison == FilterOperator::like && !value.is_string()) return complain_value(name);
    if (comparison == FilterOperator::has && !value.is_bool()) return complain_value(name);
    if (field == kIdField && !value.is_string() && comparison != FilterOperator::has) value = text;
    if (wants_array && !value.is_array()) value = Array{std::move(value)};
    push_filter(comparison, field, std::move(value));
    return true;
  }

  void push_filter(FilterOperator comparison, std::string_view field, Value value) {
    Filter filter;
    filter.comparison = comparison;
    filter.field = field;
    filter.literal = !is_word(field);
    filter.value = std::move(value);
    query_.filters.push_back(std::move(filter));
  }

  // What is no field name is left out, and newest first decides among equals.
  void read_sort(std::string_view text) {
    bool has_modified = false;
    for (std::string_view item : split_commas(text)) {
      has_modified = has_modified || item == kModifiedField;
      item = trim(item);
      const bool descending = item.starts_with('-');
      if (descending || item.starts_with('+')) item.remove_prefix(1);
      if (is_word(item)) query_.sort.push_back({std::string(item), descending});
    }
    if (!has_modified) query_.sort.push_back({std::string(kModifiedField), true});
  }

  std::int64_t now_ms_;
  ListQuery query_;
  ApiError error_;
};

}  // namespace

Checked<std::vector<Parameter>> parse_query_string(std::string_view query) {
  std::vector<Parameter> parameters;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    Parameter parameter;
    parameter.name = percent_decode(pair.substr(0, equals), true);
    if (equals != std::string_view::npos) {
      parameter.value = percent_decode(pair.substr(equals + 1), true);
    }
    if (!is_utf8(parameter.name) || !is_utf8(parameter.value)) {
      return refuse(bad_request(
          "A request with an incorrect encoding in the querystring was received. Please make sure "
          "your requests are encoded in UTF-8"));
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Value typed_value(std::string_view text) {
  JsonOptions options;
  options.depth_limit = kValueDepthLimit;
  Result<Value> value = parse_json(text, options);
  return value ? std::move(*value) : Value(text);
}

bool ListQuery::is_newest_first() const {
  return std::all_of(sort.begin(), sort.end(), [](const SortField& field) {
    return field.field == kModifiedField && field.descending;
  });
}

bool ListQuery::needs_data() const {
  const bool sorts_by_data = std::any_of(sort.begin(), sort.end(), [](const SortField& field) {
    return field.field != kModifiedField && field.field != kIdField;
  });
  return sorts_by_data || !fields.empty() ||
         !std::all_of(filters.begin(), filters.end(), concerns_only_metadata);
}

Checked<ListQuery> parse_list_query(const std::vector<Parameter>& parameters, std::int64_t now_ms) {
  return ListQueryReader(now_ms).read(parameters);
}

std::vector<std::string> parse_fields(const std::vector<Parameter>& parameters) {
  std::vector<std::string> fields;
  const std::string* text = find_parameter(parameters, "_fields");
  if (text == nullptr || text->empty()) return fields;
  for (const std::string_view field : split_commas(*text)) fields.emplace_back(field);
  return fields;
}

Checked<std::optional<std::int64_t>> parse_forced_timestamp(
    const std::vector<Parameter>& parameters) {
  const std::string* text = find_parameter(parameters, kModifiedField);
  if (text == nullptr || text->empty()) return std::nullopt;
  const Value value = typed_value(trim_quotes(*text));
  if (!value.is_integer()) {
    return refuse(invalid_parameter("querystring", std::string(kModifiedField),
                                    "Invalid value for " + std::string(kModifiedField)));
  }
  return value.as_integer();
}

}  // namespace tombolo::protocol::kinto
