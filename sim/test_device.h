// For tests: a device on a simulated disk, with a server that answers at once from memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/engine.h"
#include "client/ingest.h"
#include "client/query_runner.h"
#include "client/remotes.h"
#include "net/network.h"
#include "sim/disk.h"
#include "sim/random.h"
#include "sim/test_tasks.h"
#include "sim/virtual_clock.h"
#include "sync/test_stream_peers.h"

namespace tombolo::sim {

// The client's end of a WebSocket, with a server over a log in memory behind it.
class TestSocket final : public net::WebSocketConnection,
                         public std::enable_shared_from_this<TestSocket> {
 public:
  TestSocket(std::shared_ptr<net::Executor> executor, const Clock& clock,
             sync::testing::MemoryLog& log)
      : executor_(std::move(executor)), clock_(clock), server_(log, options(), now()) {}

  void set_callbacks(net::WebSocketCallbacks callbacks) override {
    callbacks_ = std::move(callbacks);
  }
  void send_text(std::string_view text) override {
    executor_->post([self = shared_from_this(), frame = std::string(text)] {
      sync::testing::ServerEnd& server = self->server_;
      server.receive(frame, self->now());
      while (server.commit()) server.log_grew(self->now());
      for (const std::string& answer : std::exchange(server.out, {})) {
        self->callbacks_.on_text(answer);
      }
    });
  }
  void send_binary(std::string_view) override {}
  void send_frame(net::SharedFrame) override {}
  void ping() override {}
  void flush() override {}
  void close(std::uint16_t, std::string_view) override {}
  void pause_reading() override {}
  void resume_reading() override {}
  bool is_open() const override { return true; }
  std::size_t buffered_bytes() const override { return 0; }
  std::size_t unacknowledged_bytes() const override { return 0; }
  const std::string& remote_address() const override { return address_; }
  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

 private:
  static sync::StreamServerOptions options() {
    sync::StreamServerOptions options;
    options.tag = "s";
    options.view_tag = "v";
    return options;
  }
  sync::StreamServerSession::Now now() const { return {clock_.monotonic_ms(), clock_.wall_ms()}; }

  const std::shared_ptr<net::Executor> executor_;
  const Clock& clock_;
  const std::string address_ = "server";
  net::WebSocketCallbacks callbacks_;
  sync::testing::ServerEnd server_;
};

// A Kinto server with one record, which never changes.
class TestKinto final : public net::HttpClient {
 public:
  explicit TestKinto(std::shared_ptr<net::Executor> executor) : executor_(std::move(executor)) {}

  net::RequestId send(net::ClientRequest request, Callback done) override {
    executor_->post([answer = answer_to(request), done = std::move(done)] { done(answer); });
    return 1;
  }
  void cancel(net::RequestId) override {}

 private:
  static net::ClientResponse answer_to(const net::ClientRequest& request) {
    net::ClientResponse answer{.status = 200};
    answer.headers.add("ETag", "\"5\"");
    if (request.url.find("/records") == std::string::npos) {
      answer.body = R"({"http_api_version":"1.23","settings":{}})";
    } else if (request.url.find("_since") == std::string::npos) {
      answer.body = R"({"data":[{"id":"r","last_modified":5,"n":1}]})";
    } else {
      answer.body = R"({"data":[]})";
    }
    return answer;
  }

  const std::shared_ptr<net::Executor> executor_;
};

class TestNetwork final : public net::Network {
 public:
  TestNetwork(std::shared_ptr<net::Executor> executor, const Clock& clock,
              sync::testing::MemoryLog& log)
      : executor_(std::move(executor)), clock_(clock), log_(log) {}

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }
  net::WebSocketConnect connect_websocket(
      net::WebSocketConnectOptions,
      std::function<void(Result<net::OpenedWebSocket>)> done) override {
    executor_->post([socket = std::make_shared<TestSocket>(executor_, clock_, log_),
                     done = std::move(done)] { done(net::OpenedWebSocket{socket, ""}); });
    return {};
  }
  std::unique_ptr<net::HttpClient> http_client(net::HttpClientOptions) override {
    return std::make_unique<TestKinto>(executor_);
  }
  void stop() override {}

 private:
  const std::shared_ptr<net::Executor> executor_;
  const Clock& clock_;
  sync::testing::MemoryLog& log_;
};

// A device whose only remote is one of these servers.
class TestDevice {
 public:
  explicit TestDevice(std::uint64_t seed = 1)
      : disk_("test-device", seed, time_, clock_), random_(random_for(seed, "device")) {
    seed_sqlite(seed);
    boot();
  }
  ~TestDevice() { drop(); }

  Disk& disk() { return disk_; }
  client::Engine& engine() { return *engine_; }
  // The collection alone, so that no fingerprint tells that something is missing.
  void sync(const std::string& url) {
    if (connect(url, true)) tasks_->run();
  }
  // Exchanges nothing yet.
  bool connect(const std::string& url, bool automatic = false) {
    auto connected = engine_->remotes().connect(
        {.url = url, .name = "far", .collections = {"c"}, .automatic = automatic});
    if (!connected) return false;
    remote_ = *connected;
    return true;
  }
  void exchange() {
    remote_->sync_now();
    tasks_->run();
  }
  RemoteStatus status() { return client::status_of(*engine_, *remote_).value(); }
  void lose_power() {
    disk_.crash();
    drop();
    boot();
  }
  Result<void> receive(const core::Operation& operation) {
    return engine_->write(
        [&](client::WriteSession& session) { return client::ingest(session, operation, 1); });
  }
  std::string record(const std::string& id) {
    auto reader = engine_->reader();
    const auto key = (*reader)->collection_key("c");
    const auto found = client::find_record((*reader)->access(), *key, id);
    return found && *found ? (*found)->to_json() : "none";
  }
  sync::testing::MemoryLog& log() { return log_; }  // of the stream server

 private:
  void boot() {
    client::Environment environment{.clock = &clock_, .random = &random_, .vfs = disk_.vfs()};
    environment.start_network = [this] {
      return std::make_shared<TestNetwork>(tasks_, clock_, log_);
    };
    environment.try_lock = [](const std::string&) -> Result<std::shared_ptr<void>> {
      return std::make_shared<int>(0);
    };
    environment.is_shared = false;
    engine_ = client::Engine::open("client.db", {}, environment).value();
  }
  void drop() {
    engine_->close();
    tasks_->run();
    remote_.reset();
    engine_.reset();
    tasks_->clear();
  }

  VirtualTime time_;
  VirtualClock clock_{time_};
  Disk disk_;
  SeededRandom random_;
  const std::shared_ptr<TestTasks> tasks_ = std::make_shared<TestTasks>(time_);
  sync::testing::MemoryLog log_;
  std::shared_ptr<client::Engine> engine_;
  std::shared_ptr<client::Connector> remote_;
};

}  // namespace tombolo::sim
