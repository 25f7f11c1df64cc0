// The loss ledger and the dead letters, as a Database shows them.
#include "client/ledger_access.h"

#include "base/json.h"
#include "base/text.h"
#include "client/local_writes.h"
#include "client/refold.h"
#include "store/id.h"

namespace tombolo::client {
namespace {

std::optional<Value> value_in(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  Result<Value> value = parse_json(row.text(column));
  if (!value) return Value();
  return std::move(*value);
}

// A row of one of the two tables, joined with its record.
constexpr std::string_view kLoss =
    "SELECT l.loss_key, c.name, r.id, l.field, l.losing_value, l.winning_value, l.rule, "
    "l.losing_operation, l.winning_operation, l.noticed_ms FROM losses l "
    "JOIN records r USING (record_key) JOIN collections c USING (collection_key) "
    "WHERE l.resolved = 0";

Loss read_loss(const store::Row& row) {
  return {.id = row.int64(0),
          .collection = std::string(row.text(1)),
          .record = store::read_id(row, 2),
          .field = std::string(row.text(3)),
          .losing_value = value_in(row, 4),
          .winning_value = value_in(row, 5),
          .rule = std::string(row.text(6)),
          .losing_operation = std::string(row.text(7)),
          .winning_operation = std::string(row.text(8)),
          .noticed_ms = row.int64(9)};
}

Error no_loss(std::int64_t id) {
  return {ErrorCode::not_found, "there is no entry " + std::to_string(id) + " in the loss ledger"};
}

// Writes the losing value back as a change of its own.
Result<void> write_loss(WriteSession& session, const Loss& loss) {
  Result<LocalWriter> writer = LocalWriter::of(session, loss.collection);
  if (!writer) return fail(writer);
  const auto entry = session.catalog().collection(loss.collection);
  if (!entry) return fail(entry);
  const auto row = session.find_record(**entry, loss.record);
  if (!row) return fail(row);
  const bool alive = *row && !(*row)->deleted;
  if (loss.field.empty()) {
    if (!loss.losing_value) return alive ? writer->remove(loss.record) : Result<void>();
    const Object* fields = loss.losing_value->if_object();
    return writer->put(loss.record, fields != nullptr ? *fields : Object());
  }
  if (!alive) {
    return fail(ErrorCode::precondition_failed,
                "record \"" + loss.record + "\" was deleted meanwhile: create it again first");
  }
  if (!loss.losing_value) return writer->remove_fields(loss.record, {loss.field});
  Object fields;
  fields.set(loss.field, *loss.losing_value);
  return writer->patch(loss.record, fields);
}

}  // namespace

Result<std::vector<Loss>> read_losses(const ReadConnection& read) {
  auto select = read.cache.get(std::string(kLoss) + " ORDER BY l.loss_key");
  if (!select) return fail(select);
  std::vector<Loss> losses;
  store::Rows rows = (*select)->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return losses;
    losses.push_back(read_loss(rows.row()));
  }
}

Result<void> dismiss_loss(WriteSession& session, std::int64_t id) {
  auto update = session.store().cache().get(
      "UPDATE losses SET resolved = 1 WHERE loss_key = ?1 AND resolved = 0");
  if (!update) return fail(update);
  if (auto done = (*update)->run(id); !done) return done;
  if (session.store().connection().changes() == 0) return std::unexpected(no_loss(id));
  return {};
}

Result<void> restore_loss(WriteSession& session, std::int64_t id) {
  auto select = session.store().cache().get(std::string(kLoss) + " AND l.loss_key = ?1");
  if (!select) return fail(select);
  const auto loss = (*select)->query_one(read_loss, id);
  if (!loss) return fail(loss);
  if (!*loss) return std::unexpected(no_loss(id));
  if (auto done = dismiss_loss(session, id); !done) return done;
  return write_loss(session, **loss);
}

Result<std::vector<DeadLetter>> read_dead_letters(const ReadConnection& read) {
  auto select = read.cache.get(
      "SELECT d.letter_key, m.name, c.name, r.id, o.operation_id, d.code, d.reason, d.refused_ms "
      "FROM dead_letters d JOIN remotes m USING (remote_key) JOIN operations o USING (position) "
      "JOIN records r USING (record_key) JOIN collections c USING (collection_key) "
      "ORDER BY d.letter_key");
  if (!select) return fail(select);
  std::vector<DeadLetter> letters;
  store::Rows rows = (*select)->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return letters;
    const store::Row row = rows.row();
    letters.push_back({.id = row.int64(0),
                       .remote = std::string(row.text(1)),
                       .collection = std::string(row.text(2)),
                       .record = store::read_id(row, 3),
                       .operation = to_hex(row.blob(4)),
                       .code = std::string(row.text(5)),
                       .reason = std::string(row.text(6)),
                       .refused_ms = row.int64(7)});
  }
}

namespace {

// A dead letter and the operation that it is about.
struct Letter {
  std::int64_t remote_key = 0;
  std::int64_t position = 0;
  std::int64_t collection_key = 0;
  std::string record;
  std::vector<std::uint8_t> operation_id;
  std::int64_t pending = 0;  // of the operation
  bool is_owned = false;     // the record, by a kinto remote
};

Result<Letter> find_letter(WriteSession& session, std::int64_t id) {
  auto select = session.store().cache().get(
      "SELECT d.remote_key, d.position, r.collection_key, r.id, o.operation_id, o.pending, "
      "c.remote_key IS NOT NULL FROM dead_letters d JOIN operations o USING (position) JOIN "
      "records r USING (record_key) JOIN collections c USING (collection_key) "
      "WHERE d.letter_key = ?1");
  if (!select) return fail(select);
  auto letter = (*select)->query_one(
      [](const store::Row& row) {
        const store::Blob bytes = row.blob(4);
        return Letter{row.int64(0),
                      row.int64(1),
                      row.int64(2),
                      store::read_id(row, 3),
                      {bytes.begin(), bytes.end()},
                      row.int64(5),
                      row.int64(6) != 0};
      },
      id);
  if (!letter) return fail(letter);
  if (!*letter) {
    return fail(ErrorCode::not_found, "there is no dead letter " + std::to_string(id));
  }
  return std::move(**letter);
}

// The remotes that refused the operation.
Result<std::int64_t> refused_mask(WriteSession& session, std::int64_t position) {
  auto select = session.store().cache().get(
      "SELECT coalesce(sum(1 << (remote_key - 1)), 0) FROM dead_letters WHERE position = ?1");
  if (!select) return fail(select);
  auto mask = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, position);
  if (!mask) return fail(mask);
  return mask->value_or(0);
}

// What another remote has would come back from there: it cannot be taken out of the log.
Result<void> check_nowhere_else(WriteSession& session, const CollectionEntry& collection,
                                const Letter& letter) {
  const Result<std::int64_t> refused = refused_mask(session, letter.position);
  if (!refused) return fail(refused);
  const std::int64_t elsewhere = collection.pending_mask & ~letter.pending & ~*refused;
  if (elsewhere == 0) return {};
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& remote : **remotes) {
    if ((remote.bit() & elsewhere) == 0) continue;
    return fail(ErrorCode::precondition_failed,
                "the change of \"" + letter.record + "\" is at remote \"" + remote.name +
                    "\" already and cannot be taken back: write the record anew, or retry");
  }
  return {};
}

Result<void> run_with(WriteSession& session, std::string_view sql, std::int64_t position) {
  auto statement = session.store().cache().get(sql);
  if (!statement) return fail(statement);
  return (*statement)->run(position);
}

// Behind all others: a stream connector has passed its old place.
Result<void> queue_anew(WriteSession& session, std::int64_t position) {
  const std::int64_t moved = session.take_position();
  for (const char* sql : {"UPDATE operations SET position = ?2 WHERE position = ?1",
                          "UPDATE dead_letters SET position = ?2 WHERE position = ?1"}) {
    auto move = session.store().cache().get(sql);
    if (!move) return fail(move);
    if (auto done = (*move)->run(position, moved); !done) return done;
  }
  return {};
}

}  // namespace

// What a kinto remote owns keeps its place: a push says up to where it holds a record's operations.
Result<void> retry_dead_letter(WriteSession& session, std::int64_t id) {
  const Result<Letter> letter = find_letter(session, id);
  if (!letter) return fail(letter);
  const Result<std::int64_t> bit = remote_bit(letter->remote_key);
  if (!bit) return fail(bit);
  auto done = run_with(session, "DELETE FROM dead_letters WHERE letter_key = ?1", id);
  if (!done) return done;
  auto update = session.store().cache().get(
      "UPDATE operations SET pending = pending | ?2 WHERE position = ?1");
  if (!update) return fail(update);
  session.summary().pending_added = true;
  done = (*update)->run(letter->position, *bit);
  if (!done || letter->is_owned) return done;
  return queue_anew(session, letter->position);
}

// Without the operation the record is what the rest of its log makes of it.
Result<void> discard_dead_letter(WriteSession& session, std::int64_t id) {
  const Result<Letter> letter = find_letter(session, id);
  if (!letter) return fail(letter);
  const auto entry = session.catalog().collection_of_key(letter->collection_key);
  if (!entry) return fail(entry);
  CollectionEntry& collection = **entry;
  if (auto good = check_nowhere_else(session, collection, *letter); !good) return good;
  const auto row = session.find_record(collection, letter->record);
  if (!row) return fail(row);
  if (!*row) return fail(ErrorCode::corrupt, "the file has a dead letter of a record without id");
  for (const char* sql : {"DELETE FROM dead_letters WHERE position = ?1",
                          "DELETE FROM operations WHERE position = ?1"}) {
    if (auto done = run_with(session, sql, letter->position); !done) return done;
  }
  session.subtract_fingerprint(collection, letter->operation_id);
  return refold(session, collection, letter->record, **row);
}

}  // namespace tombolo::client
