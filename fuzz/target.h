// What a fuzz target is: a function that must neither crash nor find its own claims wrong, whatever
// the bytes. libFuzzer calls it in the preset `fuzz`; in every other build fuzz/replay.cpp calls it
// with the cases that are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tombolo::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes the choices of a run off the front of its bytes; zeros once they are used up.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  unsigned below(unsigned bound) { return byte() % bound; }
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace tombolo::fuzz
