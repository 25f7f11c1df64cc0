#include "client/engine.h"

#include "client/remotes.h"

namespace tombolo::client {
namespace {

Result<void> check_options(const std::string& path, const OpenOptions& options) {
  constexpr std::int64_t kMaxBusyMs = 24LL * 60 * 60 * 1000;
  if (path.empty() || path == ":memory:") {
    return fail(ErrorCode::invalid_argument, "a database needs the path of a file");
  }
  if (options.busy_timeout_ms < 0 || options.busy_timeout_ms > kMaxBusyMs ||
      options.watch_interval_ms < 1) {
    return fail(ErrorCode::invalid_argument, "busy_timeout_ms must be in 0.." +
                                                 std::to_string(kMaxBusyMs) +
                                                 " and watch_interval_ms at least 1");
  }
  return {};
}

}  // namespace

Engine::Engine(std::string path, const OpenOptions& options, const Environment& environment)
    : path_(std::move(path)), options_(options), environment_(environment) {}

Result<std::shared_ptr<Engine>> Engine::open(const std::string& path, const OpenOptions& options,
                                             const Environment& environment) {
  if (auto good = check_options(path, options); !good) return fail(good);
  std::shared_ptr<Engine> engine(new Engine(path, options, environment));
  auto local = LocalStore::open(path, options, environment);
  if (!local) return fail(local);
  engine->store_ = std::move(*local);
  engine->readers_ =
      std::make_unique<ReaderPool>(path, connection_options(options, environment, true));
  engine->notifier_ = std::make_unique<Notifier>(*engine->readers_, *environment.clock,
                                                 [&engine = *engine] { engine.watch_others(); });
  engine->remotes_ = std::make_unique<Remotes>(*engine);
  engine->watch_ = std::make_unique<CommitWatch>(
      *engine->readers_, engine->store_->connection().log_path(), options.watch_interval_ms,
      [&engine = *engine] { engine.file_changed(); });
  return engine;
}

Engine::~Engine() {
  close();
}

void Engine::close() {
  if (closed_.exchange(true)) return;
  lock_.shut();
  if (watch_) watch_->stop();
  if (remotes_) remotes_->close();
  if (notifier_) notifier_->stop();
  if (readers_) readers_->close();
  // A transaction that this thread has open keeps the file until it ends.
  if (!lock_.lock_shut()) return;
  store_.reset();
  lock_.unlock();
}

void Engine::watch_others() {
  if (environment_.is_shared) watch_->start();
}

void Engine::file_changed() {
  notifier_->file_changed();
  remotes_->others_committed();
}

Result<std::unique_ptr<WriteSession>> Engine::begin(Durability durability) {
  if (this_thread_writes()) {
    return fail(ErrorCode::precondition_failed,
                "this thread has a transaction open: write through it, or end it first");
  }
  if (!lock_.lock()) {
    return fail(ErrorCode::precondition_failed, "the database " + path_ + " is closed");
  }
  return WriteSession::begin(*store_, lock_, notifier_->wanted_detail(), durability);
}

Result<void> Engine::secure() {
  if (this_thread_writes()) {
    return fail(ErrorCode::precondition_failed, "this thread has a transaction open: end it first");
  }
  if (!lock_.lock()) {
    return fail(ErrorCode::precondition_failed, "the database " + path_ + " is closed");
  }
  auto done = store_->secure();
  lock_.unlock();
  return done;
}

Result<void> Engine::commit(WriteSession& session) {
  const std::int64_t revision = session.revision();
  notifier_->expect(revision);
  bool pending = false;
  Result<void> done = session.commit([&](CommitSummary&& summary) {
    pending = summary.pending_added;
    // Before another thread begins, which gets the same number.
    if (!session.wrote()) return notifier_->call_off(revision);
    notifier_->committed(std::move(summary));
  });
  if (!done) notifier_->call_off(revision);
  if (pending) remotes_->pending_changed();
  return done;
}

}  // namespace tombolo::client
