#include "client/catalog.h"

#include <algorithm>

#include "base/json.h"
#include "client/local_schema.h"
#include "core/names.h"
#include "protocol/kinto_id.h"

namespace tombolo::client {
namespace {

constexpr std::string_view kSelectCollection =
    "SELECT collection_key, name, schema, remote_key FROM collections WHERE ";

}  // namespace

Result<std::int64_t> remote_bit(std::int64_t key) {
  if (key < 1 || key > kMaxRemotes) {
    return fail(ErrorCode::corrupt, "the file names a remote " + std::to_string(key) +
                                        ", and there are only 1 to " + std::to_string(kMaxRemotes));
  }
  return std::int64_t{1} << (key - 1);
}

std::vector<std::string> read_names(std::string_view json) {
  std::vector<std::string> names;
  const Result<Value> parsed = parse_json(json);
  const Array* array = parsed ? parsed->if_array() : nullptr;
  if (array == nullptr) return names;
  for (const Value& name : *array) names.emplace_back(name.as_string());
  return names;
}

bool RemoteEntry::names(std::string_view collection) const {
  return collections.empty() ||
         std::find(collections.begin(), collections.end(), collection) != collections.end();
}

std::string_view text_of(RemoteKind kind) {
  return kind == RemoteKind::stream ? "stream" : "kinto";
}

Result<void> Catalog::refresh(std::int64_t version) {
  if (version == version_) return {};
  clear();
  set_version(version);
  return {};
}

void Catalog::clear() {
  collections_.clear();
  node_keys_.clear();
  nodes_.clear();
  remotes_.clear();
  remotes_loaded_ = false;
  version_ = -1;
  changed_ = false;
}

void Catalog::note_changed() {
  collections_.clear();
  remotes_.clear();
  remotes_loaded_ = false;
  changed_ = true;
}

Result<CollectionEntry*> Catalog::find_collection(std::string_view name) {
  if (const auto known = collections_.find(name); known != collections_.end()) {
    return known->second.get();
  }
  auto select =
      store::Statement::prepare(connection_, std::string(kSelectCollection) + "name = ?1");
  if (!select) return fail(select);
  return load(select->query_one([&](const store::Row& row) { return read_entry(row); }, name));
}

Result<CollectionEntry*> Catalog::collection_of_key(std::int64_t key) {
  for (const auto& [name, entry] : collections_) {
    if (entry->key == key) return entry.get();
  }
  auto select = store::Statement::prepare(connection_,
                                          std::string(kSelectCollection) + "collection_key = ?1");
  if (!select) return fail(select);
  const Result<CollectionEntry*> found =
      load(select->query_one([&](const store::Row& row) { return read_entry(row); }, key));
  if (found && *found == nullptr) {
    return fail(ErrorCode::corrupt, "the file names a collection that it does not have");
  }
  return found;
}

Result<CollectionEntry*> Catalog::load(Result<std::optional<Result<CollectionEntry>>> found) {
  if (!found) return fail(found);
  if (!*found) return nullptr;
  if (!**found) return fail(**found);
  auto entry = std::make_unique<CollectionEntry>(std::move(***found));
  return collections_.emplace(entry->name, std::move(entry)).first->second.get();
}

Result<CollectionEntry*> Catalog::collection(std::string_view name) {
  Result<CollectionEntry*> found = find_collection(name);
  if (!found || *found != nullptr) return found;
  if (auto good = core::check_name("a collection", name); !good) return fail(good);
  auto insert = store::Statement::prepare(
      connection_,
      "INSERT INTO collections(name, fingerprint, revision) VALUES (?1, zeroblob(16), 0)");
  if (!insert) return fail(insert);
  if (auto done = insert->run(name); !done) return fail(done);
  changed_ = true;
  return find_collection(name);
}

Result<CollectionEntry> Catalog::read_entry(const store::Row& row) {
  CollectionEntry entry;
  entry.key = row.int64(0);
  entry.name = row.text(1);
  entry.has_schema = !row.is_null(2);
  entry.remote_key = row.int64(3);
  auto schema = std::make_shared<core::CollectionSchema>();
  schema->name = entry.name;
  if (entry.has_schema) {
    const Result<Value> json = parse_json(row.text(2));
    if (!json) return fail(json);
    Result<core::CollectionSchema> parsed = core::parse_json_schema(entry.name, *json);
    if (!parsed) return fail(parsed);
    *schema = std::move(*parsed);
  }
  entry.schema = std::move(schema);
  const Result<std::int64_t> mask = pending_mask(entry);
  if (!mask) return fail(mask);
  entry.pending_mask = *mask;
  return entry;
}

Result<std::int64_t> Catalog::pending_mask(const CollectionEntry& entry) {
  const auto all = remotes();
  if (!all) return fail(all);
  if (entry.remote_key != 0) return remote_bit(entry.remote_key);
  std::int64_t mask = 0;
  for (const RemoteEntry& remote : **all) {
    if (remote.kind == RemoteKind::stream && remote.names(entry.name)) mask |= remote.bit();
  }
  if (mask != 0 || !protocol::kinto::is_valid_id(entry.name)) return mask;
  for (const RemoteEntry& remote : **all) {  // that takes all will own it at its next exchange
    if (remote.kind == RemoteKind::kinto && remote.collections.empty()) return remote.bit();
  }
  return mask;
}

Result<const std::vector<RemoteEntry>*> Catalog::remotes() {
  if (remotes_loaded_) return &remotes_;
  auto select = store::Statement::prepare(
      connection_, "SELECT remote_key, name, kind, url, collections FROM remotes ORDER BY 1");
  if (!select) return fail(select);
  std::vector<RemoteEntry> loaded;
  store::Rows rows = select->query();
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) break;
    const store::Row row = rows.row();
    if (const auto bit = remote_bit(row.int64(0)); !bit) return fail(bit);
    loaded.push_back({.key = row.int64(0),
                      .name = std::string(row.text(1)),
                      .kind = row.text(2) == "kinto" ? RemoteKind::kinto : RemoteKind::stream,
                      .url = std::string(row.text(3)),
                      .collections = read_names(row.text(4))});
  }
  remotes_ = std::move(loaded);
  remotes_loaded_ = true;
  return &remotes_;
}

Result<std::int64_t> Catalog::node_key(std::string_view node) {
  if (const auto known = node_keys_.find(node); known != node_keys_.end()) return known->second;
  auto found = statements_[Sql::find_node].query_one(
      [](const store::Row& row) { return row.int64(0); }, node);
  if (!found) return fail(found);
  if (!*found) {
    if (auto done = statements_[Sql::insert_node].run(node); !done) return fail(done);
    *found = connection_.last_insert_rowid();
  }
  node_keys_.emplace(node, **found);
  return **found;
}

Result<std::string> Catalog::node_of(std::int64_t key) {
  if (const auto known = nodes_.find(key); known != nodes_.end()) return known->second;
  auto found = statements_[Sql::node_of_key].query_one(
      [](const store::Row& row) { return std::string(row.text(0)); }, key);
  if (!found) return fail(found);
  if (!*found) {
    return fail(ErrorCode::corrupt, "the log names an author that the file does not know");
  }
  nodes_.emplace(key, **found);
  return **found;
}

}  // namespace tombolo::client
