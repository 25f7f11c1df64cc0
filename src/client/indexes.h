// The schema of a collection and its declared indexes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/write_session.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::client {

// Makes the index unless it is there. Error: invalid_argument.
Result<void> declare_index(WriteSession& session, std::string_view collection,
                           const std::vector<std::string>& fields);

// Sets the schema and makes the indexes that it asks for. Error: invalid_argument.
Result<void> set_schema(WriteSession& session, std::string_view collection, const Value& schema);

}  // namespace tombolo::client
