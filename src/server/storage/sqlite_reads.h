// Answers the questions of a ReadTransaction (or of what extends it) from a connection's tables.
#pragma once

#include "server/storage/sqlite_tables.h"

namespace tombolo::server {

template <typename Base>
class SqliteReads : public Base {
 public:
  explicit SqliteReads(SqliteTables& tables) : tables_(tables) {}

  using Base::find;
  Result<std::optional<StoredObject>> find(const ListPath& list, std::string_view id) override {
    return tables_.find(list, id);
  }
  Result<void> list(const ListQuery& query, const ObjectVisitor& visit) override {
    return tables_.list(query, visit);
  }
  Result<std::int64_t> count(const ListQuery& query) override { return tables_.count(query); }
  Result<std::int64_t> list_timestamp(const ListPath& list) override {
    return tables_.list_timestamp(list);
  }
  Result<const PermissionSet*> permission_set(PermissionsKey key) override {
    return tables_.permission_set(key);
  }
  Result<std::optional<PermissionsKey>> permissions_of(const ObjectPath& path) override {
    return tables_.permissions_of(path);
  }
  Result<std::vector<PermissionsKey>> sets_granting(
      std::span<const std::string_view> permissions,
      std::span<const std::string> principals) override {
    return tables_.sets_granting(permissions, principals);
  }
  Result<BucketLog> bucket_log(std::string_view bucket) override {
    return tables_.bucket_log(bucket);
  }
  std::int64_t permissions_generation() override { return tables_.generation(); }
  Result<std::vector<FormerLife>> former_lives(const ObjectPath& path) override {
    return tables_.former_lives(path);
  }
  Result<std::string> timeline(std::string_view bucket) override {
    return tables_.timeline(bucket);
  }
  Result<bool> continues(std::string_view bucket, std::string_view timeline,
                         std::int64_t sequence) override {
    return tables_.continues(bucket, timeline, sequence);
  }
  Result<std::optional<Author>> author(std::string_view bucket, std::string_view node) override {
    return tables_.author(bucket, node);
  }
  Result<void> operations_after(std::string_view bucket, std::int64_t after, std::int64_t limit,
                                const OperationVisitor& visit) override {
    return tables_.operations_after(bucket, after, limit, visit);
  }
  Result<void> operations_of(ObjectKey record, const OperationVisitor& visit) override {
    return tables_.operations_of(record, visit);
  }

 protected:
  SqliteTables& tables_;
};

}  // namespace tombolo::server
