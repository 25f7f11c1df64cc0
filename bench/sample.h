// The record that all benchmarks write.
#pragma once

#include "tombolo/value.h"

namespace tombolo::bench {

// A todo-like record of about 200 bytes.
Object sample_record(int index);

}  // namespace tombolo::bench
