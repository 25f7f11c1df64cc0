#include "os/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace tombolo::os {

namespace {

constexpr std::size_t kReadPiece_bytes = std::size_t{64} << 10;
constexpr std::int64_t kKilledEnd_ms = 60'000;  // how long the kernel may take to end a process

std::int64_t now_ms() {
  return SystemClock().monotonic_ms();
}

// Closes what it holds.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// Waits until the descriptor is ready; false when the time is over.
bool wait_until_ready(int descriptor, short events, std::int64_t deadline_ms) {
  while (true) {
    const std::int64_t left_ms = std::clamp<std::int64_t>(deadline_ms - now_ms(), 0, INT_MAX);
    pollfd source{descriptor, events, 0};
    const int ready = ::poll(&source, 1, static_cast<int>(left_ms));
    if (ready > 0) return true;
    if (ready == 0 && left_ms < INT_MAX) return false;
    if (ready < 0 && errno != EINTR) return true;  // the read or write tells what is wrong
  }
}

// Everything the child needs, made before the fork: afterwards only async-signal-safe calls are
// allowed, and no memory may be asked for.
struct Preparation {
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::string directory;
  pid_t parent = ::getpid();
  Descriptor input, output, errors;  // the child's ends
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> child_variables(const ChildOptions& options) {
  std::vector<std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool is_replaced = std::ranges::any_of(
        options.environment, [&](const auto& variable) { return variable.first == name; });
    if (!is_replaced) variables.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment) {
    if (value) variables.push_back(name + "=" + *value);
  }
  return variables;
}

// In the child, between fork and exec. Gives errno when it fails.
int become(const Preparation& preparation) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != preparation.parent) ::_exit(127);  // the parent has ended before that
  ::setpgid(0, 0);
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const int errors = preparation.errors.number();
  if (::dup2(preparation.input.number(), STDIN_FILENO) < 0 ||
      ::dup2(preparation.output.number(), STDOUT_FILENO) < 0 ||
      (errors >= 0 && ::dup2(errors, STDERR_FILENO) < 0)) {
    return errno;
  }
  // Best effort: all of ours carry the flag already, some library's may not.
  ::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  if (!preparation.directory.empty() && ::chdir(preparation.directory.c_str()) != 0) return errno;
  ::execvpe(preparation.arguments[0], preparation.arguments.data(), preparation.environment.data());
  return errno;
}

std::unexpected<Error> fail_with(const std::string& what, int error) {
  ErrorCode code = ErrorCode::unavailable;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::not_found;
  if (error == EACCES || error == EPERM) code = ErrorCode::permission_denied;
  return fail(code, what + ": " + std::strerror(error));
}

// The descriptor under another number than those of the standard ones, which a process may have
// been started without.
Result<Descriptor> above_standard(int number) {
  Descriptor given(number);
  if (number > STDERR_FILENO) return given;
  Descriptor moved(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.number() < 0) return fail_with("cannot make a pipe to a child process", errno);
  return moved;
}

struct Ends {
  Descriptor ours, childs;
};

Result<Ends> make_ends(bool is_input) {
  std::array<int, 2> pair{};
  // Writing to a socket can do without SIGPIPE, writing to a pipe cannot.
  const int made = is_input ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data())
                            : ::pipe2(pair.data(), O_CLOEXEC);
  if (made != 0) return fail_with("cannot make a pipe to a child process", errno);
  auto ours = above_standard(pair[0]);
  auto childs = above_standard(pair[1]);
  if (!ours) return fail(ours);
  if (!childs) return fail(childs);
  return Ends{*std::move(ours), *std::move(childs)};
}

}  // namespace

std::string ExitStatus::text() const {
  return signal != 0 ? "was killed by signal " + std::to_string(signal)
                     : "ended with exit code " + std::to_string(exit_code);
}

Result<ChildProcess> ChildProcess::start(const ChildOptions& options) {
  if (options.command.empty()) return fail(ErrorCode::invalid_argument, "a program must be named");
  auto input = make_ends(true);
  if (!input) return fail(input);
  auto output = make_ends(false);
  if (!output) return fail(output);
  auto report = make_ends(false);  // errno of what failed before the program ran
  if (!report) return fail(report);
  ::fcntl(output->ours.number(), F_SETFL, O_NONBLOCK);

  Preparation preparation;
  preparation.words = options.command;
  preparation.variables = child_variables(options);
  preparation.arguments = pointers_to(preparation.words);
  preparation.environment = pointers_to(preparation.variables);
  preparation.directory = options.directory;
  preparation.input = std::move(input->childs);
  preparation.output = std::move(output->childs);
  if (!options.error_file.empty()) {
    constexpr int kMode = 0666;
    auto errors = above_standard(
        ::open(options.error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode));
    if (!errors || errors->number() < 0) {
      return fail(ErrorCode::storage, "cannot write " + options.error_file);
    }
    preparation.errors = *std::move(errors);
  }

  ChildProcess child;
  child.process_id_ = ::fork();
  if (child.process_id_ == 0) {
    const int error = become(preparation);
    [[maybe_unused]] const auto sent = ::write(report->childs.number(), &error, sizeof error);
    ::_exit(127);
  }
  if (child.process_id_ < 0) return fail_with("cannot start " + options.command[0], errno);
  child.input_ = input->ours.release();
  child.output_ = output->ours.release();
  report->childs = Descriptor();
  int error = 0;
  // Ends without a byte when the program runs: the other end closed with exec.
  while (::read(report->ours.number(), &error, sizeof error) < 0 && errno == EINTR) {
  }
  if (error != 0) return fail_with("cannot start " + options.command[0], error);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_id_(std::exchange(other.process_id_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      buffer_(std::move(other.buffer_)),
      searched_(std::exchange(other.searched_, 0)),
      ended_(std::exchange(other.ended_, std::nullopt)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(process_id_, other.process_id_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(buffer_, other.buffer_);
  std::swap(searched_, other.searched_);
  std::swap(ended_, other.ended_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (process_id_ > 0 && !ended_) {
    ::kill(process_id_, SIGKILL);
    while (::waitpid(process_id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  end_input();
  if (output_ >= 0) ::close(output_);
}

void ChildProcess::end_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

Result<void> ChildProcess::write_line(std::string_view line, std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = now_ms() + timeout_ms;
  std::string text(line);
  text += '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t sent = ::send(input_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_until_ready(input_, POLLOUT, deadline_ms)) {
        return fail(ErrorCode::timeout, "the program does not read its input");
      }
    } else if (errno != EINTR) {
      return fail(ErrorCode::unavailable, "the program reads no more input");
    }
  }
  return {};
}

Result<bool> ChildProcess::read_some(std::int64_t deadline_ms) {
  if (buffer_.size() > kMaxLineBytes) {
    return fail(ErrorCode::limit_exceeded,
                "the program wrote more than " + std::to_string(kMaxLineBytes) + " bytes at once");
  }
  std::array<char, kReadPiece_bytes> piece;
  while (true) {
    const ssize_t got = ::read(output_, piece.data(), piece.size());
    if (got > 0) buffer_.append(piece.data(), static_cast<std::size_t>(got));
    if (got >= 0) return got > 0;
    if (errno == EAGAIN) {
      if (!wait_until_ready(output_, POLLIN, deadline_ms)) {
        return fail(ErrorCode::timeout, "the program has not answered in time");
      }
    } else if (errno != EINTR) {
      return false;
    }
  }
}

Result<std::optional<std::string>> ChildProcess::read_line(std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = now_ms() + timeout_ms;
  while (true) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      searched_ = 0;
      return line;
    }
    searched_ = buffer_.size();
    const auto more = read_some(deadline_ms);
    if (!more) return fail(more);
    if (*more) continue;
    searched_ = 0;
    if (buffer_.empty()) return std::nullopt;
    return std::exchange(buffer_, {});
  }
}

Result<std::string> ChildProcess::read_rest(std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = now_ms() + timeout_ms;
  while (true) {
    const auto more = read_some(deadline_ms);
    if (!more) return fail(more);
    if (!*more) break;
  }
  searched_ = 0;
  return std::exchange(buffer_, {});
}

void ChildProcess::send_signal(int signal) const {
  if (process_id_ > 0 && !ended_) ::kill(process_id_, signal);
}

Result<ExitStatus> ChildProcess::wait_for_end(std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = now_ms() + timeout_ms;
  constexpr int kLongestNap_ms = 20;
  int nap_ms = 1;
  while (!ended_) {
    int status = 0;
    const pid_t done = ::waitpid(process_id_, &status, WNOHANG);
    if (done == process_id_) {
      ended_ =
          WIFEXITED(status) ? ExitStatus{WEXITSTATUS(status), 0} : ExitStatus{-1, WTERMSIG(status)};
    } else if (done < 0 && errno != EINTR) {
      ended_ = ExitStatus{};  // somebody else reaped it: how it ended is not known
    } else if (now_ms() >= deadline_ms) {
      return fail(ErrorCode::timeout, "the program has not ended in time");
    } else {
      ::poll(nullptr, 0, nap_ms);
      nap_ms = std::min(2 * nap_ms, kLongestNap_ms);
    }
  }
  return *ended_;
}

ExitStatus ChildProcess::stop(int signal, std::int64_t timeout_ms) {
  send_signal(signal);
  if (const auto status = wait_for_end(timeout_ms)) return *status;
  send_signal(SIGKILL);
  return wait_for_end(kKilledEnd_ms).value_or(ExitStatus{});
}

}  // namespace tombolo::os
