#include "protocol/kinto_filter.h"

#include "protocol/kinto_object.h"

namespace tombolo::protocol::kinto {

bool concerns_only_metadata(const Filter& filter) {
  return filter.field == kIdField || filter.field == kModifiedField;
}

}  // namespace tombolo::protocol::kinto
