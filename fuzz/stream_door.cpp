// Messages of every kind, in any order, to the stream door of a real server on a simulated machine.
// Whatever the server takes, every device must be able to read: at the end one comes that knows
// nothing, and must hold the same as the server.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/operation.h"
#include "odd_values.h"
#include "plain_device.h"
#include "protocol/operation_json.h"
#include "protocol/stream_message.h"
#include "sim/server_machine.h"
#include "target.h"

namespace tombolo {
namespace {

constexpr const char* kUrl = "ws://server/v1/buckets/main/stream";
constexpr int kMaxMessages = 32;
constexpr std::int64_t kPatienceMs = 120'000;

// Whoever is at the other end of the connection; it says what it is told to.
class Peer final : public sim::Machine {
 public:
  Peer(sim::World& world, sim::Internet& internet) : Machine(world, "peer"), internet_(internet) {
    boot();
  }
  ~Peer() override { die(sim::Death::killed); }

  bool is_connected() const { return socket_ != nullptr && socket_->is_open(); }
  void say(std::string_view text) {
    if (!is_connected()) dial();
    if (socket_ != nullptr) process()->run([&] { socket_->send_text(text); });
    world().run_for_ms(100);
  }

 private:
  bool start() override {
    network_ = internet_.network_of(*this);
    return true;
  }
  void drop() override {
    socket_.reset();
    network_.reset();
  }
  void dial() {
    dialling_ =
        network_->connect_websocket({.url = kUrl}, [this](Result<net::OpenedWebSocket> opened) {
          if (!opened) return;
          socket_ = std::move(opened->connection);
          socket_->set_callbacks({});
        });
    world().run_for_ms(100);
  }

  sim::Internet& internet_;
  std::shared_ptr<net::Network> network_;
  net::WebSocketConnect dialling_;
  std::shared_ptr<net::WebSocketConnection> socket_;
};

std::string handshake(fuzz::Choices& choices) {
  protocol::Handshake message;
  message.message_id = "m";
  message.node = "peer";
  message.auth_token = choices.below(8) == 0 ? "token-of-bob" : "token-of-alice";
  message.last_delivery_sequence = choices.below(3);
  return protocol::encode(message);
}

// An operation whose id is right, whatever else is wrong with it, or one that cannot be read.
std::string operation(fuzz::Choices& choices) {
  core::Operation base;
  base.node = choices.below(8) == 0 ? fuzz::odd_text(choices) : "peer";
  base.type = static_cast<core::OperationType>(choices.below(3));
  base.collection = choices.below(4) == 0 ? fuzz::odd_text(choices) : "c";
  base.record = choices.below(4) == 0 ? fuzz::odd_text(choices) : "r1";
  if (base.type != core::OperationType::remove) base.data = Object{{"n", 1}, {"x", "text"}};
  if (base.type == core::OperationType::update) {
    base.previous_data = Object{{"n", 0}, {"x", nullptr}};
  }
  base.timestamp = {sim::VirtualClock::kEpochMs + choices.byte(), choices.below(3), base.node};
  base.sequence_number = choices.byte();
  Value json = Value::parse(protocol::operation_json(base)).value();
  for (unsigned left = choices.below(4) / 2; left > 0; --left) fuzz::spoil(json, choices);
  const std::string text = json.to_json();
  auto spoiled = protocol::parse_operation_json(text);
  if (!spoiled) return text;
  if (const auto id = core::operation_id(*spoiled)) spoiled->id = *id;
  return protocol::operation_json(*spoiled);
}

std::string batch(fuzz::Choices& choices) {
  std::vector<std::string> operations;
  for (unsigned left = choices.below(4); left > 0; --left) {
    operations.push_back(operation(choices));
  }
  protocol::OperationBatch message;
  message.message_id = "b";
  message.operations.assign(operations.begin(), operations.end());
  message.is_final = choices.below(2) == 0;
  return protocol::encode(message);
}

std::string message(fuzz::Choices& choices) {
  std::string text;
  switch (choices.below(16)) {
    case 0:
      text = handshake(choices);
      break;
    case 1:
      text = protocol::encode(protocol::Acknowledgment{"a", "m", choices.byte(), choices.byte(),
                                                       std::nullopt, std::nullopt});
      break;
    case 2:
      return fuzz::odd_value(choices).to_json();
    case 3:
      return batch(choices).substr(0, choices.byte());
    default:
      text = batch(choices);
      break;
  }
  if (choices.below(8) != 0) return text;
  Value json = Value::parse(text).value();
  fuzz::spoil(json, choices);
  return json.to_json();
}

class Door {
 public:
  Door() : internet_(world_), server_(world_, internet_, sim_plan()), peer_(world_, internet_) {
    sim::seed_sqlite(1);
    server_.boot();
    for (const char* target : {"/v1/buckets/main", "/v1/buckets/main/collections/c"}) {
      TOMBOLO_CHECK(server_.ask("PUT", target, "token-of-alice", "{}").status == 201,
                    "the server can be set up");
    }
  }
  ~Door() { world_.clear(); }

  void tell(fuzz::Choices& choices) {
    // Nothing else is heard on a new connection.
    if (!peer_.is_connected() && choices.below(8) != 0) peer_.say(handshake(choices));
    peer_.say(message(choices));
  }

  void check_with_a_new_device() {
    fuzz::PlainDevice device(
        world_, internet_,
        {.url = kUrl, .name = "server", .authentication = Token{"token-of-alice"}});
    device.boot();
    world_.run_for_ms(kPatienceMs);
    const RemoteStatus status = device.remote().status().value();
    TOMBOLO_CHECK(status.unreadable == 0, "what the server takes can be read");
    TOMBOLO_CHECK(status.synced, "a device that comes has every operation of the server");
    check_records(device.database().collection("c"));
  }

 private:
  // The server's own fold of the operations, and the device's.
  void check_records(const Collection& here) {
    const net::HttpResponse all =
        server_.ask("GET", "/v1/buckets/main/collections/c/records", "token-of-alice");
    TOMBOLO_CHECK(all.status == 200, "the owner may read");
    const Value body = Value::parse(all.body.view()).value();
    const Array& there = *body["data"].if_array();
    TOMBOLO_CHECK(here.count().value() == std::ssize(there), "both have the same records");
    for (const Value& record : there) {
      const auto found = here.get(record["id"].as_string());
      TOMBOLO_CHECK(found.has_value(), "both have the same records");
      Object fields = *record.if_object();
      Object own = found->fields();
      for (const char* name : {"id", "last_modified"}) {  // the door's own
        fields.erase(name);
        own.erase(name);
      }
      TOMBOLO_CHECK(fields == own, "both made the same of the same operations");
    }
  }

  static const sim::Plan& sim_plan() {
    static const sim::Plan plan = sim::usual_plan();
    return plan;
  }

  sim::World world_{1};
  sim::Internet internet_;
  sim::ServerMachine server_;
  Peer peer_;
};

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tombolo::fuzz::Choices choices(tombolo::fuzz::text_of(data, size));
  tombolo::Door door;
  for (int i = 0; i < tombolo::kMaxMessages && !choices.done(); ++i) door.tell(choices);
  door.check_with_a_new_device();
  return 0;
}
