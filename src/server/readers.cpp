#include "server/readers.h"

#include <utility>

namespace tombolo::server {

struct Readers::Slot {
  std::unique_ptr<Reader> reader;
  bool in_use = false;
  bool release_posted = false;  // at the end of the turn
};

Readers::Snapshot::Snapshot(Snapshot&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)), transaction_(other.transaction_) {}

Readers::Snapshot::~Snapshot() {
  if (slot_ == nullptr) return;
  slot_->in_use = false;
  if (!slot_->release_posted) slot_->reader->release();
}

Readers::~Readers() = default;

Result<Readers::Snapshot> Readers::begin(const std::shared_ptr<net::Executor>& executor) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Slot>& own = slots_[std::this_thread::get_id()];
    if (own == nullptr) {
      Result<std::unique_ptr<Reader>> opened = storage_.open_reader();
      if (!opened) return fail(opened);
      own = std::make_shared<Slot>();
      own->reader = std::move(*opened);
    }
    slot = own;
  }
  if (slot->in_use) return fail(ErrorCode::internal, "a snapshot is begun inside another");
  Result<ReadTransaction*> transaction = slot->reader->snapshot();
  if (!transaction) return fail(transaction);
  slot->in_use = true;
  if (executor != nullptr && !std::exchange(slot->release_posted, true)) {
    executor->post([weak = std::weak_ptr(slot)] {
      const std::shared_ptr<Slot> kept = weak.lock();
      if (kept == nullptr) return;
      kept->release_posted = false;
      kept->reader->release();
    });
  }
  return Snapshot(*slot, **transaction);
}

}  // namespace tombolo::server
