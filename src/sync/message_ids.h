// The ids of the messages that one end of a connection sends: a tag of its own, and a number.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace tombolo::sync {

class MessageIds {
 public:
  explicit MessageIds(std::string tag) : tag_(std::move(tag)) {}
  std::string next() { return tag_ + "-" + std::to_string(next_++); }

 private:
  std::string tag_;
  std::int64_t next_ = 0;
};

}  // namespace tombolo::sync
