// What of a bucket's log an identity may read.
//
// Every operation belongs to one life of its bucket, of its collection and of its record. A life
// ends when its object is deleted, and keeps the permissions that it had then; the present life has
// those that the object has now. An operation may be read by whoever may read one of its three
// lives. So who makes a deleted bucket anew is not shown what it was, and who could read it then
// still learns what was deleted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/identity/permissions.h"
#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

// For who may read the bucket: everything but the former lives that it could not read.
class LogView {
 public:
  struct Hidden {
    std::int64_t after = 0;  // delivery sequences above this,
    std::int64_t last = 0;   // up to this
    friend bool operator==(const Hidden&, const Hidden&) = default;
  };

  LogView() = default;
  explicit LogView(std::vector<Hidden> hidden, core::Fingerprint hidden_sum)
      : hidden_(std::move(hidden)), hidden_sum_(hidden_sum) {}

  // Where reading goes on for who has everything up to `after`.
  std::int64_t start(std::int64_t after) const;
  // The last delivery sequence that may be read without a gap from start() on.
  std::int64_t end(std::int64_t start) const;
  // The log's fingerprint as far as the view goes.
  core::Fingerprint fingerprint(const BucketLog& log) const;

  friend bool operator==(const LogView& left, const LogView& right) {
    return left.hidden_ == right.hidden_;
  }

 private:
  std::vector<Hidden> hidden_;  // in order, none next to another
  core::Fingerprint hidden_sum_;
};

// The identity's view of a bucket's log; nothing when it may not read the bucket, and each
// operation is to be asked about. A deleted bucket is read by who could read it last. One that is
// not there may be read (as far as it never held anything) by who may make it.
Result<std::optional<LogView>> view_of_log(ReadTransaction& transaction,
                                           const AccessControl& access, const Identity& identity,
                                           const std::string& bucket, bool may_create);

// Whether the identity could read a former life of the bucket.
Result<bool> could_read(ReadTransaction& transaction, const Identity& identity,
                        const std::string& bucket);

// The question for single operations of a bucket. Lives as long as its transaction.
class OperationAccess {
 public:
  OperationAccess(ReadTransaction& transaction, const AccessControl& access,
                  const Identity& identity, std::string bucket)
      : transaction_(transaction),
        access_(access),
        identity_(identity),
        bucket_(std::move(bucket)) {}

  Result<bool> may_read(const LoggedOperation& operation);

 private:
  // An object that contains records: who could read it up to where, and whether it is read now.
  struct Container {
    std::vector<FormerLife> lives;
    bool readable = false;
  };
  Result<Container> container(const ObjectPath& path);
  Result<const Container*> collection(std::string_view name);
  Result<bool> may_read(const Container& container, std::int64_t sequence) const;

  ReadTransaction& transaction_;
  const AccessControl& access_;
  const Identity& identity_;
  const std::string bucket_;
  std::optional<Container> bucket_container_;
  std::map<std::string, Container, std::less<>> collections_;
};

}  // namespace tombolo::server
