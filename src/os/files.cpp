#include "os/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tombolo::os {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

ErrorCode code_of(int system_error) {
  switch (system_error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    default:
      return ErrorCode::storage;
  }
}

std::unexpected<Error> fail_with(const std::string& action, const std::string& path, int error) {
  return fail(code_of(error), "cannot " + action + " " + path + ": " + std::strerror(error));
}

Result<std::string> read_all(int descriptor, const std::string& name, std::size_t max_bytes) {
  constexpr std::size_t kStepBytes = 64 * 1024;
  std::string text;
  for (;;) {
    const std::size_t filled = text.size();
    text.resize(filled + kStepBytes);
    const ssize_t count = ::read(descriptor, text.data() + filled, kStepBytes);
    text.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_with("read", name, errno);
    if (count == 0) return text;
    if (text.size() > max_bytes) {
      return fail(ErrorCode::limit_exceeded,
                  name + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Result<void> write_all(int descriptor, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_with("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(descriptor) != 0) return fail_with("write", path, errno);
  return {};
}

// Makes a rename in the directory last: a new name is on disk only when its directory is.
void sync_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() >= 0) ::fsync(directory.number());
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return fail_with("read", path, errno);
  return read_all(file.number(), path, max_bytes);
}

Result<std::string> read_standard_input(std::size_t max_bytes) {
  return read_all(STDIN_FILENO, "standard input", max_bytes);
}

Result<void> write_file(const std::string& path, std::string_view text) {
  // An existing file keeps its mode; a new one gets what the process's mask allows.
  struct stat existing{};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  const std::string temporary = path + ".new-" + std::to_string(::getpid());
  const mode_t mode = exists ? existing.st_mode & 07777 : 0666;
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.number() < 0) return fail_with("write", temporary, errno);
    if (auto written = write_all(file.number(), temporary, text); !written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail_with("replace", path, error);
  }
  sync_directory_of(path);
  return {};
}

Result<void> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_with("make the directory", path, error.value());
  return {};
}

bool path_exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_with("remove", path, errno);
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::make() {
  const char* place = std::getenv("TMPDIR");
  std::string path = std::string(place != nullptr && *place != '\0' ? place : "/tmp");
  path += "/tombolo-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return fail_with("make a temporary directory like", path, errno);
  }
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace tombolo::os
