#include "client/outbox.h"

#include <optional>
#include <set>

#include "client/rebase.h"
#include "client/remote_store.h"
#include "protocol/kinto_id.h"
#include "store/id.h"

namespace tombolo::client {
namespace {

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

Result<void> note_push(WriteSession& session, const sync::PendingRecord& record) {
  auto note = session.store().cache().get(
      "INSERT INTO pushes(record_key, position, deleted, data) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT DO UPDATE SET position = ?2, deleted = ?3, data = ?4");
  if (!note) return fail(note);
  return (*note)->run(record.key, record.position, record.deleted ? 1 : 0, record.data);
}

Result<std::vector<sync::PendingRecord>> read_records(WriteSession& session, std::int64_t bit,
                                                      std::size_t max_records,
                                                      std::size_t max_bytes,
                                                      const sync::PushBarriers& barriers) {
  auto select = session.store().cache().get(
      "SELECT record_key FROM operations WHERE pending != 0 AND pending & ?1 ORDER BY position");
  if (!select) return fail(select);
  std::vector<sync::PendingRecord> records;
  std::set<std::int64_t> seen;
  std::size_t bytes = 0;
  store::Rows rows = (*select)->query(bit);
  while (records.size() < max_records) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) break;
    const std::int64_t key = rows.row().int64(0);
    if (barriers.records.contains(key) || !seen.insert(key).second) continue;
    auto record = read_record(session, key);
    if (!record) return fail(record);
    if (!*record || barriers.collections.contains((*record)->collection)) continue;
    bytes += (*record)->data.size();
    if (!records.empty() && bytes > max_bytes) break;
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
  auto forget = session.store().cache().get("DELETE FROM pushes WHERE record_key = ?1");
  if (!forget) return fail(forget);
  return (*forget)->run(outcome.record->key);
}

Result<void> apply_outcome(WriteSession& session, const RemoteEntry& remote, ConflictPolicy policy,
                           const sync::PushOutcome& outcome) {
  using Kind = sync::PushOutcome::Kind;
  const sync::PendingRecord& record = *outcome.record;
  const auto entry = session.catalog().collection(record.collection);
  if (!entry) return fail(entry);
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

Result<std::vector<sync::PendingRecord>> take_pending_records(WriteSession& session,
                                                              const RemoteEntry& remote,
                                                              std::size_t max_records,
                                                              std::size_t max_bytes,
                                                              const sync::PushBarriers& barriers) {
  auto records = read_records(session, remote.bit(), max_records, max_bytes, barriers);
  if (!records) return records;
  for (const sync::PendingRecord& record : *records) {
    if (auto noted = note_push(session, record); !noted) return fail(noted);
  }
  return records;
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
    if (!protocol::kinto::is_valid_id(name)) continue;
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
