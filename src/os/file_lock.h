// A lock among processes that the system gives back when its holder dies.
#pragma once

#include <optional>
#include <string>

#include "tombolo/result.h"

namespace tombolo::os {

class FileLock {
 public:
  // Takes the lock named by the file `path`, which is made and stays; nothing when somebody holds
  // it, in this process or another. Error: storage (the file cannot be made).
  static Result<std::optional<FileLock>> try_take(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();  // gives it back

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tombolo::os
