// Projection ("?_fields=a,b.c"): the parts of an object that were asked for.
#pragma once

#include <string>
#include <vector>

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// Keeps the named fields and subfields, in the order in which they were asked for. Where the parent
// of a subfield is no object, its whole value is kept. id and last_modified are not this function's
// business.
Object project(const Object& object, const std::vector<std::string>& fields);

}  // namespace tombolo::protocol::kinto
