#include "client/recovery.h"

#include <charconv>
#include <string>
#include <vector>

#include "client/rebase.h"
#include "store/id.h"

namespace tombolo::client {
namespace {

struct Based {
  std::string id;
  bool deleted = false;  // the remote's version is a tombstone
  std::int64_t tag = 0;
};

Result<std::vector<Based>> based_records(WriteSession& session, std::int64_t collection_key) {
  auto select = session.store().cache().get(
      "SELECT id, base, deleted, base_version FROM records WHERE collection_key = ?1 AND "
      "base_version IS NOT NULL");
  if (!select) return fail(select);
  std::vector<Based> records;
  store::Rows rows = (*select)->query(collection_key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return records;
    const store::Row row = rows.row();
    Based& record = records.emplace_back();
    record.id = store::read_id(row, 0);
    record.deleted = row.is_null(1) ? row.int64(2) != 0 : row.text(1).starts_with('-');
    const std::string_view tag = row.text(3);
    std::from_chars(tag.data(), tag.data() + tag.size(), record.tag);
  }
}

}  // namespace

Result<void> recover_collection(WriteSession& session, CollectionEntry& collection,
                                const sync::Recovery& recovery, ConflictPolicy policy) {
  const auto records = based_records(session, collection.key);
  if (!records) return fail(records);
  for (const Based& record : *records) {
    if (record.deleted || recovery.listed.contains(record.id)) continue;
    if (recovery.keep_all || record.tag > recovery.server_tag) {
      if (auto done = make_own(session, collection, record.id); !done) return done;
      continue;
    }
    RemoteVersion tombstone;
    tombstone.id = record.id;
    tombstone.deleted = true;
    tombstone.last_modified = recovery.server_tag;
    if (auto done = rebase(session, collection, tombstone, policy); !done) return done;
  }
  return {};
}

Result<void> release_collection(WriteSession& session, CollectionEntry& collection) {
  const auto records = based_records(session, collection.key);
  if (!records) return fail(records);
  for (const Based& record : *records) {
    if (auto done = make_own(session, collection, record.id); !done) return done;
  }
  return {};
}

Result<void> release_collections(WriteSession& session, std::int64_t remote_key) {
  std::vector<std::int64_t> keys;
  auto select =
      session.store().cache().get("SELECT collection_key FROM collections WHERE remote_key = ?1");
  if (!select) return fail(select);
  {
    store::Rows rows = (*select)->query(remote_key);
    for (;;) {
      const Result<bool> more = rows.next();
      if (!more) return fail(more);
      if (!*more) break;
      keys.push_back(rows.row().int64(0));
    }
  }
  for (const std::int64_t key : keys) {
    const auto entry = session.catalog().collection_of_key(key);
    if (!entry) return fail(entry);
    if (auto done = release_collection(session, **entry); !done) return done;
  }
  return {};
}

Result<bool> has_based_records(WriteSession& session, const CollectionEntry& collection) {
  auto select = session.store().cache().get(
      "SELECT EXISTS (SELECT 1 FROM records WHERE collection_key = ?1 AND base_version IS NOT "
      "NULL)");
  if (!select) return fail(select);
  auto found =
      (*select)->query_one([](const store::Row& row) { return row.int64(0) != 0; }, collection.key);
  if (!found) return fail(found);
  return found->value_or(false);
}

}  // namespace tombolo::client
