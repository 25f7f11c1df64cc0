#include "client/sort_position.h"

#include <compare>

namespace tombolo::client {
namespace {

template <typename T>
int sign_of(const T& left, const T& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

// Exact also where a double has no room for the integer's last digits.
int compare_mixed(std::int64_t integer, double real) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (real < -kTwoTo63) return 1;
  if (real >= kTwoTo63) return -1;
  const auto whole = static_cast<std::int64_t>(real);
  if (integer != whole) return sign_of(integer, whole);
  return sign_of(static_cast<double>(integer), real);
}

int rank_of(const SortValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return 0;
  return std::holds_alternative<std::string>(value) ? 2 : 1;
}

}  // namespace

SortValue read_sort_value(const store::Row& row, int column) {
  switch (row.type(column)) {
    case store::ColumnType::null:
      return std::monostate();
    case store::ColumnType::integer:
      return row.int64(column);
    case store::ColumnType::real:
      return row.real(column);
    case store::ColumnType::text:
    case store::ColumnType::blob:
      break;
  }
  return std::string(row.text(column));
}

int compare(const SortValue& left, const SortValue& right) {
  if (const int rank = sign_of(rank_of(left), rank_of(right)); rank != 0) return rank;
  if (const auto* text = std::get_if<std::string>(&left)) {
    return sign_of(text->compare(std::get<std::string>(right)), 0);
  }
  const auto* left_integer = std::get_if<std::int64_t>(&left);
  const auto* right_integer = std::get_if<std::int64_t>(&right);
  if (left_integer != nullptr && right_integer != nullptr) {
    return sign_of(*left_integer, *right_integer);
  }
  const auto* left_real = std::get_if<double>(&left);
  const auto* right_real = std::get_if<double>(&right);
  if (left_real != nullptr && right_real != nullptr) return sign_of(*left_real, *right_real);
  if (left_integer != nullptr && right_real != nullptr) {
    return compare_mixed(*left_integer, *right_real);
  }
  if (left_real != nullptr && right_integer != nullptr) {
    return -compare_mixed(*right_integer, *left_real);
  }
  return 0;  // both are null
}

SortOrder::SortOrder(const QuerySpecification& query) {
  for (const QuerySpecification::Sort& sort : query.sorts) {
    descending_.push_back(sort.order == Order::descending);
  }
  keys_descend_ = !descending_.empty() && descending_.back();
}

bool SortOrder::before(const SortPosition& left, const SortPosition& right) const {
  for (std::size_t i = 0; i < descending_.size(); ++i) {
    const int order = compare(left.values[i], right.values[i]);
    if (order != 0) return descending_[i] ? order > 0 : order < 0;
  }
  if (keys_descend_) return left.record_key > right.record_key;
  return left.record_key < right.record_key;
}

}  // namespace tombolo::client
