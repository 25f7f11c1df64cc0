// One batch of operations from a stream client as work of the Writer: permissions are asked,
// buckets and collections made, and the operations applied, in the transaction of the commit. A
// large batch is done in parts, each of which asks for the permissions anew.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/door.h"
#include "server/record_log.h"
#include "sync/stream_server_session.h"

namespace tombolo::server::stream {

// Whether the first write of `identity` may make the bucket. The default bucket is shared: by
// everybody when access is open, else by the holders of the tokens that are configured when it is
// made.
Result<bool> may_create_stream_bucket(const DoorContext& context, ReadTransaction& transaction,
                                      const Identity& identity, const std::string& bucket);

class StreamUpload {
 public:
  // `node`: the client's, whose own operations count as said by itself.
  StreamUpload(const DoorContext& context, std::string bucket, Identity identity, std::string node,
               std::vector<sync::UploadedOperation> operations);

  bool is_large() const { return operations_.size() > kPartOperations; }
  // The next part; on the writer's thread.
  Result<Progress> run(WriteContext& context);
  sync::UploadOutcome take_outcome() { return std::move(outcome_); }

 private:
  struct CollectionAccess {
    bool exists = false;     // or was made
    bool may_write = false;  // every record
    bool may_create = false;
  };

  Result<bool> ensure_stream_bucket(WriteContext& context);
  Result<const CollectionAccess*> collection_access(WriteContext& context,
                                                    const std::string& collection);
  Result<bool> may_apply(WriteContext& context, const core::Operation& operation);
  // Those of the next part that may be applied.
  Result<std::vector<IncomingOperation>> take_allowed(WriteContext& context);
  Result<void> apply(WriteContext& context, std::vector<IncomingOperation> operations);
  Result<void> conclude(WriteContext& context);
  void reject(const core::Operation& operation, std::string_view code, std::string message);

  const DoorContext context_;
  const std::string bucket_;
  const Identity identity_;
  const std::string node_;
  std::vector<sync::UploadedOperation> operations_;
  std::size_t next_ = 0;  // of operations_
  std::map<std::string, CollectionAccess, std::less<>> collections_;
  sync::UploadOutcome outcome_;
};

}  // namespace tombolo::server::stream
