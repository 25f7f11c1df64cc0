// Queries: which records of a collection, in which order.
//
//   languages.where("scope", "I").order_by("name").limit(20).all()
//   languages.where("speakers", greater_than(1000000)).where("type", in({"L", "H"})).count()
//
// Fields are named by their path; a dot reaches into an object ("address.city"). "id" is the id.
// Comparisons never cross types: greater_than(5) matches numbers only, and 1, "1" and true differ.
// Integers and other numbers are one type. A query that a declared index serves reads only what it
// answers (Collection::declare_index); explain() tells.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tombolo/live_query.h"
#include "tombolo/record.h"
#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo {

namespace client {
class Engine;
class WriteSession;
}  // namespace client

// What a field must fulfil. A plain value means equality.
class Condition {
 public:
  enum class Comparison {
    equal,      // equal_to(nullptr): the field is null or missing
    not_equal,  // all that `equal` does not match: also a missing field, and other types
    less,
    at_most,
    greater,
    at_least,
    in,
    starts_with,
  };

  template <typename T>
    requires(std::constructible_from<Value, T> && !std::same_as<std::remove_cvref_t<T>, Condition>)
  Condition(T&& value) : operand_(std::forward<T>(value)) {}
  Condition(Comparison comparison, Value operand)
      : comparison_(comparison), operand_(std::move(operand)) {}

  Comparison comparison() const { return comparison_; }
  const Value& operand() const { return operand_; }

 private:
  Comparison comparison_ = Comparison::equal;
  Value operand_;
};

inline Condition equal_to(Value value) {
  return {Condition::Comparison::equal, std::move(value)};
}
inline Condition not_equal_to(Value value) {
  return {Condition::Comparison::not_equal, std::move(value)};
}
inline Condition less_than(Value value) {
  return {Condition::Comparison::less, std::move(value)};
}
inline Condition at_most(Value value) {
  return {Condition::Comparison::at_most, std::move(value)};
}
inline Condition greater_than(Value value) {
  return {Condition::Comparison::greater, std::move(value)};
}
inline Condition at_least(Value value) {
  return {Condition::Comparison::at_least, std::move(value)};
}
inline Condition in(Array values) {
  return {Condition::Comparison::in, Value(std::move(values))};
}
inline Condition starts_with(std::string_view prefix) {
  return {Condition::Comparison::starts_with, Value(prefix)};
}

// Across types: missing and null first, then numbers and booleans, then texts (by their bytes).
enum class Order { ascending, descending };

// What a query asks, as data.
struct QuerySpecification {
  struct Filter {
    std::string field;
    Condition condition;
  };
  struct Sort {
    std::string field;
    Order order = Order::ascending;
  };
  std::vector<Filter> filters;  // all must hold
  std::vector<Sort> sorts;      // the first counts most; see Query
  std::optional<std::int64_t> limit;
  std::int64_t offset = 0;
};

// A value: each call gives a new query and leaves this one alone. Safe from many threads at once.
//
// What the sorts leave equal comes in the order in which it came to this device (reversed when the
// last sort is descending).
//
// Errors of those that run it: invalid_argument (a field name that is none or longer than 255
// bytes, a comparison with a value that has no order, more than 10,000 values for `in`, a negative
// limit or offset), limit_exceeded (more than 100 conditions or 100 sorts), storage,
// precondition_failed (the Database is closed).
class Query {
 public:
  [[nodiscard]] Query where(std::string_view field, Condition condition) const;
  [[nodiscard]] Query order_by(std::string_view field, Order order = Order::ascending) const;
  [[nodiscard]] Query limit(std::int64_t records) const;  // at least 0
  [[nodiscard]] Query offset(std::int64_t records) const;

  Result<std::vector<Record>> all() const;
  Result<std::optional<Record>> first() const;
  Result<std::int64_t> count() const;  // without regard to limit and offset

  // Calls `visit` with each record, until it answers false, on one snapshot and without holding
  // them all in memory. `visit` may not write through the same Transaction.
  Result<void> each(const std::function<bool(const Record&)>& visit) const;

  // Watches the answer (live_query.h). Not inside a Transaction.
  [[nodiscard]] Result<LiveQuery> observe(std::function<void(const Changes&)> changed) const;

  // How SQLite runs the query, one step a line.
  Result<std::string> explain() const;

  const QuerySpecification& specification() const { return specification_; }

 private:
  friend class Collection;
  Query(std::shared_ptr<client::Engine> engine, std::weak_ptr<client::WriteSession> session,
        bool in_transaction, std::string collection);

  std::shared_ptr<client::Engine> engine_;
  std::weak_ptr<client::WriteSession> session_;
  bool in_transaction_ = false;
  std::string collection_;
  QuerySpecification specification_;
};

}  // namespace tombolo
