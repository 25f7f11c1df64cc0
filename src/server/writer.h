// The one write path. Doors submit work; the writer runs what has gathered, in order, inside one
// transaction, commits once for all of it, and only then lets the answers go. Acknowledged means on
// disk.
//
// Much work is done in parts: a work that has more to do says so, others run in between, and its
// answer leaves after the commit of its last part. What waits for a part of it is therefore small.
// When a part cannot be committed, the whole work has failed, with what was committed of it.
//
// A work checks first and writes then, so that a request that is refused leaves no trace. Work that
// fails before it has written anything fails alone. What writes much (a part of bulk, a batch) runs
// in a savepoint and is undone alone, too; for a single write that would nearly double its cost
// (measured: 16 instead of 9 microseconds), and failing after writing is a matter of broken disks.
// Such work takes the group with it: everybody in it is told `unavailable`.
//
// When a commit fails, nobody knows what is on the disk: the writer is poisoned, refuses everything
// from then on with `unavailable`, and says so through on_poisoned, so that the process can end and
// be started again. A full disk is no such case: that group is refused with `storage`, later ones
// are tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/uuid.h"
#include "net/http_responder.h"
#include "server/feed.h"
#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

// What work may use while it runs. `now_ms` is read once for the whole group.
class WriteContext {
 public:
  WriteContext(WriteTransaction& transaction, std::int64_t now_ms, const std::string& node,
               UuidGenerator& ids)
      : transaction_(transaction), now_ms_(now_ms), node_(node), ids_(ids) {}

  WriteTransaction& transaction() { return transaction_; }
  std::int64_t now_ms() const { return now_ms_; }
  const std::string& node() const { return node_; }  // the server's
  UuidGenerator& ids() { return ids_; }

  // Notes an appended operation for the feed (called by record_log.h).
  void announce(std::string_view bucket, FeedOperation operation);

  // How many records had to be folded again from their logs, which is the dear part of a write.
  void count_refold() { ++refolds_; }
  std::size_t refolds() const { return refolds_; }

  struct Announcement {
    std::string bucket;
    std::vector<FeedOperation> operations;
  };
  std::vector<Announcement>& announcements() { return announcements_; }

  // Around a work that may be undone alone.
  void mark_announcements();
  void forget_marked_announcements();  // those made since the mark

 private:
  WriteTransaction& transaction_;
  std::int64_t now_ms_;
  const std::string& node_;
  UuidGenerator& ids_;
  std::size_t refolds_ = 0;
  std::vector<Announcement> announcements_;
  std::vector<std::size_t> marks_;  // of each announcement, how many operations it had
};

// What became of a part of a work.
enum class Progress {
  finished,
  more,  // run it again, when others had their turn
};

struct WriteRequest {
  // Runs on the writer's thread. Prepares its answer; must not send it.
  std::move_only_function<Result<Progress>(WriteContext&)> work;
  // Runs exactly once, after the commit or the failure: ok, the error of `work`, `busy` (the queue
  // was full, before anything ran), `storage` (disk full) or `unavailable`. Answers go into the
  // batch. On the writer's thread, or inside submit() when refused there.
  std::move_only_function<void(Result<void>, net::DeliveryBatch&)> done;
  // Much work, in parts: it has a queue of its own, and gives way to all other work after each part
  // and to other bulk after each group. Work that has more to do becomes bulk.
  bool bulk = false;
  // Whose it is: bulk of one lane keeps its order. Bulk without one is in nobody's way.
  const void* lane = nullptr;
  // Undone alone when it fails after it has written. Bulk always is.
  bool guarded = false;
  std::uint64_t arrival = 0;  // in which order it came; the Writer's own
};

// Operations or rows that one part of much work deals with.
inline constexpr std::size_t kPartOperations = 200;

// Checkpoints beside the writer, on another thread.
class BackgroundCheckpoints {
 public:
  virtual ~BackgroundCheckpoints() = default;
  virtual bool running() const = 0;
  virtual void request() = 0;  // starts one, unless one runs
};

struct WriterLimits {
  std::size_t queue_requests = 10'000;         // waiting; more are answered `busy`
  std::size_t group_requests = 1'024;          // in one transaction
  std::int64_t group_ms = 8;                   // after which a transaction takes no more: whoever
                                               // sends much waits for it, batch after batch
  std::int64_t checkpoint_bytes = 16LL << 20;  // of log after which a checkpoint is made
  std::int64_t log_limit_bytes = 64LL << 20;   // of log beyond which it is started anew
};

// Without a thread of its own: a driver (WriterThread, or a simulator) calls commit_pending().
class Writer {
 public:
  Writer(Storage& storage, Feed& feed, const Clock& clock, Random& random, Logger& logger,
         WriterLimits limits = {});
  ~Writer();  // as stop()

  // Any thread.
  void submit(WriteRequest request);

  // Called (under no lock) when a request was queued into an empty queue.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  // Called once, on the committing thread, when the writer is poisoned.
  void set_on_poisoned(std::function<void(const Error&)> on_poisoned);
  // Who makes the checkpoints; they must outlive the calls to maintain(). Without it the writer
  // makes them itself.
  void set_checkpoints(BackgroundCheckpoints& checkpoints) { checkpoints_ = &checkpoints; }

  // Runs and commits one group of what waits, then sends the answers. False: nothing waited.
  bool commit_pending();
  // Sees to it that the log is moved into the file when it is time to. `quiet`: nobody waits.
  void maintain(bool quiet);

  std::size_t pending() const;
  // From now on submit() refuses with `unavailable`.
  void close();
  // The same, and what still waits is refused. When nobody commits any more.
  void stop();

 private:
  struct Group;

  std::vector<WriteRequest> take_group();
  std::optional<WriteRequest> take_bulk(const Group& group, bool unless_others_wait);
  bool others_wait() const;  // for whom bulk gives way
  void put_back(std::vector<WriteRequest> not_run);
  void put_behind(std::vector<WriteRequest> unfinished);
  void run_group(std::vector<WriteRequest> waiting);
  bool run_work(Group& group, WriteRequest request);
  bool run_bulk(Group& group, std::optional<WriteRequest> request);
  Result<Progress> run_guarded(Group& group, WriteRequest& request);
  void commit(Group& group);
  void refuse(std::vector<WriteRequest> group, const Error& error);
  void announce(WriteContext& context, net::DeliveryBatch& deliveries);
  void poisoned(const Error& error);
  void start_log_anew(std::int64_t log_bytes);

  Storage& storage_;
  Feed& feed_;
  const Clock& clock_;
  Logger& logger_;
  const WriterLimits limits_;
  UuidGenerator ids_;
  std::function<void()> wake_;
  std::function<void(const Error&)> on_poisoned_;
  mutable std::mutex mutex_;
  std::deque<WriteRequest> queue_;
  std::deque<WriteRequest> bulk_queue_;
  std::uint64_t last_arrival_ = 0;
  bool closed_ = false;

  // The committing thread's.
  bool poisoned_ = false;
  BackgroundCheckpoints* checkpoints_ = nullptr;
  std::int64_t checkpointed_at_bytes_ = 0;  // of log, when the last checkpoint was asked for
  std::int64_t restarted_at_bytes_ = 0;     // of log, when starting it anew was last tried
};

}  // namespace tombolo::server
