#include "os/entropy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"

namespace tombolo::os {
namespace {

constexpr std::size_t kReserveBytes = 256;  // getrandom gives this much without interruption

// Unused random bytes of one thread. A forked child must not repeat its parent's, so the reserve
// knows its process.
struct Reserve {
  std::uint8_t bytes[kReserveBytes];
  std::size_t used = kReserveBytes;
  pid_t process = 0;
};

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
  if (bytes.size() > kReserveBytes) return fill_from_kernel(bytes);
  if (reserve.process != ::getpid() || kReserveBytes - reserve.used < bytes.size()) {
    fill_from_kernel(reserve.bytes);
    reserve.used = 0;
    reserve.process = ::getpid();
  }
  std::uint8_t* next = reserve.bytes + reserve.used;
  std::copy_n(next, bytes.size(), bytes.data());
  std::fill_n(next, bytes.size(), std::uint8_t{0});  // what was given away is not kept
  reserve.used += bytes.size();
}

}  // namespace tombolo::os
