#include "core/fold.h"

#include <algorithm>
#include <utility>

#include "base/planted_fault.h"
#include "core/field_table.h"
#include "core/merge.h"
#include "core/name_lookup.h"

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
  const FieldLookup in_seen(seen);
  const FieldLookup in_current(current);
  return std::all_of(
             seen.begin(), seen.end(),
             [&](const Member& field) { return same(&field.value, in_current.find(field.key)); }) &&
         std::all_of(current.begin(), current.end(), [&](const Member& field) {
           return same(in_seen.find(field.key), &field.value);
         });
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
// `fields()` answers the record's fields.
template <typename Fields>
bool saw_record(const Operation& operation, const Timestamp& version, const Fields& fields,
                bool if_unknown) {
  if (operation.previous_data) return same_fields(*operation.previous_data, fields());
  if (operation.base_version) {
    const std::optional<Timestamp> base = base_version_of(operation);
    return base && *base == version;
  }
  return if_unknown;
}

const Object& object_or_empty(const std::optional<Object>& object) {
  static const Object none;
  return object ? *object : none;
}

// One write of an update.
struct Write {
  const std::string& field;
  const Value* value;             // null: it takes the field away
  const Value* previous;          // what its author saw; null: it does not say
  const AtomicOperation* atomic;  // what it means, where that is more than a value
};

// Calls `visit(const Write&)` for each field that an update writes, once; it goes on while that
// answers true. A field that is both removed and set is set.
template <typename Visit>
bool for_each_write(const Operation& operation, const Visit& visit) {
  const Object& data = object_or_empty(operation.data);
  const FieldLookup previous(object_or_empty(operation.previous_data));
  const NameLookup<std::string> removed(operation.removed);
  const NameLookup<AtomicField> atomic(operation.atomic);
  for (const Member& member : data) {
    const bool removes = member.value.is_null() && removed.contains(member.key);
    const AtomicField* intent = removes ? nullptr : atomic.find(member.key);
    if (!visit(Write{member.key, removes ? nullptr : &member.value, previous.find(member.key),
                     intent != nullptr ? &intent->operation : nullptr})) {
      return false;
    }
  }
  if (operation.removed.empty()) return true;
  const FieldLookup set(data);
  for (const std::string& field : operation.removed) {
    if (set.contains(field)) continue;
    if (!visit(Write{field, nullptr, previous.find(field), nullptr})) return false;
  }
  return true;
}

std::optional<Value> copy_of(const Value* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

// Replays operations in order over a base and notes who wrote what.
class Replay {
 public:
  Replay(const CollectionSchema& schema, const RecordState& base)
      : schema_(schema),
        table_(base.fields, nullptr),
        exists_(base.exists),
        deleted_(base.deleted),
        version_(base.version) {}

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
    if (!exists_ || operation.timestamp > version_) version_ = operation.timestamp;
    exists_ = true;
  }

  FoldResult result() && {
    return {{table_.object(), exists_, deleted_, std::move(version_)}, std::move(losses_)};
  }

 private:
  using Field = FieldTable::Field;

  bool saw(const Operation& operation, bool if_unknown) const {
    const auto fields = [this] { return table_.object(); };
    return saw_record(operation, version_, fields, if_unknown);
  }

  void insert(const Operation& operation) {
    const Object& data = object_or_empty(operation.data);
    if (deleted_) {
      revive(operation, "insert-revives");
    } else if (exists_ && !saw(operation, false)) {
      const FieldLookup in_data(data);
      for (const Member& member : table_.object()) {
        const Value* value = in_data.find(member.key);
        if (same(&member.value, value)) continue;
        lose(operation, table_.field(member.key), copy_of(value), "insert-replaces");
      }
    }
    table_ = FieldTable(data, &operation);
    inserted_ = &operation;
  }

  void update(const Operation& operation) {
    if (deleted_) revive(operation, "update-revives");
    for_each_write(operation, [&](const Write& write) {
      take(operation, write, table_.field(write.field));
      return true;
    });
  }

  void remove(const Operation& operation) {
    if (exists_ && !deleted_ && !saw(operation, true)) {
      losses_.push_back(
          {"", newest_writer(), Value(table_.object()), operation.id, std::nullopt, "delete-wins"});
    }
    deleted_ = true;
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
    if (deletes_.empty() && !(base && *base >= version_)) {
      losses_.push_back({"", "", std::nullopt, operation.id, data, rule});
    }
    deletes_.clear();
    deleted_ = false;
  }

  void take(const Operation& operation, const Write& write, Field& field) {
    const bool saw = author_saw(write.previous, field.current());
    if (write.atomic != nullptr && composes(field, *write.atomic, saw)) {
      Value composed = apply_atomic(*write.atomic, field.current());
      // The author's own spelling of the same number, as the fast path takes it.
      table_.set(field, composed == *write.value ? *write.value : std::move(composed));
    } else if (saw) {
      set_or_erase(field, write.value);
    } else {
      meet(operation, write, field);
    }
    field.writer = &operation;
    field.atomic = write.atomic != nullptr ? std::optional(write.atomic->kind) : std::nullopt;
  }

  // An intent composes with intents of its kind, and with a base that changed in the meantime.
  static bool composes(const Field& field, const AtomicOperation& atomic, bool saw) {
    if (field.writer != nullptr) return field.atomic == atomic.kind;
    const bool counts = atomic.kind != AtomicKind::append && atomic.kind != AtomicKind::remove;
    const Value* current = field.current();
    return !saw && current != nullptr && (counts ? current->is_number() : current->is_array());
  }

  // A write meets a value that its author did not see.
  void meet(const Operation& operation, const Write& write, Field& field) {
    const bool written = field.value || field.writer != nullptr;
    const MergeStrategy strategy = schema_.merge_of(field.name);
    if (write.value == nullptr || strategy == MergeStrategy::last_writer_wins) {
      if (written) lose(operation, field, copy_of(write.value), "last-writer-wins");
      set_or_erase(field, write.value);
      return;
    }
    MergedField merged = merge_field(strategy, write.previous, field.current(), *write.value);
    const char* rule = rule_of(strategy, merged, *write.value);
    if (written && merged.current_lost) lose(operation, field, merged.value, rule);
    if (merged.later_lost) {
      losses_.push_back(
          {field.name, operation.id, *write.value, writer_of(field), merged.value, rule});
    }
    table_.set(field, std::move(merged.value));
  }

  // The rule that a loss names: a value that won whole won by its stamp.
  static const char* rule_of(MergeStrategy strategy, const MergedField& merged,
                             const Value& later) {
    if (merged.current_lost && merged.value == later) return "last-writer-wins";
    return strategy == MergeStrategy::map ? "map" : "add-wins";
  }

  static std::string writer_of(const Field& field) {
    return field.writer != nullptr ? field.writer->id : std::string();
  }

  // The field's value loses against `winning`.
  void lose(const Operation& winner, const Field& field, std::optional<Value> winning,
            const char* rule) {
    if (field.value == winning) return;
    losses_.push_back(
        {field.name, writer_of(field), field.value, winner.id, std::move(winning), rule});
  }

  void set_or_erase(Field& field, const Value* value) {
    if (value != nullptr) {
      table_.set(field, *value);
    } else {
      FieldTable::erase(field);
    }
  }

  std::string newest_writer() const {
    const Operation* newest = inserted_;
    for (const Field& field : table_.all()) {
      if (field.writer == nullptr) continue;
      if (newest == nullptr || happens_before(*newest, *field.writer)) newest = field.writer;
    }
    return newest != nullptr ? newest->id : std::string();
  }

  const CollectionSchema& schema_;
  FieldTable table_;
  bool exists_;
  bool deleted_;
  Timestamp version_;
  std::vector<Loss> losses_;
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
  const FieldLookup fields(state.fields);
  return for_each_write(operation, [&](const Write& write) {
    const Value* current = fields.find(write.field);
    if (!author_saw(write.previous, current)) return false;
    return write.atomic == nullptr || apply_atomic(*write.atomic, current) == *write.value;
  });
}

bool applies_in_place(const RecordState& state, const Operation& operation) {
  if (!state.exists) return true;
  // Neither stamps nor what the author saw are looked at: replicas that got the same operations in
  // another order differ.
  if (planted(PlantedFault::merge_by_arrival)) return true;
  if (operation.timestamp <= state.version) {
    // A deleted record is taken for none, as if the delete had no stamp: whoever gets an older
    // update after it sees the record again, and whoever gets it before does not.
    return planted(PlantedFault::lost_tombstone) && state.deleted &&
           operation.type == OperationType::update;
  }
  const auto fields = [&]() -> const Object& { return state.fields; };
  switch (operation.type) {
    case OperationType::insert:
      return state.deleted ? saw_version(operation, state.version)
                           : saw_record(operation, state.version, fields, false);
    case OperationType::update:
      return state.deleted
                 ? saw_version(operation, state.version) && nothing_to_merge(state, operation)
                 : nothing_to_merge(state, operation);
    case OperationType::remove:
      return state.deleted || saw_record(operation, state.version, fields, true);
  }
  return false;
}

// An update whose every write is taken as it is.
void overwrite(Object& fields, const Operation& operation) {
  const std::size_t writes = object_or_empty(operation.data).size() + operation.removed.size();
  if (writes <= kFewNames) {
    for_each_write(operation, [&](const Write& write) {
      if (write.value != nullptr) {
        fields.set(write.field, *write.value);
      } else {
        fields.erase(write.field);
      }
      return true;
    });
    return;
  }
  FieldTable table(fields, nullptr);
  for_each_write(operation, [&](const Write& write) {
    FieldTable::Field& field = table.field(write.field);
    if (write.value != nullptr) {
      table.set(field, *write.value);
    } else {
      FieldTable::erase(field);
    }
    return true;
  });
  fields = table.object();
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
      overwrite(state.fields, operation);
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
