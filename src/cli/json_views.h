// The library's facts as JSON: what --json and the shell print. The names are those of the structs
// in include/tombolo/.
#pragma once

#include "tombolo/database.h"
#include "tombolo/value.h"

namespace tombolo::cli {

Value to_value(const Error& error);
Value to_value(const Record& record);
Value to_value(const CollectionInfo& collection);
Value to_value(const RemoteStatus& status);
Value to_value(const DatabaseStatus& status);
Value to_value(const Loss& loss);
Value to_value(const DeadLetter& letter);
Value to_value(const OperationInfo& operation);
Value to_value(const Event& event);
Value to_value(const ImportSummary& summary);
std::string_view name_of_kind(RemoteKind kind);

template <typename T>
Value to_value(const std::vector<T>& items) {
  Array array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(to_value(item));
  return array;
}

}  // namespace tombolo::cli
