#include "scratch.h"

#include <cstdlib>
#include <filesystem>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <utility>

#include "base/check.h"

namespace tombolo::bench {

Result<Scratch> Scratch::make(const std::string& parent) {
  struct statfs system{};
  if (statfs(parent.c_str(), &system) != 0) {
    return fail(ErrorCode::storage, "there is no folder " + parent);
  }
  if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) {
    return fail(ErrorCode::invalid_argument,
                parent + " is in memory; name a folder on a disk with --folder");
  }
  std::string path = parent + "/tombolo-bench-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return fail(ErrorCode::storage, "cannot make a folder below " + parent);
  }
  return Scratch(std::move(path));
}

Scratch Scratch::inner() const {
  Result<Scratch> made = make(path_);
  TOMBOLO_CHECK(made.has_value(), "the disk of the benchmarks takes no more folders");
  return std::move(*made);
}

Scratch::Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Scratch::~Scratch() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tombolo::bench
