#include "cli/json_views.h"

namespace tombolo::cli {

Value to_value(const Error& error) {
  return {{"code", name_of(error.code)}, {"message", error.message}};
}

Value to_value(const Record& record) {
  return record.to_object();
}

Value to_value(const CollectionInfo& collection) {
  return {{"name", collection.name},
          {"records", collection.records},
          {"has_schema", collection.has_schema}};
}

Value to_value(const ImportSummary& summary) {
  const auto number = [](std::size_t count) { return Value(static_cast<std::int64_t>(count)); };
  return {{"created", number(summary.created)},
          {"changed", number(summary.changed)},
          {"skipped", number(summary.skipped)}};
}

}  // namespace tombolo::cli
