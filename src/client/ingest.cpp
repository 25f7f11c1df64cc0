#include "client/ingest.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "client/refold.h"
#include "client/remote_store.h"

namespace tombolo::client {
namespace {

struct Known {
  bool found = false;
  std::int64_t position = 0;
  std::int64_t pending = 0;
};

Result<Known> find_known(WriteSession& session, std::int64_t record_key, std::int64_t stamp,
                         store::Blob id) {
  store::Rows rows =
      session.store().statements()[Sql::operations_at_stamp].query(record_key, stamp);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return Known{};
    const store::Row row = rows.row();
    const store::Blob stored = row.blob(1);
    if (std::equal(stored.begin(), stored.end(), id.begin(), id.end())) {
      return Known{true, row.int64(0), row.int64(2)};
    }
  }
}

Result<void> check(const core::Operation& operation) {
  if (auto good = core::check_operation(operation); !good) {
    return fail(ErrorCode::invalid_data, good.error().message);
  }
  if (operation.timestamp.wall_ms > core::kMaxPackedWallMs) {
    return fail(ErrorCode::invalid_data, "an operation's wall time of " +
                                             std::to_string(operation.timestamp.wall_ms) +
                                             " ms is too far in the future to be kept");
  }
  return {};
}

store::Blob bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The first operation of a record here. Only an insert makes it whole; the fold decides otherwise.
Result<void> begin_record(WriteSession& session, CollectionEntry& collection,
                          const core::Operation& operation, store::Blob id, std::int64_t pending) {
  core::RecordState state;
  (void)core::apply_in_place(state, operation);
  std::string data;
  append_json(data, state.fields);
  const Result<std::int64_t> node = session.catalog().node_key(operation.timestamp.node);
  if (!node) return fail(node);
  const Result<std::int64_t> key =
      session.insert_record(collection, operation.record,
                            {.data = data,
                             .deleted = state.deleted,
                             .stamp = core::packed_stamp(operation.timestamp),
                             .node_key = *node});
  if (!key) return fail(key);
  const bool insert = operation.type == core::OperationType::insert;
  return session.append_operation(collection, *key, operation, id,
                                  insert ? std::string_view(data) : std::string_view(), pending);
}

Result<void> continue_record(WriteSession& session, CollectionEntry& collection,
                             const RecordRow& row, const core::Operation& operation, store::Blob id,
                             std::int64_t pending) {
  auto logged = session.append_operation(collection, row.key, operation, id, {}, pending);
  if (!logged) return logged;
  Result<core::RecordState> state = session.state_of(row);
  if (!state) return fail(state);
  if (!core::apply_in_place(*state, operation)) {
    return refold(session, collection, operation.record, row);
  }
  const Result<std::int64_t> node = session.catalog().node_key(operation.timestamp.node);
  if (!node) return fail(node);
  std::string data;
  append_json(data, state->fields);
  return session.update_record(collection, operation.record, row,
                               {.data = data,
                                .deleted = state->deleted,
                                .stamp = core::packed_stamp(operation.timestamp),
                                .node_key = *node});
}

}  // namespace

Result<void> ingest(WriteSession& session, const core::Operation& operation,
                    std::int64_t origin_bit) {
  if (auto good = check(operation); !good) return good;
  const std::optional<std::string> id = from_hex(operation.id);
  if (!id || id->size() != 32) {
    return fail(ErrorCode::invalid_data, "an operation's id is no SHA-256 digest");
  }
  const Result<CollectionEntry*> entry = session.catalog().collection(operation.collection);
  if (!entry) return fail(entry);
  CollectionEntry& collection = **entry;
  const auto row = session.find_record(collection, operation.record);
  if (!row) return fail(row);
  const std::int64_t pending = collection.pending_mask & ~origin_bit;
  Result<void> done;
  if (!*row) {
    done = begin_record(session, collection, operation, bytes_of(*id), pending);
  } else {
    const auto known =
        find_known(session, (*row)->key, core::packed_stamp(operation.timestamp), bytes_of(*id));
    if (!known) return fail(known);
    if (known->found) {
      return note_held(session, origin_bit, known->position, (known->pending & origin_bit) != 0);
    }
    done = continue_record(session, collection, **row, operation, bytes_of(*id), pending);
  }
  if (done) session.learn_timestamp(operation.timestamp);
  return done;
}

}  // namespace tombolo::client
