#include "server/storage/sqlite_write.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "store/id.h"

namespace tombolo::server {

namespace {

// Lists and logs kept between transactions; beyond it they are forgotten after a commit.
constexpr std::size_t kMaxRemembered = 100'000;
// Of the server's clock, kept on the disk before it is used. A server that starts again within it
// gives its first stamps from its end.
constexpr std::int64_t kClockReserveMs = 1'000;

#define SELECT_ROW                                                                              \
  "SELECT object_key, id, last_modified, state, permissions_key, version_stamp, version_node, " \
  "data FROM objects "

std::int64_t number_of(ObjectState state) {
  return state == ObjectState::alive ? 0 : state == ObjectState::deleted ? 1 : 2;
}

ObjectState state_of(std::int64_t number) {
  return number == 0   ? ObjectState::alive
         : number == 1 ? ObjectState::deleted
                       : ObjectState::purged;
}

std::optional<std::string_view> data_of(const RowUpdate& row) {
  if (row.state != ObjectState::alive) return std::nullopt;
  return row.data;
}

}  // namespace

Result<void> SqliteWrite::start() {
  if (Result<void> done = tables_.start_snapshot(); !done) return done;
  if (clock_.last().wall_ms != 0) return {};
  Result<store::Statement*> select =
      tables_.statement("SELECT clock_wall_ms, clock_logical FROM server_state");
  if (!select) return fail(select);
  const auto read = (*select)->query_one([&](const store::Row& row) {
    core::Timestamp last{row.int64(0), row.int64(1), clock_.last().node};
    clock_.advance_to(last);
    clock_reserved_ms_ = last.wall_ms;
    return true;
  });
  return read ? Result<void>{} : fail(read);
}

Result<void> SqliteWrite::flush() {
  for (ListState* list : dirty_lists_) {
    Result<store::Statement*> update =
        tables_.statement("UPDATE lists SET last_modified = ?2 WHERE list_key = ?1");
    if (!update) return fail(update);
    Result<void> done = (*update)->run(list->key, list->last_modified);
    if (!done) return done;
    list->dirty = false;
  }
  dirty_lists_.clear();
  for (LogState* log : dirty_logs_) {
    if (Result<void> done = flush_log(*log); !done) return done;
  }
  dirty_logs_.clear();
  // The clock on the disk runs ahead of ours, so that not every commit has to write it.
  const core::Timestamp& last = clock_.last();
  const bool clock_due = clock_dirty_ && last.wall_ms >= clock_reserved_ms_;
  if (clock_due || permissions_dirty_) {
    Result<store::Statement*> update = tables_.statement(
        "UPDATE server_state SET clock_wall_ms = ?1, clock_logical = 0, "
        "permissions_generation = permissions_generation + ?2");
    if (!update) return fail(update);
    const std::int64_t reserved_ms = last.wall_ms + kClockReserveMs;
    Result<void> done = (*update)->run(reserved_ms, permissions_dirty_ ? 1 : 0);
    if (!done) return done;
    clock_reserved_ms_ = reserved_ms;
    permissions_dirty_ = false;
  }
  clock_dirty_ = false;
  if (lists_.size() > kMaxRemembered) lists_.clear();
  if (logs_.size() > kMaxRemembered) logs_.clear();
  if (node_keys_.size() > kMaxRemembered) node_keys_.clear();
  if (highest_ids_.size() > kMaxRemembered) highest_ids_.clear();
  return {};
}

void SqliteWrite::forget() {
  dirty_lists_.clear();
  dirty_logs_.clear();
  lists_.clear();
  logs_.clear();
  node_keys_.clear();
  set_keys_.clear();
  highest_ids_.clear();
  permissions_dirty_ = false;
  clock_reserved_ms_ = 0;
  tables_.forget_all();
}

void SqliteWrite::drop_savepoints() {
  while (!savepoints_.empty()) savepoints_.pop_back();
}

void SqliteWrite::note_write(const ListPath& list) {
  ++write_count_;
  if (list.kind == ResourceKind::record) return;
  permissions_dirty_ = true;
  tables_.forget_permissions();
}

Result<SqliteWrite::ListState*> SqliteWrite::list_state(const ListPath& list) {
  uri_.clear();
  list.append_uri(uri_);
  if (const auto known = lists_.find(uri_); known != lists_.end()) return &known->second;
  std::string uri = uri_;
  Result<store::Statement*> select =
      tables_.statement("SELECT list_key, last_modified FROM lists WHERE uri = ?1");
  if (!select) return fail(select);
  auto found = (*select)->query_one(
      [](const store::Row& row) { return ListState{row.int64(0), row.int64(1), false}; }, uri);
  if (!found) return fail(found);
  if (!*found) {
    Result<store::Statement*> insert =
        tables_.statement("INSERT INTO lists(uri, last_modified) VALUES (?1, 0)");
    if (!insert) return fail(insert);
    if (Result<void> done = (*insert)->run(uri); !done) return fail(done);
    ++write_count_;
    *found = ListState{tables_.connection().last_insert_rowid(), 0, false};
    tables_.remember_list(uri, (*found)->key);
  }
  return &lists_.emplace(std::move(uri), **found).first->second;
}

Result<std::int64_t> SqliteWrite::list_timestamp(const ListPath& list) {
  Result<ListState*> state = list_state(list);
  if (!state) return fail(state);
  return (*state)->last_modified;
}

Result<void> SqliteWrite::set_list_timestamp(const ListPath& list, std::int64_t timestamp) {
  Result<ListState*> state = list_state(list);
  if (!state) return fail(state);
  if ((*state)->last_modified == timestamp) return {};
  (*state)->last_modified = timestamp;
  ++write_count_;
  if (!std::exchange((*state)->dirty, true)) dirty_lists_.push_back(*state);
  return {};
}

Result<SqliteWrite::VersionColumns> SqliteWrite::version_columns(const core::Timestamp* version) {
  if (version == nullptr) return VersionColumns{};
  const Result<std::int64_t> node = node_key(version->node);
  if (!node) return fail(node);
  return VersionColumns{core::packed_stamp(*version), *node};
}

// The row that kSelectRow found, if any.
Result<std::optional<StoredObject>> SqliteWrite::only_row(store::Rows rows) {
  const Result<bool> more = rows.next();
  if (!more) return fail(more);
  if (!*more) return std::nullopt;
  const store::Row row = rows.row();
  StoredObject object;
  object.key = row.int64(0);
  object.id = store::read_id(row, 1);
  object.last_modified = row.int64(2);
  object.state = state_of(row.int64(3));
  object.permissions = row.int64(4);
  if (!row.is_null(5)) {
    Result<std::string> node = tables_.node_text(row.int64(6));
    if (!node) return fail(node);
    object.version = core::unpack_stamp(row.int64(5));
    object.version.node = std::move(*node);
  }
  object.data = row.text(7);
  return object;
}

// Clients of today make ids that rise, so most new records are above all that the list has.
// Blobs, which such ids are stored as, sort after texts.
Result<bool> SqliteWrite::is_beyond_all(std::int64_t list_key, const store::StoredId& id) {
  if (!id.is_uuid()) return false;
  auto known = highest_ids_.find(list_key);
  if (known == highest_ids_.end()) {
    Result<store::Statement*> select =
        tables_.statement("SELECT id FROM objects WHERE list_key = ?1 ORDER BY id DESC LIMIT 1");
    if (!select) return fail(select);
    HighestId highest;
    const auto read = (*select)->query_one(
        [&](const store::Row& row) {
          highest.known = row.type(0) == store::ColumnType::blob;
          if (!highest.known) return true;
          const store::Blob bytes = row.blob(0);
          highest.id.fill(0xFF);
          if (bytes.size() == highest.id.size()) std::ranges::copy(bytes, highest.id.begin());
          return true;
        },
        list_key);
    if (!read) return fail(read);
    known = highest_ids_.emplace(list_key, highest).first;
  }
  return !known->second.known || id.bytes() > known->second.id;
}

Result<std::optional<StoredObject>> SqliteWrite::find_row(const ListPath& list,
                                                          std::string_view id) {
  const Result<std::optional<std::int64_t>> key = tables_.list_key(list);
  if (!key) return fail(key);
  if (!*key) return std::nullopt;
  Result<store::Statement*> select =
      tables_.statement(SELECT_ROW "WHERE list_key = ?1 AND id = ?2");
  if (!select) return fail(select);
  const store::StoredId stored(id);
  const Result<bool> beyond = is_beyond_all(**key, stored);
  if (!beyond) return fail(beyond);
  if (*beyond) return std::nullopt;
  return only_row((*select)->query(**key, stored));
}

Result<std::optional<StoredObject>> SqliteWrite::row(ObjectKey key) {
  Result<store::Statement*> select = tables_.statement(SELECT_ROW "WHERE object_key = ?1");
  if (!select) return fail(select);
  return only_row((*select)->query(key));
}

Result<ObjectKey> SqliteWrite::insert_row(const ListPath& list, std::string_view id,
                                          const RowUpdate& row) {
  Result<ListState*> state = list_state(list);
  if (!state) return fail(state);
  const Result<VersionColumns> version = version_columns(row.version);
  if (!version) return fail(version);
  Result<store::Statement*> insert = tables_.statement(
      "INSERT INTO objects(list_key, id, last_modified, state, permissions_key, version_stamp, "
      "version_node, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!insert) return fail(insert);
  const store::StoredId stored(id);
  Result<void> done = (*insert)->run((*state)->key, stored, row.last_modified, number_of(row.state),
                                     row.permissions, version->stamp, version->node, data_of(row));
  if (!done) return fail(done);
  note_write(list);
  const auto highest = highest_ids_.find((*state)->key);
  if (highest != highest_ids_.end() && stored.is_uuid() &&
      (!highest->second.known || stored.bytes() > highest->second.id)) {
    highest->second = {stored.bytes(), true};
  }
  return tables_.connection().last_insert_rowid();
}

Result<void> SqliteWrite::update_row(const ListPath& list, ObjectKey key, const RowUpdate& row) {
  const Result<VersionColumns> version = version_columns(row.version);
  if (!version) return fail(version);
  Result<store::Statement*> update = tables_.statement(
      "UPDATE objects SET last_modified = ?2, state = ?3, permissions_key = ?4, "
      "version_stamp = ?5, version_node = ?6, data = ?7 WHERE object_key = ?1");
  if (!update) return fail(update);
  Result<void> done = (*update)->run(key, row.last_modified, number_of(row.state), row.permissions,
                                     version->stamp, version->node, data_of(row));
  if (!done) return done;
  note_write(list);
  return {};
}

Result<void> SqliteWrite::erase_row(const ListPath& list, ObjectKey key) {
  Result<store::Statement*> erase = tables_.statement("DELETE FROM objects WHERE object_key = ?1");
  if (!erase) return fail(erase);
  if (Result<void> done = (*erase)->run(key); !done) return done;
  note_write(list);
  return {};
}

Result<std::vector<ListPath>> SqliteWrite::lists_below(const ObjectPath& parent) {
  Result<store::Statement*> select =
      tables_.statement("SELECT uri FROM lists WHERE uri > ?1 AND uri < ?2");
  if (!select) return fail(select);
  const std::string begin = parent.uri() + '/';
  const std::string end = parent.uri() + '0';  // the character after '/'
  std::vector<ListPath> lists;
  store::Rows rows = (*select)->query(begin, end);
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return lists;
    std::optional<ListPath> list = parse_list_uri(rows.row().text(0));
    if (!list) return fail(ErrorCode::corrupt, "the database lists a URI that is none");
    lists.push_back(std::move(*list));
  }
}

Result<std::vector<ObjectKey>> SqliteWrite::rows_of(const ListPath& list, std::size_t limit) {
  Result<ListState*> state = list_state(list);
  if (!state) return fail(state);
  Result<store::Statement*> select = tables_.statement(
      "SELECT object_key FROM objects WHERE list_key = ?1 AND state < 2 LIMIT ?2");
  if (!select) return fail(select);
  std::vector<ObjectKey> keys;
  const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
  store::Rows rows = (*select)->query((*state)->key, most);
  for (;;) {
    Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return keys;
    keys.push_back(rows.row().int64(0));
  }
}

Result<std::int64_t> SqliteWrite::dictionary_key(const char* select, const char* insert,
                                                 std::string_view text) {
  Result<store::Statement*> find = tables_.statement(select);
  if (!find) return fail(find);
  const auto key = (*find)->query_one([](const store::Row& row) { return row.int64(0); }, text);
  if (!key) return fail(key);
  if (*key) return **key;
  Result<store::Statement*> add = tables_.statement(insert);
  if (!add) return fail(add);
  if (Result<void> done = (*add)->run(text); !done) return fail(done);
  ++write_count_;
  return tables_.connection().last_insert_rowid();
}

Result<PermissionsKey> SqliteWrite::intern(const PermissionSet& permissions) {
  if (permissions.empty()) return kNoPermissions;
  std::string json = permissions.to_json();
  if (const auto known = set_keys_.find(json); known != set_keys_.end()) return known->second;
  const Result<PermissionsKey> key =
      dictionary_key("SELECT permissions_key FROM permission_sets WHERE permissions = ?1",
                     "INSERT INTO permission_sets(permissions) VALUES (?1)", json);
  if (!key) return key;
  if (set_keys_.size() > kMaxRemembered) set_keys_.clear();
  return set_keys_.emplace(std::move(json), *key).first->second;
}

Result<core::Timestamp> SqliteWrite::next_stamp(std::int64_t now_ms, const core::Timestamp* after) {
  if (after != nullptr) clock_.advance_to(*after);
  clock_dirty_ = true;
  return clock_.now(now_ms);
}

Result<void> SqliteWrite::begin_savepoint() {
  if (Result<void> done = flush(); !done) return done;
  Result<store::Savepoint> savepoint = store::Savepoint::begin(tables_.connection());
  if (!savepoint) return fail(savepoint);
  savepoints_.push_back(std::move(*savepoint));
  return {};
}

Result<void> SqliteWrite::release_savepoint() {
  TOMBOLO_CHECK(!savepoints_.empty(), "a savepoint is released that was not begun");
  if (Result<void> done = flush(); !done) return done;
  Result<void> released = savepoints_.back().release();
  savepoints_.pop_back();
  return released;
}

Result<void> SqliteWrite::undo_savepoint() {
  TOMBOLO_CHECK(!savepoints_.empty(), "a savepoint is undone that was not begun");
  savepoints_.back().rollback();
  savepoints_.pop_back();
  forget();
  clock_dirty_ = true;  // the clock itself never goes back
  ++write_count_;
  return {};
}

// Rows that readers remember by their keys (lists, buckets, permission sets, nodes) stay.
Result<void> SqliteWrite::erase_all() {
  Result<void> done = tables_.connection().execute(
      "DELETE FROM objects; DELETE FROM operations; DELETE FROM version_vectors;"
      "DELETE FROM former_lives; DELETE FROM log_timelines;"
      "UPDATE lists SET last_modified = 0;"
      "UPDATE bucket_logs SET delivery_sequence = 0, fingerprint = zeroblob(16)");
  if (!done) return done;
  forget();
  ++erased_;
  permissions_dirty_ = true;
  ++write_count_;
  return {};
}

}  // namespace tombolo::server
