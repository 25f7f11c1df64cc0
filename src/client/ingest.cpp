#include "client/ingest.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/json.h"
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
  if (operation.timestamp.wall_ms > core::kMaxKeptWallMs) {
    return fail(ErrorCode::invalid_data, "an operation's wall time of " +
                                             std::to_string(operation.timestamp.wall_ms) +
                                             " ms is too far in the future to be kept");
  }
  return {};
}

using Digest = std::array<std::uint8_t, 32>;

// The id's 64 lower-case hexadecimal digits, as peers must write them.
std::optional<Digest> read_digest(std::string_view text) {
  Digest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  unsigned wrong = 0;
  const auto nibble = [&](char character) -> unsigned {
    const auto digit = static_cast<unsigned>(character - '0');
    const auto letter = static_cast<unsigned>(character - 'a');
    wrong |= static_cast<unsigned>(digit > 9 && letter > 5);
    return digit <= 9 ? digit : letter + 10;
  };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const unsigned high = nibble(text[2 * i]);
    digest[i] = static_cast<std::uint8_t>(high << 4 | nibble(text[2 * i + 1]));
  }
  if (wrong != 0) return std::nullopt;
  return digest;
}

// The first operation of a record here: false, with nothing written, when the record exists.
Result<bool> begin_record(WriteSession& session, CollectionEntry& collection,
                          const core::Operation& operation, store::Blob id, std::int64_t pending) {
  const bool insert = operation.type == core::OperationType::insert;
  std::string data;
  if (insert) {
    append_json(data, *operation.data);
  } else {
    core::RecordState state;
    (void)core::apply_in_place(state, operation);  // nothing is there to meet
    append_json(data, state.fields);
  }
  const Result<std::int64_t> node = session.catalog().node_key(operation.timestamp.node);
  if (!node) return fail(node);
  const Result<std::int64_t> key =
      session.insert_record(collection, operation.record,
                            {.data = data,
                             .deleted = operation.type == core::OperationType::remove,
                             .stamp = core::packed_stamp(operation.timestamp),
                             .node_key = *node});
  if (!key) return fail(key);
  if (*key == 0) return false;
  auto done =
      session.append_operation(collection, *key, operation, id,
                               insert ? std::string_view(data) : std::string_view(), pending);
  if (!done) return fail(done);
  return true;
}

Result<void> continue_record(WriteSession& session, CollectionEntry& collection,
                             const RecordRow& row, const core::Operation& operation, store::Blob id,
                             std::int64_t pending) {
  auto logged = session.append_operation(collection, row.key, operation, id, {}, pending);
  if (!logged || session.must_fold(row.key)) return logged;
  Result<core::RecordState> state = session.state_of(row);
  if (!state) return fail(state);
  if (!core::apply_in_place(*state, operation)) {
    session.fold_later(collection, row.key, operation.record);
    return {};
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

Result<void> apply(WriteSession& session, CollectionEntry& collection,
                   const core::Operation& operation, store::Blob id, std::int64_t origin_bit) {
  const std::int64_t pending = collection.pending_mask & ~origin_bit;
  // An insert is nearly always the first that is heard of a record: it is tried without a look.
  if (operation.type == core::OperationType::insert) {
    const Result<bool> begun = begin_record(session, collection, operation, id, pending);
    if (!begun) return fail(begun);
    if (*begun) return {};
  }
  const auto row = session.find_record(collection, operation.record);
  if (!row) return fail(row);
  if (!*row) {
    const Result<bool> begun = begin_record(session, collection, operation, id, pending);
    if (!begun) return fail(begun);
    return {};
  }
  const auto known = find_known(session, (*row)->key, core::packed_stamp(operation.timestamp), id);
  if (!known) return fail(known);
  if (known->found) {
    return note_held(session, origin_bit, known->position, (known->pending & origin_bit) != 0);
  }
  return continue_record(session, collection, **row, operation, id, pending);
}

}  // namespace

Result<void> ingest(WriteSession& session, const core::Operation& operation,
                    std::int64_t origin_bit) {
  if (auto good = check(operation); !good) return good;
  const std::optional<Digest> id = read_digest(operation.id);
  if (!id) {
    return fail(ErrorCode::invalid_data,
                "an operation's id is not 64 lower-case hexadecimal digits");
  }
  const Result<CollectionEntry*> collection = session.catalog().collection(operation.collection);
  if (!collection) return fail(collection);
  auto done = apply(session, **collection, operation, store::Blob(*id), origin_bit);
  if (done) session.learn_timestamp(operation.timestamp);
  return done;
}

}  // namespace tombolo::client
