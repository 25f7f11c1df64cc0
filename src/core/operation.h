// The operation: one immutable insert, update or delete of one record, identified by its content
// (Kora protocol section 2). Everything that changes data is an operation; a record is the fold of
// its operations (core/fold.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "core/hlc.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::core {

enum class OperationType { insert, update, remove };
std::string_view name_of(OperationType type);  // "insert", "update", "delete"
std::optional<OperationType> operation_type_named(std::string_view name);

// What an update means when it is more than "set to this value", so that concurrent ones compose.
enum class AtomicKind { increment, max, min, append, remove };
std::string_view name_of(AtomicKind kind);
std::optional<AtomicKind> atomic_kind_named(std::string_view name);

struct AtomicOperation {
  AtomicKind kind = AtomicKind::increment;
  Value value;
  friend bool operator==(const AtomicOperation&, const AtomicOperation&) = default;
};

struct AtomicField {
  std::string field;
  AtomicOperation operation;
  friend bool operator==(const AtomicField&, const AtomicField&) = default;
};

struct Operation {
  std::string id;  // 64 lower-case hexadecimal digits, see operation_id
  std::string node;
  OperationType type = OperationType::insert;
  std::string collection;
  std::string record;
  // insert: the whole record without its id; update: the fields given; delete: nothing.
  std::optional<Object> data;
  // update: the old values of exactly the fields in `data`, as the author saw them.
  std::optional<Object> previous_data;
  Timestamp timestamp;
  std::int64_t sequence_number = 0;  // per node; peers are known to repeat them, so never a key
  std::vector<std::string> causal_dependencies;
  std::int64_t schema_version = 1;
  std::vector<AtomicField> atomic;
  std::optional<std::string> transaction_id;
  std::optional<std::string> mutation_name;

  // Our extensions: optional, not part of the id, ignored by peers that do not know them.
  // Fields that this update takes away; peers see them as null in `data`.
  std::vector<std::string> removed;
  // The record's version that the author saw (its newest stamp, as text); empty for a new record.
  // Tells a later write from a concurrent one, also for deletes.
  std::optional<std::string> base_version;

  friend bool operator==(const Operation&, const Operation&) = default;
};

// The content hash: SHA-256 of the canonical JSON of the hashed fields, a text that takes the place
// of what `canonical` holds, whose memory can so serve many operations. Fails with invalid_argument
// when the timestamp is out of range.
Result<Sha256Digest> operation_digest(const Operation& operation, std::string& canonical);

// The same in lower-case hexadecimal: the operation's id.
Result<std::string> operation_id(const Operation& operation);

// The rules for making an operation: node, collection and record are names; insert and update have
// data, update has previous data, delete has no data; sequence number >= 0, schema version >= 1.
// Fails with invalid_argument and the rule that is broken.
Result<void> check_operation(const Operation& operation);

// The order of the fold: by timestamp, then by id. Total over distinct operations.
bool happens_before(const Operation& left, const Operation& right);

// Whether a value is an end-to-end encrypted envelope (Kora protocol section 20): opaque data whose
// id is the hash of the plaintext, so that it cannot be checked here.
bool is_encrypted(const Object& data);

}  // namespace tombolo::core
