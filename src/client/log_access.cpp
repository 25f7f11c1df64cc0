#include "client/log_access.h"

#include "base/text.h"
#include "client/catalog.h"
#include "client/operation_body.h"
#include "client/unreadable_operations.h"
#include "client/write_session.h"
#include "store/id.h"
#include "store/transaction.h"

namespace tombolo::client {
namespace {

Result<std::int64_t> count(const ReadConnection& read, std::string_view sql,
                           std::int64_t parameter = 0) {
  auto select = read.cache.get(sql);
  if (!select) return fail(select);
  auto number = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, parameter);
  if (!number) return fail(number);
  return number->value_or(0);
}

constexpr std::string_view kOperation =
    "SELECT o.operation_id, o.stamp, n.id, o.body, o.pending, c.name, r.id FROM operations o "
    "JOIN nodes n ON n.node_key = o.node_key JOIN records r ON r.record_key = o.record_key "
    "JOIN collections c ON c.collection_key = r.collection_key ";

Result<OperationInfo> read_operation(const store::Row& row) {
  core::Operation operation;
  operation.node = row.text(2);
  operation.timestamp = unpack_stamp(row.int64(1), operation.node);
  if (auto read = read_operation_body(row.text(3), operation); !read) return fail(read);
  const Result<std::string> stamp = core::format_timestamp(operation.timestamp);
  if (!stamp) return fail(stamp);
  return OperationInfo{.id = to_hex(row.blob(0)),
                       .type = std::string(core::name_of(operation.type)),
                       .collection = std::string(row.text(5)),
                       .record = store::read_id(row, 6),
                       .node = operation.node,
                       .timestamp = *stamp,
                       .pending = row.int64(4) != 0};
}

Result<std::vector<RemoteStatus>> read_remotes(const ReadConnection& read) {
  auto select = store::Statement::prepare(
      read.connection,
      "SELECT remote_key, name, kind, url, last_sync_ms, collections FROM remotes ORDER BY 1");
  if (!select) return fail(select);
  std::vector<RemoteStatus> remotes;
  store::Rows rows = select->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return remotes;
    const store::Row row = rows.row();
    RemoteStatus& remote = remotes.emplace_back();
    remote.name = row.text(1);
    remote.kind = row.text(2) == "kinto" ? RemoteKind::kinto : RemoteKind::stream;
    remote.url = row.text(3);
    if (!row.is_null(4)) remote.last_sync_ms = row.int64(4);
    remote.collections = read_names(row.text(5));
    const Result<std::int64_t> bit = remote_bit(row.int64(0));
    if (!bit) return fail(bit);
    const auto pending = count_pending(read, *bit);
    if (!pending) return fail(pending);
    remote.pending = *pending;
    const auto letters = count_dead_letters(read, row.int64(0));
    if (!letters) return fail(letters);
    remote.dead_letters = *letters;
    const auto unreadable = count_unreadable(read, row.int64(0));
    if (!unreadable) return fail(unreadable);
    remote.unreadable = *unreadable;
  }
}

}  // namespace

Result<std::int64_t> count_pending(const ReadConnection& read, std::int64_t remote_bit) {
  return count(read, "SELECT count(*) FROM operations WHERE pending != 0 AND pending & ?1",
               remote_bit);
}

Result<bool> has_pending(const ReadConnection& read, std::int64_t remote_bit, std::int64_t after,
                         std::int64_t upto) {
  auto select = read.cache.get(
      "SELECT 1 FROM operations WHERE pending != 0 AND pending & ?1 AND position > ?2 AND "
      "position <= ?3 LIMIT 1");
  if (!select) return fail(select);
  auto found =
      (*select)->query_one([](const store::Row&) { return true; }, remote_bit, after, upto);
  if (!found) return fail(found);
  return found->has_value();
}

Result<std::int64_t> newest_position(const ReadConnection& read) {
  auto select = read.cache.get("SELECT coalesce(max(position), 0) FROM operations");
  if (!select) return fail(select);
  auto newest = (*select)->query_one([](const store::Row& row) { return row.int64(0); });
  if (!newest) return fail(newest);
  return newest->value_or(0);
}

Result<std::int64_t> count_dead_letters(const ReadConnection& read, std::int64_t remote_key) {
  return count(read, "SELECT count(*) FROM dead_letters WHERE remote_key = ?1", remote_key);
}

Result<std::vector<CollectionInfo>> read_collections(const ReadConnection& read) {
  auto select = read.cache.get(
      "SELECT name, (SELECT count(*) FROM records r WHERE r.collection_key = c.collection_key "
      "AND deleted = 0), schema IS NOT NULL FROM collections c ORDER BY name");
  if (!select) return fail(select);
  std::vector<CollectionInfo> collections;
  store::Rows rows = (*select)->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return collections;
    const store::Row row = rows.row();
    collections.push_back({.name = std::string(row.text(0)),
                           .records = row.int64(1),
                           .has_schema = row.int64(2) != 0});
  }
}

Result<std::vector<OperationInfo>> read_operations(const ReadConnection& read, std::int64_t limit,
                                                   std::string_view collection,
                                                   std::string_view record) {
  std::vector<OperationInfo> operations;
  const bool one = !record.empty();
  auto select = read.cache.get(
      std::string(kOperation) +
      (one ? "WHERE o.record_key = (SELECT record_key FROM records WHERE id = ?3 AND "
             "collection_key = (SELECT collection_key FROM collections WHERE name = ?2)) "
           : "WHERE ?3 IS NOT NULL AND (?2 = '' OR c.name = ?2) ") +
      "ORDER BY o.position DESC LIMIT ?1");
  if (!select) return fail(select);
  const store::StoredId id(record);
  store::Rows rows = (*select)->query(limit, collection, id);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return operations;
    Result<OperationInfo> operation = read_operation(rows.row());
    if (!operation) return fail(operation);
    operations.push_back(std::move(*operation));
  }
}

Result<DatabaseStatus> read_status(const ReadConnection& read) {
  auto snapshot = store::Transaction::begin(read.connection, store::Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot);
  DatabaseStatus status;
  auto node = read.cache.get("SELECT n.id FROM state JOIN nodes n USING (node_key)");
  if (!node) return fail(node);
  auto id = (*node)->query_one([](const store::Row& row) { return std::string(row.text(0)); });
  if (!id) return fail(id);
  status.node = id->value_or("");
  const auto fill = [&](std::int64_t& number, std::string_view sql) -> Result<void> {
    const auto counted = count(read, sql);
    if (!counted) return fail(counted);
    number = *counted;
    return {};
  };
  auto done = fill(status.operations, "SELECT count(*) FROM operations WHERE ?1 = 0");
  if (done) done = fill(status.pending, "SELECT count(*) FROM operations WHERE pending != ?1");
  if (done) done = fill(status.losses, "SELECT count(*) FROM losses WHERE resolved = ?1");
  if (done) done = fill(status.dead_letters, "SELECT count(*) FROM dead_letters WHERE ?1 = 0");
  if (!done) return fail(done);
  auto remotes = read_remotes(read);
  if (!remotes) return fail(remotes);
  status.remotes = std::move(*remotes);
  return status;
}

}  // namespace tombolo::client
