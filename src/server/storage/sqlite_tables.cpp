#include "server/storage/sqlite_tables.h"

#include <algorithm>
#include <utility>

#include "server/storage/sqlite_query.h"
#include "server/storage/sqlite_schema.h"
#include "server/storage/sqlite_values.h"
#include "store/id.h"

namespace tombolo::server {

namespace {

// Entries kept in memory of what grows with the data; beyond it the map starts anew.
constexpr std::size_t kMaxRemembered = 100'000;

template <typename Map>
void bound(Map& map) {
  if (map.size() >= kMaxRemembered) map.clear();
}

ObjectState state_of(std::int64_t state) {
  return state == 0 ? ObjectState::alive : state == 1 ? ObjectState::deleted : ObjectState::purged;
}

// What visit_operations reads.
std::string select_operations(std::string_view condition) {
  const std::string mask = std::to_string((std::int64_t{1} << kSequenceBits) - 1);
  return "SELECT position, body, node_key, list_key, state, coalesce("
         "(SELECT l.permissions_key FROM former_lives AS l "
         "WHERE l.object_key = operations.object_key AND l.last_sequence >= (position & " +
         mask + ") ORDER BY l.last_sequence LIMIT 1), permissions_key) " +
         "FROM operations CROSS JOIN objects USING (object_key) WHERE " + std::string(condition);
}

}  // namespace

Result<std::unique_ptr<SqliteTables>> SqliteTables::make(store::Connection connection) {
  std::unique_ptr<SqliteTables> tables(new SqliteTables(std::move(connection)));
  if (Result<void> done = store::define_id_functions(tables->connection_); !done) return fail(done);
  if (Result<void> done = define_value_functions(tables->connection_); !done) return fail(done);
  return tables;
}

Result<store::Statement*> SqliteTables::statement(const char* sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    Result<store::Statement> prepared = store::Statement::prepare(connection_, sql);
    if (!prepared) return fail(prepared);
    known = statements_.emplace(sql, std::move(*prepared)).first;
  }
  return &known->second;
}

Result<void> SqliteTables::start_snapshot() {
  Result<store::Statement*> select =
      statement("SELECT permissions_generation FROM server_state WHERE only = 1");
  if (!select) return fail(select);
  const auto generation = (*select)->query_one([](const store::Row& row) { return row.int64(0); });
  if (!generation) return fail(generation);
  const std::int64_t current = generation->value_or(0);
  if (current != generation_) {
    permissions_.clear();
    generation_ = current;
  }
  return {};
}

void SqliteTables::forget_all() {
  lists_.clear();
  collections_.clear();
  buckets_.clear();
  nodes_.clear();
  sets_.clear();
  grants_.clear();
  permissions_.clear();
  generation_ = -1;
}

Result<std::optional<std::int64_t>> SqliteTables::list_key(const ListPath& list) {
  uri_.clear();
  list.append_uri(uri_);
  if (const auto known = lists_.find(uri_); known != lists_.end()) return known->second;
  Result<store::Statement*> select = statement("SELECT list_key FROM lists WHERE uri = ?1");
  if (!select) return fail(select);
  auto key = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, uri_);
  if (key && *key) {
    bound(lists_);
    lists_.emplace(uri_, **key);
  }
  return key;
}

Result<std::optional<std::int64_t>> SqliteTables::bucket_key(std::string_view bucket) {
  if (const auto known = buckets_.find(bucket); known != buckets_.end()) return known->second;
  Result<store::Statement*> select =
      statement("SELECT bucket_key FROM bucket_logs WHERE bucket = ?1");
  if (!select) return fail(select);
  auto key = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, bucket);
  if (key && *key) {
    bound(buckets_);
    buckets_.emplace(std::string(bucket), **key);
  }
  return key;
}

Result<std::string> SqliteTables::node_text(std::int64_t node_key) {
  if (const auto known = nodes_.find(node_key); known != nodes_.end()) return known->second;
  Result<store::Statement*> select = statement("SELECT node FROM nodes WHERE node_key = ?1");
  if (!select) return fail(select);
  auto node = (*select)->query_one([](const store::Row& row) { return std::string(row.text(0)); },
                                   node_key);
  if (!node) return fail(node);
  if (!*node) return fail(ErrorCode::corrupt, "an operation names a node that is not listed");
  bound(nodes_);
  return nodes_.emplace(node_key, std::move(**node)).first->second;
}

Result<const std::string*> SqliteTables::collection_of(std::int64_t list_key) {
  if (const auto known = collections_.find(list_key); known != collections_.end()) {
    return &known->second;
  }
  Result<store::Statement*> select = statement("SELECT uri FROM lists WHERE list_key = ?1");
  if (!select) return fail(select);
  auto uri = (*select)->query_one([](const store::Row& row) { return std::string(row.text(0)); },
                                  list_key);
  if (!uri) return fail(uri);
  std::optional<ListPath> path = *uri ? parse_list_uri(**uri) : std::nullopt;
  if (!path) return fail(ErrorCode::corrupt, "a record names a list that is not listed");
  bound(collections_);
  return &collections_.emplace(list_key, std::move(path->collection)).first->second;
}

Result<std::optional<StoredObject>> SqliteTables::find(const ListPath& list, std::string_view id) {
  Result<std::optional<std::int64_t>> key = list_key(list);
  if (!key) return fail(key);
  if (!*key) return std::nullopt;
  Result<store::Statement*> select = statement(
      "SELECT object_key, last_modified, state, permissions_key, data FROM objects "
      "WHERE list_key = ?1 AND id = ?2 AND +state < 2");
  if (!select) return fail(select);
  const store::StoredId stored(id);
  return (*select)->query_one(
      [&](const store::Row& row) {
        StoredObject object;
        object.key = row.int64(0);
        object.id = id;
        object.last_modified = row.int64(1);
        object.state = state_of(row.int64(2));
        object.permissions = row.int64(3);
        object.data = row.text(4);
        return object;
      },
      **key, stored);
}

Result<void> SqliteTables::list(const ListQuery& query, const ObjectVisitor& visit) {
  Result<std::optional<std::int64_t>> key = list_key(query.list);
  if (!key) return fail(key);
  if (!*key) return {};
  const CompiledQuery compiled = compile_list(query, **key);
  Result<store::StatementCache::Lease> select = queries_.get(compiled.sql);
  if (!select) return fail(select);
  bind_parameters(**select, compiled);
  store::Rows rows(**select);
  std::string id;
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    const store::Row row = rows.row();
    id.clear();
    store::append_id(row, 1, id);
    const ObjectView object{row.int64(0),      id,          row.int64(2),
                            row.int64(3) != 0, row.text(4), row.int64(5)};
    if (!visit(object)) return {};
  }
}

Result<std::int64_t> SqliteTables::count(const ListQuery& query) {
  Result<std::optional<std::int64_t>> key = list_key(query.list);
  if (!key) return fail(key);
  if (!*key) return 0;
  const CompiledQuery compiled = compile_count(query, **key);
  Result<store::StatementCache::Lease> select = queries_.get(compiled.sql);
  if (!select) return fail(select);
  bind_parameters(**select, compiled);
  store::Rows rows(**select);
  Result<bool> more = rows.next();
  if (!more) return fail(more);
  return *more ? rows.row().int64(0) : 0;
}

Result<std::int64_t> SqliteTables::list_timestamp(const ListPath& list) {
  Result<std::optional<std::int64_t>> key = list_key(list);
  if (!key) return fail(key);
  if (!*key) return 0;
  Result<store::Statement*> select =
      statement("SELECT last_modified FROM lists WHERE list_key = ?1");
  if (!select) return fail(select);
  const auto timestamp =
      (*select)->query_one([](const store::Row& row) { return row.int64(0); }, **key);
  if (!timestamp) return fail(timestamp);
  return timestamp->value_or(0);
}

// Reads the sets that were added since the last time: they are never changed or removed.
Result<void> SqliteTables::load_sets() {
  Result<store::Statement*> select = statement(
      "SELECT permissions_key, permissions FROM permission_sets WHERE permissions_key > ?1");
  if (!select) return fail(select);
  const std::int64_t last = sets_.empty() ? 0 : sets_.rbegin()->first;
  store::Rows rows = (*select)->query(last);
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    const PermissionsKey key = rows.row().int64(0);
    Result<PermissionSet> set = PermissionSet::parse(rows.row().text(1));
    if (!set)
      return fail(ErrorCode::corrupt, "a permission set is damaged: " + set.error().message);
    for (const PermissionSet::Entry& entry : set->entries()) {
      for (const std::string& principal : entry.principals) {
        grants_[principal].push_back({key, entry.permission});
      }
    }
    sets_.emplace(key, std::make_unique<PermissionSet>(std::move(*set)));
  }
}

Result<const PermissionSet*> SqliteTables::permission_set(PermissionsKey key) {
  static const PermissionSet kEmpty;
  if (key == kNoPermissions) return &kEmpty;
  auto known = sets_.find(key);
  if (known == sets_.end()) {
    if (Result<void> loaded = load_sets(); !loaded) return fail(loaded);
    known = sets_.find(key);
  }
  if (known == sets_.end()) {
    return fail(ErrorCode::corrupt, "an object names a permission set that is not listed");
  }
  return known->second.get();
}

Result<std::vector<PermissionsKey>> SqliteTables::sets_granting(
    std::span<const std::string_view> permissions, std::span<const std::string> principals) {
  if (Result<void> loaded = load_sets(); !loaded) return fail(loaded);
  std::vector<PermissionsKey> keys;
  for (const std::string& principal : principals) {
    const auto granted = grants_.find(principal);
    if (granted == grants_.end()) continue;
    for (const Grant& grant : granted->second) {
      if (std::find(permissions.begin(), permissions.end(), grant.permission) !=
          permissions.end()) {
        keys.push_back(grant.key);
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

Result<std::optional<PermissionsKey>> SqliteTables::permissions_of(const ObjectPath& path) {
  uri_.clear();
  path.append_uri(uri_);
  if (const auto known = permissions_.find(uri_); known != permissions_.end()) return known->second;
  std::string uri = uri_;
  Result<std::optional<StoredObject>> object = find(path.list, path.id);
  if (!object) return fail(object);
  std::optional<PermissionsKey> permissions;
  if (*object && (*object)->state == ObjectState::alive) permissions = (*object)->permissions;
  bound(permissions_);
  permissions_.emplace(std::move(uri), permissions);
  return permissions;
}

Result<BucketLog> SqliteTables::bucket_log(std::string_view bucket) {
  Result<store::Statement*> select =
      statement("SELECT delivery_sequence, fingerprint FROM bucket_logs WHERE bucket = ?1");
  if (!select) return fail(select);
  const auto log = (*select)->query_one(
      [](const store::Row& row) {
        BucketLog found;
        found.delivery_sequence = row.int64(0);
        found.fingerprint = core::Fingerprint::from_bytes(row.blob(1));
        return found;
      },
      bucket);
  if (!log) return fail(log);
  return log->value_or(BucketLog{});
}

Result<std::vector<FormerLife>> SqliteTables::former_lives(const ObjectPath& path) {
  std::vector<FormerLife> lives;
  const Result<std::optional<std::int64_t>> key = list_key(path.list);
  if (!key) return fail(key);
  if (!*key) return lives;
  Result<store::Statement*> select = statement(
      "SELECT last_sequence, former_lives.permissions_key, fingerprint "
      "FROM objects CROSS JOIN former_lives USING (object_key) "
      "WHERE list_key = ?1 AND id = ?2 ORDER BY last_sequence");
  if (!select) return fail(select);
  const store::StoredId stored(path.id);
  store::Rows rows = (*select)->query(**key, stored);
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return lives;
    const store::Row row = rows.row();
    lives.push_back({row.int64(0), row.int64(1), core::Fingerprint::from_bytes(row.blob(2))});
  }
}

Result<std::string> SqliteTables::timeline(std::string_view bucket) {
  Result<store::Statement*> select = statement(
      "SELECT timeline FROM log_timelines WHERE bucket_key = "
      "(SELECT bucket_key FROM bucket_logs WHERE bucket = ?1) "
      "ORDER BY first_sequence DESC LIMIT 1");
  if (!select) return fail(select);
  const auto found =
      (*select)->query_one([](const store::Row& row) { return std::string(row.text(0)); }, bucket);
  if (!found) return fail(found);
  return found->value_or("");
}

Result<bool> SqliteTables::continues(std::string_view bucket, std::string_view timeline,
                                     std::int64_t sequence) {
  Result<store::Statement*> select = statement(
      "SELECT 1 FROM log_timelines AS t WHERE bucket_key = "
      "(SELECT bucket_key FROM bucket_logs WHERE bucket = ?1) AND timeline = ?2 AND NOT EXISTS "
      "(SELECT 1 FROM log_timelines AS later WHERE later.bucket_key = t.bucket_key AND "
      "later.first_sequence > t.first_sequence AND later.first_sequence <= ?3)");
  if (!select) return fail(select);
  const auto found =
      (*select)->query_one([](const store::Row&) { return true; }, bucket, timeline, sequence);
  if (!found) return fail(found);
  return found->value_or(false);
}

Result<std::optional<Author>> SqliteTables::author(std::string_view bucket, std::string_view node) {
  const Result<std::optional<std::int64_t>> key = bucket_key(bucket);
  if (!key) return fail(key);
  if (!*key) return std::nullopt;
  Result<store::Statement*> select = statement(
      "SELECT sequence_number, principal FROM version_vectors WHERE bucket_key = ?1 AND "
      "node_key = (SELECT node_key FROM nodes WHERE node = ?2)");
  if (!select) return fail(select);
  return (*select)->query_one(
      [](const store::Row& row) { return Author{row.int64(0), std::string(row.text(1))}; }, **key,
      node);
}

Result<void> SqliteTables::visit_operations(store::Statement& statement,
                                            const OperationVisitor& visit) {
  store::Rows rows(statement);
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    const store::Row row = rows.row();
    Result<std::string> node = node_text(row.int64(2));
    if (!node) return fail(node);
    Result<const std::string*> collection = collection_of(row.int64(3));
    if (!collection) return fail(collection);
    LoggedOperation operation;
    operation.delivery_sequence = row.int64(0) & ((std::int64_t{1} << kSequenceBits) - 1);
    operation.body = row.text(1);
    operation.node = *node;
    operation.collection = **collection;
    operation.record_state = state_of(row.int64(4));
    operation.record_permissions = row.int64(5);
    if (!visit(operation)) return {};
  }
}

Result<void> SqliteTables::operations_after(std::string_view bucket, std::int64_t after,
                                            std::int64_t limit, const OperationVisitor& visit) {
  Result<std::optional<std::int64_t>> key = bucket_key(bucket);
  if (!key) return fail(key);
  if (!*key) return {};
  static const std::string kSelect =
      select_operations("position > ?1 AND position < ?2 ORDER BY position LIMIT ?3");
  Result<store::Statement*> select = statement(kSelect.c_str());
  if (!select) return fail(select);
  const std::int64_t base = **key << kSequenceBits;
  const std::int64_t highest = (std::int64_t{1} << kSequenceBits) - 1;
  (*select)->bind_all(base + std::clamp<std::int64_t>(after, 0, highest), base + highest, limit);
  return visit_operations(**select, visit);
}

Result<void> SqliteTables::operations_of(ObjectKey record, const OperationVisitor& visit) {
  static const std::string kSelect = select_operations("operations.object_key = ?1 ORDER BY stamp");
  Result<store::Statement*> select = statement(kSelect.c_str());
  if (!select) return fail(select);
  (*select)->bind_all(record);
  return visit_operations(**select, visit);
}

}  // namespace tombolo::server
