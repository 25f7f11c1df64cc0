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

// Of log that a checkpoint beside the writer may leave, so that starting the log anew, which the
// writer does itself, is quick.
constexpr std::int64_t kQuickCheckpointBytes = 2 << 20;

}  // namespace

// What one transaction does.
struct Writer::Group {
  WriteTransaction& transaction;
  WriteContext context;
  std::int64_t deadline_ms;
  std::vector<WriteRequest> finished = {};
  std::vector<Result<void>> results = {};  // of the finished ones
  // Parts of these were run, and there is more. They go on when those are on the disk.
  std::vector<WriteRequest> unfinished = {};
  std::optional<Error> failure = {};  // that the transaction cannot be committed for

  void finish(WriteRequest request, Result<void> result) {
    finished.push_back(std::move(request));
    results.push_back(std::move(result));
  }
  // Everybody whose work is lost with the transaction.
  std::vector<WriteRequest> take_all() {
    std::move(unfinished.begin(), unfinished.end(), std::back_inserter(finished));
    return std::move(finished);
  }
};

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

void WriteContext::mark_announcements() {
  marks_.clear();
  for (const Announcement& announcement : announcements_) {
    marks_.push_back(announcement.operations.size());
  }
}

void WriteContext::forget_marked_announcements() {
  announcements_.resize(marks_.size());
  for (std::size_t i = 0; i < marks_.size(); ++i) announcements_[i].operations.resize(marks_[i]);
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
  stop();
}

void Writer::stop() {
  close();
  for (;;) {
    std::vector<WriteRequest> group = take_group();
    if (group.empty()) return;
    refuse(std::move(group), {ErrorCode::unavailable, "the server stops"});
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
    } else if (queue_.size() + bulk_queue_.size() >= limits_.queue_requests) {
      refusal = Error{ErrorCode::busy, "too many writes wait; try again later"};
    } else {
      first = queue_.empty() && bulk_queue_.empty();
      request.arrival = ++last_arrival_;
      (request.bulk ? bulk_queue_ : queue_).push_back(std::move(request));
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
  return queue_.size() + bulk_queue_.size();
}

bool Writer::others_wait() const {
  const std::lock_guard lock(mutex_);
  return !queue_.empty();
}

void Writer::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

// What waits; of the bulk, when nothing else does, the first.
std::vector<WriteRequest> Writer::take_group() {
  std::vector<WriteRequest> group;
  const std::lock_guard lock(mutex_);
  std::deque<WriteRequest>& queue = queue_.empty() ? bulk_queue_ : queue_;
  const std::size_t limit = queue_.empty() ? 1 : limits_.group_requests;
  const auto end = queue.begin() + static_cast<std::ptrdiff_t>(std::min(queue.size(), limit));
  group.assign(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
  queue.erase(queue.begin(), end);
  return group;
}

// The first of the bulk, unless something waits that came before it, or has only begun.
std::optional<WriteRequest> Writer::take_bulk(const Group& group, bool unless_others_wait) {
  const std::lock_guard lock(mutex_);
  if (bulk_queue_.empty()) return std::nullopt;
  const std::uint64_t arrival = bulk_queue_.front().arrival;
  if (!queue_.empty() && (unless_others_wait || queue_.front().arrival < arrival)) {
    return std::nullopt;
  }
  if (!group.unfinished.empty() && group.unfinished.front().arrival < arrival) return std::nullopt;
  WriteRequest request = std::move(bulk_queue_.front());
  bulk_queue_.pop_front();
  return request;
}

void Writer::put_back(std::vector<WriteRequest> not_run) {
  const std::lock_guard lock(mutex_);
  queue_.insert(queue_.begin(), std::make_move_iterator(not_run.begin()),
                std::make_move_iterator(not_run.end()));
}

// Behind the bulk of others; what is behind it in its lane stays there.
void Writer::put_behind(std::vector<WriteRequest> unfinished) {
  // The last first, as each goes before those of its lane.
  std::sort(unfinished.begin(), unfinished.end(),
            [](const auto& left, const auto& right) { return left.arrival > right.arrival; });
  const std::lock_guard lock(mutex_);
  for (WriteRequest& request : unfinished) {
    std::deque<WriteRequest> others;
    std::deque<WriteRequest> own;
    const void* const lane = request.lane;
    own.push_back(std::move(request));
    for (WriteRequest& waiting : bulk_queue_) {
      (lane != nullptr && waiting.lane == lane ? own : others).push_back(std::move(waiting));
    }
    std::move(own.begin(), own.end(), std::back_inserter(others));
    bulk_queue_ = std::move(others);
  }
}

bool Writer::commit_pending() {
  std::vector<WriteRequest> group = take_group();
  if (group.empty()) return false;
  if (const Error* poison = storage_.poison(); poison != nullptr) {
    refuse(std::move(group), {ErrorCode::unavailable, poison->message});
    poisoned(*poison);
    return true;
  }
  run_group(std::move(group));
  return true;
}

// Runs the works until one of them spoils the transaction or the time of the group is over; what
// was not run goes back to the front of the queue.
void Writer::run_group(std::vector<WriteRequest> waiting) {
  Result<WriteTransaction*> transaction = storage_.begin_write();
  if (!transaction) return refuse(std::move(waiting), transaction.error());
  Group group{**transaction, WriteContext(**transaction, clock_.wall_ms(), storage_.node(), ids_),
              clock_.monotonic_ms() + limits_.group_ms};
  std::optional<WriteRequest> bulk;
  if (waiting.front().bulk) {
    bulk = std::move(waiting.front());
    waiting.clear();
  }
  bool stands = true;
  std::size_t next = 0;
  while (stands && next < waiting.size()) {
    stands = run_work(group, std::move(waiting[next++]));
    if (clock_.monotonic_ms() > group.deadline_ms) break;
  }
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(next));
  if (stands) {
    put_back(std::move(waiting));
    stands = run_bulk(group, bulk ? std::move(bulk) : take_bulk(group, false));
  } else {
    std::move(waiting.begin(), waiting.end(), std::back_inserter(group.finished));
  }
  if (stands) return commit(group);
  storage_.rollback();
  logger_.log(LogLevel::error, "write_group_failed",
              {{"error", group.failure->message},
               {"requests", static_cast<std::int64_t>(group.finished.size())}});
  refuse(group.take_all(), is_storage_failure(group.failure->code)
                               ? *group.failure
                               : Error{ErrorCode::unavailable,
                                       "a request that was written together with this one failed"});
}

// Parts of the bulk: one in each group, more when nobody waits.
bool Writer::run_bulk(Group& group, std::optional<WriteRequest> request) {
  while (request) {
    const std::size_t unfinished = group.unfinished.size();
    if (!run_work(group, std::move(*request))) return false;
    if (clock_.monotonic_ms() > group.deadline_ms) break;
    if (group.unfinished.size() == unfinished) {
      request = take_bulk(group, true);
    } else {
      if (others_wait()) break;
      request = std::move(group.unfinished.back());
      group.unfinished.pop_back();
    }
  }
  return true;
}

// False: the transaction cannot be committed.
bool Writer::run_work(Group& group, WriteRequest request) {
  const std::uint64_t writes = group.transaction.write_count();
  const bool guarded = request.bulk || request.guarded;
  Result<Progress> result = guarded ? run_guarded(group, request) : request.work(group.context);
  if (result && *result == Progress::more) {
    request.bulk = true;
    group.unfinished.push_back(std::move(request));
    return true;
  }
  const bool traces = !result && !guarded && group.transaction.write_count() != writes;
  if (traces || !storage_.in_transaction()) {
    group.failure =
        result ? Error{ErrorCode::storage, "the storage ended the transaction"} : result.error();
  }
  group.finish(std::move(request), result ? Result<void>() : fail(result));
  return !group.failure;
}

Result<Progress> Writer::run_guarded(Group& group, WriteRequest& request) {
  if (Result<void> begun = group.transaction.begin_savepoint(); !begun) return fail(begun);
  group.context.mark_announcements();
  Result<Progress> result = request.work(group.context);
  const Result<void> ended =
      result ? group.transaction.release_savepoint() : group.transaction.undo_savepoint();
  if (!result) group.context.forget_marked_announcements();
  if (!ended) {
    group.failure = ended.error();
    return fail(ended);
  }
  return result;
}

void Writer::commit(Group& group) {
  if (Result<void> committed = storage_.commit(); !committed) {
    logger_.log(LogLevel::error, "commit_failed", {{"error", committed.error().message}});
    refuse(group.take_all(), committed.error());
    if (const Error* poison = storage_.poison(); poison != nullptr) poisoned(*poison);
    return;
  }
  put_behind(std::move(group.unfinished));
  net::DeliveryBatch deliveries;
  announce(group.context, deliveries);
  for (std::size_t i = 0; i < group.finished.size(); ++i) {
    // It goes before its answer does, so that what it shares with that is let go of by the thread
    // that made it.
    WriteRequest request = std::move(group.finished[i]);
    request.done(std::move(group.results[i]), deliveries);
  }
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

void Writer::refuse(std::vector<WriteRequest> group, const Error& error) {
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

// Driven by how far the log has grown alone, so that a checkpoint that fails, or that a reader is
// in the way of, is not tried again and again.
void Writer::maintain(bool quiet) {
  const std::int64_t log = storage_.maintenance_state().log_bytes;
  if (log < checkpointed_at_bytes_) checkpointed_at_bytes_ = 0;  // it was started anew
  if (log < restarted_at_bytes_) restarted_at_bytes_ = 0;
  const bool limit_reached =
      log >= std::max(limits_.log_limit_bytes, restarted_at_bytes_ + limits_.checkpoint_bytes);
  if (checkpoints_ == nullptr) {
    const bool due = log >= restarted_at_bytes_ + limits_.checkpoint_bytes;
    if (limit_reached || (quiet && due)) start_log_anew(log);
    return;
  }
  if (checkpoints_->running()) return;
  const std::int64_t grown = log - checkpointed_at_bytes_;
  const std::int64_t step = quiet ? 1 : limits_.checkpoint_bytes;
  const bool chases = limit_reached && log >= 2 * limits_.log_limit_bytes;
  if (limit_reached && (grown < kQuickCheckpointBytes || chases)) {
    start_log_anew(log);
  } else if (log >= limits_.checkpoint_bytes && (limit_reached || grown >= step)) {
    checkpointed_at_bytes_ = log;
    checkpoints_->request();
  }
}

void Writer::start_log_anew(std::int64_t log_bytes) {
  restarted_at_bytes_ = log_bytes;
  if (Result<void> done = storage_.checkpoint(log_bytes >= limits_.log_limit_bytes); !done) {
    logger_.log(LogLevel::warning, "checkpoint_failed", {{"error", done.error().message}});
  }
  if (const Error* poison = storage_.poison(); poison != nullptr) poisoned(*poison);
}

}  // namespace tombolo::server
