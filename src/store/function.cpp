#include "store/function.h"

#include <sqlite3.h>
#include <utility>

#include "store/connection_state.h"
#include "store/sqlite_error.h"

namespace tombolo::store {
namespace {

void call(sqlite3_context* context, int count, sqlite3_value** values) {
  const auto& function = *static_cast<ScalarFunction*>(sqlite3_user_data(context));
  FunctionAnswer answer(context);
  function(FunctionArguments(count, values), answer);
}

void destroy(void* function) {
  delete static_cast<ScalarFunction*>(function);
}

}  // namespace

ColumnType FunctionArguments::type(int index) const {
  return static_cast<ColumnType>(sqlite3_value_type(values_[index]));
}

std::int64_t FunctionArguments::int64(int index) const {
  return sqlite3_value_int64(values_[index]);
}

double FunctionArguments::real(int index) const {
  return sqlite3_value_double(values_[index]);
}

std::string_view FunctionArguments::text(int index) const {
  const unsigned char* text = sqlite3_value_text(values_[index]);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_value_bytes(values_[index]))};
}

Blob FunctionArguments::blob(int index) const {
  const void* bytes = sqlite3_value_blob(values_[index]);
  if (bytes == nullptr) return {};
  return {static_cast<const std::uint8_t*>(bytes),
          static_cast<std::size_t>(sqlite3_value_bytes(values_[index]))};
}

void FunctionAnswer::set(std::int64_t value) {
  sqlite3_result_int64(context_, value);
}
void FunctionAnswer::set(double value) {
  sqlite3_result_double(context_, value);
}

void FunctionAnswer::set(std::string_view value) {
  sqlite3_result_text64(context_, value.data() != nullptr ? value.data() : "", value.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
}

void FunctionAnswer::set(Blob value) {
  if (value.empty()) {
    sqlite3_result_zeroblob(context_, 0);
  } else {
    sqlite3_result_blob64(context_, value.data(), value.size(), SQLITE_TRANSIENT);
  }
}

void FunctionAnswer::set_argument(const FunctionArguments& arguments, int index) {
  sqlite3_result_value(context_, arguments.handle(index));
}

void FunctionAnswer::fail(std::string_view message) {
  sqlite3_result_error(context_, message.data(), static_cast<int>(message.size()));
}

Result<void> define_function(Connection& connection, const char* name, int argument_count,
                             ScalarFunction function) {
  // SQLite owns the callable from here on and destroys it in any case.
  auto* owned = new ScalarFunction(std::move(function));
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  const int code = sqlite3_create_function_v2(connection.handle(), name, argument_count, flags,
                                              owned, call, nullptr, nullptr, destroy);
  if (code != SQLITE_OK) {
    return std::unexpected(
        sqlite_error(code, connection.handle(), "define a function on", connection.path()));
  }
  return {};
}

}  // namespace tombolo::store
