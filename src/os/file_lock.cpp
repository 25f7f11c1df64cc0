#include "os/file_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace tombolo::os {

Result<std::optional<FileLock>> FileLock::try_take(const std::string& path) {
  constexpr int kOwnerOnly = 0600;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) {
    return fail(ErrorCode::storage,
                "cannot make the lock file " + path + ": " + std::strerror(errno));
  }
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    return std::optional<FileLock>(std::move(lock));
  }
  if (errno == EWOULDBLOCK) return std::optional<FileLock>();
  return fail(ErrorCode::storage, "cannot lock " + path + ": " + std::strerror(errno));
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tombolo::os
