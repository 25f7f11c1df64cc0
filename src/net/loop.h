// The inside of an IoThread: Asio's context, the deadline wheel, the members that must be aborted
// when the thread stops, and what is done at the end of a turn. Only for the sources of this layer,
// and only on the thread itself unless said otherwise.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/deadline_wheel.h"
#include "net/io_thread.h"
#include "net/readiness_poller.h"
#include "net/tls_context.h"
#include "os/clock.h"

namespace tombolo::net {

// Something with sockets on a loop. It joins when it opens and leaves when it is closed.
class LoopMember {
 public:
  LoopMember() = default;
  LoopMember(const LoopMember&) = delete;
  LoopMember& operator=(const LoopMember&) = delete;
  virtual ~LoopMember() = default;

  // Closes every socket now and leaves the loop. The caller keeps the object alive meanwhile.
  virtual void abort() = 0;
  // Finishes what is in progress, then closes.
  virtual void wind_down() = 0;
  virtual std::shared_ptr<LoopMember> self() = 0;

 private:
  friend struct IoThread::Loop;
  LoopMember* previous_ = nullptr;
  LoopMember* next_ = nullptr;
  bool is_joined_ = false;
};

// Something that has bytes to write at the end of the turn.
class TurnEnd {
 public:
  virtual ~TurnEnd() = default;
  virtual void on_turn_end() = 0;
};

struct IoThread::Loop {
  Loop();

  void join(LoopMember& member);
  void leave(LoopMember& member);

  void wind_down_members();

  // Calls `later` once, after the handlers that are ready now.
  void at_turn_end(std::shared_ptr<TurnEnd> later);

  void set_deadline(Deadline& deadline, std::int64_t delay_ms);

  // Any thread.
  bool push(Task task);

  void run();         // the thread's body
  void begin_stop();  // no more tasks, every member aborted: run() ends

  boost::asio::io_context context{1};
  ReadinessPoller poller{context};  // of the connections
  std::vector<char> read_buffer;    // one for all connections: nothing stays in it between turns

  std::atomic<std::thread::id> thread_id;
  std::thread thread;
  std::map<TimerId, std::unique_ptr<boost::asio::steady_timer>> timers;
  std::atomic<TimerId> next_timer = 1;

  // What the TLS connections of this thread share, by their ca_file.
  std::map<std::string, std::shared_ptr<TlsContext>> tls_contexts;

 private:
  void drain();
  void tick_after(std::int64_t delay_ms);
  void tick();
  void finish_turn();
  void abort_members();
  std::vector<std::shared_ptr<LoopMember>> members() const;

  using WorkGuard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  std::optional<WorkGuard> work_;
  os::SystemClock clock_;
  DeadlineWheel wheel_;
  boost::asio::steady_timer tick_timer_;
  bool is_ticking_ = false;                               // every DeadlineWheel::kTickMs
  std::int64_t sleeps_until_ms_ = DeadlineWheel::kNever;  // the wheel, while it is not ticking
  bool was_deadline_set_ = false;                         // since the last tick
  bool is_stopping_ = false;

  LoopMember* first_member_ = nullptr;
  std::vector<std::shared_ptr<TurnEnd>> turn_ends_;

  std::mutex mutex_;  // of what follows
  std::vector<Task> tasks_;
  bool accepts_tasks_ = true;
};

// Bytes that one read takes at most.
inline constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace tombolo::net
