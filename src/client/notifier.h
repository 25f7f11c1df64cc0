// The notification thread of a Database: tells observers of events and of changes in the answers of
// live queries, one call at a time. While somebody observes it is also told that the file may have
// changed, and looks whether another connection or process has committed.
//
// A live query is refreshed on a snapshot of which everything is known: every commit up to it is
// either our own and reported, with the records that it changed, or another process's, after which
// the query runs again.
//
// The thread starts with the first observer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "client/bell.h"
#include "client/observer.h"
#include "client/query_observer.h"
#include "client/reader_pool.h"
#include "client/recent_commits.h"
#include "client/write_session.h"

#include "tombolo/event.h"
#include "tombolo/result.h"

namespace tombolo::client {

class Notifier {
 public:
  static constexpr std::size_t kMaxQueued = 10'000;  // events not yet told; more are dropped

  // `watch_file` is called when somebody observes: from then on file_changed() is to be called.
  Notifier(ReaderPool& readers, const Clock& clock, std::function<void()> watch_file)
      : readers_(readers), clock_(clock), watch_file_(std::move(watch_file)) {}
  ~Notifier() { stop(); }

  std::shared_ptr<Observer> subscribe(std::function<void(const Event&)> callback);
  std::shared_ptr<Observer> watch(const std::string& collection, const QuerySpecification& query,
                                  std::function<void(const Changes&)> callback);

  // What commits should collect for those who observe now.
  CommitDetail wanted_detail();

  // A commit of this Database: announced before it may be seen in the file, then reported, in the
  // order of the commits, or called off.
  void expect(std::int64_t revision);
  void committed(CommitSummary&& summary);
  void call_off(std::int64_t revision);

  // Somebody has committed to the file, perhaps another process.
  void file_changed();

  // An event that is no commit's.
  void publish(Event event);

  // Ends the thread. Not on the thread itself.
  void stop();
  bool is_current() const { return std::this_thread::get_id() == thread_id_; }

 private:
  enum class Refreshed { done, must_rerun, must_wait };
  using Queries = std::vector<std::shared_ptr<QueryObserver>>;

  void start_locked();
  void run();
  bool observed_locked() const { return !subscribers_.empty() || !queries_.empty(); }
  void queue_events_locked(CommitSummary& summary);
  bool drop_stopped_locked();
  Queries queries();
  bool handle(std::vector<Event>&& events);
  bool ensure_lease();
  bool look_at_file(std::vector<Event>& events);
  Result<bool> advance(std::vector<Event>& events);
  Result<void> note_others(std::int64_t before, const std::set<std::string>& own,
                           const Queries& queries, std::vector<Event>& events);
  void tell(const std::vector<Event>& events);
  std::optional<std::int64_t> refresh_queries();
  bool refresh(QueryObserver& query);
  Result<Refreshed> read_changes(QueryObserver& query, Changes& changes,
                                 std::vector<Event>& events);

  ReaderPool& readers_;
  const Clock& clock_;
  const std::function<void()> watch_file_;
  // For a commit, an event, a new query, an observer that was stopped, a look at the file.
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::mutex mutex_;
  std::thread thread_;
  std::thread::id thread_id_;
  bool stopping_ = false;
  std::vector<Event> events_;
  RecentCommits commits_;
  std::vector<std::shared_ptr<EventObserver>> subscribers_;
  Queries queries_;

  // Of the thread alone.
  std::optional<ReaderPool::Lease> lease_;
  std::int64_t data_version_ = -1;
  std::int64_t revision_ = -1;  // up to which the observers know what there is to look at
};

}  // namespace tombolo::client
