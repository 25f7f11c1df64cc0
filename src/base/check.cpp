#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tombolo {

void check_failed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "tombolo: internal error at %s:%d: %s (%s). Please report it.\n", file, line,
               message, condition);
  std::abort();
}

}  // namespace tombolo
