#include "net/readiness_poller.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace tombolo::net {
namespace {

class ReadinessPollerTest : public ::testing::Test {
 protected:
  // A socket in the set, and the other end of its connection.
  struct Pair {
    explicit Pair(ReadinessPoller& poller) {
      std::array<int, 2> ends{};
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
                0);
      socket = std::make_unique<PolledSocket>(poller, ends[0]);
      peer = ends[1];
    }
    ~Pair() { ::close(peer); }
    void send(const std::string& text) { EXPECT_GT(::send(peer, text.data(), text.size(), 0), 0); }
    std::size_t read() {
      std::array<char, 100> buffer{};
      const ssize_t count = ::recv(socket->descriptor(), buffer.data(), buffer.size(), 0);
      socket->note_drained();
      return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    std::unique_ptr<PolledSocket> socket;
    int peer = -1;
  };

  ~ReadinessPollerTest() override {
    poller_.stop();
    context_.run();
  }

  // Whatever is ready now, and what comes of it.
  void turn() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  ReadyHandler note(std::string name) {
    return [this, name = std::move(name)](bool is_open) { told_ += name + (is_open ? "+" : "-"); };
  }

  boost::asio::io_context context_{1};
  ReadinessPoller poller_{context_};
  std::string told_;
};

TEST_F(ReadinessPollerTest, TellsOnceThatThereIsSomethingToRead) {
  Pair pair(poller_);
  pair.socket->wait_readable(note("r"));
  turn();
  EXPECT_EQ(told_, "");
  pair.send("abc");
  EXPECT_EQ(told_, "");
  turn();
  EXPECT_EQ(told_, "r+");
  EXPECT_EQ(pair.read(), 3);
  pair.send("d");
  turn();
  EXPECT_EQ(told_, "r+") << "nobody waits";
  pair.socket->wait_readable(note("r"));
  EXPECT_EQ(told_, "r+") << "never within the call";
  turn();
  EXPECT_EQ(told_, "r+r+") << "it came in the meantime";
}

TEST_F(ReadinessPollerTest, WhatWasLeftUnreadIsToldAgain) {
  Pair pair(poller_);
  pair.send("abc");
  pair.socket->wait_readable(note("r"));
  turn();
  pair.socket->wait_readable(note("r"));
  turn();
  EXPECT_EQ(told_, "r+r+");
}

TEST_F(ReadinessPollerTest, AWriterWaitsForRoom) {
  Pair pair(poller_);
  pair.socket->wait_writable(note("w"));
  turn();
  EXPECT_EQ(told_, "w+");
  const std::string text(10'000, 'x');
  while (::send(pair.socket->descriptor(), text.data(), text.size(), MSG_NOSIGNAL) > 0) {
  }
  pair.socket->note_full();
  turn();
  pair.socket->wait_writable(note("w"));
  turn();
  EXPECT_EQ(told_, "w+");
  std::array<char, 65536> buffer{};
  while (::recv(pair.peer, buffer.data(), buffer.size(), 0) > 0) {
  }
  turn();
  EXPECT_EQ(told_, "w+w+");
}

TEST_F(ReadinessPollerTest, TheEndOfThePeerStaysReadable) {
  Pair pair(poller_);
  pair.send("abc");
  ::shutdown(pair.peer, SHUT_RDWR);
  for (int i = 0; i < 3; ++i) {
    pair.socket->wait_readable(note("r"));
    turn();
    pair.read();
  }
  EXPECT_EQ(told_, "r+r+r+");
}

TEST_F(ReadinessPollerTest, ClosingTellsThoseWhoWait) {
  Pair pair(poller_);
  pair.socket->wait_readable(note("r"));
  turn();
  pair.socket->close();
  EXPECT_EQ(told_, "");
  turn();
  EXPECT_EQ(told_, "r-");
  pair.socket->wait_writable(note("w"));
  turn();
  EXPECT_EQ(told_, "r-w-");
}

TEST_F(ReadinessPollerTest, NothingIsToldOfAClosedSocketThatSomebodyElseKeepsOpen) {
  Pair pair(poller_);
  pair.socket->wait_readable(note("r"));
  turn();
  const int copy = ::dup(pair.socket->descriptor());  // as a forked process has it
  pair.socket.reset();
  pair.send("abc");
  turn();
  EXPECT_EQ(told_, "r-");
  ::close(copy);
}

TEST_F(ReadinessPollerTest, AHandlerMayDestroyWhatIsReadyToo) {
  auto first = std::make_unique<Pair>(poller_);
  auto second = std::make_unique<Pair>(poller_);
  int told = 0;
  const auto destroy = [&told](std::unique_ptr<Pair>& other) {
    return [&told, &other](bool is_open) {
      if (is_open) ++told;
      other.reset();
    };
  };
  first->socket->wait_readable(destroy(second));
  second->socket->wait_readable(destroy(first));
  first->send("a");
  second->send("b");
  turn();
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace tombolo::net
