#include "client/notifier.h"

#include <algorithm>
#include <chrono>

namespace tombolo::client {

std::shared_ptr<Observer> Notifier::subscribe(std::function<void(const Event&)> callback) {
  auto observer = std::make_shared<EventObserver>(std::move(callback));
  const std::lock_guard guard(mutex_);
  subscribers_.push_back(observer);
  start_locked();
  return observer;
}

std::shared_ptr<Observer> Notifier::watch(const std::string& collection,
                                          const QuerySpecification& query,
                                          std::function<void(const Changes&)> callback) {
  auto observer = std::make_shared<QueryObserver>(collection, query, std::move(callback));
  const std::lock_guard guard(mutex_);
  queries_.push_back(observer);
  new_queries_ = true;
  start_locked();
  wake_.notify_one();
  return observer;
}

bool Notifier::wants_ids() {
  const std::lock_guard guard(mutex_);
  return !subscribers_.empty();
}

void Notifier::start_locked() {
  if (thread_.joinable() || stopping_) return;
  thread_ = std::thread([this] { run(); });
  thread_id_ = thread_.get_id();
}

bool Notifier::observed_locked() {
  std::erase_if(subscribers_, [](const auto& observer) { return observer->stopped(); });
  std::erase_if(queries_, [](const auto& observer) { return observer->stopped(); });
  return !subscribers_.empty() || !queries_.empty();
}

void Notifier::expect(std::int64_t revision) {
  const std::lock_guard guard(mutex_);
  if (thread_.joinable()) own_commits_.insert(revision);
}

void Notifier::call_off(std::int64_t revision) {
  const std::lock_guard guard(mutex_);
  own_commits_.erase(revision);
}

void Notifier::committed(CommitSummary&& summary) {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable()) return;
  if (news_.size() >= kMaxQueued) {
    overflow_ = true;
    return;
  }
  news_.emplace_back(std::move(summary));
  wake_.notify_one();
}

void Notifier::publish(Event event) {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable() || news_.size() >= kMaxQueued) return;
  news_.emplace_back(std::move(event));
  wake_.notify_one();
}

void Notifier::stop() {
  std::thread thread;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  wake_.notify_one();
  if (thread.joinable()) thread.join();
}

void Notifier::run() {
  std::unique_lock guard(mutex_);
  while (!stopping_) {
    const bool observed = observed_locked();
    const auto ready = [this] { return stopping_ || !news_.empty() || new_queries_; };
    if (observed) {
      wake_.wait_for(guard, std::chrono::milliseconds(watch_interval_ms_), ready);
    } else {
      wake_.wait(guard, ready);
    }
    if (stopping_) break;
    std::deque<News> news;
    news.swap(news_);
    guard.unlock();
    handle(news, observed);
    guard.lock();
  }
  lease_.reset();
}

// One round: what was committed here, what others committed, and then the queries they concern.
void Notifier::handle(std::deque<News>& news, bool look) {
  std::set<std::string> changed;
  std::vector<Event> events;
  for (const News& item : news) {
    if (const auto* event = std::get_if<Event>(&item)) {
      events.push_back(*event);
      continue;
    }
    const auto& summary = std::get<CommitSummary>(item);
    for (const auto& one : summary.changed) changed.insert(one.collection);
    append_events(summary, events);
  }
  if (!lease_) {
    Result<ReaderPool::Lease> lease = readers_.lease();
    if (lease) lease_.emplace(std::move(*lease));
  }
  if (look && lease_) look_at_file(changed, events);
  tell(events);
  bool fresh = false;
  {
    const std::lock_guard guard(mutex_);
    fresh = std::exchange(new_queries_, false);
  }
  if (!changed.empty() || fresh) refresh_queries(changed, changed.empty());
}

void Notifier::append_events(const CommitSummary& summary, std::vector<Event>& events) {
  const auto append = [&](Event::Type type, const std::vector<CommitSummary::Changed>& changes) {
    for (const auto& one : changes) {
      Event event;
      event.type = type;
      event.remote = summary.origin;
      event.collection = one.collection;
      event.records = one.records;
      events.push_back(std::move(event));
    }
  };
  append(Event::Type::change, summary.changed);
  append(Event::Type::conflict, summary.conflicts);
  append(Event::Type::rejected, summary.rejected);
}

// Revisions have no gaps, so those between two looks that are not our own commits are another
// process's (or another Database's of this one).
void Notifier::look_at_file(std::set<std::string>& changed, std::vector<Event>& events) {
  store::Connection& connection = (*lease_)->access().connection;
  const Result<std::int64_t> version = connection.data_version();
  if (!version || (*version == data_version_ && revision_ >= 0)) return;
  auto select = (*lease_)->access().cache.get("SELECT revision FROM state");
  if (!select) return;
  auto now = (*select)->query_one([](const store::Row& row) { return row.int64(0); });
  if (!now || !*now) return;
  const std::int64_t before = revision_;
  bool others = false;
  {
    const std::lock_guard guard(mutex_);
    const auto own = std::distance(own_commits_.begin(), own_commits_.upper_bound(**now));
    others = before >= 0 && own < **now - before;
    own_commits_.erase(own_commits_.begin(), own_commits_.upper_bound(**now));
    others = std::exchange(overflow_, false) || others;
  }
  data_version_ = *version;
  revision_ = **now;
  if (!others) return;
  auto names = (*lease_)->access().cache.get("SELECT name FROM collections WHERE revision > ?1");
  if (!names) return;
  store::Rows rows = (*names)->query(before);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more || !*more) return;
    const std::string name(rows.row().text(0));
    if (!changed.insert(name).second) continue;
    Event event;
    event.type = Event::Type::change;
    event.collection = name;
    events.push_back(std::move(event));
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

void Notifier::refresh_queries(const std::set<std::string>& changed, bool only_new) {
  if (!lease_) return;
  std::vector<std::shared_ptr<QueryObserver>> queries;
  {
    const std::lock_guard guard(mutex_);
    queries = queries_;
  }
  for (const auto& query : queries) {
    if (query->told() && (only_new || !changed.contains(query->collection()))) continue;
    const Result<std::int64_t> key = (*lease_)->collection_key(query->collection());
    if (key) query->refresh((*lease_)->access(), *key);
  }
}

}  // namespace tombolo::client
