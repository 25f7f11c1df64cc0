// What the checkers of a world find wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/history.h"
#include "sim/world.h"

namespace tombolo::sim {

struct Finding {
  std::string checker;
  std::string text;
  std::optional<RecordName> record;  // that it is about
  std::int64_t at_us = 0;
};

class Findings {
 public:
  static constexpr std::size_t kMax = 20;  // kept; the first ones tell most

  explicit Findings(World& world) : world_(world) {}

  void add(std::string checker, std::string text, std::optional<RecordName> record = {}) {
    ++count_;
    if (all_.size() < kMax) {
      all_.push_back({std::move(checker), std::move(text), std::move(record), world_.now_us()});
    }
  }
  const std::vector<Finding>& all() const { return all_; }
  std::int64_t count() const { return count_; }

 private:
  World& world_;
  std::vector<Finding> all_;
  std::int64_t count_ = 0;
};

}  // namespace tombolo::sim
