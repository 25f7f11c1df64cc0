// The names in a database and their integers: nodes, collections and remotes, cached.
//
// Belongs to the writer connection; used under the write lock. The caches are right within a write
// transaction that began with refresh(); whoever rolls back calls clear().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/local_statements.h"
#include "core/schema.h"
#include "store/connection.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

struct CollectionEntry {
  std::int64_t key = 0;
  std::string name;
  bool has_schema = false;
  std::shared_ptr<const core::CollectionSchema> schema;  // never null
  std::int64_t remote_key = 0;    // of the request/response remote that owns its history; 0: none
  std::int64_t pending_mask = 0;  // the remotes that a new operation must reach
};

struct RemoteEntry {
  std::int64_t key = 0;  // 1 to kMaxRemotes
  std::string name;
  RemoteKind kind = RemoteKind::stream;
  std::string url;
  std::vector<std::string> collections;                              // empty: all
  std::int64_t bit() const { return std::int64_t{1} << (key - 1); }  // in operations.pending
  bool names(std::string_view collection) const;                     // lists it, or lists nothing
};

// The bit of a remote in operations.pending, from a key that was read from the file: `corrupt` when
// it is none of a remote.
Result<std::int64_t> remote_bit(std::int64_t key);

// The column remotes.collections.
std::vector<std::string> read_names(std::string_view json);

std::string_view text_of(RemoteKind kind);  // "stream", "kinto"

class Catalog {
 public:
  Catalog(store::Connection& connection, LocalStatements& statements)
      : connection_(connection), statements_(statements) {}

  // Forgets what is cached when another process changed it since: `version` is state.catalog.
  Result<void> refresh(std::int64_t version);
  void clear();

  // The collection, made if there is none. The entry lives until the caches are cleared. Sets
  // `changed()` when it made one.
  Result<CollectionEntry*> collection(std::string_view name);
  Result<CollectionEntry*> find_collection(std::string_view name);  // null when there is none
  // Never null; `corrupt` when there is none, since keys come from the file.
  Result<CollectionEntry*> collection_of_key(std::int64_t key);

  Result<std::int64_t> node_key(std::string_view node);
  Result<std::string> node_of(std::int64_t key);

  Result<const std::vector<RemoteEntry>*> remotes();

  // Whether collections, schemas or remotes changed in this transaction.
  bool changed() const { return changed_; }
  void note_changed();  // after changing their tables: drops the caches of both
  void set_version(std::int64_t version) {
    version_ = version;
    changed_ = false;
  }

 private:
  Result<CollectionEntry*> load(Result<std::optional<Result<CollectionEntry>>> found);
  Result<CollectionEntry> read_entry(const store::Row& row);
  Result<std::int64_t> pending_mask(const CollectionEntry& entry);

  store::Connection& connection_;
  LocalStatements& statements_;
  std::int64_t version_ = -1;
  bool changed_ = false;
  std::map<std::string, std::unique_ptr<CollectionEntry>, std::less<>> collections_;
  std::map<std::string, std::int64_t, std::less<>> node_keys_;
  std::unordered_map<std::int64_t, std::string> nodes_;
  std::vector<RemoteEntry> remotes_;
  bool remotes_loaded_ = false;
};

}  // namespace tombolo::client
