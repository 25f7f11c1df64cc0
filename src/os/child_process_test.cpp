#include "os/child_process.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/files.h"

namespace tombolo::os {
namespace {

using testing::HasSubstr;

// Long enough for any machine; no test waits for its end.
constexpr std::int64_t kPatience_ms = 60'000;

ChildProcess start(std::vector<std::string> command) {
  return ChildProcess::start({.command = std::move(command)}).value();
}
ChildProcess shell(const std::string& script) {
  return start({"/bin/sh", "-c", script});
}
std::string line_of(ChildProcess& child) {
  return child.read_line(kPatience_ms).value().value_or("(end)");
}
std::size_t open_descriptors() {
  using std::filesystem::directory_iterator;
  return static_cast<std::size_t>(
      std::distance(directory_iterator("/proc/self/fd"), directory_iterator()));
}

TEST(ChildProcess, ExchangesLinesUntilItsInputEnds) {
  ChildProcess child = start({"cat"});  // found on the PATH
  ASSERT_TRUE(child.write_line("one", kPatience_ms));
  EXPECT_EQ(line_of(child), "one");
  ASSERT_TRUE(child.write_line("two\n\nfour", kPatience_ms));
  EXPECT_EQ(line_of(child), "two");
  EXPECT_EQ(line_of(child), "");
  EXPECT_EQ(line_of(child), "four");
  child.end_input();
  EXPECT_EQ(child.read_line(kPatience_ms).value(), std::nullopt);
  EXPECT_EQ(child.wait_for_end(kPatience_ms).value(), (ExitStatus{0, 0}));
  EXPECT_EQ(child.wait_for_end(0).value(), (ExitStatus{0, 0})) << "asked again";
}

TEST(ChildProcess, GivesALastLineWithoutAnEndAndTheRestAsAWhole) {
  ChildProcess child = shell("printf 'a\\nb'");
  EXPECT_EQ(line_of(child), "a");
  EXPECT_EQ(line_of(child), "b");
  EXPECT_EQ(line_of(child), "(end)");
  ChildProcess other = shell("printf 'a\\nb\\nc'");
  EXPECT_EQ(line_of(other), "a");
  EXPECT_EQ(other.read_rest(kPatience_ms).value(), "b\nc");
  EXPECT_EQ(other.read_rest(kPatience_ms).value(), "");
}

TEST(ChildProcess, KeepsWhatItReadWhenTheTimeIsOver) {
  ChildProcess child = shell("printf 'be'; read line; echo ginning");
  while (child.read_line(0).error().code != ErrorCode::timeout) {
  }
  ASSERT_TRUE(child.write_line("", kPatience_ms));
  EXPECT_EQ(line_of(child), "beginning");
}

TEST(ChildProcess, CarriesLongLinesBothWays) {
  ChildProcess child = start({"cat"});
  const std::string line(3'000'000, 'x');
  // cat stops reading when nobody reads from it: the write runs out of time, and loses the rest.
  EXPECT_EQ(child.write_line(line, 50).error().code, ErrorCode::timeout);
  ChildProcess counter = start({"wc", "-c"});
  ASSERT_TRUE(counter.write_line(line, kPatience_ms));
  counter.end_input();
  EXPECT_EQ(line_of(counter), "3000001");
  ChildProcess writer = shell("head -c 3000000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(line_of(writer) == line);
}

TEST(ChildProcess, TellsHowItEnded) {
  EXPECT_EQ(shell("exit 7").wait_for_end(kPatience_ms).value(), (ExitStatus{7, 0}));
  EXPECT_EQ(shell("kill -9 $$").wait_for_end(kPatience_ms).value(), (ExitStatus{-1, SIGKILL}));
  EXPECT_EQ((ExitStatus{7, 0}).text(), "ended with exit code 7");
  EXPECT_EQ((ExitStatus{-1, 9}).text(), "was killed by signal 9");
  ChildProcess waiting = start({"cat"});
  EXPECT_EQ(waiting.wait_for_end(0).error().code, ErrorCode::timeout);
}

TEST(ChildProcess, StopsGentlyOrElseByForce) {
  ChildProcess gentle = shell("trap 'exit 3' TERM; echo ready; while :; do read x; done");
  EXPECT_EQ(line_of(gentle), "ready");
  gentle.end_input();
  EXPECT_EQ(gentle.stop(SIGTERM, kPatience_ms), (ExitStatus{3, 0}));
  ChildProcess deaf = shell("trap '' TERM; echo ready; exec cat");
  EXPECT_EQ(line_of(deaf), "ready");
  EXPECT_EQ(deaf.stop(SIGTERM, 20), (ExitStatus{-1, SIGKILL}));
}

TEST(ChildProcess, WritingToOneThatReadsNoMoreIsAnErrorAndNoSignal) {
  ChildProcess child = shell("exec 0<&-; echo closed; exec sleep 1000");
  EXPECT_EQ(line_of(child), "closed");
  EXPECT_EQ(child.write_line("x", kPatience_ms).error().code, ErrorCode::unavailable);
  child.end_input();
  EXPECT_EQ(child.write_line("x", kPatience_ms).error().code, ErrorCode::unavailable);
}

TEST(ChildProcess, SaysWhatItCannotStart) {
  const auto missing = ChildProcess::start({.command = {"no-such-program-here"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message,
              HasSubstr("cannot start no-such-program-here: No such file"));
  EXPECT_EQ(ChildProcess::start({.command = {"/dev/null"}}).error().code,
            ErrorCode::permission_denied);
  EXPECT_EQ(ChildProcess::start({.command = {"cat"}, .directory = "/no/such"}).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(ChildProcess::start({.command = {"cat"}, .error_file = "/no/such"}).error().code,
            ErrorCode::storage);
  EXPECT_EQ(ChildProcess::start({}).error().code, ErrorCode::invalid_argument);
}

TEST(ChildProcess, GetsItsEnvironmentFolderAndErrorFile) {
  const auto folder = TemporaryDirectory::make();
  const std::string errors = folder->path() + "/errors";
  ::setenv("TOMBOLO_TESTING_A", "ours", 1);
  ::setenv("TOMBOLO_TESTING_B", "ours", 1);
  auto child = ChildProcess::start(
      {.command = {"sh", "-c",
                   "echo $TOMBOLO_TESTING_A,$TOMBOLO_TESTING_B,$TOMBOLO_TESTING_C; pwd -P;"
                   " echo wrong >&2"},
       .environment = {{"TOMBOLO_TESTING_A", "its = own"}, {"TOMBOLO_TESTING_B", std::nullopt}},
       .directory = folder->path(),
       .error_file = errors});
  ::unsetenv("TOMBOLO_TESTING_A");
  ::unsetenv("TOMBOLO_TESTING_B");
  ASSERT_TRUE(child);
  EXPECT_EQ(line_of(*child), "its = own,,");
  EXPECT_EQ(line_of(*child), std::filesystem::canonical(folder->path()).string());
  ASSERT_TRUE(child->wait_for_end(kPatience_ms));
  EXPECT_EQ(read_file(errors).value(), "wrong\n");
}

TEST(ChildProcess, InheritsNeitherDescriptorsNorBlockedSignals) {
  const int leaked = ::dup(STDOUT_FILENO);  // without O_CLOEXEC, as a library might
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  // The list holds the standard three and that of the folder itself.
  ChildProcess child = shell("ls /proc/self/fd | wc -l; exec cat");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  EXPECT_EQ(std::stoi(line_of(child)), 4);
  EXPECT_EQ(child.stop(SIGTERM, kPatience_ms), (ExitStatus{-1, SIGTERM}));
}

TEST(ChildProcess, LeavesNeitherProcessesNorDescriptorsBehind) {
  const std::size_t before = open_descriptors();
  int process = 0;
  {
    ChildProcess child = start({"cat"});
    process = child.process_id();
    EXPECT_EQ(::kill(process, 0), 0);
    ChildProcess moved = std::move(child);
    EXPECT_GT(open_descriptors(), before);
    child = std::move(moved);
    (void)ChildProcess::start({.command = {"no-such-program-here"}});
  }
  EXPECT_EQ(::kill(process, 0), -1) << "it runs, or is a zombie";
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace tombolo::os
