// Operations of one bucket on their way into the log and into the records. They are gathered by
// record first, so that each record is folded and written once, however many of the operations it
// gets and however old their stamps are; then they are logged in the order in which they came.
//
// Everything is read and folded before anything is written: a batch that fails on damaged data
// leaves no trace.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/fold.h"
#include "server/record_log.h"

namespace tombolo::server {

class OperationBatch {
 public:
  // `operations` must outlive the batch and are consumed by it.
  OperationBatch(WriteContext& context, std::string_view bucket,
                 std::span<IncomingOperation> operations, const ApplyOptions& options);

  // Says what is known of a record already, so that it is not read again. Before apply().
  void know(const std::string& collection, std::string_view record,
            const std::optional<StoredObject>& row);

  Result<std::vector<AppliedOperation>> apply();

  // The row of the record that was named first, as apply() has left it. It was written.
  StoredObject take_first_row();

 private:
  struct Collection {
    ListPath list;
    std::optional<core::CollectionSchema> schema;  // once asked for
  };
  // A record, and what the operations make of it.
  struct Draft {
    Collection* collection = nullptr;
    std::string_view id;
    std::optional<StoredObject> row;      // as it stands
    core::RecordState state;              // without the fields until they are needed
    bool has_fields = false;              // of the row
    bool must_refold = false;             // state is not what the operations give
    bool begins_anew = false;             // with an insert later than all that the row had
    core::Timestamp newest;               // of all operations, once there is one
    std::vector<std::size_t> operations;  // that are new, in the order in which they came
    // Once written.
    ObjectKey key = 0;
    ObjectState written_state = ObjectState::alive;
    std::int64_t last_modified = 0;
    PermissionsKey permissions = kNoPermissions;
    std::string data;
  };

  Collection& collection_named(const std::string& name);
  Result<Draft*> draft_of(const core::Operation& operation);
  Draft& add_draft(Collection& collection, std::string_view record,
                   const std::optional<StoredObject>& row);
  Result<const core::CollectionSchema*> schema_of(Collection& collection);
  Result<void> take(std::size_t index);
  // Whether the operation belongs to a life that a deleted record begins with this batch.
  static bool is_of_new_life(const Draft& draft, const core::Operation& operation);
  // Why the operation may never be applied; empty: it may.
  Result<std::string> refusal_of(const Draft& draft, const core::Operation& operation);
  Result<bool> is_known(const Draft& draft, const core::Operation& operation);
  Result<void> advance(Draft& draft, const core::Operation& operation);
  Result<void> refold(Draft& draft);
  Result<void> write(Draft& draft);
  Result<std::int64_t> log(std::size_t index);

  WriteContext& context_;
  const std::string bucket_;
  const std::span<IncomingOperation> incoming_;
  const ApplyOptions& options_;
  std::vector<AppliedOperation> applied_;
  std::vector<Draft*> draft_of_;  // of each operation; null when it is not applied
  std::map<std::string, Collection, std::less<>> collections_;
  std::deque<Draft> drafts_;  // in the order in which they were first named
  std::map<std::pair<const Collection*, std::string_view>, Draft*> drafts_by_record_;
  std::unordered_set<std::string_view> new_ids_;
};

}  // namespace tombolo::server
