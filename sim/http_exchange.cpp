#include "sim/http_exchange.h"

#include <map>
#include <string>
#include <utility>

#include "net/url.h"
#include "sim/internet.h"

namespace tombolo::sim {
namespace {

constexpr std::int64_t kRepeatAfterUs = 50'000;
constexpr std::int64_t kStraggleMs = 60'000;

bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "PUT" || method == "DELETE";
}

// One request that waits for its answer.
struct Waiting {
  net::HttpClient::Callback done;
  net::TimerId timeout = 0;
};

// What the answers find, as long as the client is there.
struct Desk {
  std::shared_ptr<Process> process;
  std::map<net::RequestId, Waiting> waiting;
  net::RequestId last = 0;

  void answer(net::RequestId id, Result<net::ClientResponse> result) {
    const auto found = waiting.find(id);
    if (found == waiting.end()) return;
    const Waiting one = std::move(found->second);
    waiting.erase(found);
    process->cancel(one.timeout);
    one.done(std::move(result));
  }
};

// Takes an answer back to the desk.
class AnswerTarget final : public net::ResponseTarget {
 public:
  AnswerTarget(Internet& internet, Machine& client, Machine& server, std::weak_ptr<Desk> desk,
               net::RequestId id)
      : wires_(internet.wires()),
        client_(client),
        server_(server),
        executor_(server.process()),
        desk_(std::move(desk)),
        id_(id) {
    // The connection is reset when the program dies; when the machine does, nobody hears of it.
    server.at_death([&wires = wires_, desk = desk_, id](Death how) {
      if (how != Death::killed) return;
      wires.world().after_us(1'000, [desk, id] { give(desk, id, broken()); });
    });
  }

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  void deliver(net::HttpResponse response) override {
    if (!server_.is_effective()) return;
    const WireConditions& conditions = wires_.conditions(client_.name());
    net::ClientResponse answer{response.status, response.headers,
                               std::string(response.body.view())};
    const std::int64_t travel_us = wires_.travel_us(client_.name(), answer.body.size());
    if (wires_.happens(conditions.answer_lost)) {
      ++wires_.counts.lost_answers;
      wires_.world().after_us(travel_us, [desk = desk_, id = id_] { give(desk, id, broken()); });
      return;
    }
    wires_.world().after_us(travel_us,
                            [&wires = wires_, desk = desk_, id = id_, from = server_.name(),
                             to = client_.name(), answer = std::move(answer)]() mutable {
                              if (!wires.connected(from, to)) return;  // until the client gives up
                              wires.tap(from, to, answer.body);
                              give(desk, id, std::move(answer));
                            });
  }

  void upgrade(const net::WebSocketOptions&, net::HttpHeaders, net::WebSocketOpened) override {
    deliver({.status = 400});
  }

  static Result<net::ClientResponse> broken() {
    return fail(ErrorCode::unavailable, "the connection broke");
  }
  static void give(const std::weak_ptr<Desk>& weak, net::RequestId id,
                   Result<net::ClientResponse> result) {
    const auto desk = weak.lock();
    if (desk) desk->process->run([&] { desk->answer(id, std::move(result)); });
  }

 private:
  Wires& wires_;
  Machine& client_;
  Machine& server_;
  const std::shared_ptr<net::Executor> executor_;
  const std::weak_ptr<Desk> desk_;
  const net::RequestId id_;
};

class SimulatedHttpClient final : public net::HttpClient {
 public:
  SimulatedHttpClient(Internet& internet, Machine& machine)
      : internet_(internet), machine_(machine), desk_(std::make_shared<Desk>()) {
    desk_->process = machine.process();
  }

  net::RequestId send(net::ClientRequest request, Callback done) override;
  void cancel(net::RequestId id) override {
    desk_->process->post([weak = std::weak_ptr(desk_), id] {
      if (const auto desk = weak.lock()) desk->answer(id, fail(ErrorCode::cancelled, "cancelled"));
    });
  }

 private:
  void travel(const net::Url& url, const net::HttpRequest& request, net::RequestId id,
              std::int64_t delay_us);

  Internet& internet_;
  Machine& machine_;
  const std::shared_ptr<Desk> desk_;
};

net::RequestId SimulatedHttpClient::send(net::ClientRequest request, Callback done) {
  const net::RequestId id = ++desk_->last;
  Waiting waiting{std::move(done)};
  waiting.timeout = desk_->process->schedule(request.timeout_ms, [weak = std::weak_ptr(desk_), id] {
    if (const auto desk = weak.lock()) {
      desk->answer(id, fail(ErrorCode::timeout, "no answer within the time given"));
    }
  });
  desk_->waiting.emplace(id, std::move(waiting));
  const auto url = net::parse_url(request.url);
  if (!url) {
    desk_->process->post([weak = std::weak_ptr(desk_), id, error = url.error()] {
      if (const auto desk = weak.lock()) desk->answer(id, std::unexpected(error));
    });
    return id;
  }
  if (!machine_.is_effective()) return id;
  net::HttpRequest sent(request.method, url->target);
  sent.headers = request.headers;
  sent.headers.set("Host", url->authority());
  sent.body = std::move(request.body);
  Wires& wires = internet_.wires();
  const WireConditions& conditions = wires.conditions(machine_.name());
  std::int64_t travel_us = wires.travel_us(machine_.name(), sent.body.size());
  if (wires.happens(conditions.request_lost)) {
    ++wires.counts.lost_requests;
    wires.world().after_us(travel_us, [weak = std::weak_ptr(desk_), id] {
      AnswerTarget::give(weak, id, AnswerTarget::broken());
    });
    return id;
  }
  if (is_idempotent(request.method) && wires.happens(conditions.request_repeated)) {
    ++wires.counts.repeated_requests;
    travel(*url, sent, 0, travel_us);
    travel_us += kRepeatAfterUs;
  }
  if (wires.happens(conditions.request_straggles)) {
    ++wires.counts.straggling_requests;
    travel_us += static_cast<std::int64_t>(wires.random().below(kStraggleMs)) * 1000;
  }
  travel(*url, sent, id, travel_us);
  return id;
}

// An id of 0: nobody waits for the answer.
void SimulatedHttpClient::travel(const net::Url& url, const net::HttpRequest& request,
                                 net::RequestId id, std::int64_t delay_us) {
  Internet& internet = internet_;
  Machine& machine = machine_;
  internet.wires().world().after_us(delay_us, [&internet, &machine, host_name = url.host, request,
                                               id, desk = std::weak_ptr(desk_)] {
    const Internet::Host* const host = internet.find(host_name);
    if (host == nullptr || !host->machine.answers()) return;
    if (!internet.wires().connected(machine.name(), host_name)) return;
    if (!host->machine.is_up()) return AnswerTarget::give(desk, id, AnswerTarget::broken());
    net::HttpRequest arrived = request;
    net::HttpResponder responder(
        std::make_shared<AnswerTarget>(internet, machine, host->machine, desk, id));
    host->machine.process()->run([&] { host->handler(std::move(arrived), std::move(responder)); });
  });
}

}  // namespace

std::unique_ptr<net::HttpClient> make_simulated_http_client(Internet& internet, Machine& machine) {
  return std::make_unique<SimulatedHttpClient>(internet, machine);
}

}  // namespace tombolo::sim
