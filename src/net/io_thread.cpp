#include "net/io_thread.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <pthread.h>
#include <utility>

#include "base/check.h"
#include "net/loop.h"

namespace tombolo::net {

namespace asio = boost::asio;

IoThread::Loop::Loop()
    : read_buffer(kReadBytes), wheel_(clock_.monotonic_ms()), tick_timer_(context) {
  work_.emplace(context.get_executor());
}

void IoThread::Loop::join(LoopMember& member) {
  member.next_ = first_member_;
  member.previous_ = nullptr;
  if (first_member_ != nullptr) first_member_->previous_ = &member;
  first_member_ = &member;
  member.is_joined_ = true;
}

void IoThread::Loop::leave(LoopMember& member) {
  if (!member.is_joined_) return;
  member.is_joined_ = false;
  if (member.next_ != nullptr) member.next_->previous_ = member.previous_;
  (member.previous_ != nullptr ? member.previous_->next_ : first_member_) = member.next_;
}

std::vector<std::shared_ptr<LoopMember>> IoThread::Loop::members() const {
  std::vector<std::shared_ptr<LoopMember>> all;
  for (LoopMember* member = first_member_; member != nullptr; member = member->next_) {
    all.push_back(member->self());
  }
  return all;
}

void IoThread::Loop::at_turn_end(std::shared_ptr<TurnEnd> later) {
  turn_ends_.push_back(std::move(later));
  if (turn_ends_.size() == 1) asio::post(context, [this] { finish_turn(); });
}

void IoThread::Loop::finish_turn() {
  const auto due = std::exchange(turn_ends_, {});
  for (const auto& later : due) later->on_turn_end();
}

void IoThread::Loop::set_deadline(Deadline& deadline, std::int64_t delay_ms) {
  if (is_stopping_) return;
  was_deadline_set_ = true;
  if (!is_ticking_) {
    // Up to where nothing is due: the wheel's callbacks come from tick() alone.
    const std::int64_t now_ms = clock_.monotonic_ms();
    wheel_.advance(std::min(now_ms, sleeps_until_ms_ - 1));
    delay_ms += std::max<std::int64_t>(0, now_ms - wheel_.now_ms());
    is_ticking_ = true;
    tick_after(DeadlineWheel::kTickMs);
  }
  wheel_.set(deadline, delay_ms);
}

void IoThread::Loop::tick_after(std::int64_t delay_ms) {
  tick_timer_.expires_after(std::chrono::milliseconds(delay_ms));
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

// While deadlines are set and moved, ticks that come anyway are cheapest. Else the wheel stands
// still until there is something to look at: an idle process is left asleep.
void IoThread::Loop::tick() {
  const bool was_busy = std::exchange(was_deadline_set_, false);
  is_ticking_ = true;
  const std::int64_t now_ms = clock_.monotonic_ms();
  wheel_.advance(now_ms);
  if (is_stopping_) return;
  if (was_busy || was_deadline_set_) return tick_after(DeadlineWheel::kTickMs);
  is_ticking_ = false;
  sleeps_until_ms_ = wheel_.next_look_ms();
  if (sleeps_until_ms_ != DeadlineWheel::kNever) tick_after(sleeps_until_ms_ - now_ms);
}

bool IoThread::Loop::push(Task task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (!accepts_tasks_) return false;
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (was_empty) asio::post(context, [this] { drain(); });
  return true;
}

void IoThread::Loop::drain() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) {
    // begin_stop() may be one of them: what comes after it would open what nobody aborts.
    if (!is_stopping_) task();
    task = nullptr;  // what it holds goes before the next one runs
  }
}

void IoThread::Loop::abort_members() {
  // What a callback of one member opens is aborted in the next round.
  for (auto all = members(); !all.empty(); all = members()) {
    for (const auto& member : all) member->abort();
  }
}

void IoThread::Loop::wind_down_members() {
  for (const auto& member : members()) member->wind_down();
}

void IoThread::Loop::begin_stop() {
  is_stopping_ = true;
  // First of all: once tasks are refused, the last reference to a connection may go elsewhere.
  abort_members();
  std::vector<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    accepts_tasks_ = false;
    dropped.swap(tasks_);
  }
  timers.clear();
  tick_timer_.cancel();
  abort_members();
  poller.stop();
  work_.reset();
}

void IoThread::Loop::run() {
  thread_id = std::this_thread::get_id();
  ::pthread_setname_np(::pthread_self(), "tombolo-io");
  // Ends when begin_stop() has taken its work away and the last handler has run.
  context.run();
  thread_id = std::thread::id();
}

IoThread::IoThread(std::size_t index) : index_(index), loop_(std::make_unique<Loop>()) {}

std::shared_ptr<IoThread> IoThread::start(std::size_t index) {
  std::shared_ptr<IoThread> io_thread(new IoThread(index));
  Loop& loop = *io_thread->loop_;
  loop.thread = std::thread([&loop] { loop.run(); });
  return io_thread;
}

IoThread::~IoThread() {
  stop();
}

bool IoThread::is_current() const {
  return loop_->thread_id == std::this_thread::get_id();
}

void IoThread::post(Task task) {
  loop_->push(std::move(task));
}

TimerId IoThread::schedule(std::int64_t delay_ms, Task task) {
  const TimerId id = loop_->next_timer++;
  post([loop = loop_.get(), id, delay_ms, task = std::move(task)]() mutable {
    auto timer =
        std::make_unique<asio::steady_timer>(loop->context, std::chrono::milliseconds(delay_ms));
    timer->async_wait(
        [loop, id, task = std::move(task)](const boost::system::error_code& error) mutable {
          // A cancelled timer is known by its absence: it may have been due already.
          if (error || loop->timers.erase(id) == 0) return;
          task();
        });
    loop->timers.emplace(id, std::move(timer));
  });
  return id;
}

void IoThread::cancel(TimerId id) {
  if (is_current() && loop_->timers.erase(id) > 0) return;
  post([loop = loop_.get(), id] { loop->timers.erase(id); });
}

void IoThread::stop() {
  TOMBOLO_CHECK(!is_current(), "an IoThread cannot wait for itself");
  if (!loop_->thread.joinable()) return;
  loop_->push([loop = loop_.get()] { loop->begin_stop(); });
  loop_->thread.join();
}

}  // namespace tombolo::net
