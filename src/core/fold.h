// The fold: a record is what its operations make of it, replayed in the order of their stamps.
//
// The result depends on the set of operations alone: not on their order of arrival, nor on how they
// were grouped, nor on repetitions. Client, server and browser run this one function, so replicas
// that hold the same operations hold the same bytes. An insert replaces the whole record and brings
// it back; an update sets its fields and brings it back; a delete hides the record and remembers
// its fields. A field that changed under an update that did not see it is merged by the field's
// strategy (core/merge.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/schema.h"

namespace tombolo::core {

// A record as it stands.
struct RecordState {
  Object fields;        // without the id; kept while deleted, for an update that brings it back
  bool exists = false;  // some operation has been seen
  bool deleted = false;
  Timestamp version;  // the newest stamp of its operations; meaningful when `exists`

  bool alive() const { return exists && !deleted; }
  friend bool operator==(const RecordState&, const RecordState&) = default;
};

// A write that another one overrode without its author having seen it.
struct Loss {
  std::string field;  // empty: the whole record (a delete against a write)
  std::string losing_operation;
  std::optional<Value> losing_value;  // nothing: it removed the field, or deleted the record
  std::string winning_operation;
  std::optional<Value> winning_value;  // nothing: it removed the field, or deleted the record
  std::string rule;  // "last-writer-wins", "delete-wins", "update-revives", "insert-replaces", ...
  friend bool operator==(const Loss&, const Loss&) = default;
};

struct FoldResult {
  RecordState state;
  std::vector<Loss> losses;  // in the order of the winning operations
};

// Folds the operations of one record over `base` (an empty state, or what a remote or a compaction
// left: operations are then those that `base` does not contain). Operations may come in any order
// and repeated.
FoldResult fold(const CollectionSchema& schema, const RecordState& base,
                std::span<const Operation> operations);

// The fast path: applies `operation` to `state` when it is newer than all that `state` holds and
// each field it touches still has the value its author saw, so that nothing merges and nothing is
// lost. Returns false, with `state` unchanged, when the record must be folded again from its log.
bool apply_in_place(RecordState& state, const Operation& operation);

}  // namespace tombolo::core
