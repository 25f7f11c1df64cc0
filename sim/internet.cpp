#include "sim/internet.h"

#include <utility>

#include "net/url.h"
#include "sim/http_exchange.h"
#include "sim/socket.h"

namespace tombolo::sim {
namespace {

// The server's half of a WebSocket handshake: it makes both ends.
class UpgradeTarget final : public net::ResponseTarget {
 public:
  using Done = std::function<void(Result<net::OpenedWebSocket>)>;

  UpgradeTarget(Internet& internet, Machine& client, Machine& server,
                net::WebSocketOptions client_options, Done done)
      : wires_(internet.wires()),
        client_(client),
        client_process_(client.process()),
        server_(server),
        executor_(server.process()),
        client_options_(client_options),
        done_(std::move(done)) {}

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  void deliver(net::HttpResponse response) override {
    answer([this, status = response.status](const Done& done) {
      done(fail(status >= 500 ? ErrorCode::unavailable : ErrorCode::protocol,
                server_.name() + " answered " + std::to_string(status)));
    });
  }

  void upgrade(const net::WebSocketOptions& options, net::HttpHeaders,
               net::WebSocketOpened opened) override {
    if (!server_.is_effective() || !client_process_->alive()) return;
    const auto ours =
        std::make_shared<SocketEnd>(wires_, server_, client_.name(), client_.name(), options);
    const auto theirs = std::make_shared<SocketEnd>(wires_, client_, client_.name(), server_.name(),
                                                    client_options_);
    SocketEnd::join(ours, theirs);
    opened(ours);
    answer([theirs](const Done& done) { done(net::OpenedWebSocket{theirs, {}}); });
  }

 private:
  void answer(std::function<void(const Done&)> how) {
    if (!server_.is_effective()) return;
    wires_.world().after_us(wires_.travel_us(client_.name(), 200),
                            [process = client_process_, done = std::move(done_),
                             how = std::move(how)] { process->run([&] { how(done); }); });
  }

  Wires& wires_;
  Machine& client_;
  const std::shared_ptr<Process> client_process_;
  Machine& server_;
  const std::shared_ptr<net::Executor> executor_;
  const net::WebSocketOptions client_options_;
  Done done_;
};

class SimulatedNetwork final : public net::Network {
 public:
  SimulatedNetwork(Internet& internet, Machine& machine)
      : internet_(internet), machine_(machine), process_(machine.process()) {}

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  net::WebSocketConnect connect_websocket(
      net::WebSocketConnectOptions options,
      std::function<void(Result<net::OpenedWebSocket>)> done) override;

  std::unique_ptr<net::HttpClient> http_client(net::HttpClientOptions) override {
    return make_simulated_http_client(internet_, machine_);
  }

  void stop() override { process_->run_posted(); }

 private:
  Internet& internet_;
  Machine& machine_;
  const std::shared_ptr<Process> process_;
  const std::shared_ptr<net::Executor> executor_ = process_;
};

net::WebSocketConnect SimulatedNetwork::connect_websocket(
    net::WebSocketConnectOptions options, std::function<void(Result<net::OpenedWebSocket>)> done) {
  const auto url = net::parse_url(options.url);
  // Called once, by whatever comes first.
  const auto waits = std::make_shared<bool>(true);
  const auto once = [waits, done = std::move(done)](Result<net::OpenedWebSocket> result) {
    if (std::exchange(*waits, false)) {
      done(std::move(result));
    } else if (result) {
      result->connection->close(net::kCloseGoingAway, "too late");
    }
  };
  if (!url) {
    process_->post([once, error = url.error()] { once(std::unexpected(error)); });
    return {};
  }
  process_->schedule(options.timeout_ms, [once] {
    once(fail(ErrorCode::timeout, "no connection within the time given"));
  });
  Wires& wires = internet_.wires();
  wires.world().after_us(wires.travel_us(machine_.name(), 200), [&internet = internet_, &wires,
                                                                 &machine = machine_, url = *url,
                                                                 once, process = process_,
                                                                 connection = options.connection] {
    const Internet::Host* const host = internet.find(url.host);
    if (!process->alive() || host == nullptr || !host->machine.answers()) return;
    if (!wires.connected(machine.name(), url.host) || !wires.connected(url.host, machine.name())) {
      return;
    }
    if (!host->machine.is_up()) {
      return process->run([&] { once(fail(ErrorCode::unavailable, "refused")); });
    }
    net::HttpRequest request("GET", url.target);
    net::HttpResponder responder(
        std::make_shared<UpgradeTarget>(internet, machine, host->machine, connection, once));
    host->machine.process()->run([&] { host->handler(std::move(request), std::move(responder)); });
  });
  return net::WebSocketConnect([waits] { *waits = false; });
}

}  // namespace

void Internet::serve(Machine& machine, Handler handler) {
  hosts_.try_emplace(machine.name(), Host{machine, std::move(handler)});
}

const Internet::Host* Internet::find(const std::string& name) const {
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? nullptr : &found->second;
}

std::shared_ptr<net::Network> Internet::network_of(Machine& machine) {
  return std::make_shared<SimulatedNetwork>(*this, machine);
}

}  // namespace tombolo::sim
