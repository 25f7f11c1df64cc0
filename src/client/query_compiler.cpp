#include "client/query_compiler.h"

namespace tombolo::client {
namespace {

using Comparison = Condition::Comparison;

constexpr std::size_t kMaxFieldBytes = 255;
constexpr std::size_t kMaxConditions = 100;
constexpr std::size_t kMaxListValues = 10'000;

// A field as an SQL string literal holding a JSON path: '$."address"."city"'.
Result<std::string> path_of(std::string_view field) {
  bool good = !field.empty() && field.size() <= kMaxFieldBytes;
  std::string path = "'$.\"";
  bool at_start = true;
  for (const char character : field) {
    const auto byte = static_cast<unsigned char>(character);
    good = good && byte >= 0x20 && byte != '"' && byte != '\\' && !(character == '.' && at_start);
    at_start = character == '.';
    if (character == '.') {
      path += "\".\"";
    } else {
      path += character;
      if (character == '\'') path += character;
    }
  }
  if (good && !at_start) return path + "\"'";
  return fail(ErrorCode::invalid_argument,
              "\"" + std::string(field.substr(0, 80)) +
                  "\" is no field that can be queried: use names without quotes, backslashes and "
                  "control characters, joined by dots");
}

Result<std::string> expression_of(std::string_view field) {
  if (field == "id") return "id_text(id)";
  const Result<std::string> path = path_of(field);
  if (!path) return fail(path);
  return "json_extract(data, " + *path + ")";
}

Parameter id_parameter(const Value& id) {
  if (const auto bytes = parse_canonical_uuid(id.as_string())) return *bytes;
  return std::string(id.as_string());
}

class Compiler {
 public:
  explicit Compiler(CompiledQuery& out) : out_(out) {}

  Result<void> filter(const QuerySpecification::Filter& filter) {
    if (filter.field == "id") return filter_id(filter.condition);
    const Result<std::string> path = path_of(filter.field);
    if (!path) return fail(path);
    extract_ = "json_extract(data, " + *path + ")";
    type_ = "json_type(data, " + *path + ")";
    field_ = filter.field;
    const Value& operand = filter.condition.operand();
    switch (filter.condition.comparison()) {
      case Comparison::equal:
        return conjoin(equality(operand));
      case Comparison::not_equal:
        return conjoin("NOT coalesce(" + equality(operand) + ", 0)");
      case Comparison::in:
        return list(operand);
      case Comparison::starts_with:
        return prefix(operand);
      case Comparison::less:
      case Comparison::at_most:
      case Comparison::greater:
      case Comparison::at_least:
        return range(filter.condition.comparison(), operand);
    }
    return {};
  }

 private:
  Result<void> conjoin(const std::string& condition) {
    out_.where += " AND " + condition;
    return {};
  }

  std::string parameter(Parameter value) {
    out_.parameters.push_back(std::move(value));
    return "?" + std::to_string(out_.parameters.size());
  }

  std::string number(const Value& value) {
    if (const std::int64_t* integer = value.if_integer()) return parameter(*integer);
    return parameter(value.as_number());
  }

  std::string equality(const Value& value) {
    switch (value.type()) {
      case Value::Type::null:
        return extract_ + " IS NULL";
      case Value::Type::boolean:
        return "(" + extract_ + " = " + (value.as_bool() ? "1" : "0") + " AND " + type_ + " = '" +
               (value.as_bool() ? "true" : "false") + "')";
      case Value::Type::integer:
      case Value::Type::number: {
        const std::string equal = extract_ + " = " + number(value);
        const bool like_boolean = value.as_number() == 0 || value.as_number() == 1;
        return like_boolean ? "(" + equal + " AND " + not_boolean() + ")" : equal;
      }
      case Value::Type::string: {
        const std::string_view text = value.as_string();
        const std::string equal = extract_ + " = " + parameter(std::string(text));
        const bool like_json = text.starts_with('[') || text.starts_with('{');
        return like_json ? "(" + equal + " AND " + type_ + " = 'text')" : equal;
      }
      case Value::Type::array:
      case Value::Type::object:
        return "(" + extract_ + " = " + parameter(value.to_json()) + " AND " + type_ + " = '" +
               (value.is_array() ? "array" : "object") + "')";
    }
    return "0";
  }

  std::string not_boolean() const { return type_ + " NOT IN ('true', 'false')"; }

  Result<void> list(const Value& operand) {
    const Array* values = operand.if_array();
    if (values == nullptr || values->size() > kMaxListValues) {
      return fail(ErrorCode::invalid_argument,
                  "\"in\" takes a list of at most " + std::to_string(kMaxListValues) + " values");
    }
    std::string plain;      // texts and numbers that nothing else is taken for: one indexed IN
    std::string condition;  // the others, one by one
    for (const Value& value : *values) {
      const bool simple =
          value.is_string()
              ? !value.as_string().starts_with('[') && !value.as_string().starts_with('{')
              : value.is_number() && value.as_number() != 0 && value.as_number() != 1;
      if (simple) {
        plain += (plain.empty() ? "" : ", ") +
                 (value.is_string() ? parameter(std::string(value.as_string())) : number(value));
      } else {
        condition += (condition.empty() ? "" : " OR ") + equality(value);
      }
    }
    if (!plain.empty() || condition.empty()) {
      const std::string in = extract_ + " IN (" + plain + ")";
      condition = condition.empty() ? in : in + " OR " + condition;
    }
    return conjoin("(" + condition + ")");
  }

  Result<void> range(Comparison comparison, const Value& operand) {
    const bool upper = comparison == Comparison::less || comparison == Comparison::at_most;
    const char* sign = comparison == Comparison::less      ? " < "
                       : comparison == Comparison::at_most ? " <= "
                       : comparison == Comparison::greater ? " > "
                                                           : " >= ";
    if (operand.is_number()) {
      std::string condition = extract_ + sign + number(operand);
      if (!upper) condition += " AND " + extract_ + " < ''";  // numbers end where texts begin
      return conjoin(condition + " AND " + not_boolean());
    }
    if (operand.is_string()) {
      std::string condition = extract_ + sign + parameter(std::string(operand.as_string()));
      if (upper) condition += " AND " + extract_ + " >= ''";
      return conjoin(condition + " AND " + type_ + " = 'text'");
    }
    return fail(ErrorCode::invalid_argument,
                "field \"" + field_ +
                    "\" is compared with a value that has no order: use a "
                    "number or a text");
  }

  Result<void> prefix(const Value& operand) {
    if (!operand.is_string()) {
      return fail(ErrorCode::invalid_argument, "\"starts_with\" takes a text");
    }
    const std::string text(operand.as_string());
    // No byte of UTF-8 is 0xFF, so this bound lies behind every text with the prefix.
    const std::string condition =
        extract_ + " >= " + parameter(text) + " AND " + extract_ + " < " + parameter(text + "\xFF");
    return conjoin(condition + " AND " + type_ + " = 'text'");
  }

  Result<void> filter_id(const Condition& condition) {
    const Value& operand = condition.operand();
    if (condition.comparison() == Comparison::equal) {
      return conjoin("id = " + parameter(id_parameter(operand)));
    }
    if (condition.comparison() == Comparison::not_equal) {
      return conjoin("id != " + parameter(id_parameter(operand)));
    }
    if (condition.comparison() == Comparison::in && operand.size() <= kMaxListValues) {
      std::string list;
      for (std::size_t i = 0; i < operand.size(); ++i) {
        list += (i == 0 ? "" : ", ") + parameter(id_parameter(operand.at(i)));
      }
      return conjoin("id IN (" + list + ")");
    }
    if (!operand.is_string()) {
      return fail(ErrorCode::invalid_argument, "ids are compared with texts");
    }
    extract_ = "id_text(id)";
    type_ = "'text'";
    field_ = "id";
    return condition.comparison() == Comparison::starts_with
               ? prefix(operand)
               : range(condition.comparison(), operand);
  }

  CompiledQuery& out_;
  std::string extract_;
  std::string type_;
  std::string field_;
};

Result<void> compile_order(const QuerySpecification& query, CompiledQuery& out) {
  out.order = " ORDER BY ";
  bool descending = false;
  for (const auto& sort : query.sorts) {
    const Result<std::string> expression = expression_of(sort.field);
    if (!expression) return fail(expression);
    descending = sort.order == Order::descending;
    out.order += *expression + (descending ? " DESC, " : ", ");
    out.sorts.push_back(*expression);
  }
  out.order += descending ? "record_key DESC" : "record_key";
  if (query.limit || query.offset > 0) {
    out.limit = " LIMIT " + std::to_string(query.limit.value_or(-1));
    if (query.offset > 0) out.limit += " OFFSET " + std::to_string(query.offset);
  }
  return {};
}

}  // namespace

Result<CompiledQuery> compile(std::int64_t collection_key, const QuerySpecification& query) {
  if (query.limit.value_or(0) < 0 || query.offset < 0) {
    return fail(ErrorCode::invalid_argument, "limit and offset of a query must not be negative");
  }
  if (query.filters.size() > kMaxConditions || query.sorts.size() > kMaxConditions) {
    return fail(ErrorCode::limit_exceeded,
                "a query takes at most " + std::to_string(kMaxConditions) + " conditions");
  }
  CompiledQuery out;
  out.where = "collection_key = " + std::to_string(collection_key) + " AND deleted = 0";
  Compiler compiler(out);
  for (const auto& filter : query.filters) {
    if (auto done = compiler.filter(filter); !done) return fail(done);
  }
  if (auto done = compile_order(query, out); !done) return fail(done);
  return out;
}

void bind_parameters(store::Statement& statement, const std::vector<Parameter>& parameters) {
  int index = 0;
  for (const Parameter& parameter : parameters) {
    ++index;
    if (const auto* id = std::get_if<UuidBytes>(&parameter)) {
      statement.bind(index, *id);
    } else if (const auto* text = std::get_if<std::string>(&parameter)) {
      statement.bind(index, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&parameter)) {
      statement.bind(index, *integer);
    } else {
      statement.bind(index, std::get<double>(parameter));
    }
  }
}

Result<std::string> index_sql(std::int64_t index_key, std::int64_t collection_key,
                              const std::vector<std::string>& fields) {
  std::string columns;
  for (const std::string& field : fields) {
    const Result<std::string> expression = expression_of(field);
    if (!expression) return fail(expression);
    columns += (columns.empty() ? "" : ", ") + *expression;
  }
  if (columns.empty()) return fail(ErrorCode::invalid_argument, "an index needs a field");
  return "CREATE INDEX field_index_" + std::to_string(index_key) + " ON records(" + columns +
         ") WHERE collection_key = " + std::to_string(collection_key) + " AND deleted = 0";
}

}  // namespace tombolo::client
