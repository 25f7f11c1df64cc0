#include "core/fold.h"

#include <algorithm>
#include <utility>

#include "core/merge.h"

namespace tombolo::core {
namespace {

// Null and absent are one to those who write down what they saw: a peer has no other way to say
// that a field was not there.
bool same(const Value* seen, const Value* current) {
  const bool seen_none = seen == nullptr || seen->is_null();
  const bool current_none = current == nullptr || current->is_null();
  return seen_none || current_none ? seen_none == current_none : *seen == *current;
}

bool same_fields(const Object& seen, const Object& current) {
  return std::all_of(
             seen.begin(), seen.end(),
             [&](const Member& field) { return same(&field.value, current.find(field.key)); }) &&
         std::all_of(current.begin(), current.end(),
                     [&](const Member& field) { return same(seen.find(field.key), &field.value); });
}

// The value that the author of an update saw in `field`: nothing when it does not say.
const Value* previous_value(const Operation& operation, std::string_view field) {
  return operation.previous_data ? operation.previous_data->find(field) : nullptr;
}

// Authors that do not say what they saw are taken to have seen what is there.
bool author_saw(const Value* previous, const Value* current) {
  return previous == nullptr || same(previous, current);
}

std::optional<Timestamp> base_version_of(const Operation& operation) {
  if (!operation.base_version) return std::nullopt;
  Result<Timestamp> version = parse_timestamp(*operation.base_version);
  if (!version) return std::nullopt;
  return std::move(*version);
}

bool saw_version(const Operation& operation, const Timestamp& version) {
  const std::optional<Timestamp> base = base_version_of(operation);
  return base && *base >= version;
}

// Whether the author of a delete or an insert knew the living record that it takes away. What it
// wrote down as the old record is exact; the version alone misses writes that are older than it.
bool saw_record(const Operation& operation, const RecordState& state, bool if_unknown) {
  if (operation.previous_data) return same_fields(*operation.previous_data, state.fields);
  if (operation.base_version) {
    const std::optional<Timestamp> base = base_version_of(operation);
    return base && *base == state.version;
  }
  return if_unknown;
}

const AtomicOperation* atomic_of(const Operation& operation, std::string_view field) {
  for (const AtomicField& atomic : operation.atomic) {
    if (atomic.field == field) return &atomic.operation;
  }
  return nullptr;
}

bool removes(const Operation& operation, std::string_view field) {
  return std::find(operation.removed.begin(), operation.removed.end(), field) !=
         operation.removed.end();
}

// Calls `visit(field, value)` for each field that an update writes; a null pointer takes the field
// away. A field that is both removed and set is set.
template <typename Visit>
void for_each_write(const Operation& operation, const Visit& visit) {
  static const Object none;
  const Object& data = operation.data ? *operation.data : none;
  for (const Member& member : data) {
    const bool removed = member.value.is_null() && removes(operation, member.key);
    visit(member.key, removed ? nullptr : &member.value);
  }
  for (const std::string& field : operation.removed) {
    if (!data.contains(field)) visit(field, nullptr);
  }
}

std::optional<Value> copy_of(const Value* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

// Replays operations in order over a base and notes who wrote what.
class Replay {
 public:
  Replay(const CollectionSchema& schema, const RecordState& base) : schema_(schema), state_(base) {}

  void apply(const Operation& operation) {
    switch (operation.type) {
      case OperationType::insert:
        insert(operation);
        break;
      case OperationType::update:
        update(operation);
        break;
      case OperationType::remove:
        remove(operation);
        break;
    }
    if (!state_.exists || operation.timestamp > state_.version) {
      state_.version = operation.timestamp;
    }
    state_.exists = true;
  }

  FoldResult result() && { return {std::move(state_), std::move(losses_)}; }

 private:
  // The last write of a field. Fields without one came with the base, or were never written.
  struct Write {
    std::string_view field;
    const Operation* operation = nullptr;
    std::optional<AtomicKind> atomic;
  };

  void insert(const Operation& operation) {
    static const Object none;
    const Object& data = operation.data ? *operation.data : none;
    if (state_.deleted) {
      revive(operation, "insert-revives");
    } else if (state_.exists && !saw_record(operation, state_, false)) {
      for (const Member& field : state_.fields) {
        const Value* value = data.find(field.key);
        if (same(&field.value, value)) continue;
        lose(operation, field.key, field.value, copy_of(value), "insert-replaces");
      }
    }
    state_.fields = data;
    writes_.clear();
    for (const Member& field : data) writes_.push_back({field.key, &operation, std::nullopt});
    inserted_ = &operation;
  }

  void update(const Operation& operation) {
    if (state_.deleted) revive(operation, "update-revives");
    for_each_write(operation, [&](const std::string& field, const Value* value) {
      write(operation, field, value);
    });
  }

  void remove(const Operation& operation) {
    if (state_.alive() && !saw_record(operation, state_, true)) {
      losses_.push_back(
          {"", newest_writer(), Value(state_.fields), operation.id, std::nullopt, "delete-wins"});
    }
    state_.deleted = true;
    deletes_.push_back(&operation);
  }

  // Brings the record back. Deletes that the author did not know lose against it.
  void revive(const Operation& operation, const char* rule) {
    const std::optional<Timestamp> base = base_version_of(operation);
    std::optional<Value> data;
    if (operation.data) data = *operation.data;
    for (const Operation* deleted : deletes_) {
      if (base && *base >= deleted->timestamp) continue;
      losses_.push_back({"", deleted->id, std::nullopt, operation.id, data, rule});
    }
    if (deletes_.empty() && !(base && *base >= state_.version)) {
      losses_.push_back({"", "", std::nullopt, operation.id, data, rule});
    }
    deletes_.clear();
    state_.deleted = false;
  }

  void write(const Operation& operation, const std::string& field, const Value* value) {
    Value* current = state_.fields.find(field);
    const AtomicOperation* atomic = value != nullptr ? atomic_of(operation, field) : nullptr;
    Write& last = last_write(field);
    const Value* previous = previous_value(operation, field);
    const bool saw = author_saw(previous, current);
    if (atomic != nullptr && composes(last, *atomic, saw, current)) {
      Value composed = apply_atomic(*atomic, current);
      // The author's own spelling of the same number, as the fast path takes it.
      store(current, field, composed == *value ? *value : std::move(composed));
    } else if (saw) {
      store_or_erase(current, field, value);
    } else {
      meet(operation, field, previous, current, value, last);
    }
    last.operation = &operation;
    last.atomic = atomic != nullptr ? std::optional(atomic->kind) : std::nullopt;
  }

  // An intent composes with intents of its kind, and with a base that changed in the meantime.
  static bool composes(const Write& last, const AtomicOperation& atomic, bool saw,
                       const Value* current) {
    if (last.operation != nullptr) return last.atomic == atomic.kind;
    const bool counts = atomic.kind != AtomicKind::append && atomic.kind != AtomicKind::remove;
    return !saw && current != nullptr && (counts ? current->is_number() : current->is_array());
  }

  // A write meets a value that its author did not see.
  void meet(const Operation& operation, const std::string& field, const Value* previous,
            Value* current, const Value* value, const Write& last) {
    const std::string loser = last.operation != nullptr ? last.operation->id : std::string();
    const bool written = current != nullptr || last.operation != nullptr;
    const MergeStrategy strategy = schema_.merge_of(field);
    if (value == nullptr || strategy == MergeStrategy::last_writer_wins) {
      if (written) lose(operation, field, copy_of(current), copy_of(value), "last-writer-wins");
      store_or_erase(current, field, value);
      return;
    }
    MergedField merged = merge_field(strategy, previous, current, *value);
    const char* rule = rule_of(strategy, merged, *value);
    if (written && merged.current_lost) {
      lose(operation, field, copy_of(current), merged.value, rule);
    }
    if (merged.later_lost) {
      losses_.push_back({field, operation.id, *value, loser, merged.value, rule});
    }
    store(current, field, std::move(merged.value));
  }

  // The rule that a loss names: a value that won whole won by its stamp.
  static const char* rule_of(MergeStrategy strategy, const MergedField& merged,
                             const Value& later) {
    if (merged.current_lost && merged.value == later) return "last-writer-wins";
    return strategy == MergeStrategy::map ? "map" : "add-wins";
  }

  void lose(const Operation& winner, const std::string& field, std::optional<Value> losing,
            std::optional<Value> winning, const char* rule) {
    if (losing == winning) return;
    const Operation* loser = last_write(field).operation;
    losses_.push_back({field, loser != nullptr ? loser->id : std::string(), std::move(losing),
                       winner.id, std::move(winning), rule});
  }

  void store(Value* current, const std::string& field, Value value) {
    if (current != nullptr) {
      *current = std::move(value);
    } else {
      state_.fields.append_unchecked(field, std::move(value));
    }
  }

  void store_or_erase(Value* current, const std::string& field, const Value* value) {
    if (value != nullptr) {
      store(current, field, *value);
    } else if (current != nullptr) {
      state_.fields.erase(field);
    }
  }

  Write& last_write(std::string_view field) {
    for (Write& write : writes_) {
      if (write.field == field) return write;
    }
    return writes_.emplace_back(Write{field, nullptr, std::nullopt});
  }

  std::string newest_writer() const {
    const Operation* newest = inserted_;
    for (const Write& write : writes_) {
      if (write.operation == nullptr) continue;
      if (newest == nullptr || happens_before(*newest, *write.operation)) newest = write.operation;
    }
    return newest != nullptr ? newest->id : std::string();
  }

  const CollectionSchema& schema_;
  RecordState state_;
  std::vector<Loss> losses_;
  std::vector<Write> writes_;
  std::vector<const Operation*> deletes_;  // since the record was last alive
  const Operation* inserted_ = nullptr;
};

std::vector<const Operation*> in_order(std::span<const Operation> operations) {
  std::vector<const Operation*> order;
  order.reserve(operations.size());
  for (const Operation& operation : operations) order.push_back(&operation);
  const auto before = [](const Operation* left, const Operation* right) {
    return happens_before(*left, *right);
  };
  if (!std::is_sorted(order.begin(), order.end(), before)) {
    std::sort(order.begin(), order.end(), before);
  }
  const auto repeated = [](const Operation* left, const Operation* right) {
    return left->id == right->id && left->timestamp == right->timestamp;
  };
  order.erase(std::unique(order.begin(), order.end(), repeated), order.end());
  return order;
}

// Whether each field still has the value that the author of the update saw, and no intent composes
// to anything but the value that the author computed.
bool nothing_to_merge(const RecordState& state, const Operation& operation) {
  bool clear = true;
  for_each_write(operation, [&](const std::string& field, const Value* value) {
    if (!clear) return;
    const Value* current = state.fields.find(field);
    clear = author_saw(previous_value(operation, field), current);
    const AtomicOperation* atomic = value != nullptr ? atomic_of(operation, field) : nullptr;
    if (clear && atomic != nullptr) clear = apply_atomic(*atomic, current) == *value;
  });
  return clear;
}

bool applies_in_place(const RecordState& state, const Operation& operation) {
  if (!state.exists) return true;
  if (operation.timestamp <= state.version) return false;
  switch (operation.type) {
    case OperationType::insert:
      return state.deleted ? saw_version(operation, state.version)
                           : saw_record(operation, state, false);
    case OperationType::update:
      return state.deleted
                 ? saw_version(operation, state.version) && nothing_to_merge(state, operation)
                 : nothing_to_merge(state, operation);
    case OperationType::remove:
      return state.deleted || saw_record(operation, state, true);
  }
  return false;
}

}  // namespace

FoldResult fold(const CollectionSchema& schema, const RecordState& base,
                std::span<const Operation> operations) {
  Replay replay(schema, base);
  for (const Operation* operation : in_order(operations)) replay.apply(*operation);
  return std::move(replay).result();
}

bool apply_in_place(RecordState& state, const Operation& operation) {
  if (!applies_in_place(state, operation)) return false;
  switch (operation.type) {
    case OperationType::insert:
      state.fields = operation.data ? *operation.data : Object();
      break;
    case OperationType::update:
      for_each_write(operation, [&](const std::string& field, const Value* value) {
        if (value != nullptr) {
          state.fields.set(field, *value);
        } else {
          state.fields.erase(field);
        }
      });
      break;
    case OperationType::remove:
      break;
  }
  state.exists = true;
  state.deleted = operation.type == OperationType::remove;
  state.version = operation.timestamp;
  return true;
}

}  // namespace tombolo::core
