// Whole files. Errors name the path and the system's reason.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::os {

// Largest file that read_file takes unless told otherwise.
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

Result<std::string> read_file(const std::string& path, std::size_t max_bytes = kMaxFileBytes);

// Everything up to the end of the process's standard input.
Result<std::string> read_standard_input(std::size_t max_bytes = kMaxFileBytes);

// Replaces the file: readers, and a crash at any moment, find the old text or the new one, on disk.
Result<void> write_file(const std::string& path, std::string_view text);

// With its parents; a directory that exists is fine.
Result<void> make_directories(const std::string& path);

bool path_exists(const std::string& path);

Result<void> remove_file(const std::string& path);  // a file that does not exist is fine

// A new empty directory under the system's place for such (TMPDIR or /tmp), removed with everything
// in it when the object goes.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace tombolo::os
