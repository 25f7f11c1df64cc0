// One connection of the stream connector and the next: what comes late from the one is nothing to
// the other.
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/open_database.h"
#include "net/network.h"
#include "os/files.h"
#include "protocol/stream_message.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::client {
namespace {

// Tasks that run when the test says so.
class Tasks final : public net::Executor {
 public:
  bool is_current() const override { return true; }
  void post(net::Task task) override { posted_.push_back(std::move(task)); }
  net::TimerId schedule(std::int64_t delay_ms, net::Task task) override {
    scheduled_.emplace(++last_, std::pair(now_ms_ + delay_ms, std::move(task)));
    return last_;
  }
  void cancel(net::TimerId id) override { scheduled_.erase(id); }

  void run() {
    while (!posted_.empty()) {
      net::Task task = std::move(posted_.front());
      posted_.pop_front();
      task();
    }
  }
  std::size_t timers() const { return scheduled_.size(); }
  // Lets time pass and runs what falls due, each once.
  void advance(std::int64_t by_ms) {
    now_ms_ += by_ms;
    for (auto next = scheduled_.begin(); next != scheduled_.end();) {
      if (next->second.first > now_ms_) {
        ++next;
      } else {
        posted_.push_back(std::move(next->second.second));
        next = scheduled_.erase(next);
      }
    }
    run();
  }

 private:
  std::deque<net::Task> posted_;
  std::map<net::TimerId, std::pair<std::int64_t, net::Task>> scheduled_;
  net::TimerId last_ = 0;
  std::int64_t now_ms_ = 0;
};

// The client's end of a connection to a server that says nothing of itself.
class Socket final : public net::WebSocketConnection {
 public:
  explicit Socket(std::shared_ptr<net::Executor> executor) : executor_(std::move(executor)) {}

  void set_callbacks(net::WebSocketCallbacks callbacks) override {
    callbacks_ = std::move(callbacks);
  }
  void send_text(std::string_view text) override { sent.emplace_back(text); }
  void send_binary(std::string_view) override {}
  void send_frame(net::SharedFrame) override {}
  void ping() override {}
  void flush() override {}
  void close(std::uint16_t, std::string_view) override { closed = true; }
  void pause_reading() override {}
  void resume_reading() override {}
  bool is_open() const override { return !closed; }
  std::size_t buffered_bytes() const override { return 0; }
  std::size_t unacknowledged_bytes() const override { return 0; }
  const std::string& remote_address() const override { return address_; }
  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  const net::WebSocketCallbacks& callbacks() const { return callbacks_; }

  std::vector<std::string> sent;
  bool closed = false;

 private:
  const std::shared_ptr<net::Executor> executor_;
  const std::string address_ = "server";
  net::WebSocketCallbacks callbacks_;
};

// Connects when the test says so.
class TestNetwork final : public net::Network {
 public:
  explicit TestNetwork(std::shared_ptr<net::Executor> executor) : executor_(std::move(executor)) {}

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }
  net::WebSocketConnect connect_websocket(
      net::WebSocketConnectOptions,
      std::function<void(Result<net::OpenedWebSocket>)> done) override {
    done_ = std::move(done);
    return {};
  }
  std::unique_ptr<net::HttpClient> http_client(net::HttpClientOptions) override { return nullptr; }
  void stop() override {}

  bool is_asked() const { return done_ != nullptr; }
  std::shared_ptr<Socket> connect() {
    auto socket = std::make_shared<Socket>(executor_);
    std::exchange(done_, nullptr)(net::OpenedWebSocket{socket, ""});
    return socket;
  }

 private:
  const std::shared_ptr<net::Executor> executor_;
  std::function<void(Result<net::OpenedWebSocket>)> done_;
};

class StreamLinkTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kLongestPauseMs = 10 * 60'000;
  static constexpr const char* kNonsense = "no message of the protocol";

  void SetUp() override {
    auto directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    Environment environment = Environment::system();
    environment.start_network = [this] { return network_; };
    environment.is_shared = false;
    database_.emplace(open_database(directory_->path() + "/test.db",
                                    {.durability = Durability::relaxed}, environment)
                          .value());
    remote_.emplace(database_->connect({.url = "ws://far/stream", .name = "far"}).value());
    tasks_->advance(0);
  }
  void TearDown() override {
    database_->close();
    tasks_->run();
    remote_.reset();
    database_.reset();
  }

  // What the server says ends the connection; the next attempt is under way.
  void end(const Socket& socket) {
    socket.callbacks().on_text(kNonsense);
    EXPECT_TRUE(socket.closed);
    tasks_->run();
    EXPECT_FALSE(network_->is_asked());
    tasks_->advance(kLongestPauseMs);
    EXPECT_TRUE(network_->is_asked());
  }
  // The server has nothing, and says so.
  static void answer_handshake(const Socket& socket) {
    protocol::HandshakeResponse response;
    response.message_id = "1";
    response.node = "server-node";
    response.accepted = true;
    response.server_max_delivery_sequence = 0;
    socket.callbacks().on_text(encode(response));
    protocol::OperationBatch nothing;
    nothing.message_id = "2";
    nothing.is_final = true;
    nothing.base_delivery_sequence = nothing.max_delivery_sequence = 0;
    socket.callbacks().on_text(encode(nothing));
  }
  RemoteState state() { return remote_->status().value().state; }

  std::optional<os::TemporaryDirectory> directory_;
  const std::shared_ptr<Tasks> tasks_ = std::make_shared<Tasks>();
  const std::shared_ptr<TestNetwork> network_ = std::make_shared<TestNetwork>(tasks_);
  std::optional<Database> database_;
  std::optional<Remote> remote_;
};

// Often, because what is mistaken for the old connection may do so only where it has its address.
TEST_F(StreamLinkTest, WhatComesLateFromAnEndedConnectionIsNotGivenToTheNextAttempt) {
  constexpr int kRounds = 20;
  std::shared_ptr<Socket> socket = network_->connect();
  for (int round = 0; round < kRounds; ++round) {
    EXPECT_EQ(socket->sent.size(), 1U) << "the handshake";
    end(*socket);
    EXPECT_EQ(state(), RemoteState::connecting);
    socket->callbacks().on_text(kNonsense);
    socket->callbacks().on_binary(kNonsense);
    socket->callbacks().on_heartbeat();
    socket->callbacks().on_close(1006, "");
    tasks_->run();
    EXPECT_EQ(state(), RemoteState::connecting) << "the attempt goes on";
    const std::shared_ptr<Socket> ended = std::exchange(socket, network_->connect());
    ended->callbacks().on_text(kNonsense);
    ended->callbacks().on_binary(kNonsense);
    ended->callbacks().on_heartbeat();
    ended->callbacks().on_close(1006, "");
    tasks_->run();
    EXPECT_FALSE(socket->closed) << "the next connection goes on";
    EXPECT_TRUE(socket->is_open());
  }
}

TEST_F(StreamLinkTest, AnIdleDeviceIsLeftAsleep) {
  constexpr std::int64_t kSecondMs = 1'000;
  const std::shared_ptr<Socket> socket = network_->connect();
  EXPECT_GT(tasks_->timers(), 0U) << "the server is to answer in time";
  answer_handshake(*socket);
  for (int second = 0; second < 3; ++second) tasks_->advance(kSecondMs);
  EXPECT_EQ(state(), RemoteState::idle);
  EXPECT_TRUE(remote_->status().value().synced);
  EXPECT_EQ(tasks_->timers(), 0U);

  const std::size_t sent = socket->sent.size();
  ASSERT_TRUE(database_->collection("c").create({{"id", "a"}}));
  tasks_->run();
  EXPECT_EQ(socket->sent.size(), sent + 1);
  EXPECT_GT(tasks_->timers(), 0U) << "the server is to acknowledge in time";
  EXPECT_EQ(state(), RemoteState::syncing);
}

}  // namespace
}  // namespace tombolo::client
