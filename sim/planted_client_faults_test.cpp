// Each fault that can be planted in the client does the harm that it is there for, and the client
// without it does not.
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/planted_fault.h"
#include "client/engine.h"
#include "client/ingest.h"
#include "client/local_writes.h"
#include "client/query_runner.h"
#include "client/remotes.h"
#include "core/operation.h"
#include "net/network.h"
#include "protocol/operation_json.h"
#include "sim/disk.h"
#include "sim/random.h"
#include "sim/test_tasks.h"
#include "sim/virtual_clock.h"
#include "sync/test_stream_peers.h"

namespace tombolo::sim {
namespace {

using core::OperationType;

// The client's end of a WebSocket, with a server over a log in memory behind it.
class Socket final : public net::WebSocketConnection, public std::enable_shared_from_this<Socket> {
 public:
  Socket(std::shared_ptr<net::Executor> executor, const Clock& clock, sync::testing::MemoryLog& log)
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
  void flush() override {}
  void close(std::uint16_t, std::string_view) override {}
  void pause_reading() override {}
  void resume_reading() override {}
  bool is_open() const override { return true; }
  std::size_t buffered_bytes() const override { return 0; }
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
class Kinto final : public net::HttpClient {
 public:
  explicit Kinto(std::shared_ptr<net::Executor> executor) : executor_(std::move(executor)) {}

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
    executor_->post([socket = std::make_shared<Socket>(executor_, clock_, log_),
                     done = std::move(done)] { done(net::OpenedWebSocket{socket, ""}); });
    return {};
  }
  std::unique_ptr<net::HttpClient> http_client(net::HttpClientOptions) override {
    return std::make_unique<Kinto>(executor_);
  }
  void stop() override {}

 private:
  const std::shared_ptr<net::Executor> executor_;
  const Clock& clock_;
  sync::testing::MemoryLog& log_;
};

class Device {
 public:
  explicit Device(std::uint64_t seed = 1)
      : disk_("planted-client", seed, time_, clock_), random_(random_for(seed, "device")) {
    seed_sqlite(seed);
    boot();
  }
  ~Device() { drop(); }

  Disk& disk() { return disk_; }
  client::Engine& engine() { return *engine_; }
  // The collection alone, so that no fingerprint tells that something is missing.
  void sync(const std::string& url) {
    auto connected = engine_->remotes().connect({.url = url, .name = "far", .collections = {"c"}});
    if (!connected) return;
    remote_ = *connected;
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
    constexpr std::int64_t kNever = 24LL * 3'600'000;
    engine_ = client::Engine::open("client.db", {.watch_interval_ms = kNever}, environment).value();
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

// Of record "r"; an author for each moment.
core::Operation operation(OperationType type, std::int64_t wall_ms, std::optional<Object> data,
                          std::optional<Object> previous = {}) {
  core::Operation operation;
  operation.node = "node " + std::to_string(wall_ms);
  operation.type = type;
  operation.collection = "c";
  operation.record = "r";
  operation.data = std::move(data);
  operation.previous_data = std::move(previous);
  operation.timestamp = {wall_ms, 0, operation.node};
  if (wall_ms > 1) {
    operation.base_version = core::format_timestamp({1, 0, "node 1"}).value();
  }
  operation.sequence_number = 1;
  operation.id = core::operation_id(operation).value();
  return operation;
}

class PlantedClientFaults : public testing::Test {
 protected:
  void TearDown() override { plant(PlantedFault::none); }

  // Whether `harm` is done with the fault; without it, nothing may be.
  template <typename Harm>
  static bool does_harm(PlantedFault fault, const Harm& harm) {
    plant(PlantedFault::none);
    EXPECT_FALSE(harm()) << "although nothing was planted";
    plant(fault);
    return harm();
  }

  // Whether record "r" of the server is missing for good after a power loss at some moment of the
  // first exchange.
  static bool misses_a_page(const std::string& url) {
    bool whole = false;
    for (std::int64_t moment = 1; !whole; ++moment) {
      Device device(static_cast<std::uint64_t>(moment));
      const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 1}});
      device.log().append(insert, protocol::operation_json(insert));
      device.disk().cut_power_at(moment);
      device.sync(url);
      whole = device.disk().powered();
      device.lose_power();
      device.sync(url);
      EXPECT_TRUE(device.status().synced) << "moment " << moment;
      if (device.record("r") == "none") return true;
    }
    return false;
  }

  // Whether replicas that got these in one order and in another show different records.
  static bool differ(const std::vector<core::Operation>& one,
                     const std::vector<core::Operation>& other) {
    std::vector<std::string> seen;
    for (const auto* operations : {&one, &other}) {
      Device device;
      for (const core::Operation& received : *operations) EXPECT_TRUE(device.receive(received));
      seen.push_back(device.record("r"));
    }
    return seen[0] != seen[1];
  }
};

TEST_F(PlantedClientFaults, WhoMovesTheCursorFirstMissesAPageOfAStream) {
  const auto misses = [] { return misses_a_page("ws://far/v1/buckets/b/stream"); };
  EXPECT_TRUE(does_harm(PlantedFault::cursor_before_page, misses));
}

TEST_F(PlantedClientFaults, WhoMovesTheCursorFirstMissesAPageOfAKintoServer) {
  const auto misses = [] { return misses_a_page("http://far/v1/buckets/b"); };
  EXPECT_TRUE(does_harm(PlantedFault::cursor_before_page, misses));
}

TEST_F(PlantedClientFaults, WhoMergesByArrivalDiffersFromWhoGotItInAnotherOrder) {
  const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 0}});
  const core::Operation first =
      operation(OperationType::update, 2, Object{{"n", 1}}, Object{{"n", 0}});
  const core::Operation second =
      operation(OperationType::update, 3, Object{{"n", 2}}, Object{{"n", 0}});
  const auto harm = [&] { return differ({insert, first, second}, {insert, second, first}); };
  EXPECT_TRUE(does_harm(PlantedFault::merge_by_arrival, harm));
}

TEST_F(PlantedClientFaults, WhoLosesATombstoneSeesADeletedRecordAgain) {
  const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 0}});
  const core::Operation update =
      operation(OperationType::update, 2, Object{{"n", 1}}, Object{{"n", 0}});
  const core::Operation removal = operation(OperationType::remove, 3, std::nullopt);
  const auto comes_back = [&] {
    Device device;
    for (const core::Operation& received : {insert, removal, update}) {
      EXPECT_TRUE(device.receive(received));
    }
    return device.record("r") != "none";
  };
  EXPECT_TRUE(does_harm(PlantedFault::lost_tombstone, comes_back));
}

TEST_F(PlantedClientFaults, WhoKeepsTheStatusAsAFlagSaysSyncedWithSomethingPending) {
  const auto lies = [] {
    Device device;
    device.sync("ws://far/v1/buckets/b/stream");
    EXPECT_TRUE(device.status().synced);
    const auto written = device.engine().write([](client::WriteSession& session) -> Result<void> {
      auto writer = client::LocalWriter::of(session, "c");
      return writer ? writer->put("r2", {{"n", 1}}) : fail(writer);
    });
    EXPECT_TRUE(written);
    EXPECT_EQ(device.status().pending, 1);
    return device.status().synced;
  };
  EXPECT_TRUE(does_harm(PlantedFault::status_as_flag, lies));
}

}  // namespace
}  // namespace tombolo::sim
