#include "server/storage/sqlite_query.h"

#include <string_view>
#include <utility>

#include "server/storage/sqlite_values.h"
#include "store/id.h"

namespace tombolo::server {

namespace {

class Compiler {
 public:
  Compiler(const ListQuery& query, std::int64_t list_key) : query_(query) {
    parameter(list_key);
    where_ = "list_key = ?1 AND state < 2";
  }

  CompiledQuery list();
  CompiledQuery count();

 private:
  std::string parameter(SqlParameter value) {
    parameters_.push_back(std::move(value));
    return '?' + std::to_string(parameters_.size());
  }
  std::string order_parameter(const Value* value) {
    return parameter(BlobParameter{order_key(value)});
  }
  std::string id_parameter(std::string_view id) {
    const store::StoredId stored(id);
    if (!stored.is_uuid()) return parameter(std::string(id));
    return parameter(BlobParameter{std::string(stored.bytes().begin(), stored.bytes().end())});
  }
  void require(const std::string& condition) { where_ += " AND " + condition; }

  void add_conditions();
  void add_filter(const Filter& filter);
  bool add_time_filter(const Filter& filter);
  bool add_id_filter(const Filter& filter);
  void add_position(const std::vector<SortKey>& sort, const ListPosition& position);
  std::string json_of(std::string_view field, bool literal);
  std::string ordered(const SortKey& key);
  std::string position_value(const SortKey& key, const std::optional<Value>& value);

  const ListQuery& query_;
  std::string where_;
  bool few_ids_ = false;  // the query names the ids that it wants
  std::vector<SqlParameter> parameters_;
};

// "a.b" as '$."a"."b"'; nothing when a name has characters that a path cannot hold.
std::optional<std::string> json_path(std::string_view field) {
  std::string path = "$";
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(field.find('.', begin), field.size());
    if (end == begin) return std::nullopt;
    path += ".\"";
    for (const char c : field.substr(begin, end - begin)) {
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      path += c;
    }
    path += '"';
    if (end == field.size()) return path;
    begin = end + 1;
  }
}

std::string_view comparison_of(FilterOperator op) {
  switch (op) {
    case FilterOperator::equal:
      return " = ";
    case FilterOperator::not_equal:
      return " <> ";
    case FilterOperator::less:
      return " < ";
    case FilterOperator::at_most:
      return " <= ";
    case FilterOperator::at_least:
      return " >= ";
    case FilterOperator::greater:
      return " > ";
    default:
      return {};
  }
}

std::string like_pattern(std::string_view value) {
  if (value.find('*') == value.npos) return '%' + std::string(value) + '%';
  std::string pattern(value);
  for (char& c : pattern) {
    if (c == '*') c = '%';
  }
  return pattern;
}

// The JSON text of a field, null when it is missing.
std::string Compiler::json_of(std::string_view field, bool literal) {
  if (!literal && field == "id") return "json_quote(id_text(id))";
  if (!literal && field == "last_modified") return "CAST(last_modified AS TEXT)";
  if (!literal && field == "deleted") return "CASE state WHEN 1 THEN 'true' END";
  const bool one_key = literal || field.find('.') == field.npos;
  std::optional<std::string> path =
      literal && field.find('.') != field.npos ? std::nullopt : json_path(field);
  if (path) return "(data -> " + parameter(std::move(*path)) + ")";
  if (one_key) return "json_member(data, " + parameter(std::string(field)) + ")";
  return "NULL";
}

// last_modified against an integer: answered by the index. False when it is another case.
bool Compiler::add_time_filter(const Filter& filter) {
  if (filter.field != "last_modified" || filter.literal) return false;
  const std::string_view comparison = comparison_of(filter.op);
  if (comparison.empty() || !filter.value.is_integer()) return false;
  require("last_modified" + std::string(comparison) + parameter(filter.value.as_integer()));
  return true;
}

bool Compiler::add_id_filter(const Filter& filter) {
  if (filter.field != "id" || filter.literal) return false;
  if (filter.op == FilterOperator::equal || filter.op == FilterOperator::not_equal) {
    const std::string_view comparison = comparison_of(filter.op);
    if (!filter.value.is_string()) return false;
    require("id" + std::string(comparison) + id_parameter(filter.value.as_string()));
    return true;
  }
  if (filter.op != FilterOperator::in && filter.op != FilterOperator::exclude) return false;
  const Array* alternatives = filter.value.if_array();
  if (alternatives == nullptr) return false;
  std::string ids;
  for (const Value& id : *alternatives) {
    if (!id.is_string()) continue;  // an id is never anything else
    if (!ids.empty()) ids += ", ";
    ids += id_parameter(id.as_string());
  }
  if (filter.op == FilterOperator::in) few_ids_ = true;
  require((filter.op == FilterOperator::in ? "id IN (" : "id NOT IN (") + ids + ")");
  return true;
}

void Compiler::add_filter(const Filter& filter) {
  if (add_time_filter(filter) || add_id_filter(filter)) return;
  const std::string json = json_of(filter.field, filter.literal);
  if (const std::string_view comparison = comparison_of(filter.op); !comparison.empty()) {
    return require("json_order(" + json + ")" + std::string(comparison) +
                   order_parameter(&filter.value));
  }
  switch (filter.op) {
    case FilterOperator::in:
    case FilterOperator::exclude: {
      std::string keys;
      if (const Array* alternatives = filter.value.if_array(); alternatives != nullptr) {
        for (const Value& alternative : *alternatives) {
          if (!keys.empty()) keys += ", ";
          keys += order_parameter(&alternative);
        }
      }
      const char* test = filter.op == FilterOperator::in ? ") IN (" : ") NOT IN (";
      return require("json_order(" + json + test + keys + ")");
    }
    case FilterOperator::like:
      return require("json_like(" + json + ", " +
                     parameter(like_pattern(filter.value.as_string())) + ")");
    case FilterOperator::has:
      return require(json + (filter.value.as_bool() ? " IS NOT NULL" : " IS NULL"));
    case FilterOperator::contains:
      return require("json_contains(" + json + ", " + parameter(filter.value.to_json()) + ")");
    case FilterOperator::contains_any:
      return require("json_contains_any(" + json + ", " + parameter(filter.value.to_json()) + ")");
    default:
      return;
  }
}

void Compiler::add_conditions() {
  if (!query_.include_tombstones) require("state = 0");
  if (query_.since) require("last_modified > " + parameter(*query_.since));
  if (query_.before) require("last_modified < " + parameter(*query_.before));
  if (query_.visible) {
    std::string keys;
    for (const PermissionsKey key : *query_.visible) {
      if (!keys.empty()) keys += ", ";
      keys += std::to_string(key);
    }
    require("permissions_key IN (" + keys + ")");
  }
  for (const Filter& filter : query_.filters) add_filter(filter);
}

std::string Compiler::ordered(const SortKey& key) {
  // A few ids are looked up one by one: '+' keeps the planner from walking the list in order.
  if (key.field == "last_modified") return few_ids_ ? "+last_modified" : "last_modified";
  if (key.field == "id") return "id_text(id)";
  return "json_order(" + json_of(key.field, false) + ")";
}

std::string Compiler::position_value(const SortKey& key, const std::optional<Value>& value) {
  if (key.field == "last_modified") return parameter(value ? value->as_integer() : std::int64_t{0});
  if (key.field == "id") return parameter(std::string(value ? value->as_string() : ""));
  return order_parameter(value ? &*value : nullptr);
}

// Strictly behind the position: equal in the first n keys and beyond it in the next, for some n.
void Compiler::add_position(const std::vector<SortKey>& sort, const ListPosition& position) {
  std::string alternatives;
  std::string equal;
  const auto add = [&](const std::string& expression, bool descending, const std::string& value) {
    if (!alternatives.empty()) alternatives += " OR ";
    alternatives += '(' + equal + expression + (descending ? " < " : " > ") + value + ')';
    equal += expression + " = " + value + " AND ";
  };
  for (std::size_t i = 0; i < sort.size(); ++i) {
    static const std::optional<Value> kMissing;
    const std::optional<Value>& value = i < position.values.size() ? position.values[i] : kMissing;
    const std::string placed = position_value(sort[i], value);
    if (i == 0 && sort[0].field == "last_modified") {  // lets the index start there
      require("last_modified" + std::string(sort[0].descending ? " <= " : " >= ") + placed);
    }
    add(ordered(sort[i]), sort[i].descending, placed);
  }
  if (position.object_key) {
    add("object_key", sort.back().descending, parameter(*position.object_key));
  }
  require('(' + alternatives + ')');
}

CompiledQuery Compiler::list() {
  static const std::vector<SortKey> kNewestFirst = {{"last_modified", true}};
  const std::vector<SortKey>& sort = query_.sort.empty() ? kNewestFirst : query_.sort;
  add_conditions();
  if (query_.after) add_position(sort, *query_.after);
  std::string order;
  for (const SortKey& key : sort) order += ordered(key) + (key.descending ? " DESC, " : ", ");
  order += sort.back().descending ? "object_key DESC" : "object_key";
  std::string sql =
      "SELECT object_key, id, last_modified, state, data, permissions_key FROM objects WHERE " +
      where_ + " ORDER BY " + order;
  if (query_.limit) sql += " LIMIT " + parameter(*query_.limit);
  return {std::move(sql), std::move(parameters_)};
}

CompiledQuery Compiler::count() {
  add_conditions();
  return {"SELECT count(*) FROM objects WHERE " + where_, std::move(parameters_)};
}

}  // namespace

CompiledQuery compile_list(const ListQuery& query, std::int64_t list_key) {
  return Compiler(query, list_key).list();
}

CompiledQuery compile_count(const ListQuery& query, std::int64_t list_key) {
  return Compiler(query, list_key).count();
}

void bind_parameters(store::Statement& statement, const CompiledQuery& query) {
  int position = 0;
  for (const SqlParameter& parameter : query.parameters) {
    ++position;
    if (const auto* number = std::get_if<std::int64_t>(&parameter)) {
      statement.bind(position, *number);
    } else if (const auto* text = std::get_if<std::string>(&parameter)) {
      statement.bind(position, *text);
    } else {
      const std::string& bytes = std::get<BlobParameter>(parameter).bytes;
      statement.bind(
          position, store::Blob(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    }
  }
}

}  // namespace tombolo::server
