// SQL functions written in C++. They are pure: the same arguments give the same answer, so that
// indexes may be built on them and the schema of a file may call them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "store/statement.h"

#include "tombolo/result.h"

struct sqlite3_context;
struct sqlite3_value;

namespace tombolo::store {

class FunctionArguments {
 public:
  FunctionArguments(int count, sqlite3_value** values) : count_(count), values_(values) {}
  int count() const { return count_; }
  ColumnType type(int index) const;  // ask before reading: reading converts
  bool is_null(int index) const { return type(index) == ColumnType::null; }
  std::int64_t int64(int index) const;
  double real(int index) const;
  std::string_view text(int index) const;
  Blob blob(int index) const;
  sqlite3_value* handle(int index) const { return values_[index]; }

 private:
  int count_;
  sqlite3_value** values_;
};

// The answer; null when nothing is set. Text and bytes are copied.
class FunctionAnswer {
 public:
  explicit FunctionAnswer(sqlite3_context* context) : context_(context) {}
  void set(std::int64_t value);
  void set(double value);
  void set(std::string_view value);
  void set(const char* value) { set(std::string_view(value)); }
  void set(Blob value);
  void set_argument(const FunctionArguments& arguments, int index);  // answers an argument as it is
  void fail(std::string_view message);  // the statement fails with this message

 private:
  sqlite3_context* context_;
};

using ScalarFunction = std::function<void(const FunctionArguments&, FunctionAnswer&)>;

// Defines `name` for this connection. `argument_count` -1: any number. The function must not use
// the connection.
Result<void> define_function(Connection& connection, const char* name, int argument_count,
                             ScalarFunction function);

}  // namespace tombolo::store
