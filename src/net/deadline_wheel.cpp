#include "net/deadline_wheel.h"

#include <algorithm>

namespace tombolo::net {

Deadline::~Deadline() {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

DeadlineWheel::~DeadlineWheel() {
  for (Deadline* head : slots_) {
    while (head != nullptr) {
      Deadline* const next = head->next_;
      head->wheel_ = nullptr;
      head = next;
    }
  }
}

void DeadlineWheel::link(Deadline& deadline) {
  // Never the current tick's slot, which has been fired already; at most one round ahead.
  const std::int64_t now_tick = now_ms_ / kTickMs;
  const std::int64_t due_tick = deadline.due_ms_ / kTickMs + 1;
  const std::int64_t last_tick = now_tick + static_cast<std::int64_t>(kSlots) - 1;
  const std::int64_t tick = std::clamp(due_tick, now_tick + 1, last_tick);
  deadline.slot_due_ms_ = tick * kTickMs;
  deadline.slot_ = static_cast<std::size_t>(tick) % kSlots;
  Deadline*& head = slots_[deadline.slot_];
  deadline.previous_ = nullptr;
  deadline.next_ = head;
  if (head != nullptr) head->previous_ = &deadline;
  head = &deadline;
  deadline.wheel_ = this;
  ++count_;
}

void DeadlineWheel::unlink(Deadline& deadline) {
  if (deadline.next_ != nullptr) deadline.next_->previous_ = deadline.previous_;
  if (deadline.previous_ != nullptr) {
    deadline.previous_->next_ = deadline.next_;
  } else if (firing_ == &deadline) {
    firing_ = deadline.next_;
  } else {
    slots_[deadline.slot_] = deadline.next_;
  }
  deadline.wheel_ = nullptr;
  --count_;
}

std::int64_t DeadlineWheel::next_look_ms() const {
  if (empty()) return kNever;
  const std::int64_t now_tick = now_ms_ / kTickMs;
  const std::int64_t round = static_cast<std::int64_t>(kSlots);
  for (std::int64_t tick = now_tick + 1; tick < now_tick + round; ++tick) {
    if (slots_[static_cast<std::size_t>(tick) % kSlots] != nullptr) return tick * kTickMs;
  }
  return (now_tick + 1) * kTickMs;  // what is set is just being looked at
}

void DeadlineWheel::set(Deadline& deadline, std::int64_t delay_ms) {
  deadline.due_ms_ = now_ms_ + std::max<std::int64_t>(delay_ms, 0);
  if (deadline.wheel_ != nullptr) {
    // Its slot comes up early enough, and it is moved on then.
    if (deadline.slot_due_ms_ <= deadline.due_ms_ + kTickMs) return;
    unlink(deadline);
  }
  link(deadline);
}

void DeadlineWheel::fire_slot(std::size_t slot) {
  firing_ = slots_[slot];
  slots_[slot] = nullptr;
  while (firing_ != nullptr) {
    Deadline& deadline = *firing_;
    unlink(deadline);
    if (deadline.due_ms_ == kNever) continue;
    if (deadline.due_ms_ > now_ms_) {
      link(deadline);
      continue;
    }
    deadline.on_deadline();
  }
}

void DeadlineWheel::advance(std::int64_t now_ms) {
  const std::int64_t before = now_ms_ / kTickMs;
  if (now_ms <= now_ms_) return;
  now_ms_ = now_ms;
  const std::int64_t after = now_ms / kTickMs;
  // After a pause longer than a round every slot is looked at once.
  const std::int64_t first = std::max(before + 1, after - static_cast<std::int64_t>(kSlots) + 1);
  for (std::int64_t tick = first; tick <= after; ++tick) {
    fire_slot(static_cast<std::size_t>(tick) % kSlots);
  }
}

}  // namespace tombolo::net
