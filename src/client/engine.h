// What a Database is made of: the writer, the readers, the notification thread, the remotes and the
// watch over what others write, shared by all handles to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "client/commit_watch.h"
#include "client/local_store.h"
#include "client/notifier.h"
#include "client/reader_pool.h"
#include "client/write_session.h"
#include "client/writer_lock.h"

#include "tombolo/database.h"
#include "tombolo/result.h"

namespace tombolo::client {

class Remotes;

// Thread-safe.
class Engine {
 public:
  static Result<std::shared_ptr<Engine>> open(const std::string& path, const OpenOptions& options,
                                              const Environment& environment);
  ~Engine();

  void close();
  const std::string& path() const { return path_; }
  const Environment& environment() const { return environment_; }
  const OpenOptions& options() const { return options_; }
  Notifier& notifier() { return *notifier_; }

  // Begins a write transaction, after those of other threads. `relaxed` is for what a remote would
  // give again if a power loss took it. Errors: precondition_failed (closed, or this thread has one
  // open already), busy, storage.
  Result<std::unique_ptr<WriteSession>> begin(Durability durability = Durability::full);

  // Whether this thread has a write transaction open: nobody else can write before it ends.
  bool this_thread_writes() { return lock_.held_by_this_thread(); }

  // Commits, tells the observers and wakes the remotes.
  Result<void> commit(WriteSession& session);

  // To be called before the world is told of an operation: a power loss must not take it
  // afterwards, or its sequence number would name another one. Costs little unless the database was
  // opened as relaxed, or another process has committed. Errors: as begin().
  Result<void> secure();

  // Runs `work(WriteSession&)`, which answers a Result, in a transaction of its own: commits when
  // it succeeds.
  template <typename Work>
  auto write(Work&& work, Durability durability = Durability::full)
      -> std::invoke_result_t<Work, WriteSession&> {
    auto session = begin(durability);
    if (!session) return fail(session);
    auto result = work(**session);
    if (!result) return result;
    if (auto done = commit(**session); !done) return fail(done);
    return result;
  }

  // Runs `work(const ReadConnection&, Reader&)` on a pooled connection.
  Result<ReaderPool::Lease> reader() { return readers_->lease(); }

  Remotes& remotes() { return *remotes_; }

  // From now on the observers and the remotes are told of what others commit to the file.
  void watch_others();

 private:
  Engine(std::string path, const OpenOptions& options, const Environment& environment);
  void file_changed();

  const std::string path_;
  const OpenOptions options_;
  const Environment environment_;
  WriterLock lock_;
  std::unique_ptr<LocalStore> store_;  // under lock_
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<Notifier> notifier_;
  std::atomic<bool> closed_ = false;
  std::unique_ptr<Remotes> remotes_;
  std::unique_ptr<CommitWatch> watch_;
};

}  // namespace tombolo::client
