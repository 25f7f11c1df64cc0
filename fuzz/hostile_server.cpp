// A device of ours with a server whose answers were spoiled on their way, by stream or as a kinto
// remote (the first byte says which): it takes no harm, goes on working, and opens again; and once
// the server tells the truth, everything that was written here gets there.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/network.h"
#include "odd_values.h"
#include "plain_device.h"
#include "sim/server_machine.h"
#include "target.h"

namespace tombolo {
namespace {

constexpr const char* kBetween = "between";
constexpr int kRounds = 6;
constexpr std::int64_t kPatienceMs = 30 * 60'000;

std::string spoiled(std::string_view text, fuzz::Choices& choices) {
  switch (choices.below(4)) {
    case 0:
      return std::string(text.substr(0, choices.byte()));
    case 1:
      return fuzz::odd_value(choices).to_json();
    default:
      break;
  }
  Result<Value> json = Value::parse(text);
  if (!json) return std::string(text);
  for (unsigned left = 1 + choices.below(3); left > 0; --left) fuzz::spoil(*json, choices);
  return json->to_json();
}

// A WebSocket that goes on to the server, as long as one of its ends is there.
struct Relay {
  std::shared_ptr<net::WebSocketConnection> near;
  std::shared_ptr<net::WebSocketConnection> far;
  std::vector<std::string> waiting;  // for the far end to open
  net::WebSocketConnect dialling;
};

// The host that the device takes for the server.
class Between final : public sim::Machine {
 public:
  Between(sim::World& world, sim::Internet& internet, fuzz::Choices& choices)
      : Machine(world, kBetween), internet_(internet), choices_(choices) {
    internet.serve(*this, [this](net::HttpRequest&& request, net::HttpResponder responder) {
      if (request.path().ends_with("/stream")) return relay(std::move(responder));
      forward(request, std::move(responder));
    });
    boot();
  }
  ~Between() override { die(sim::Death::killed); }

  void tell_the_truth() { lies_ = false; }

 private:
  // What becomes of an answer; 7: nothing.
  unsigned next_lie() { return !lies_ || choices_.done() ? 7 : choices_.below(8); }

  bool start() override {
    network_ = internet_.network_of(*this);
    http_ = network_->http_client({});
    return true;
  }
  void drop() override {
    http_.reset();
    network_.reset();
  }

  void relay(net::HttpResponder responder) {
    const auto relay = std::make_shared<Relay>();
    responder.upgrade({}, [this, relay](std::shared_ptr<net::WebSocketConnection> near) {
      relay->near = std::move(near);
      net::WebSocketCallbacks callbacks;
      callbacks.on_text = [relay](std::string_view text) {
        if (relay->far == nullptr) return relay->waiting.emplace_back(text), void();
        relay->far->send_text(text);
      };
      callbacks.on_close = [relay](std::uint16_t code, std::string_view) {
        if (relay->far != nullptr) relay->far->close(code, "");
      };
      relay->near->set_callbacks(std::move(callbacks));
      dial(relay);
    });
  }

  void dial(const std::shared_ptr<Relay>& relay) {
    relay->dialling =
        network_->connect_websocket({.url = "ws://server/v1/buckets/main/stream"},
                                    [this, relay](Result<net::OpenedWebSocket> opened) {
                                      if (!opened)
                                        return relay->near->close(net::kCloseGoingAway, "");
                                      join(relay, std::move(opened->connection));
                                    });
  }

  void join(const std::shared_ptr<Relay>& relay, std::shared_ptr<net::WebSocketConnection> far) {
    relay->far = std::move(far);
    net::WebSocketCallbacks callbacks;
    callbacks.on_text = [this, relay](std::string_view text) { tell(*relay, text); };
    callbacks.on_close = [relay](std::uint16_t code, std::string_view) {
      relay->near->close(code, "");
    };
    relay->far->set_callbacks(std::move(callbacks));
    for (const std::string& text : relay->waiting) relay->far->send_text(text);
  }

  void tell(const Relay& relay, std::string_view text) {
    const unsigned what = next_lie();
    if (what == 0) return;
    if (what == 1) relay.near->send_text(text);
    relay.near->send_text(what < 5 && what > 1 ? spoiled(text, choices_) : std::string(text));
  }

  void forward(const net::HttpRequest& request, net::HttpResponder responder) {
    net::ClientRequest onwards;
    onwards.method = request.method_name();
    onwards.url = "http://server" + std::string(request.target());
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
      onwards.headers.add(request.headers[i].name, request.headers[i].value);
    }
    onwards.body = request.body;
    auto answer = std::make_shared<net::HttpResponder>(std::move(responder));
    http_->send(std::move(onwards), [this, answer](Result<net::ClientResponse> response) {
      if (!response) return answer->send({.status = 503});
      answer->send(spoiled_answer(std::move(*response)));
    });
  }

  net::HttpResponse spoiled_answer(net::ClientResponse response) {
    const unsigned what = next_lie();
    if (what == 0) response.status = 100 + 4 * choices_.byte();
    if (what == 1) response.headers.set("ETag", fuzz::odd_text(choices_));
    if (what == 2) response.headers.set("Next-Page", fuzz::odd_text(choices_));
    if (what == 3) response.headers.set("Retry-After", fuzz::odd_text(choices_));
    if (what > 3 && what < 7) response.body = spoiled(response.body, choices_);
    return {.status = response.status,
            .headers = std::move(response.headers),
            .body = std::move(response.body)};
  }

  sim::Internet& internet_;
  fuzz::Choices& choices_;
  bool lies_ = true;
  std::shared_ptr<net::Network> network_;
  std::unique_ptr<net::HttpClient> http_;
};

class Hostility {
 public:
  explicit Hostility(fuzz::Choices& choices)
      : internet_(world_),
        server_(world_, internet_, sim_plan()),
        between_(world_, internet_, choices),
        device_(world_, internet_, remote(choices.below(2) == 0)) {
    sim::seed_sqlite(1);
    server_.boot();
    put("/v1/buckets/main");
    put("/v1/buckets/main/collections/c");
    for (int i = 0; i < 3; ++i) put(record(i));
    device_.boot();
  }
  ~Hostility() { world_.clear(); }

  void live() {
    for (int round = 0; round < kRounds; ++round) {
      put(record(round % 4));
      Collection collection = device_.database().collection("c");
      (void)collection.patch("r1", {{"x", round}});
      const auto written = collection.create({{"id", own(round)}, {"n", round}});
      TOMBOLO_CHECK(written.has_value(), "no server keeps a device from writing");
      world_.run_for_ms(1'000);
      device_.process()->run([this] { device_.remote().sync_now(); });
      world_.run_for_ms(20'000);
    }
    device_.die(sim::Death::killed);
    device_.boot();
    TOMBOLO_CHECK(device_.is_up(), "no server spoils a device's database");
    (void)device_.database().losses().value();
    between_.tell_the_truth();
    world_.run_for_ms(kPatienceMs);
    check_own_records();
  }

 private:
  // Nobody else knows these records: they are on the server, unless it said that it refused them.
  void check_own_records() {
    const RemoteStatus status = device_.remote().status().value();
    TOMBOLO_CHECK(status.pending == 0, "what was written gets to the server");
    if (status.dead_letters > 0) return;
    for (int round = 0; round < kRounds; ++round) {
      const auto here = device_.database().collection("c").get(own(round));
      const net::HttpResponse there = server_.ask(
          "GET", "/v1/buckets/main/collections/c/records/" + own(round), "token-of-alice");
      TOMBOLO_CHECK(here.has_value() == (there.status == 200), "a record is on both or on none");
    }
  }

  static std::string own(int round) { return "own" + std::to_string(round); }

  static const sim::Plan& sim_plan() {
    static const sim::Plan plan = sim::usual_plan();
    return plan;
  }

  static RemoteOptions remote(bool streams) {
    RemoteOptions options;
    options.name = "server";
    options.url = std::string(streams ? "ws://" : "http://") + kBetween + "/v1/buckets/main" +
                  (streams ? "/stream" : "");
    options.authentication = Token{"token-of-alice"};
    if (!streams) options.collections = {"c"};
    return options;
  }

  static std::string record(int number) {
    return "/v1/buckets/main/collections/c/records/r" + std::to_string(number);
  }

  void put(const std::string& target) {
    (void)server_.ask("PUT", target, "token-of-alice", R"({"data":{"n":1}})");
  }

  sim::World world_{1};
  sim::Internet internet_;
  sim::ServerMachine server_;
  Between between_;
  fuzz::PlainDevice device_;
};

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tombolo::fuzz::Choices choices(tombolo::fuzz::text_of(data, size));
  tombolo::Hostility hostility(choices);
  hostility.live();
  return 0;
}
