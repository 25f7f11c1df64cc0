// A lock that one process at a time holds on a name in the file system, and that ends with it.
#pragma once

#include <string>

#include "tombolo/result.h"

namespace tombolo::os {

class FileLock {
 public:
  // Takes the lock on the file `path`, which is made if there is none and is left behind empty.
  // Errors: busy (another process holds it), storage (with the system's reason).
  static Result<FileLock> acquire(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tombolo::os
