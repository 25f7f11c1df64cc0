// One field, three values: what both started from, what one side made of it, and what the other
// did.
#pragma once

#include "core/operation.h"
#include "core/schema.h"

namespace tombolo::core {

// A merged value, and whether something that one side did is not in it.
struct MergedField {
  Value value;
  bool current_lost = false;
  bool later_lost = false;
};

// The value of a field after a write that saw `base` meets `current`, where `later` (the write's
// value) carries the later stamp. A null pointer means that the field was absent. Results are the
// same on every replica because the order of `current` and `later` is the order of stamps, never of
// arrival.
//
// A strategy merges values of its type only (numbers, arrays, objects); with any other value on
// either side the later one wins. A base of another type counts as zero or empty.
MergedField merge_field(MergeStrategy strategy, const Value* base, const Value* current,
                        const Value& later);

// The result of an atomic operation on a current value (absent or of the wrong type: the
// operation's own neutral element).
Value apply_atomic(const AtomicOperation& operation, const Value* current);

}  // namespace tombolo::core
