// One batch of operations from a stream client as work of the Writer: permissions are asked,
// buckets and collections made, and the operations applied, in the transaction of the commit. A
// large batch is done in parts, each of which asks for the permissions anew.
//
// An operation costs as much as the log of its record is long, when its stamp is old. A session
// whose operations turn out dear gives way to others like one that sends much, and goes on in small
// parts.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/door.h"
#include "server/record_log.h"
#include "sync/stream_server_session.h"

namespace tombolo::server::stream {

// Whether the first write of `identity` may make the bucket. The door's default bucket is shared by
// whom the settings let in; a user's own default bucket is always there to be made.
Result<bool> may_create_stream_bucket(const DoorContext& context, ReadTransaction& transaction,
                                      const Identity& identity, const std::string& bucket);

// What the uploads of a session have in common.
struct SessionBudget {
  // The writer's thread's:
  std::int64_t new_nodes = 0;  // used up
  bool costly = false;         // what was done last took long
  std::int64_t gave_way = 0;   // uploads that gave way to others and are not done yet
  // The first upload that was not stored. None after it is: a client that knows no watermarks takes
  // the highest number that the server has of it for all up to there.
  std::atomic<std::int64_t> failed_upload = INT64_MAX;
};

// Who sends, and through which session.
struct Uploader {
  Identity identity;
  std::string node;         // the client's, whose own operations count as said by itself
  std::int64_t upload = 0;  // of the session: 1, 2, 3, ...
  std::shared_ptr<SessionBudget> budget = std::make_shared<SessionBudget>();
};

class StreamUpload {
 public:
  StreamUpload(const DoorContext& context, std::string bucket, Uploader uploader,
               std::vector<sync::UploadedOperation> operations);

  bool is_large() const { return operations_.size() > kPartOperations; }
  // The next part; on the writer's thread.
  Result<Progress> run(WriteContext& context);
  // It could not be stored; any thread.
  void note_failure();
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
  enum class Right { none, to_begin_anew, full };
  Result<Right> right_to_apply(WriteContext& context, const core::Operation& operation);
  bool gives_way();
  Result<Progress> run_part(WriteContext& context);
  // Why an operation is not taken; nothing: it is.
  struct Refusal {
    std::string_view code;
    std::string message;
    bool retriable = false;
  };
  Result<std::optional<Refusal>> check_author(WriteContext& context,
                                              const core::Operation& operation);
  Result<bool> is_own(WriteContext& context, const core::Operation& operation);
  // Those of the next part that may be applied.
  Result<std::vector<IncomingOperation>> take_allowed(WriteContext& context);
  Result<void> apply(WriteContext& context, std::vector<IncomingOperation> operations);
  Result<void> conclude(WriteContext& context);
  static Refusal denial_of(const core::Operation& operation);
  void reject(const core::Operation& operation, Refusal refusal);

  const DoorContext context_;
  const std::string bucket_;
  const Uploader uploader_;
  std::vector<sync::UploadedOperation> operations_;
  std::size_t next_ = 0;  // of operations_
  bool gave_way_ = false;
  // Of the part that is being done.
  std::map<std::string, CollectionAccess, std::less<>> collections_;
  std::set<std::string, std::less<>> nodes_;  // that may write
  std::int64_t new_nodes_ = 0;                // of them

  sync::UploadOutcome outcome_;
};

}  // namespace tombolo::server::stream
