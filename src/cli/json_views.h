// The library's facts as JSON: what --json and the shell print. The names are those of the structs
// in include/tombolo/.
#pragma once

#include "tombolo/database.h"
#include "tombolo/value.h"

namespace tombolo::cli {

Value to_value(const Error& error);
Value to_value(const Record& record);
Value to_value(const CollectionInfo& collection);
Value to_value(const ImportSummary& summary);

}  // namespace tombolo::cli
