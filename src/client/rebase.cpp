#include "client/rebase.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/json.h"
#include "client/local_writes.h"
#include "client/refold.h"
#include "store/id.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kAllPositions = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kSchemaField = "schema";  // Kinto adds it where a collection has one

std::string tag_of(const RemoteVersion& version) {
  return std::to_string(version.last_modified);
}

std::int64_t number_in(std::string_view tag) {
  std::int64_t number = 0;
  std::from_chars(tag.data(), tag.data() + tag.size(), number);
  return number;
}

// A tombstone keeps the fields of what it ends, for an update that brings the record back.
core::RecordState state_of(const RemoteVersion& version, const core::RecordState& before,
                           std::string node) {
  core::RecordState state;
  state.fields = version.deleted ? before.fields : version.fields;
  state.exists = true;
  state.deleted = version.deleted;
  state.version = {version.last_modified, 0, std::move(node)};
  return state;
}

bool same_content(const core::RecordState& left, const core::RecordState& right) {
  if (left.deleted || right.deleted) return left.deleted == right.deleted;
  return left.fields == right.fields;
}

// The record is what the remote has, and nothing else.
Result<void> write_base(WriteSession& session, CollectionEntry& collection, std::string_view id,
                        std::int64_t record_key, const core::RecordState& state) {
  auto update = session.store().cache().get(
      "UPDATE records SET data = ?2, deleted = ?3, stamp = ?4, node_key = ?5, revision = ?6, "
      "base = NULL, base_version = ?7 WHERE record_key = ?1");
  if (!update) return fail(update);
  const Result<std::int64_t> node = session.catalog().node_key(state.version.node);
  if (!node) return fail(node);
  std::string data;
  append_json(data, state.fields);
  const std::string tag = std::to_string(state.version.wall_ms);
  session.touch(collection, record_key, id);
  session.learn_timestamp(state.version);
  return (*update)->run(record_key, data, state.deleted ? 1 : 0, core::packed_stamp(state.version),
                        *node, session.revision(), tag);
}

Result<void> insert_base(WriteSession& session, CollectionEntry& collection, std::string_view id,
                         const core::RecordState& state) {
  auto insert = session.store().cache().get(
      "INSERT INTO records(collection_key, id, data, deleted, stamp, node_key, revision, "
      "base_version) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)");
  if (!insert) return fail(insert);
  const Result<std::int64_t> node = session.catalog().node_key(state.version.node);
  if (!node) return fail(node);
  std::string data;
  append_json(data, state.fields);
  const std::string tag = std::to_string(state.version.wall_ms);
  const store::StoredId stored(id);
  session.learn_timestamp(state.version);
  auto done = (*insert)->run(collection.key, stored, data, core::packed_stamp(state.version), *node,
                             session.revision(), tag);
  if (done) session.touch(collection, session.store().connection().last_insert_rowid(), id);
  return done;
}

// Replays what is left in the log over a new base.
Result<void> refold_over(WriteSession& session, CollectionEntry& collection, std::string_view id,
                         RecordRow row, const core::RecordState& base) {
  row.base = base_text(base);
  row.base_version = std::to_string(base.version.wall_ms);
  auto update = session.store().cache().get(
      "UPDATE records SET base = ?2, base_version = ?3 WHERE record_key = ?1");
  if (!update) return fail(update);
  if (auto done = (*update)->run(row.key, *row.base, *row.base_version); !done) return done;
  session.learn_timestamp(base.version);
  return refold(session, collection, id, row);
}

Result<void> note_losses(WriteSession& session, const CollectionEntry& collection,
                         std::string_view id, std::int64_t key, core::Loss loss,
                         const core::RecordState& loser, const core::RecordState& winner) {
  if (loser.deleted || winner.deleted) {
    if (loser.deleted == winner.deleted) return {};
    if (!loser.deleted) loss.losing_value = Value(loser.fields);
    if (!winner.deleted) loss.winning_value = Value(winner.fields);
    return record_loss(session, collection, id, key, loss);
  }
  const auto note = [&](const std::string& field) -> Result<void> {
    const Value* lost = loser.fields.find(field);
    const Value* won = winner.fields.find(field);
    if (lost != nullptr && won != nullptr && *lost == *won) return {};
    loss.field = field;
    loss.losing_value = lost != nullptr ? std::optional(*lost) : std::nullopt;
    loss.winning_value = won != nullptr ? std::optional(*won) : std::nullopt;
    return record_loss(session, collection, id, key, loss);
  };
  for (const Member& field : loser.fields) {
    if (auto done = note(field.key); !done) return done;
  }
  for (const Member& field : winner.fields) {
    if (loser.fields.contains(field.key)) continue;
    if (auto done = note(field.key); !done) return done;
  }
  return {};
}

// Our record stays whole, as one change of the remote's.
Result<void> keep_ours(WriteSession& session, CollectionEntry& collection, std::string_view id,
                       const RecordRow& row, const core::RecordState& ours,
                       const core::RecordState& theirs) {
  if (auto done = drop_operations(session, collection, row.key, kAllPositions); !done) return done;
  if (auto done = write_base(session, collection, id, row.key, theirs); !done) return done;
  if (same_content(ours, theirs)) return {};
  Result<LocalWriter> writer = LocalWriter::of(session, collection.name);
  if (!writer) return fail(writer);
  return ours.deleted ? writer->remove(id) : writer->restate(id, ours.fields);
}

Result<void> take_theirs(WriteSession& session, CollectionEntry& collection, std::string_view id,
                         const RecordRow& row, const core::RecordState& theirs) {
  if (auto done = drop_operations(session, collection, row.key, kAllPositions); !done) return done;
  return write_base(session, collection, id, row.key, theirs);
}

Result<void> merge(WriteSession& session, CollectionEntry& collection, std::string_view id,
                   const RecordRow& row, const core::RecordState& theirs) {
  if (auto done = refold_over(session, collection, id, row, theirs); !done) return done;
  const auto merged = session.find_record(collection, id);
  if (!merged) return fail(merged);
  if (!*merged) return {};
  const Result<core::RecordState> state = session.state_of(**merged);
  if (!state) return fail(state);
  if (!same_content(*state, theirs)) return {};
  return take_theirs(session, collection, id, row, theirs);
}

// What was sent of a record, and its answer is not known.
struct Push {
  std::int64_t position = 0;
  bool deleted = false;
  std::string data;
};

Result<std::vector<Push>> take_pushes(WriteSession& session, std::int64_t record_key) {
  auto take = session.store().cache().get(
      "DELETE FROM pushes WHERE record_key = ?1 RETURNING position, deleted, data");
  if (!take) return fail(take);
  std::vector<Push> pushes;
  store::Rows rows = (*take)->query(record_key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return pushes;
    const store::Row row = rows.row();
    pushes.push_back({row.int64(0), row.int64(1) != 0, std::string(row.text(2))});
  }
}

// What the server did not keep of what it was sent, or keeps otherwise, is lost here with it.
Result<void> note_altered(WriteSession& session, const CollectionEntry& collection,
                          std::string_view id, std::int64_t record_key, const Push& push,
                          const RemoteVersion& version) {
  if (push.deleted || version.deleted) return {};
  std::string kept;
  append_json(kept, version.fields);
  if (kept == push.data) return {};
  const Result<Value> sent = parse_json(push.data);
  if (!sent) return fail(sent);
  const Object* fields = sent->if_object();
  if (fields == nullptr) return {};
  core::Loss loss;
  loss.rule = "server-alters";
  for (const Member& field : *fields) {
    const Value* won = version.fields.find(field.key);
    if ((won != nullptr && *won == field.value) || field.key == kSchemaField) continue;
    loss.field = field.key;
    loss.losing_value = field.value;
    loss.winning_value = won != nullptr ? std::optional(*won) : std::nullopt;
    if (auto done = record_loss(session, collection, id, record_key, loss); !done) return done;
  }
  return {};
}

// Whether the version is what was sent, but for what the server adds by itself.
Result<bool> is_push(const Push& push, const RemoteVersion& version) {
  if (push.deleted || version.deleted) return push.deleted == version.deleted;
  Result<Value> sent = parse_json(push.data);
  if (!sent) return fail(sent);
  Object* fields = sent->if_object();
  if (fields == nullptr) return false;
  (void)protocol::kinto::remove_server_fields(*fields);
  if (*fields == version.fields) return true;
  if (!version.fields.contains(kSchemaField)) return false;
  Object kept = version.fields;
  (void)kept.erase(kSchemaField);
  (void)fields->erase(kSchemaField);
  return *fields == kept;
}

// A version that is exactly what was sent is that write, whose answer was lost.
Result<void> settle_pushes(WriteSession& session, CollectionEntry& collection,
                           std::int64_t record_key, const RemoteVersion& version,
                           const std::vector<Push>& pushes) {
  for (const Push& push : pushes) {
    const Result<bool> same = is_push(push, version);
    if (!same) return fail(same);
    if (!*same) continue;
    auto noted = note_altered(session, collection, version.id, record_key, push, version);
    if (!noted) return noted;
    return drop_operations(session, collection, record_key, push.position);
  }
  return {};
}

// A new record was sent, without an answer, and somebody has removed it: it must not come back.
// What was sent is in the ledger, in case that it was not this that was removed. Answers its
// fields.
Result<Object> settle_removed(WriteSession& session, CollectionEntry& collection,
                              std::string_view id, std::int64_t record_key, const Push& push) {
  Result<Value> sent = parse_json(push.data);
  if (!sent) return fail(sent);
  core::Loss loss;
  loss.rule = "delete-wins";
  loss.losing_value = *sent;
  if (auto done = record_loss(session, collection, id, record_key, loss); !done) return fail(done);
  auto dropped = drop_operations(session, collection, record_key, push.position);
  if (!dropped) return fail(dropped);
  return sent->if_object() != nullptr ? std::move(*sent->if_object()) : Object();
}

// Settles what was sent and not answered. Answers the state that `version` comes after.
Result<core::RecordState> settle(WriteSession& session, CollectionEntry& collection,
                                 const RecordRow& row, const core::RecordState& base,
                                 const RemoteVersion& version) {
  const auto pushes = take_pushes(session, row.key);
  if (!pushes) return fail(pushes);
  const auto last = std::ranges::max_element(*pushes, {}, &Push::position);
  const bool was_new = !base.exists || (base.deleted && row.base_version &&
                                        number_in(*row.base_version) < version.last_modified);
  if (version.deleted && was_new && last != pushes->end() && !last->deleted) {
    Result<Object> removed = settle_removed(session, collection, version.id, row.key, *last);
    if (!removed) return fail(removed);
    core::RecordState before = base;
    before.fields = std::move(*removed);
    return before;
  }
  auto done = settle_pushes(session, collection, row.key, version, *pushes);
  if (!done) return fail(done);
  return base;
}

Result<std::int64_t> newest_position_of(WriteSession& session, std::int64_t record_key) {
  auto select =
      session.store().cache().get("SELECT max(position) FROM operations WHERE record_key = ?1");
  if (!select) return fail(select);
  auto position =
      (*select)->query_one([](const store::Row& row) { return row.int64(0); }, record_key);
  if (!position) return fail(position);
  return position->value_or(0);
}

Result<void> meet(WriteSession& session, CollectionEntry& collection, std::string_view id,
                  const RecordRow& row, const std::vector<core::Operation>& operations,
                  const core::RecordState& theirs, ConflictPolicy policy) {
  if (policy == ConflictPolicy::merge) return merge(session, collection, id, row, theirs);
  const Result<core::RecordState> ours = session.state_of(row);
  if (!ours) return fail(ours);
  const core::Operation& newest = operations.back();
  bool ours_win = policy == ConflictPolicy::client_wins;
  std::string rule = ours_win ? "client-wins" : "server-wins";
  if (policy == ConflictPolicy::last_writer_wins) {
    ours_win = newest.timestamp.wall_ms > theirs.version.wall_ms;
    rule = "last-writer-wins";
  }
  core::Loss loss;
  loss.rule = std::move(rule);
  (ours_win ? loss.winning_operation : loss.losing_operation) = newest.id;
  auto noted = note_losses(session, collection, id, row.key, std::move(loss),
                           ours_win ? theirs : *ours, ours_win ? *ours : theirs);
  if (!noted) return noted;
  return ours_win ? keep_ours(session, collection, id, row, *ours, theirs)
                  : take_theirs(session, collection, id, row, theirs);
}

}  // namespace

Result<void> rebase(WriteSession& session, CollectionEntry& collection,
                    const RemoteVersion& version, ConflictPolicy policy) {
  const std::string_view id = version.id;
  const auto row = session.find_record(collection, id);
  if (!row) return fail(row);
  Result<std::string> node = remote_node(session, collection);
  if (!node) return fail(node);
  if (!*row) {
    if (version.deleted) return {};
    return insert_base(session, collection, id, state_of(version, {}, std::move(*node)));
  }
  const Result<core::RecordState> base = base_of(session, collection, **row);
  if (!base) return fail(base);
  const bool known = (*row)->base_version == tag_of(version) && base->deleted == version.deleted;
  if (known) return {};
  const Result<core::RecordState> before = settle(session, collection, **row, *base, version);
  if (!before) return fail(before);
  const core::RecordState theirs = state_of(version, *before, std::move(*node));
  const auto operations = session.operations_of(collection, (*row)->key, id);
  if (!operations) return fail(operations);
  // A server that went back to an older version has lost ours, which comes after it.
  if (base->exists && number_in(*(*row)->base_version) > version.last_modified) {
    const Result<core::RecordState> ours = session.state_of(**row);
    if (!ours) return fail(ours);
    return keep_ours(session, collection, id, **row, *ours, theirs);
  }
  if (operations->empty()) return write_base(session, collection, id, (*row)->key, theirs);
  // Another version with the same content contradicts nobody, whatever its time.
  if (base->exists && same_content(*base, theirs)) {
    const Result<core::RecordState> ours = session.state_of(**row);
    if (!ours) return fail(ours);
    if (ours->deleted) return keep_ours(session, collection, id, **row, *ours, theirs);
    return merge(session, collection, id, **row, theirs);
  }
  return meet(session, collection, id, **row, *operations, theirs, policy);
}

Result<void> absorb(WriteSession& session, CollectionEntry& collection, std::int64_t position,
                    const RemoteVersion& version) {
  const auto row = session.find_record(collection, version.id);
  if (!row) return fail(row);
  if (!*row) return rebase(session, collection, version, ConflictPolicy::merge);
  if (auto done = drop_operations(session, collection, (*row)->key, position); !done) return done;
  const auto pushes = take_pushes(session, (*row)->key);
  if (!pushes) return fail(pushes);
  for (const Push& push : *pushes) {
    if (push.position != position) continue;
    auto noted = note_altered(session, collection, version.id, (*row)->key, push, version);
    if (!noted) return noted;
  }
  const Result<core::RecordState> base = base_of(session, collection, **row);
  if (!base) return fail(base);
  Result<std::string> node = remote_node(session, collection);
  if (!node) return fail(node);
  core::RecordState before = *base;
  if (version.deleted && !base->exists) {
    Result<core::RecordState> ours = session.state_of(**row);
    if (!ours) return fail(ours);
    before = std::move(*ours);
  }
  const core::RecordState theirs = state_of(version, before, std::move(*node));
  const auto left = session.operations_of(collection, (*row)->key, version.id);
  if (!left) return fail(left);
  if (left->empty()) return write_base(session, collection, version.id, (*row)->key, theirs);
  return refold_over(session, collection, version.id, **row, theirs);
}

Result<void> rebase_on_nothing(WriteSession& session, CollectionEntry& collection,
                               std::string_view id, ConflictPolicy policy) {
  const auto row = session.find_record(collection, id);
  if (!row) return fail(row);
  if (!*row || !(*row)->base_version) return {};
  RemoteVersion tombstone;
  tombstone.id = id;
  tombstone.deleted = true;
  tombstone.last_modified = number_in(*(*row)->base_version);
  return rebase(session, collection, tombstone, policy);
}

Result<void> drop_operations(WriteSession& session, CollectionEntry& collection,
                             std::int64_t record_key, std::int64_t position) {
  auto letters = session.store().cache().get(
      "DELETE FROM dead_letters WHERE position IN (SELECT position FROM operations WHERE "
      "record_key = ?1 AND position <= ?2)");
  if (!letters) return fail(letters);
  if (auto done = (*letters)->run(record_key, position); !done) return done;
  auto take = session.store().cache().get(
      "DELETE FROM operations WHERE record_key = ?1 AND position <= ?2 RETURNING operation_id");
  if (!take) return fail(take);
  store::Rows rows = (*take)->query(record_key, position);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    session.subtract_fingerprint(collection, rows.row().blob(0));
  }
}

Result<void> make_own(WriteSession& session, CollectionEntry& collection, std::string_view id) {
  const auto row = session.find_record(collection, id);
  if (!row) return fail(row);
  if (!*row) return {};
  const Result<core::RecordState> state = session.state_of(**row);
  if (!state) return fail(state);
  // A delete stays in the log: who has the record alive is to hear of it.
  const Result<std::int64_t> newest = newest_position_of(session, (*row)->key);
  if (!newest) return fail(newest);
  const std::int64_t ends = state->deleted ? *newest - 1 : kAllPositions;
  if (auto done = drop_operations(session, collection, (*row)->key, ends); !done) return done;
  if (auto done = take_pushes(session, (*row)->key); !done) return fail(done);
  auto update = session.store().cache().get(
      "UPDATE records SET base = NULL, base_version = NULL WHERE record_key = ?1");
  if (!update) return fail(update);
  if (auto done = (*update)->run((*row)->key); !done) return done;
  if (state->deleted) return {};
  Result<LocalWriter> writer = LocalWriter::of(session, collection.name);
  if (!writer) return fail(writer);
  return writer->restate(id, state->fields);
}

}  // namespace tombolo::client
