#include "client/notifier.h"

#include <algorithm>
#include <utility>

#include "store/transaction.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kRetryMs = 500;  // after a read that failed

std::optional<std::int64_t> sooner(std::optional<std::int64_t> one,
                                   std::optional<std::int64_t> other) {
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}

}  // namespace

std::shared_ptr<Observer> Notifier::subscribe(std::function<void(const Event&)> callback) {
  auto observer = std::make_shared<EventObserver>(bell_, std::move(callback));
  const std::lock_guard guard(mutex_);
  subscribers_.push_back(observer);
  start_locked();
  return observer;
}

std::shared_ptr<Observer> Notifier::watch(const std::string& collection,
                                          const QuerySpecification& query,
                                          std::function<void(const Changes&)> callback) {
  auto observer = std::make_shared<QueryObserver>(bell_, collection, query, std::move(callback));
  const std::lock_guard guard(mutex_);
  queries_.push_back(observer);
  start_locked();
  return observer;
}

CommitDetail Notifier::wanted_detail() {
  const std::lock_guard guard(mutex_);
  return {.ids = !subscribers_.empty(), .keys = !queries_.empty()};
}

void Notifier::start_locked() {
  bell_->ring();
  if (thread_.joinable() || stopping_) return;
  watch_file_();
  thread_ = std::thread([this] { run(); });
  thread_id_ = thread_.get_id();
}

void Notifier::expect(std::int64_t revision) {
  const std::lock_guard guard(mutex_);
  if (thread_.joinable() && observed_locked()) commits_.announce(revision);
}

void Notifier::call_off(std::int64_t revision) {
  const std::lock_guard guard(mutex_);
  commits_.call_off(revision);
  // Who looked for it meanwhile waits for its report; and the revision may be another process's.
  if (observed_locked()) bell_->ring();
}

void Notifier::committed(CommitSummary&& summary) {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable() || !observed_locked()) {
    commits_.call_off(summary.revision);
    return;
  }
  queue_events_locked(summary);
  commits_.report(std::move(summary));
  bell_->ring();
}

// A commit whose events have no room left counts as another process's, of which less is told.
void Notifier::queue_events_locked(CommitSummary& summary) {
  if (subscribers_.empty()) return;
  if (events_.size() >= kMaxQueued) return commits_.call_off(summary.revision);
  const auto queue = [&](Event::Type type, std::vector<CommitSummary::Changed>& changes) {
    for (auto& one : changes) {
      Event& event = events_.emplace_back();
      event.type = type;
      event.remote = summary.origin;
      event.collection = one.collection;
      event.records = std::move(one.records);
    }
  };
  queue(Event::Type::change, summary.changed);
  queue(Event::Type::conflict, summary.conflicts);
  queue(Event::Type::rejected, summary.rejected);
}

void Notifier::file_changed() {
  const std::lock_guard guard(mutex_);
  if (observed_locked()) bell_->ring();
}

void Notifier::publish(Event event) {
  const std::lock_guard guard(mutex_);
  if (subscribers_.empty() || events_.size() >= kMaxQueued) return;
  events_.push_back(std::move(event));
  bell_->ring();
}

void Notifier::stop() {
  std::thread thread;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  bell_->ring();
  if (thread.joinable()) thread.join();
}

// Whether somebody is left.
bool Notifier::drop_stopped_locked() {
  std::erase_if(subscribers_, [](const auto& observer) { return observer->stopped(); });
  std::erase_if(queries_, [](const auto& observer) { return observer->stopped(); });
  return observed_locked();
}

void Notifier::run() {
  std::optional<std::int64_t> wait_ms;  // until something is to be done anyway
  std::unique_lock guard(mutex_);
  while (!stopping_) {
    if (!drop_stopped_locked()) {
      // What happens until somebody observes again is nobody's news.
      revision_ = -1;
      wait_ms.reset();
    }
    guard.unlock();
    bell_->wait(wait_ms);
    guard.lock();
    if (stopping_) break;
    std::vector<Event> events = std::exchange(events_, {});
    guard.unlock();
    wait_ms = handle(std::move(events)) ? std::nullopt : std::optional(kRetryMs);
    wait_ms = sooner(wait_ms, refresh_queries());
    guard.lock();
  }
  lease_.reset();
}

// What was committed here and what others committed. False: it is to be looked at again.
bool Notifier::handle(std::vector<Event>&& events) {
  const bool looked = ensure_lease() && look_at_file(events);
  tell(events);
  return looked;
}

bool Notifier::ensure_lease() {
  if (lease_) return true;
  Result<ReaderPool::Lease> lease = readers_.lease();
  if (lease) lease_.emplace(std::move(*lease));
  return lease_.has_value();
}

bool Notifier::look_at_file(std::vector<Event>& events) {
  store::Connection& connection = (*lease_)->access().connection;
  const Result<std::int64_t> version = connection.data_version();
  if (!version) return false;
  if (*version == data_version_ && revision_ >= 0) return true;
  auto snapshot = store::Transaction::begin(connection, store::Transaction::Kind::deferred);
  if (!snapshot) return false;
  const Result<bool> advanced = advance(events);
  if (advanced && *advanced) data_version_ = *version;
  return advanced.has_value();
}

// Tells the queries what changed up to the snapshot that the connection stands on. False: a commit
// of ours that is in it is not reported yet; it wakes this thread when it is.
Result<bool> Notifier::advance(std::vector<Event>& events) {
  auto select = (*lease_)->access().cache.get("SELECT revision FROM state");
  if (!select) return fail(select);
  auto now = (*select)->query_one([](const store::Row& row) { return row.int64(0); });
  if (!now) return fail(now);
  if (!*now) return fail(ErrorCode::corrupt, "the database has lost its state row");
  std::optional<RecentCommits::Taken> taken;
  Queries queries;
  {
    const std::lock_guard guard(mutex_);
    taken = commits_.take(revision_, **now);
    queries = queries_;
  }
  if (!taken) return false;
  const std::int64_t before = std::exchange(revision_, **now);
  if (before < 0) return true;  // nobody has been told anything yet
  std::set<std::string> own;
  for (const CommitSummary& commit : taken->own) {
    for (const auto& changed : commit.changed) {
      own.insert(changed.collection);
      for (const auto& query : queries) {
        if (query->collection() != changed.collection) continue;
        commit.has_keys ? query->note_changed(changed.keys) : query->note_changed();
      }
    }
  }
  if (!taken->others) return true;
  auto done = note_others(before, own, queries, events);
  if (done) return true;
  for (const auto& query : queries) query->note_changed();
  return fail(done);
}

// Of other processes' commits (and of other Databases of this one) the collections alone are known.
Result<void> Notifier::note_others(std::int64_t before, const std::set<std::string>& own,
                                   const Queries& queries, std::vector<Event>& events) {
  auto names = (*lease_)->access().cache.get("SELECT name FROM collections WHERE revision > ?1");
  if (!names) return fail(names);
  store::Rows rows = (*names)->query(before);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    const std::string name(rows.row().text(0));
    for (const auto& query : queries) {
      if (query->collection() == name) query->note_changed();
    }
    if (own.contains(name)) continue;
    Event& event = events.emplace_back();
    event.type = Event::Type::change;
    event.collection = name;
  }
}

void Notifier::tell(const std::vector<Event>& events) {
  if (events.empty()) return;
  std::vector<std::shared_ptr<EventObserver>> subscribers;
  {
    const std::lock_guard guard(mutex_);
    subscribers = subscribers_;
  }
  for (const Event& event : events) {
    for (const auto& subscriber : subscribers) subscriber->tell(event);
  }
}

Notifier::Queries Notifier::queries() {
  const std::lock_guard guard(mutex_);
  return queries_;
}

// Refreshes those that want it and are not at rest. Answers after how long one of them has rested.
std::optional<std::int64_t> Notifier::refresh_queries() {
  const Queries queries = this->queries();
  bool waiting = false;  // for a report, which wakes the thread
  for (const auto& query : queries) {
    if (waiting || !query->wants_refresh() || query->stopped()) continue;
    if (clock_.monotonic_ms() >= query->refresh_at_ms()) waiting = !refresh(*query);
  }
  std::optional<std::int64_t> wait_ms;
  const std::int64_t now_ms = clock_.monotonic_ms();
  for (const auto& query : queries) {
    if (waiting || !query->wants_refresh() || query->stopped()) continue;
    wait_ms = sooner(wait_ms, std::max<std::int64_t>(query->refresh_at_ms() - now_ms, 0));
  }
  return wait_ms;
}

// False: not possible until a commit is reported.
bool Notifier::refresh(QueryObserver& query) {
  const bool reruns = query.must_rerun();
  const std::int64_t began_ms = clock_.monotonic_ms();
  std::vector<Event> events;
  Changes changes;
  const Result<Refreshed> done = read_changes(query, changes, events);
  const std::int64_t ended_ms = clock_.monotonic_ms();
  tell(events);
  if (!done) {
    query.note_changed();
    query.rest_until(ended_ms + kRetryMs);
  } else if (*done != Refreshed::must_wait && reruns) {
    query.rest_until(ended_ms + std::min(QueryObserver::kRestFactor * (ended_ms - began_ms),
                                         QueryObserver::kMaxRestMs));
  }
  if (done && *done == Refreshed::done) query.tell(changes);
  return !done || *done != Refreshed::must_wait;
}

Result<Notifier::Refreshed> Notifier::read_changes(QueryObserver& query, Changes& changes,
                                                   std::vector<Event>& events) {
  if (!ensure_lease()) return fail(ErrorCode::storage, "the database cannot be read");
  const ReadConnection read = (*lease_)->access();
  auto snapshot = store::Transaction::begin(read.connection, store::Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot);
  const Result<bool> advanced = advance(events);
  if (!advanced) return fail(advanced);
  if (!*advanced) return Refreshed::must_wait;
  const Result<std::int64_t> key = (*lease_)->collection_key(query.collection());
  if (!key) return fail(key);
  Result<std::optional<Changes>> found = query.refresh(read, *key);
  if (!found) return fail(found);
  if (!*found) return Refreshed::must_rerun;
  changes = std::move(**found);
  return Refreshed::done;
}

}  // namespace tombolo::client
