// StopSignal changes the whole process: every test of signals runs in a child of its own.
#include "os/signals.h"

#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace tombolo::os {
namespace {

// The exit status of a child that runs `body`, or 1000 + the signal that killed it.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);  // a wait that never ends is a failure, not a hang
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(StopSignal, ReportsTheSignalInsteadOfDyingByIt) {
  for (const int number : {SIGINT, SIGTERM}) {
    EXPECT_EQ(in_child([number] {
                StopSignal stop;
                ::raise(number);
                return stop.wait();
              }),
              number);
  }
}

TEST(StopSignal, ReportsASignalThatMeetsAnotherThread) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              std::thread other([] { ::kill(::getpid(), SIGTERM); });
              const int number = stop.wait();
              other.join();
              return number;
            }),
            SIGTERM);
}

TEST(StopSignal, KeepsEverySignalThatCame) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              ::kill(::getpid(), SIGTERM);
              ::kill(::getpid(), SIGINT);
              const int sum = stop.wait() + stop.wait();
              return stop.wait_for(0) == -1 ? sum : 0;
            }),
            SIGTERM + SIGINT);
}

TEST(StopSignal, EndsAWaitOnRequest) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              std::thread other([&stop] { stop.request(); });
              const int number = stop.wait();
              other.join();
              return number == 0 ? 42 : 1;
            }),
            42);
}

TEST(StopSignal, CountsManyRequestsAsOne) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              stop.request();
              stop.request();
              const bool is_told_once = stop.wait_for(0) == 0 && stop.wait_for(0) == -1;
              return is_told_once ? 42 : 1;
            }),
            42);
}

TEST(StopSignal, GivesUpWhenTheTimeIsOver) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              return stop.wait_for(1) == -1 && stop.wait_for(-5) == -1 ? 42 : 1;
            }),
            42);
}

TEST(StopSignal, OutlivesABrokenPipe) {
  EXPECT_EQ(in_child([] {
              StopSignal stop;
              int ends[2];
              if (::pipe(ends) != 0) return 1;
              ::close(ends[0]);
              return ::write(ends[1], "x", 1) == -1 ? 42 : 1;
            }),
            42);
}

}  // namespace
}  // namespace tombolo::os
