#include "client/outbox.h"

#include <optional>
#include <set>

#include "base/json.h"
#include "client/rebase.h"
#include "client/remote_store.h"
#include "core/names.h"
#include "protocol/kinto_id.h"
#include "store/id.h"

namespace tombolo::client {
namespace {

// The fields without those that are the server's business, where there are any.
Result<std::string> text_to_send(std::string_view data) {
  std::string text(data);
  const bool suspect = text.find("\"id\"") != std::string::npos ||
                       text.find("\"last_modified\"") != std::string::npos;
  if (!suspect) return text;
  Result<Value> value = parse_json(text);
  if (!value) return fail(value);
  Object* fields = value->if_object();
  if (fields == nullptr || !protocol::kinto::remove_server_fields(*fields)) return text;
  return value->to_json();
}

Result<std::optional<sync::PendingRecord>> read_record(WriteSession& session,
                                                       std::int64_t record_key) {
  auto select = session.store().cache().get(
      "SELECT c.name, r.id, r.data, r.deleted, r.base, r.base_version, "
      "(SELECT max(position) FROM operations o WHERE o.record_key = r.record_key) "
      "FROM records r JOIN collections c USING (collection_key) WHERE r.record_key = ?1");
  if (!select) return fail(select);
  return (*select)->query_one(
      [&](const store::Row& row) {
        sync::PendingRecord record;
        record.key = record_key;
        record.collection = row.text(0);
        record.id = store::read_id(row, 1);
        record.data = row.text(2);
        record.deleted = row.int64(3) != 0;
        const bool base_deleted = row.is_null(4) ? record.deleted : row.text(4).starts_with('-');
        if (!row.is_null(5) && !base_deleted) record.base_version = std::string(row.text(5));
        record.position = row.int64(6);
        return record;
      },
      record_key);
}

// A push of the same that was noted before was never answered.
Result<void> note_push(WriteSession& session, sync::PendingRecord& record) {
  auto note = session.store().cache().get(
      "INSERT INTO pushes(record_key, position, deleted, data) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT DO NOTHING");
  if (!note) return fail(note);
  auto done = (*note)->run(record.key, record.position, record.deleted ? 1 : 0, record.data);
  if (!done) return done;
  record.in_doubt = session.store().connection().changes() == 0;
  return {};
}

Result<void> forget_push(WriteSession& session, const sync::PendingRecord& record) {
  auto forget =
      session.store().cache().get("DELETE FROM pushes WHERE record_key = ?1 AND position = ?2");
  if (!forget) return fail(forget);
  return (*forget)->run(record.key, record.position);
}

Result<std::vector<sync::PendingRecord>> read_records(WriteSession& session,
                                                      const RemoteEntry& remote,
                                                      std::size_t max_records,
                                                      std::size_t max_bytes,
                                                      const sync::PushBarriers& barriers) {
  auto select = session.store().cache().get(
      "SELECT o.position, o.record_key, c.name FROM operations o "
      "CROSS JOIN records r ON r.record_key = o.record_key "
      "CROSS JOIN collections c ON c.collection_key = r.collection_key "
      "WHERE o.pending != 0 AND o.pending & ?1 AND o.position > ?2 AND o.position <= ?3 "
      "AND c.remote_key = ?4 ORDER BY o.position");
  if (!select) return fail(select);
  std::vector<sync::PendingRecord> records;
  std::set<std::int64_t> seen;
  std::size_t bytes = 0;
  store::Rows rows = (*select)->query(remote.bit(), barriers.after, barriers.until, remote.key);
  while (records.size() < max_records) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) break;
    const std::int64_t key = rows.row().int64(1);
    if (barriers.records.contains(key) || barriers.collections.contains(rows.row().text(2))) {
      continue;
    }
    if (!seen.insert(key).second) continue;
    auto record = read_record(session, key);
    if (!record) return fail(record);
    if (!*record) continue;
    bytes += (*record)->data.size();
    if (!records.empty() && bytes > max_bytes) break;
    (*record)->found_at = rows.row().int64(0);
    records.push_back(std::move(**record));
  }
  return records;
}

// All that the refused request contained goes to the dead letters.
Result<void> bury_record(WriteSession& session, const RemoteEntry& remote,
                         const sync::PushOutcome& outcome) {
  auto select = session.store().cache().get(
      "SELECT position FROM operations WHERE record_key = ?1 AND position <= ?2 AND pending & ?3");
  if (!select) return fail(select);
  std::vector<std::int64_t> positions;
  {
    store::Rows rows =
        (*select)->query(outcome.record->key, outcome.record->position, remote.bit());
    for (;;) {
      const Result<bool> more = rows.next();
      if (!more) return fail(more);
      if (!*more) break;
      positions.push_back(rows.row().int64(0));
    }
  }
  for (const std::int64_t position : positions) {
    auto done = bury(session, remote, position, outcome.code, outcome.reason);
    if (!done) return done;
  }
  return {};
}

Result<void> apply_outcome(WriteSession& session, const RemoteEntry& remote, ConflictPolicy policy,
                           const sync::PushOutcome& outcome) {
  using Kind = sync::PushOutcome::Kind;
  const sync::PendingRecord& record = *outcome.record;
  const auto entry = session.catalog().collection(record.collection);
  if (!entry) return fail(entry);
  // This push, that is, came to nothing; an earlier one of the same may have been taken.
  if (outcome.kind != Kind::accepted && !record.in_doubt) {
    if (auto done = forget_push(session, record); !done) return done;
  }
  switch (outcome.kind) {
    case Kind::accepted:
      return absorb(session, **entry, record.position, outcome.remote);
    case Kind::contested:
      return rebase(session, **entry, outcome.remote, policy);
    case Kind::gone:
      return rebase_on_nothing(session, **entry, record.id, policy);
    case Kind::unneeded:
      return drop_operations(session, **entry, record.key, record.position);
    case Kind::refused:
      return bury_record(session, remote, outcome);
    case Kind::undone:
      return {};
  }
  return {};
}

// Whether another remote has to do with the collection.
Result<bool> is_taken(WriteSession& session, const RemoteEntry& remote,
                      const CollectionEntry& collection) {
  if (collection.remote_key != 0) return collection.remote_key != remote.key;
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& other : **remotes) {
    if (other.kind == RemoteKind::stream && other.names(collection.name)) return true;
  }
  return false;
}

// Appends the names of the collections whose owner is `remote_key`, null for those without.
Result<void> append_owned(WriteSession& session, std::optional<std::int64_t> remote_key,
                          std::vector<std::string>& names) {
  auto select = session.store().cache().get(
      "SELECT name FROM collections WHERE remote_key IS ?1 ORDER BY collection_key");
  if (!select) return fail(select);
  store::Rows rows = (*select)->query(remote_key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    names.emplace_back(rows.row().text(0));
  }
}

}  // namespace

Result<std::vector<sync::PendingRecord>> read_pending_records(WriteSession& session,
                                                              const RemoteEntry& remote,
                                                              std::size_t max_records,
                                                              std::size_t max_bytes,
                                                              const sync::PushBarriers& barriers) {
  return read_records(session, remote, max_records, max_bytes, barriers);
}

Result<void> prepare_push(WriteSession& session, std::span<sync::PendingRecord> records) {
  for (sync::PendingRecord& record : records) {
    if (auto noted = note_push(session, record); !noted) return noted;
    Result<std::string> text = text_to_send(record.data);
    if (!text) return fail(text);
    record.data = std::move(*text);
  }
  return {};
}

Result<void> apply_push_outcomes(WriteSession& session, const RemoteEntry& remote,
                                 ConflictPolicy policy,
                                 std::span<const sync::PushOutcome> outcomes) {
  for (const sync::PushOutcome& outcome : outcomes) {
    if (auto done = apply_outcome(session, remote, policy, outcome); !done) return done;
  }
  return {};
}

Result<std::vector<std::string>> adopt_collections(WriteSession& session, const RemoteEntry& remote,
                                                   std::span<const std::string> names) {
  std::vector<std::string> wanted(names.begin(), names.end());
  if (remote.collections.empty()) {
    if (auto done = append_owned(session, std::nullopt, wanted); !done) return fail(done);
  }
  for (const std::string& name : wanted) {
    if (!protocol::kinto::is_valid_id(name) || !core::check_name("a collection", name)) continue;
    const auto entry = session.catalog().collection(name);
    if (!entry) return fail(entry);
    if ((*entry)->remote_key == remote.key) continue;
    const Result<bool> taken = is_taken(session, remote, **entry);
    if (!taken) return fail(taken);
    if (*taken) continue;
    if (auto done = give_collection(session, remote, **entry); !done) return fail(done);
  }
  std::vector<std::string> owned;
  if (auto done = append_owned(session, remote.key, owned); !done) return fail(done);
  return owned;
}

}  // namespace tombolo::client
