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

struct LetterTarget {
  std::int64_t remote_key = 0;
  std::int64_t position = 0;
  std::int64_t collection_key = 0;
  std::string record;
  std::vector<std::uint8_t> operation_id;
  bool elsewhere = false;  // another remote has it already
};

// Takes the letter out of the table.
Result<LetterTarget> take_letter(WriteSession& session, std::int64_t id) {
  auto select = session.store().cache().get(
      "SELECT d.remote_key, d.position, r.collection_key, r.id, o.operation_id FROM dead_letters d "
      "JOIN operations o USING (position) JOIN records r USING (record_key) "
      "WHERE d.letter_key = ?1");
  if (!select) return fail(select);
  auto target = (*select)->query_one(
      [](const store::Row& row) {
        const store::Blob bytes = row.blob(4);
        return LetterTarget{row.int64(0),
                            row.int64(1),
                            row.int64(2),
                            store::read_id(row, 3),
                            {bytes.begin(), bytes.end()},
                            false};
      },
      id);
  if (!target) return fail(target);
  if (!*target) {
    return fail(ErrorCode::not_found, "there is no dead letter " + std::to_string(id));
  }
  auto remove = session.store().cache().get("DELETE FROM dead_letters WHERE letter_key = ?1");
  if (!remove) return fail(remove);
  if (auto done = (*remove)->run(id); !done) return fail(done);
  return std::move(**target);
}

}  // namespace

Result<void> retry_dead_letter(WriteSession& session, std::int64_t id) {
  const Result<LetterTarget> target = take_letter(session, id);
  if (!target) return fail(target);
  auto update = session.store().cache().get(
      "UPDATE operations SET pending = pending | ?2 WHERE position = ?1");
  if (!update) return fail(update);
  session.summary().pending_added = true;
  return (*update)->run(target->position, std::int64_t{1} << (target->remote_key - 1));
}

// Without the operation the record is what the rest of its log makes of it.
Result<void> discard_dead_letter(WriteSession& session, std::int64_t id) {
  const Result<LetterTarget> target = take_letter(session, id);
  if (!target) return fail(target);
  const auto entry = session.catalog().collection_of_key(target->collection_key);
  if (!entry) return fail(entry);
  const auto row = session.find_record(**entry, target->record);
  if (!row) return fail(row);
  auto remove = session.store().cache().get("DELETE FROM operations WHERE position = ?1");
  if (!remove) return fail(remove);
  if (auto done = (*remove)->run(target->position); !done) return done;
  session.subtract_fingerprint(**entry, target->operation_id);
  return refold(session, **entry, target->record, **row);
}

}  // namespace tombolo::client
