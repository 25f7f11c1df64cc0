#include "client/remote_store.h"

#include <algorithm>
#include <bit>

#include "base/json.h"
#include "base/text.h"
#include "client/local_schema.h"
#include "client/operation_body.h"
#include "client/recovery.h"
#include "core/fingerprint.h"
#include "core/names.h"
#include "protocol/kinto_id.h"
#include "store/id.h"
#include "store/transaction.h"

namespace tombolo::client {
namespace {

// The collections that a remote exchanges, as an SQL condition on `collections c`. ?2 is the JSON
// list of their names, ?1 the remote's key.
constexpr std::string_view kOwnCollections =
    "(c.remote_key = ?1 OR (c.remote_key IS NULL AND ?3 AND (json_array_length(?2) = 0 OR c.name "
    "IN (SELECT value FROM json_each(?2)))))";

std::string names_json(const std::vector<std::string>& names) {
  return Value(Array(names.begin(), names.end())).to_json();
}

Result<std::optional<RemoteEntry>> find_remote(WriteSession& session, std::string_view name) {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& remote : **remotes) {
    if (remote.name == name) return remote;
  }
  return std::nullopt;
}

Result<void> check_same(const RemoteEntry& known, const RemoteOptions& options, RemoteKind kind) {
  if (known.kind == kind && known.collections == options.collections) return {};
  return fail(ErrorCode::precondition_failed,
              "the remote \"" + known.name +
                  "\" is known with another kind or other collections: forget it first, or give "
                  "this one another name");
}

// Gives the collections to a kinto remote, which owns their history alone.
Result<void> own_collections(WriteSession& session, const RemoteEntry& remote) {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  const std::vector<RemoteEntry> others = **remotes;
  for (const std::string& name : remote.collections) {
    const auto entry = session.catalog().collection(name);
    if (!entry) return fail(entry);
    for (const RemoteEntry& other : others) {
      const bool owns = other.key == (*entry)->remote_key;
      const bool streams = other.kind == RemoteKind::stream && other.names(name);
      if (other.key == remote.key || !(owns || streams)) continue;
      return fail(ErrorCode::precondition_failed,
                  "collection \"" + name + "\" belongs to remote \"" + other.name +
                      "\": forget that one first, or name other collections");
    }
    if (auto done = give_collection(session, remote, **entry); !done) return done;
  }
  return {};
}

// A kinto remote that takes all would never get a collection beside a stream remote that does.
Result<void> check_not_streamed(WriteSession& session) {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& other : **remotes) {
    if (other.kind != RemoteKind::stream || !other.collections.empty()) continue;
    return fail(ErrorCode::precondition_failed,
                "all collections belong to remote \"" + other.name +
                    "\": forget that one first, or connect it with the collections it is to have");
  }
  return {};
}

Result<void> check_not_owned(WriteSession& session, const RemoteOptions& options) {
  for (const std::string& name : options.collections) {
    const auto entry = session.catalog().collection(name);
    if (!entry) return fail(entry);
    if ((*entry)->remote_key == 0) continue;
    return fail(ErrorCode::precondition_failed,
                "collection \"" + name + "\" belongs to a kinto remote and cannot be streamed");
  }
  return {};
}

Result<void> update_pending(WriteSession& session, const RemoteEntry& remote,
                            std::string_view condition, std::int64_t node_key,
                            std::int64_t sequence_number) {
  auto update = session.store().cache().get(
      "UPDATE operations SET pending = pending | ?4 WHERE " + std::string(condition) +
      " AND record_key IN (SELECT record_key FROM records r JOIN collections c USING "
      "(collection_key) WHERE " +
      std::string(kOwnCollections) + ")");
  if (!update) return fail(update);
  const std::string names = names_json(remote.collections);
  session.summary().pending_added = true;
  auto done = (*update)->run(remote.key, names, remote.kind == RemoteKind::stream ? 1 : 0,
                             remote.bit(), node_key, sequence_number);
  if (!done) return done;
  auto forget = session.store().cache().get(
      "DELETE FROM dead_letters WHERE remote_key = ?1 AND EXISTS (SELECT 1 FROM operations o "
      "WHERE o.position = dead_letters.position AND o.pending & ?2)");
  if (!forget) return fail(forget);
  return (*forget)->run(remote.key, remote.bit());
}

// What no kinto remote had taken yet is now the stream remote's.
Result<void> take_from_others(WriteSession& session, const RemoteEntry& remote) {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  std::int64_t bits = 0;
  for (const RemoteEntry& other : **remotes) {
    if (other.kind == RemoteKind::kinto) bits |= other.bit();
  }
  if (bits == 0) return {};
  auto update = session.store().cache().get(
      "UPDATE operations SET pending = pending & ~?4 WHERE pending & ?4 AND record_key IN "
      "(SELECT record_key FROM records r JOIN collections c USING (collection_key) WHERE "
      "c.remote_key IS NULL AND " +
      std::string(kOwnCollections) + ")");
  if (!update) return fail(update);
  return (*update)->run(remote.key, names_json(remote.collections), 1, bits);
}

}  // namespace

Result<RemoteEntry> register_remote(WriteSession& session, const RemoteOptions& options,
                                    RemoteKind kind) {
  for (const std::string& name : options.collections) {
    if (auto good = core::check_name("a collection", name); !good) return fail(good);
    if (kind == RemoteKind::kinto && !protocol::kinto::is_valid_id(name)) {
      return fail(ErrorCode::invalid_argument,
                  "\"" + name +
                      "\" cannot name a collection of a kinto server: use letters, "
                      "digits, '_' and '-', beginning with a letter or digit");
    }
  }
  const std::string& name = options.name.empty() ? options.url : options.name;
  const auto known = find_remote(session, name);
  if (!known) return fail(known);
  if (*known) {
    if (auto same = check_same(**known, options, kind); !same) return fail(same);
    auto update = session.store().cache().get("UPDATE remotes SET url = ?2 WHERE remote_key = ?1");
    if (!update) return fail(update);
    if (auto done = (*update)->run((*known)->key, options.url); !done) return fail(done);
    session.catalog().note_changed();
    RemoteEntry entry = **known;
    entry.url = options.url;
    return entry;
  }
  auto free = kind == RemoteKind::stream    ? check_not_owned(session, options)
              : options.collections.empty() ? check_not_streamed(session)
                                            : Result<void>();
  if (!free) return fail(free);
  const auto all = session.catalog().remotes();
  if (!all) return fail(all);
  RemoteEntry entry{
      .key = 1, .name = name, .kind = kind, .url = options.url, .collections = options.collections};
  for (const RemoteEntry& other : **all) {
    if (other.key == entry.key) ++entry.key;
  }
  if (entry.key > kMaxRemotes) {
    return fail(
        ErrorCode::limit_exceeded,
        "a database knows at most " + std::to_string(kMaxRemotes) + " remotes: forget one first");
  }
  auto insert = session.store().cache().get(
      "INSERT INTO remotes(remote_key, name, kind, url, collections) VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!insert) return fail(insert);
  const std::string names = names_json(entry.collections);
  auto done = (*insert)->run(entry.key, entry.name, text_of(kind), entry.url, names);
  if (!done) return fail(done);
  session.catalog().note_changed();
  done = kind == RemoteKind::kinto ? own_collections(session, entry)
                                   : update_pending(session, entry, "?5 = ?6", 0, 0);
  if (done && kind == RemoteKind::stream) done = take_from_others(session, entry);
  if (!done) return fail(done);
  return entry;
}

Result<void> give_collection(WriteSession& session, const RemoteEntry& remote,
                             const CollectionEntry& collection) {
  const std::int64_t key = collection.key;
  auto own = session.store().cache().get(
      "UPDATE collections SET remote_key = ?2 WHERE collection_key = ?1");
  if (!own) return fail(own);
  if (auto done = (*own)->run(key, remote.key); !done) return done;
  session.catalog().note_changed();
  session.summary().pending_added = true;
  auto pend = session.store().cache().get(
      "UPDATE operations SET pending = ?2 WHERE record_key IN "
      "(SELECT record_key FROM records WHERE collection_key = ?1)");
  if (!pend) return fail(pend);
  return (*pend)->run(key, remote.bit());
}

Result<void> forget_remote(WriteSession& session, std::string_view name) {
  const auto known = find_remote(session, name);
  if (!known) return fail(known);
  if (!*known) return fail(ErrorCode::not_found, "there is no remote " + std::string(name));
  const std::int64_t key = (*known)->key;
  if (auto done = release_collections(session, key); !done) return done;
  for (const char* sql : {"DELETE FROM cursors WHERE remote_key = ?1",
                          "DELETE FROM dead_letters WHERE remote_key = ?1",
                          "DELETE FROM unreadable_operations WHERE remote_key = ?1",
                          "UPDATE collections SET remote_key = NULL WHERE remote_key = ?1",
                          "UPDATE operations SET pending = pending & ~(1 << (?1 - 1)) WHERE "
                          "pending != 0",
                          "DELETE FROM remotes WHERE remote_key = ?1"}) {
    auto statement = store::Statement::prepare(session.store().connection(), sql);
    if (!statement) return fail(statement);
    if (auto done = statement->run(key); !done) return done;
  }
  session.catalog().note_changed();
  return {};
}

Result<std::string> last_server(const ReadConnection& read, std::int64_t remote_key) {
  const auto server = read_cursor(read, remote_key, "", "server");
  if (!server) return fail(server);
  return server->value_or("");
}

Result<void> set_last_server(WriteSession& session, std::int64_t remote_key,
                             std::string_view server) {
  return write_cursor(session, remote_key, "", "server", server);
}

Result<std::optional<std::string>> read_cursor(const ReadConnection& read, std::int64_t remote_key,
                                               std::string_view server, std::string_view scope) {
  auto select = read.cache.get(
      "SELECT value FROM cursors WHERE remote_key = ?1 AND server = ?2 AND scope = ?3");
  if (!select) return fail(select);
  return (*select)->query_one([](const store::Row& row) { return std::string(row.text(0)); },
                              remote_key, server, scope);
}

Result<void> write_cursor(WriteSession& session, std::int64_t remote_key, std::string_view server,
                          std::string_view scope, std::string_view value) {
  auto update = session.store().cache().get(
      "INSERT INTO cursors(remote_key, server, scope, value) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT DO UPDATE SET value = excluded.value");
  if (!update) return fail(update);
  return (*update)->run(remote_key, server, scope, value);
}

Result<void> forget_cursors(WriteSession& session, std::int64_t remote_key,
                            std::string_view scope) {
  auto remove =
      session.store().cache().get("DELETE FROM cursors WHERE remote_key = ?1 AND scope = ?2");
  if (!remove) return fail(remove);
  return (*remove)->run(remote_key, scope);
}

Result<void> note_synced(WriteSession& session, std::int64_t remote_key) {
  auto update =
      session.store().cache().get("UPDATE remotes SET last_sync_ms = ?2 WHERE remote_key = ?1");
  if (!update) return fail(update);
  return (*update)->run(remote_key, session.wall_ms());
}

Result<std::vector<LoggedOperation>> read_pending(const ReadConnection& read,
                                                  std::int64_t remote_bit, std::int64_t after,
                                                  std::size_t max_operations,
                                                  std::size_t max_bytes) {
  auto select = read.cache.get(
      "SELECT o.position, o.operation_id, o.stamp, n.id, o.sequence_number, o.body, c.name, r.id "
      "FROM operations o JOIN nodes n ON n.node_key = o.node_key "
      "JOIN records r ON r.record_key = o.record_key "
      "JOIN collections c ON c.collection_key = r.collection_key "
      "WHERE o.pending != 0 AND o.pending & ?1 AND o.position > ?2 ORDER BY o.position LIMIT ?3");
  if (!select) return fail(select);
  std::vector<LoggedOperation> pending;
  std::size_t bytes = 0;
  store::Rows rows = (*select)->query(remote_bit, after, static_cast<std::int64_t>(max_operations));
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return pending;
    const store::Row row = rows.row();
    const std::string_view body = row.text(5);
    bytes += body.size();
    if (!pending.empty() && bytes > max_bytes) return pending;
    LoggedOperation& logged = pending.emplace_back();
    logged.position = row.int64(0);
    core::Operation& operation = logged.operation;
    operation.id = to_hex(row.blob(1));
    operation.node = row.text(3);
    operation.timestamp = unpack_stamp(row.int64(2), operation.node);
    operation.sequence_number = row.int64(4);
    operation.collection = row.text(6);
    operation.record = store::read_id(row, 7);
    if (auto good = read_operation_body(body, operation); !good) return fail(good);
  }
}

Result<void> acknowledge(WriteSession& session, std::int64_t remote_bit,
                         std::span<const std::int64_t> positions) {
  for (const std::int64_t position : positions) {
    auto done = session.store().statements()[Sql::acknowledge_at].run(position, remote_bit);
    if (!done) return done;
  }
  return {};
}

Result<void> bury(WriteSession& session, const RemoteEntry& remote, std::int64_t position,
                  std::string_view code, std::string_view reason) {
  const std::int64_t one[] = {position};
  if (auto done = acknowledge(session, remote.bit(), one); !done) return done;
  // It may have been discarded meanwhile, or queued anew.
  auto insert = session.store().cache().get(
      "INSERT INTO dead_letters(remote_key, position, code, reason, refused_ms) "
      "SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM operations WHERE position = ?2) "
      "ON CONFLICT DO UPDATE SET code = ?3, reason = ?4, refused_ms = ?5");
  if (!insert) return fail(insert);
  auto done = (*insert)->run(remote.key, position, code, reason, session.wall_ms());
  if (!done) return done;
  auto record = session.store().cache().get(
      "SELECT r.collection_key, r.record_key, r.id FROM operations o JOIN records r USING "
      "(record_key) WHERE o.position = ?1");
  if (!record) return fail(record);
  struct Found {
    std::int64_t collection_key;
    std::int64_t record_key;
    std::string id;
  };
  auto found = (*record)->query_one(
      [](const store::Row& row) {
        return Found{row.int64(0), row.int64(1), store::read_id(row, 2)};
      },
      position);
  if (!found) return fail(found);
  if (!*found) return {};
  const auto entry = session.catalog().collection_of_key((*found)->collection_key);
  if (!entry) return fail(entry);
  session.touch(**entry, (*found)->record_key, (*found)->id);
  session.note_rejected(**entry, (*found)->id);
  return {};
}

Result<void> note_held(WriteSession& session, std::int64_t remote_bit, std::int64_t position,
                       bool was_pending) {
  if (was_pending) {
    return session.store().statements()[Sql::acknowledge_at].run(position, remote_bit);
  }
  auto forget = session.store().cache().get(
      "DELETE FROM dead_letters WHERE position = ?1 AND remote_key = ?2");
  if (!forget) return fail(forget);
  const int bit = std::countr_zero(static_cast<std::uint64_t>(remote_bit));
  return (*forget)->run(position, bit + 1);
}

Result<void> make_pending_above(WriteSession& session, const RemoteEntry& remote,
                                const core::VersionVector& vector) {
  auto select =
      store::Statement::prepare(session.store().connection(), "SELECT node_key, id FROM nodes");
  if (!select) return fail(select);
  std::vector<std::pair<std::int64_t, std::int64_t>> nodes;
  {
    store::Rows rows = select->query();
    for (;;) {
      const Result<bool> more = rows.next();
      if (!more) return fail(more);
      if (!*more) break;
      nodes.emplace_back(rows.row().int64(0), core::seen(vector, rows.row().text(1)));
    }
  }
  for (const auto& [node, seen] : nodes) {
    auto done =
        update_pending(session, remote, "node_key = ?5 AND sequence_number > ?6", node, seen);
    if (!done) return done;
  }
  return {};
}

Result<core::VersionVector> read_version_vector(const ReadConnection& read) {
  auto select = read.cache.get("SELECT id, seen FROM nodes WHERE seen > 0");
  if (!select) return fail(select);
  core::VersionVector vector;
  store::Rows rows = (*select)->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return vector;
    core::observe(vector, rows.row().text(0), rows.row().int64(1));
  }
}

Result<std::string> fingerprint_of(const ReadConnection& read, const RemoteEntry& remote) {
  auto snapshot = store::Transaction::begin(read.connection, store::Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot);
  core::Fingerprint sum;
  const std::string names = names_json(remote.collections);
  auto totals =
      read.cache.get("SELECT fingerprint FROM collections c WHERE " + std::string(kOwnCollections));
  if (!totals) return fail(totals);
  {
    store::Rows rows =
        (*totals)->query(remote.key, names, remote.kind == RemoteKind::stream ? 1 : 0);
    for (;;) {
      const Result<bool> more = rows.next();
      if (!more) return fail(more);
      if (!*more) break;
      sum.add(core::Fingerprint::from_bytes(rows.row().blob(0)));
    }
  }
  auto missing = read.cache.get(
      "SELECT operation_id FROM operations WHERE pending != 0 AND pending & ?1 UNION ALL "
      "SELECT operation_id FROM dead_letters JOIN operations USING (position) "
      "WHERE remote_key = ?2");
  if (!missing) return fail(missing);
  store::Rows rows = (*missing)->query(remote.bit(), remote.key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return to_hex(sum.bytes());
    sum.subtract(rows.row().blob(0));
  }
}

}  // namespace tombolo::client
