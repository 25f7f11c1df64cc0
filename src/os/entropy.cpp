#include "os/entropy.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/check.h"

namespace tombolo::os {
namespace {

constexpr std::size_t kReserveBytes = 256;  // getrandom gives this much without interruption

// Unused random bytes of one thread. A forked child must not repeat its parent's, so the reserve
// knows its process.
struct Reserve {
  std::uint8_t bytes[kReserveBytes];
  std::size_t used = kReserveBytes;
  std::uint64_t process = 0;
};

using Mark = std::atomic<std::uint64_t>;
static_assert(Mark::is_always_lock_free);

// A number that a forked process finds to be 0, however it was forked (madvise(2),
// MADV_WIPEONFORK). Null where the kernel has no such thing, or is an emulation that takes any
// advice and follows none.
Mark* make_mark() {
  void* const page =
      ::mmap(nullptr, sizeof(Mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  constexpr int kNoAdvice = -1;
  if (::madvise(page, sizeof(Mark), kNoAdvice) != 0 &&
      ::madvise(page, sizeof(Mark), MADV_WIPEONFORK) == 0) {
    return new (page) Mark(0);
  }
  ::munmap(page, sizeof(Mark));
  return nullptr;
}

// Made before there is a second thread: a process that is forked while another thread is making it
// would wait for that thread for ever.
Mark* const mark = make_mark();

// Tells this process from those that it was forked from, at the price of a look into memory instead
// of a system call; 0 when it cannot be told.
std::uint64_t process_number() {
  static Mark last = 0;  // a forked process goes on from its parent's
  if (mark == nullptr) return 0;
  std::uint64_t number = mark->load(std::memory_order_relaxed);
  if (number == 0) mark->store(number = ++last, std::memory_order_relaxed);
  return number;
}

thread_local Reserve reserve;

void fill_from_kernel(std::span<std::uint8_t> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (count < 0 && errno == EINTR) continue;
    TOMBOLO_CHECK(count > 0, "the kernel gives no random bytes");
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  const std::uint64_t process = process_number();
  if (process == 0 || bytes.size() > kReserveBytes) return fill_from_kernel(bytes);
  if (reserve.process != process || kReserveBytes - reserve.used < bytes.size()) {
    fill_from_kernel(reserve.bytes);
    reserve.used = 0;
    reserve.process = process;
  }
  std::uint8_t* next = reserve.bytes + reserve.used;
  std::copy_n(next, bytes.size(), bytes.data());
  std::fill_n(next, bytes.size(), std::uint8_t{0});  // what was given away is not kept
  reserve.used += bytes.size();
}

}  // namespace tombolo::os
