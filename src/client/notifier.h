// The notification thread of a Database: tells observers of events and of changes in the answers of
// live queries, one call at a time. It also looks, every watch interval while somebody observes,
// whether another connection or process has committed.
//
// The thread starts with the first observer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "client/observer.h"
#include "client/reader_pool.h"
#include "client/write_session.h"

#include "tombolo/event.h"
#include "tombolo/result.h"

namespace tombolo::client {

class Notifier {
 public:
  static constexpr std::size_t kMaxQueued = 10'000;  // commits and events not yet told

  Notifier(ReaderPool& readers, std::int64_t watch_interval_ms)
      : readers_(readers), watch_interval_ms_(watch_interval_ms) {}
  ~Notifier() { stop(); }

  std::shared_ptr<Observer> subscribe(std::function<void(const Event&)> callback);
  std::shared_ptr<Observer> watch(const std::string& collection, const QuerySpecification& query,
                                  std::function<void(const Changes&)> callback);

  // Whether somebody subscribes to events, so that commits should collect the ids of records.
  bool wants_ids();

  // A commit of this Database: announced before it may be seen in the file, then reported, in the
  // order of the commits, or called off.
  void expect(std::int64_t revision);
  void committed(CommitSummary&& summary);
  void call_off(std::int64_t revision);

  // An event that is no commit's.
  void publish(Event event);

  // Ends the thread. Not on the thread itself.
  void stop();
  bool is_current() const { return std::this_thread::get_id() == thread_id_; }

 private:
  using News = std::variant<CommitSummary, Event>;

  void start_locked();
  void run();
  void handle(std::deque<News>& news, bool look);
  void look_at_file(std::set<std::string>& changed, std::vector<Event>& events);
  void tell(const std::vector<Event>& events);
  void refresh_queries(const std::set<std::string>& changed, bool only_new);
  bool observed_locked();
  static void append_events(const CommitSummary& summary, std::vector<Event>& events);

  ReaderPool& readers_;
  const std::int64_t watch_interval_ms_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
  std::thread::id thread_id_;
  bool stopping_ = false;
  bool new_queries_ = false;
  bool overflow_ = false;  // news were dropped: everything may have changed
  std::deque<News> news_;
  std::vector<std::shared_ptr<EventObserver>> subscribers_;
  std::vector<std::shared_ptr<QueryObserver>> queries_;
  std::optional<ReaderPool::Lease> lease_;
  std::int64_t data_version_ = -1;
  std::int64_t revision_ = -1;          // up to which the file was looked at
  std::set<std::int64_t> own_commits_;  // revisions above it that this Database committed
};

}  // namespace tombolo::client
