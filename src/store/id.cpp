#include "store/id.h"

#include <algorithm>

#include "store/function.h"

namespace tombolo::store {
namespace {

void append_uuid(Blob blob, std::string& text) {
  UuidBytes bytes{};
  if (blob.size() != bytes.size()) return;
  std::copy(blob.begin(), blob.end(), bytes.begin());
  append_uuid_text(text, bytes);
}

void answer_id_text(const FunctionArguments& arguments, FunctionAnswer& answer) {
  switch (arguments.type(0)) {
    case ColumnType::text:
      answer.set_argument(arguments, 0);
      return;
    case ColumnType::blob: {
      std::string text;
      append_uuid(arguments.blob(0), text);
      if (!text.empty()) answer.set(std::string_view(text));
      return;
    }
    default:
      return;
  }
}

void answer_stored_id(const FunctionArguments& arguments, FunctionAnswer& answer) {
  if (arguments.type(0) != ColumnType::text) return;
  const StoredId id(arguments.text(0));
  if (id.is_uuid()) {
    answer.set(Blob(id.bytes()));
  } else {
    answer.set_argument(arguments, 0);
  }
}

}  // namespace

StoredId::StoredId(std::string_view id) {
  if (const auto bytes = parse_canonical_uuid(id)) {
    bytes_ = *bytes;
    uuid_ = true;
  } else {
    text_ = id;
  }
}

void bind_to(Statement& statement, int parameter, const StoredId& id) {
  if (id.is_uuid()) {
    statement.bind(parameter, Blob(id.bytes()));
  } else {
    statement.bind(parameter, id.text());
  }
}

std::string read_id(const Row& row, int column) {
  std::string text;
  append_id(row, column, text);
  return text;
}

void append_id(const Row& row, int column, std::string& text) {
  switch (row.type(column)) {
    case ColumnType::text:
      text += row.text(column);
      return;
    case ColumnType::blob:
      append_uuid(row.blob(column), text);
      return;
    default:
      return;
  }
}

Result<void> define_id_functions(Connection& connection) {
  if (auto done = define_function(connection, "id_text", 1, answer_id_text); !done) return done;
  return define_function(connection, "stored_id", 1, answer_stored_id);
}

}  // namespace tombolo::store
