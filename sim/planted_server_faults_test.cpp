// Each fault that can be planted in the server does the harm that it is there for, and the server
// without it does not.
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/planted_fault.h"
#include "core/operation.h"
#include "net/http_responder.h"
#include "net/websocket_connection.h"
#include "protocol/operation_json.h"
#include "server/server_core.h"
#include "sim/disk.h"
#include "sim/random.h"
#include "sim/test_tasks.h"
#include "sim/virtual_clock.h"

namespace tombolo::sim {
namespace {

constexpr const char* kBucket = "shore";
constexpr const char* kStream = "/v1/buckets/shore/stream";

// The server's end of a WebSocket; the test plays the client.
class Peer final : public net::WebSocketConnection {
 public:
  explicit Peer(std::shared_ptr<net::Executor> executor) : executor_(std::move(executor)) {}

  void set_callbacks(net::WebSocketCallbacks callbacks) override {
    callbacks_ = std::move(callbacks);
  }
  void send_text(std::string_view text) override { received_.push_back(*Value::parse(text)); }
  void send_binary(std::string_view) override {}
  void send_frame(net::SharedFrame frame) override {
    send_text(std::string_view(*frame).substr(frame->find('{')));
  }
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

  void say(const std::string& text) { callbacks_.on_text(text); }
  void hang_up() {
    if (const auto on_close = std::exchange(callbacks_, {}).on_close) on_close(1006, "");
  }
  bool was_acknowledged(std::string_view message_id) const {
    return count("acknowledgment", [&](const Value& message) {
             return message["acknowledgedMessageId"].as_string() == message_id;
           }) > 0;
  }
  std::size_t operations() const {
    std::size_t sum = 0;
    count("operation-batch", [&](const Value& message) {
      sum += message["operations"].size();
      return true;
    });
    return sum;
  }

 private:
  template <typename Condition>
  std::size_t count(std::string_view type, const Condition& condition) const {
    std::size_t found = 0;
    for (const Value& message : received_) {
      if (message["type"].as_string() == type && condition(message)) ++found;
    }
    return found;
  }

  const std::shared_ptr<net::Executor> executor_;
  const std::string address_ = "client";
  net::WebSocketCallbacks callbacks_;
  std::vector<Value> received_;
};

class Upgrade final : public net::ResponseTarget {
 public:
  explicit Upgrade(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
  const std::shared_ptr<net::Executor>& executor() const override { return peer_->executor(); }
  void deliver(net::HttpResponse) override { ADD_FAILURE() << "no WebSocket"; }
  void upgrade(const net::WebSocketOptions&, net::HttpHeaders,
               net::WebSocketOpened opened) override {
    opened(peer_);
  }

 private:
  const std::shared_ptr<Peer> peer_;
};

class TestServer {
 public:
  explicit TestServer(std::uint64_t seed = 1)
      : disk_("planted-server", seed, time_, clock_), random_(random_for(seed, "server")) {
    seed_sqlite(seed);
    boot();
  }
  ~TestServer() { drop(); }

  Disk& disk() { return disk_; }
  std::shared_ptr<Peer> connect(const std::string& node, const std::string& token) {
    auto peer = std::make_shared<Peer>(tasks_);
    peers_.push_back(peer);
    net::HttpResponder responder(std::make_shared<Upgrade>(peer));
    core_->handle(net::HttpRequest("GET", kStream), std::move(responder));
    peer->say(Value{
        {"type", "handshake"},
        {"messageId", "h"},
        {"nodeId", node},
        {"versionVector", Object{}},
        {"schemaVersion", 1},
        {"lastDeliverySequence", 0},
        {"authToken",
         token}}.to_json());
    settle();
    return peer;
  }
  // As the node that it came from.
  void upload(Peer& peer, const std::string& message_id, const std::string& node,
              std::int64_t number, const std::string& collection = "c") {
    core::Operation operation;
    operation.node = node;
    operation.collection = collection;
    operation.record = "r" + std::to_string(number);
    operation.data = Object{{"n", number}};
    operation.timestamp = {clock_.wall_ms(), number, node};
    operation.sequence_number = number;
    operation.id = core::operation_id(operation).value();
    peer.say(R"({"type":"operation-batch","messageId":")" + message_id +
             R"(","isFinal":true,"batchIndex":0,"operations":[)" +
             protocol::operation_json(operation) + "]}");
    settle();
  }
  int put(const std::string& target, const Value& body, const std::string& token) {
    net::HttpRequest request("PUT", target);
    request.headers.add("Authorization", "Bearer " + token);
    request.headers.add("Content-Type", "application/json");
    request.body = body.to_json();
    int status = 0;
    core_->handle(std::move(request), net::HttpResponder::to([&](const net::HttpResponse& answer) {
                    status = answer.status;
                  }));
    settle();
    return status;
  }
  std::int64_t log_end() {
    const auto reader = core_->storage().open_reader().value();
    return reader->begin().value()->bucket_log(kBucket).value().delivery_sequence;
  }
  void lose_power() {
    disk_.crash();
    drop();
    boot();
  }

 private:
  void boot() {
    server::Configuration configuration;
    configuration.log.requests = false;
    configuration.stream.tokens = {{"a", "alice"}, {"b", "bob"}};
    server::SqliteStorageOptions storage;
    storage.path = "server.db";
    storage.vfs = disk_.vfs();
    storage.lock = false;
    core_ = server::ServerCore::open(configuration, storage, clock_, random_, logger_).value();
  }
  void settle() {
    do {
      tasks_->run();
    } while (core_->writer().commit_pending());
  }
  void drop() {
    for (const auto& peer : std::exchange(peers_, {})) peer->hang_up();
    core_.reset();
    tasks_->clear();
  }

  VirtualTime time_;
  VirtualClock clock_{time_};
  Disk disk_;
  SeededRandom random_;
  NullLogger logger_;
  const std::shared_ptr<TestTasks> tasks_ = std::make_shared<TestTasks>(time_);
  std::vector<std::shared_ptr<Peer>> peers_;
  std::unique_ptr<server::ServerCore> core_;
};

class PlantedServerFaults : public testing::Test {
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
};

TEST_F(PlantedServerFaults, WhoDoesNotWaitForTheDiskLosesWhatIsAcknowledged) {
  const auto loses = [] {
    constexpr std::uint64_t kSeeds = 20;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      TestServer server(seed);
      const auto alice = server.connect("alice", "a");
      server.upload(*alice, "m", "alice", 1);
      EXPECT_TRUE(alice->was_acknowledged("m"));
      server.lose_power();
      if (server.log_end() == 0) return true;
    }
    return false;
  };
  EXPECT_TRUE(does_harm(PlantedFault::server_synchronous_normal, loses));
}

TEST_F(PlantedServerFaults, WhoAcknowledgesBeforeTheCommitLosesWhatIsAcknowledged) {
  const auto loses = [] {
    TestServer server;
    const auto alice = server.connect("alice", "a");
    server.upload(*alice, "m1", "alice", 1);
    EXPECT_TRUE(alice->was_acknowledged("m1"));
    server.disk().cut_power_at(1);
    server.upload(*alice, "m2", "alice", 2);
    const bool acknowledged = alice->was_acknowledged("m2");
    server.lose_power();
    return acknowledged && server.log_end() == 1;
  };
  EXPECT_TRUE(does_harm(PlantedFault::ack_before_commit, loses));
}

TEST_F(PlantedServerFaults, WhoKnowsUploadsByNumberAloneLosesThoseOfTheNextSession) {
  const auto loses = [] {
    TestServer server;
    auto alice = server.connect("alice", "a");
    server.upload(*alice, "m", "alice", 1);
    EXPECT_TRUE(alice->was_acknowledged("m"));
    alice->hang_up();
    alice = server.connect("alice", "a");
    server.upload(*alice, "n", "alice", 2);
    EXPECT_TRUE(alice->was_acknowledged("n"));
    return server.log_end() == 1;
  };
  EXPECT_TRUE(does_harm(PlantedFault::ack_without_session, loses));
}

TEST_F(PlantedServerFaults, WhoRelaysUncheckedShowsWhatMayNotBeRead) {
  const auto shows = [] {
    TestServer server;
    const auto alice = server.connect("alice", "a");
    server.upload(*alice, "m1", "alice", 1, "secret");
    const Value shared{{"permissions", {{"read", Array{"token:bob"}}}}};
    EXPECT_EQ(server.put("/v1/buckets/shore/collections/open", shared, "a"), 201);
    server.upload(*alice, "m2", "alice", 2, "open");
    const auto bob = server.connect("bob", "b");
    EXPECT_EQ(bob->operations(), 1U) << "that of the open collection";
    server.upload(*alice, "m3", "alice", 3, "secret");
    return bob->operations() > 1;
  };
  EXPECT_TRUE(does_harm(PlantedFault::unchecked_relay, shows));
}

TEST(PlantedFaults, HaveNames) {
  for (const PlantedFault fault : all_planted_faults()) {
    EXPECT_NE(fault, PlantedFault::none);
    EXPECT_NE(name_of(fault), "unknown");
  }
}

}  // namespace
}  // namespace tombolo::sim
