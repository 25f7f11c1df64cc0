// Operations as JSON, the form in which they travel and in which the server's log keeps them (Kora
// protocol sections 2.1 and 5).
//
// Fields that a decoder does not know are ignored. Ours beyond the protocol are `removed` (the
// names of fields that the update takes away; `data` carries them as null for peers that do not
// know it) and `baseVersion` (the record's version that the author saw).
//
// Bytes inside `data` and `previousData` are {"$koraBytes": base64}. The wire's other spelling,
// {"__kora_bytes__": base64} directly under a field, is read as that one. The oldest shape, an
// object with numbers as keys, is left as the object that it is: it cannot be told from a user's
// own {"0": 7}, and the content hash was made over it as it stands.
#pragma once

#include <string>
#include <string_view>

#include "core/operation.h"

#include "tombolo/result.h"

namespace tombolo::protocol {

void append_operation_json(std::string& out, const core::Operation& operation);
std::string operation_json(const core::Operation& operation);

// Reads one operation. Strict: a field of the wrong type or a stamp out of range fails with
// invalid_data naming the field. What makes sense is not judged here (core::check_operation), and
// the id not verified (verify_operation_id).
Result<core::Operation> parse_operation_json(std::string_view json);

// Whether the id is the hash of the content, as far as that can be known: of an end-to-end
// encrypted operation only the form of the id is checked. Fails with invalid_data.
Result<void> verify_operation_id(const core::Operation& operation);

// What the JSON of something that is no operation may still name: the operation's id, its
// collection and its record, each empty when it is not there.
struct OperationLabel {
  std::string id;
  std::string collection;
  std::string record;
};
OperationLabel read_operation_label(std::string_view json);

// Whether `id` is 64 lower-case hexadecimal digits.
bool is_operation_id(std::string_view id);

}  // namespace tombolo::protocol
