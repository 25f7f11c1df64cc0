// Broken invariants: what can never happen unless the code is wrong. Checked in every build.
#pragma once

namespace tombolo {

// Prints where and what, then aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const char* message);

}  // namespace tombolo

#define TOMBOLO_CHECK(condition, message) \
  (static_cast<bool>(condition)           \
       ? static_cast<void>(0)             \
       : ::tombolo::check_failed(__FILE__, __LINE__, #condition, message))
