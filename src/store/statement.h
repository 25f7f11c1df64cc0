// Prepared statements: parameters by position from 1, columns by position from 0, no allocation per
// call.
//
//   auto insert = Statement::prepare(connection, "INSERT INTO t(a, b) VALUES (?1, ?2)");
//   if (auto done = insert->run(7, "seven"); !done) return fail(done);
//
//   Rows rows = select->query(7);
//   for (;;) {
//     auto more = rows.next();
//     if (!more) return fail(more);
//     if (!*more) break;
//     use(rows.row().text(0));
//   }
//
// A statement that has returned a row and is neither stepped to its end nor reset keeps a read
// snapshot open, which stops checkpoints. Hence run(), query() and query_one() reset it on every
// path; whoever calls step() himself holds a ResetGuard.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "store/connection.h"

#include "tombolo/result.h"

struct sqlite3_stmt;

namespace tombolo::store {

using Blob = std::span<const std::uint8_t>;

enum class ColumnType { integer = 1, real = 2, text = 3, blob = 4, null = 5 };

// The row that a statement stands on. Views stay valid until the statement is stepped or reset.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  int column_count() const;
  ColumnType type(int column) const;  // ask before reading: reading converts
  bool is_null(int column) const { return type(column) == ColumnType::null; }
  std::int64_t int64(int column) const;     // 0 for null
  double real(int column) const;            // 0 for null
  std::string_view text(int column) const;  // empty for null
  Blob blob(int column) const;              // empty for null

 private:
  sqlite3_stmt* statement_;
};

class Rows;

class Statement {
 public:
  // One statement. Error: internal, when `sql` is not valid for the database's schema.
  static Result<Statement> prepare(Connection& connection, std::string_view sql);

  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Binds a parameter. Text and bytes are not copied: they must live until reset(). A value larger
  // than SQLite takes (1,000,000,000 bytes) makes step() fail with limit_exceeded.
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view value);
  void bind(int parameter, Blob value);
  void bind(int parameter, std::nullptr_t);
  void bind(int parameter, const std::array<std::uint8_t, 16>& value) {
    bind(parameter, Blob(value));
  }
  void bind(int parameter, std::array<std::uint8_t, 16>&& value) = delete;  // would dangle
  void bind(int parameter, const std::string& value) { bind(parameter, std::string_view(value)); }
  void bind(int parameter, std::string&& value) = delete;  // would dangle
  void bind(int parameter, const char* value) { bind(parameter, std::string_view(value)); }
  template <std::integral Integer>
    requires(!std::same_as<Integer, std::int64_t> && sizeof(Integer) <= 8 &&
             !(std::unsigned_integral<Integer> && sizeof(Integer) == 8))
  void bind(int parameter, Integer value) {
    bind(parameter, static_cast<std::int64_t>(value));
  }
  template <typename Value>
  void bind(int parameter, const std::optional<Value>& value) {
    if (value) {
      bind(parameter, *value);
    } else {
      bind(parameter, nullptr);
    }
  }
  // Any other type binds through a function bind_to(Statement&, int, const Value&) beside it.
  template <typename Value>
    requires requires(Statement& statement, const Value& value) { bind_to(statement, 1, value); }
  void bind(int parameter, const Value& value) {
    bind_to(*this, parameter, value);
  }
  template <typename Value>
    requires(!std::is_lvalue_reference_v<Value> &&
             requires(Statement& statement, const Value& value) { bind_to(statement, 1, value); })
  void bind(int parameter, Value&& value) = delete;  // would dangle

  // Binds all parameters from 1 on.
  template <typename... Values>
  void bind_all(const Values&... values) {
    [[maybe_unused]] int parameter = 0;
    (bind(++parameter, values), ...);
  }

  // True: row() stands on a row. False: done. On an error the statement is reset.
  Result<bool> step();
  Row row() const { return Row(statement_); }

  // Ends the run, gives its snapshot back and forgets the parameters.
  void reset();

  // Binds `values`, runs to the end and resets.
  template <typename... Values>
  Result<void> run(const Values&... values) {
    bind_all(values...);
    return run_bound();
  }

  // Binds `values`, which must live as long as the answer, and answers its rows.
  template <typename... Values>
  Rows query(const Values&... values);

  // Calls `read(const Row&)` on the first row, if there is one, and answers what it returned. The
  // row's views end with the call: `read` copies what is to last.
  template <typename Read, typename... Values>
  auto query_one(Read&& read, const Values&... values)
      -> Result<std::optional<std::invoke_result_t<Read, const Row&>>>;

  // Whether the statement cannot change the file.
  bool read_only() const { return read_only_; }
  std::string_view sql() const;
  sqlite3_stmt* handle() const { return statement_; }

 private:
  friend class Connection;

  static Statement adopt(ConnectionState& connection, sqlite3_stmt* statement);
  Statement(ConnectionState& connection, sqlite3_stmt* statement, bool read_only)
      : connection_(&connection), statement_(statement), read_only_(read_only) {}

  Result<void> run_bound();
  void note_bind(int sqlite_code);

  ConnectionState* connection_;
  sqlite3_stmt* statement_;
  bool read_only_;
  int bind_error_ = 0;
};

// Resets a statement at the end of the scope.
class ResetGuard {
 public:
  explicit ResetGuard(Statement& statement) : statement_(statement) {}
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;
  ~ResetGuard() { statement_.reset(); }

 private:
  Statement& statement_;
};

// The rows of one run of a statement; resets it at the end. The statement must outlive it, and runs
// nothing else meanwhile.
class [[nodiscard]] Rows {
 public:
  explicit Rows(Statement& statement) : statement_(&statement) {}
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;
  ~Rows() {
    if (statement_ != nullptr) statement_->reset();
  }

  Result<bool> next() { return statement_->step(); }  // false: no more rows
  Row row() const { return statement_->row(); }

 private:
  Statement* statement_;
};

template <typename... Values>
Rows Statement::query(const Values&... values) {
  bind_all(values...);
  return Rows(*this);
}

template <typename Read, typename... Values>
auto Statement::query_one(Read&& read, const Values&... values)
    -> Result<std::optional<std::invoke_result_t<Read, const Row&>>> {
  ResetGuard guard(*this);
  bind_all(values...);
  Result<bool> found = step();
  if (!found) return fail(found);
  if (!*found) return std::nullopt;
  const Row current = row();
  return std::forward<Read>(read)(current);
}

}  // namespace tombolo::store
