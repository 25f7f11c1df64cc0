// How an operation stands in the log: the columns hold its id, record, stamp, author and sequence
// number; the body holds the rest as a JSON object with short keys, each only where it is needed:
//
//   t  type: "i" insert, "u" update, "d" delete       d  data
//   p  previous data                                  r  removed fields
//   b  base version                                   a  atomic: {field: {type, value}}
//   c  causal dependencies                            v  schema version, when it is not 1
//   x  transaction id      m  mutation name           n  the stamp's node, when not the author
#pragma once

#include <string>
#include <string_view>

#include "core/operation.h"

#include "tombolo/result.h"

namespace tombolo::client {

// Appends the body. `data_json`: the JSON text of operation.data, when the caller has it already.
void append_operation_body(std::string& out, const core::Operation& operation,
                           std::string_view data_json = {});

// Fills in what the body holds. Node and timestamp.node must be set before. Error: corrupt.
Result<void> read_operation_body(std::string_view body, core::Operation& operation);

}  // namespace tombolo::client
