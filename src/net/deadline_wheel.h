// Many deadlines, coarsely: a hashed timing wheel. Moving a deadline later (what happens with every
// request) writes one number; only what is due is looked at again.
//
// Pure: the owner says what time it is. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tombolo::net {

class DeadlineWheel;

// A thing that has a deadline. It leaves its wheel when it is destroyed.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  virtual ~Deadline();

  // Called by the wheel at the first tick after the deadline; it is not set any more then. May set
  // it again, and may destroy this object.
  virtual void on_deadline() = 0;

 private:
  friend class DeadlineWheel;
  DeadlineWheel* wheel_ = nullptr;  // null: not linked
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
  std::size_t slot_ = 0;
  std::int64_t due_ms_ = 0;       // kNever: cleared
  std::int64_t slot_due_ms_ = 0;  // when its slot comes up, at latest at due_ms_
};

class DeadlineWheel {
 public:
  static constexpr std::int64_t kTickMs = 100;
  static constexpr std::int64_t kNever = INT64_MAX;

  explicit DeadlineWheel(std::int64_t now_ms) : now_ms_(now_ms) {}
  ~DeadlineWheel();
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  // Sets or moves the deadline to `delay_ms` after now; it fires up to two ticks late, never early.
  void set(Deadline& deadline, std::int64_t delay_ms);
  static void clear(Deadline& deadline) { deadline.due_ms_ = kNever; }
  // As clear(), and the deadline leaves its wheel: it can be destroyed on any thread then.
  static void release(Deadline& deadline) {
    clear(deadline);
    if (deadline.wheel_ != nullptr) deadline.wheel_->unlink(deadline);
  }

  // Calls everything that is due. Time that stands or goes back does nothing.
  void advance(std::int64_t now_ms);

  std::int64_t now_ms() const { return now_ms_; }  // as of the last advance
  bool empty() const { return count_ == 0; }

  // When advance() will find something to look at, at latest at the next deadline; kNever: nothing
  // is set. Before, it does nothing.
  std::int64_t next_look_ms() const;

 private:
  friend class Deadline;
  static constexpr std::size_t kSlots = 512;  // one round is 51.2 s; longer waits go round again

  void link(Deadline& deadline);
  void unlink(Deadline& deadline);
  void fire_slot(std::size_t slot);

  std::int64_t now_ms_;
  std::size_t count_ = 0;
  std::array<Deadline*, kSlots> slots_{};
  Deadline* firing_ = nullptr;  // the rest of the slot being looked at
};

}  // namespace tombolo::net
