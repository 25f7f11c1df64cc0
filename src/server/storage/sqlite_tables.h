// The tables of the server's file as one connection sees them: the questions that readers and the
// writer have in common, and what may be kept in memory between transactions.
//
// Kept: keys of lists and nodes and permission sets, which never change once committed; and the
// permissions of buckets, groups and collections, as long as the generation in the file (read at
// the start of each snapshot) is the same.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/storage/storage.h"
#include "store/connection.h"
#include "store/statement.h"
#include "store/statement_cache.h"
#include "store/transaction.h"

namespace tombolo::server {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <typename Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class SqliteTables {
 public:
  static Result<std::unique_ptr<SqliteTables>> make(store::Connection connection);
  SqliteTables(const SqliteTables&) = delete;
  SqliteTables& operator=(const SqliteTables&) = delete;

  store::Connection& connection() { return connection_; }
  // The prepared statement for a constant text, which must live for ever; the caller's until reset.
  Result<store::Statement*> statement(const char* sql);

  // Takes note of the generation in the file; call first in a snapshot.
  Result<void> start_snapshot();
  std::int64_t generation() const { return generation_; }
  // The permissions of some object changed in this very transaction.
  void forget_permissions() { permissions_.clear(); }
  // Forgets everything: it may come from a transaction that was undone.
  void forget_all();

  Result<std::optional<std::int64_t>> list_key(const ListPath& list);
  Result<std::optional<std::int64_t>> bucket_key(std::string_view bucket);
  Result<std::string> node_text(std::int64_t node_key);
  void remember_list(std::string uri, std::int64_t key) { lists_.emplace(std::move(uri), key); }
  void remember_node(std::int64_t key, std::string node) { nodes_.emplace(key, std::move(node)); }

  Result<std::optional<StoredObject>> find(const ListPath& list, std::string_view id);
  Result<void> list(const ListQuery& query, const ObjectVisitor& visit);
  Result<std::int64_t> count(const ListQuery& query);
  Result<std::int64_t> list_timestamp(const ListPath& list);
  Result<const PermissionSet*> permission_set(PermissionsKey key);
  Result<std::optional<PermissionsKey>> permissions_of(const ObjectPath& path);
  Result<std::vector<PermissionsKey>> sets_granting(std::span<const std::string_view> permissions,
                                                    std::span<const std::string> principals);
  Result<BucketLog> bucket_log(std::string_view bucket);
  Result<std::vector<FormerLife>> former_lives(const ObjectPath& path);
  Result<std::string> timeline(std::string_view bucket);
  Result<bool> continues(std::string_view bucket, std::string_view timeline, std::int64_t sequence);
  Result<std::optional<Author>> author(std::string_view bucket, std::string_view node);
  Result<void> operations_after(std::string_view bucket, std::int64_t after, std::int64_t limit,
                                const OperationVisitor& visit);
  Result<void> operations_of(ObjectKey record, const OperationVisitor& visit);

 private:
  struct Grant {
    PermissionsKey key;
    std::string permission;
  };

  explicit SqliteTables(store::Connection connection)
      : connection_(std::move(connection)), queries_(connection_) {}
  Result<void> load_sets();
  Result<void> visit_operations(store::Statement& statement, const OperationVisitor& visit);
  Result<const std::string*> collection_of(std::int64_t list_key);

  store::Connection connection_;
  store::StatementCache queries_;
  std::unordered_map<const char*, store::Statement> statements_;
  TextMap<std::int64_t> lists_;
  std::unordered_map<std::int64_t, std::string> collections_;  // by list key
  TextMap<std::int64_t> buckets_;
  std::unordered_map<std::int64_t, std::string> nodes_;
  std::map<PermissionsKey, std::unique_ptr<PermissionSet>> sets_;
  TextMap<std::vector<Grant>> grants_;  // by principal
  std::string uri_;                     // of what is asked about; kept for its memory
  std::int64_t generation_ = -1;
  TextMap<std::optional<PermissionsKey>> permissions_;  // by object URI
};

}  // namespace tombolo::server
