#include "server/writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tombolo::server {

namespace {

// Whether an error says that the storage failed, so that nothing of the group may stay.
bool is_storage_failure(ErrorCode code) {
  return code == ErrorCode::storage || code == ErrorCode::corrupt || code == ErrorCode::busy ||
         code == ErrorCode::internal;
}

}  // namespace

void WriteContext::announce(std::string_view bucket, FeedOperation operation) {
  auto announcement =
      std::find_if(announcements_.begin(), announcements_.end(),
                   [&](const Announcement& known) { return known.bucket == bucket; });
  if (announcement == announcements_.end()) {
    announcements_.push_back({std::string(bucket), {}});
    announcement = std::prev(announcements_.end());
  }
  announcement->operations.push_back(std::move(operation));
}

Writer::Writer(Storage& storage, Feed& feed, const Clock& clock, Random& random, Logger& logger,
               WriterLimits limits)
    : storage_(storage),
      feed_(feed),
      clock_(clock),
      logger_(logger),
      limits_(limits),
      ids_(clock, random) {}

Writer::~Writer() {
  close();
  for (;;) {
    std::vector<WriteRequest> group = take_group();
    if (group.empty()) return;
    refuse(group, {ErrorCode::unavailable, "the server stops"});
  }
}

void Writer::set_on_poisoned(std::function<void(const Error&)> on_poisoned) {
  on_poisoned_ = std::move(on_poisoned);
}

void Writer::submit(WriteRequest request) {
  std::optional<Error> refusal;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      refusal = Error{ErrorCode::unavailable, "the server takes no more writes"};
    } else if (queue_.size() >= limits_.queue_requests) {
      refusal = Error{ErrorCode::busy, "too many writes wait; try again later"};
    } else {
      first = queue_.empty();
      queue_.push_back(std::move(request));
    }
  }
  if (refusal) {
    net::DeliveryBatch deliveries;
    request.done(std::unexpected(std::move(*refusal)), deliveries);
    deliveries.deliver();
  } else if (first && wake_) {
    wake_();
  }
}

std::size_t Writer::pending() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Writer::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::vector<WriteRequest> Writer::take_group() {
  std::vector<WriteRequest> group;
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(queue_.size(), limits_.group_requests);
  group.reserve(count);
  std::move(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(group));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  return group;
}

bool Writer::commit_pending() {
  std::vector<WriteRequest> group = take_group();
  if (group.empty()) return false;
  if (const Error* poison = storage_.poison(); poison != nullptr) {
    refuse(group, {ErrorCode::unavailable, poison->message});
    poisoned(*poison);
    return true;
  }
  run_group(group);
  return true;
}

// Runs the works until one of them spoils the transaction or the time of the group is over; what
// was not run goes back to the front of the queue.
void Writer::run_group(std::vector<WriteRequest>& group) {
  Result<WriteTransaction*> transaction = storage_.begin_write();
  if (!transaction) return refuse(group, transaction.error());
  WriteContext context(**transaction, clock_.wall_ms(), storage_.node(), ids_);
  const std::int64_t deadline_ms = clock_.monotonic_ms() + limits_.group_ms;
  std::vector<Result<void>> results;
  results.reserve(group.size());
  for (WriteRequest& request : group) {
    const std::uint64_t writes = (*transaction)->write_count();
    results.push_back(request.work(context));
    const Result<void>& result = results.back();
    if (!result &&
        (is_storage_failure(result.error().code) || (*transaction)->write_count() != writes)) {
      storage_.rollback();
      logger_.log(LogLevel::error, "write_group_failed",
                  {{"error", result.error().message},
                   {"requests", static_cast<std::int64_t>(group.size())}});
      return refuse(group, is_storage_failure(result.error().code)
                               ? result.error()
                               : Error{ErrorCode::unavailable,
                                       "a request that was written together with this one failed"});
    }
    if (clock_.monotonic_ms() > deadline_ms) break;
  }
  if (results.size() < group.size()) {
    const std::lock_guard lock(mutex_);
    queue_.insert(
        queue_.begin(),
        std::make_move_iterator(group.begin() + static_cast<std::ptrdiff_t>(results.size())),
        std::make_move_iterator(group.end()));
    group.resize(results.size());
  }
  if (Result<void> committed = storage_.commit(); !committed) {
    logger_.log(LogLevel::error, "commit_failed", {{"error", committed.error().message}});
    refuse(group, committed.error());
    if (const Error* poison = storage_.poison(); poison != nullptr) poisoned(*poison);
    return;
  }
  net::DeliveryBatch deliveries;
  announce(context, deliveries);
  for (std::size_t i = 0; i < group.size(); ++i) group[i].done(std::move(results[i]), deliveries);
  deliveries.deliver();
}

void Writer::announce(WriteContext& context, net::DeliveryBatch& deliveries) {
  for (WriteContext::Announcement& announcement : context.announcements()) {
    if (announcement.operations.empty() || !feed_.has_listeners(announcement.bucket)) continue;
    FeedEvent event;
    event.bucket = announcement.bucket;
    event.first_sequence = announcement.operations.front().delivery_sequence;
    event.last_sequence = announcement.operations.back().delivery_sequence;
    event.operations =
        std::make_shared<const std::vector<FeedOperation>>(std::move(announcement.operations));
    feed_.announce(event, deliveries);
  }
}

void Writer::refuse(std::vector<WriteRequest>& group, const Error& error) {
  net::DeliveryBatch deliveries;
  for (WriteRequest& request : group) request.done(std::unexpected(error), deliveries);
  deliveries.deliver();
}

void Writer::poisoned(const Error& error) {
  close();
  if (std::exchange(poisoned_, true)) return;
  logger_.log(LogLevel::error, "storage_poisoned", {{"error", error.message}});
  if (on_poisoned_) on_poisoned_(error);
}

void Writer::maintain(bool quiet) {
  const MaintenanceState state = storage_.maintenance_state();
  const bool thorough = state.log_bytes >= limits_.log_limit_bytes;
  if (!thorough && !(quiet && state.log_bytes >= limits_.checkpoint_bytes)) return;
  if (Result<void> done = storage_.checkpoint(thorough); !done) {
    logger_.log(LogLevel::warning, "checkpoint_failed", {{"error", done.error().message}});
    if (const Error* poison = storage_.poison(); poison != nullptr) poisoned(*poison);
  }
}

}  // namespace tombolo::server
