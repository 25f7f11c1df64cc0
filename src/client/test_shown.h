// For tests of live queries: what an observer shows after what it was told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tombolo/live_query.h"
#include "tombolo/record.h"

namespace tombolo::testing {

using Shown = std::map<std::string, std::string>;  // id -> JSON

inline Shown shown_of(const std::vector<Record>& records) {
  Shown shown;
  for (const Record& record : records) shown.emplace(record.id(), record.to_json());
  return shown;
}

// Follows the changes. Answers what is wrong with them, or nothing.
inline std::string follow(const Changes& changes, Shown& shown) {
  for (const std::string& id : changes.left) {
    if (shown.erase(id) == 0) return id + " left, but was not there";
  }
  for (const Record& record : changes.entered) {
    if (!shown.emplace(record.id(), record.to_json()).second) return record.id() + " entered again";
  }
  for (const Record& record : changes.changed) {
    const auto known = shown.find(record.id());
    if (known == shown.end()) return record.id() + " changed, but was not there";
    known->second = record.to_json();
  }
  return "";
}

}  // namespace tombolo::testing
