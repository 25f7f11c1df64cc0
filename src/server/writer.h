// The one write path. Doors submit work; the writer runs what has gathered, in order, inside one
// transaction, commits once for all of it, and only then lets the answers go. Acknowledged means on
// disk.
//
// A work checks first and writes then, so that a request that is refused leaves no trace. Work that
// fails with an error after it has written takes the whole group with it (everybody in it is told
// `unavailable`); what must be undone alone goes into a savepoint of the transaction.
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

  struct Announcement {
    std::string bucket;
    std::vector<FeedOperation> operations;
  };
  std::vector<Announcement>& announcements() { return announcements_; }

 private:
  WriteTransaction& transaction_;
  std::int64_t now_ms_;
  const std::string& node_;
  UuidGenerator& ids_;
  std::vector<Announcement> announcements_;
};

struct WriteRequest {
  // Runs on the writer's thread. Prepares its answer; must not send it.
  std::move_only_function<Result<void>(WriteContext&)> work;
  // Runs exactly once, after the commit or the failure: ok, the error of `work`, `busy` (the queue
  // was full, before anything ran), `storage` (disk full) or `unavailable`. Answers go into the
  // batch. On the writer's thread, or inside submit() when refused there.
  std::move_only_function<void(Result<void>, net::DeliveryBatch&)> done;
};

struct WriterLimits {
  std::size_t queue_requests = 10'000;         // waiting; more are answered `busy`
  std::size_t group_requests = 1'024;          // in one transaction
  std::int64_t group_ms = 20;                  // after which a transaction takes no more
  std::int64_t checkpoint_bytes = 16LL << 20;  // of log after which one is made when it is quiet
  std::int64_t log_limit_bytes = 64LL << 20;   // of log beyond which one is made in any case
};

// Without a thread of its own: a driver (WriterThread, or a simulator) calls commit_pending().
class Writer {
 public:
  Writer(Storage& storage, Feed& feed, const Clock& clock, Random& random, Logger& logger,
         WriterLimits limits = {});
  ~Writer();  // what still waits is refused

  // Any thread.
  void submit(WriteRequest request);

  // Called (under no lock) when a request was queued into an empty queue.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  // Called once, on the committing thread, when the writer is poisoned.
  void set_on_poisoned(std::function<void(const Error&)> on_poisoned);

  // Runs and commits one group of what waits, then sends the answers. False: nothing waited.
  bool commit_pending();
  // Moves the log into the file when it is time to. `quiet`: nobody waits.
  void maintain(bool quiet);

  std::size_t pending() const;
  // From now on submit() refuses with `unavailable`.
  void close();

 private:
  std::vector<WriteRequest> take_group();
  void run_group(std::vector<WriteRequest>& group);
  void refuse(std::vector<WriteRequest>& group, const Error& error);
  void announce(WriteContext& context, net::DeliveryBatch& deliveries);
  void poisoned(const Error& error);

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
  bool closed_ = false;
  bool poisoned_ = false;  // the committing thread's
};

}  // namespace tombolo::server
