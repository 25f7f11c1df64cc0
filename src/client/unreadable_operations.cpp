#include "client/unreadable_operations.h"

#include "base/text.h"
#include "protocol/operation_json.h"

namespace tombolo::client {

Result<void> keep_unreadable(WriteSession& session, std::int64_t remote_key,
                             std::string_view server, std::string_view operation_id,
                             std::string_view body, std::string_view reason) {
  auto insert = session.store().cache().get(
      "INSERT INTO unreadable_operations(remote_key, server, operation_id, body, reason, "
      "noticed_ms) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM "
      "unreadable_operations WHERE remote_key = ?1 AND server = ?2 AND operation_id = ?3 AND "
      "body = ?4)");
  if (!insert) return fail(insert);
  return (*insert)->run(remote_key, server, operation_id, body, reason, session.wall_ms());
}

Result<std::vector<KeptOperation>> read_unreadable(const ReadConnection& read,
                                                   std::int64_t remote_key, std::string_view server,
                                                   std::int64_t after, std::size_t max_operations) {
  auto select = read.cache.get(
      "SELECT unreadable_key, operation_id, body FROM unreadable_operations WHERE remote_key = ?1 "
      "AND server = ?2 AND unreadable_key > ?3 ORDER BY unreadable_key LIMIT ?4");
  if (!select) return fail(select);
  std::vector<KeptOperation> kept;
  store::Rows rows =
      (*select)->query(remote_key, server, after, static_cast<std::int64_t>(max_operations));
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return kept;
    const store::Row row = rows.row();
    kept.push_back({row.int64(0), std::string(row.text(1)), std::string(row.text(2))});
  }
}

Result<void> forget_unreadable(WriteSession& session, std::int64_t key) {
  auto remove =
      session.store().cache().get("DELETE FROM unreadable_operations WHERE unreadable_key = ?1");
  if (!remove) return fail(remove);
  return (*remove)->run(key);
}

Result<void> forget_unreadable(WriteSession& session, std::int64_t remote_key,
                               std::string_view server) {
  auto remove = session.store().cache().get(
      "DELETE FROM unreadable_operations WHERE remote_key = ?1 AND server = ?2");
  if (!remove) return fail(remove);
  return (*remove)->run(remote_key, server);
}

Result<std::int64_t> count_unreadable(const ReadConnection& read, std::int64_t remote_key) {
  auto select = read.cache.get(
      "SELECT count(*) FROM unreadable_operations u JOIN cursors c ON c.remote_key = u.remote_key "
      "AND c.server = '' AND c.scope = 'server' AND c.value = u.server WHERE u.remote_key = ?1");
  if (!select) return fail(select);
  auto number =
      (*select)->query_one([](const store::Row& row) { return row.int64(0); }, remote_key);
  if (!number) return fail(number);
  return number->value_or(0);
}

Result<std::optional<core::Fingerprint>> fingerprint_of_unreadable(const ReadConnection& read,
                                                                   std::int64_t remote_key,
                                                                   std::string_view server) {
  auto select = read.cache.get(
      "SELECT operation_id FROM unreadable_operations WHERE remote_key = ?1 AND server = ?2");
  if (!select) return fail(select);
  core::Fingerprint sum;
  store::Rows rows = (*select)->query(remote_key, server);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return sum;
    const std::string_view id = rows.row().text(0);
    if (!protocol::is_operation_id(id)) return std::nullopt;
    const std::string bytes = from_hex(id).value_or("");
    sum.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
}

}  // namespace tombolo::client
