// The permission tree (Kinto API 1.23, "permissions"): what an identity may do to an object follows
// from the permission sets of the object and of what contains it, and from the settings that grant
// everywhere. One module for all doors.
//
// It keeps no state: the storage answers permission sets of buckets and collections from memory, in
// step with the snapshot that the question is asked in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/identity/identity.h"
#include "server/resource.h"
#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

enum class Permission {
  read,        // the object's contents and what is in it
  attributes,  // the object itself: as read, and also whoever may create something in it
  write,       // change, delete; implies read
  create_bucket,
  create_group,
  create_collection,
  create_record,
};

// "<resource>_<permission>_principals" -> principals, e.g. "bucket_create_principals",
// "collection_read_principals", "record_create_principals".
using PermissionSettings = std::map<std::string, std::vector<std::string>, std::less<>>;

class AccessControl {
 public:
  explicit AccessControl(PermissionSettings settings) : settings_(std::move(settings)) {}

  // Whether `identity` may do `wanted` on `path`. For create_group and create_collection `path` is
  // the bucket, for create_record the collection; for create_bucket it is ignored. `permissions`
  // is the object's own set when the caller has it already (needed for records: a record that does
  // not exist has none).
  Result<bool> may(ReadTransaction& transaction, const Identity& identity, Permission wanted,
                   const ObjectPath& path, PermissionsKey permissions = kNoPermissions) const;

  // Whether a setting lets the identity read every object of the kind.
  bool reads_all(const Identity& identity, ResourceKind kind) const;
  // Whether a permission set lets the identity read its object.
  static Result<bool> lets_read(ReadTransaction& transaction, const Identity& identity,
                                PermissionsKey permissions);

  // Whether the whole of a list may be read (or written: deleted): the same as that right on what
  // contains it.
  Result<bool> may_list(ReadTransaction& transaction, const Identity& identity,
                        const ListPath& list, bool write) const;

  // Whether objects may be created in the list.
  Result<bool> may_create(ReadTransaction& transaction, const Identity& identity,
                          const ListPath& list) const;

  // The permission sets through which single objects of a list are shared with the identity, for
  // ListQuery::visible. Sets that are not used by an object of the list may be among them.
  Result<std::vector<PermissionsKey>> visible_sets(ReadTransaction& transaction,
                                                   const Identity& identity, ResourceKind kind,
                                                   bool write) const;

  // The names that a permission set of this kind may hold ("read", "write", "record:create").
  static const std::vector<std::string_view>& permissions_of(ResourceKind kind);

 private:
  bool granted_by_settings(const Identity& identity, std::string_view resource,
                           std::string_view permission) const;

  PermissionSettings settings_;
};

}  // namespace tombolo::server
