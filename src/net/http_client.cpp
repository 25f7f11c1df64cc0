#include "net/http_client.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "net/client_connection.h"
#include "net/loop.h"
#include "net/url.h"

namespace tombolo::net {
namespace {

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

// Touched on the IoThread only, but for the two atomics.
struct State : std::enable_shared_from_this<State> {
  using Callback = HttpClient::Callback;
  struct Exchange final : Deadline {
    std::weak_ptr<State> owner;
    RequestId id = 0;
    ClientRequest request;
    Callback done;
    Url url;
    std::shared_ptr<ClientConnection> connection;  // while it is under way
    bool was_repeated = false;

    void on_deadline() override {
      const auto state = owner.lock();
      if (!state) return;
      state->give_up(id, fail(ErrorCode::timeout, url.authority() + " did not answer within " +
                                                      std::to_string(request.timeout_ms) + " ms"));
    }
  };
  using ExchangePointer = std::shared_ptr<Exchange>;

  // The connections to one scheme, host and port.
  struct Host {
    std::vector<std::shared_ptr<ClientConnection>> all;
    std::deque<ExchangePointer> waiting;
  };

  std::shared_ptr<IoThread> thread;
  HttpClientOptions options;
  std::atomic<RequestId> next_id = 1;
  std::atomic<bool> is_closed = false;
  std::map<RequestId, ExchangePointer> exchanges;
  std::map<std::string, Host> hosts;

  static std::string key_of(const Url& url) {
    return url.scheme + "://" + url.host + ":" + std::to_string(url.port);
  }

  void submit(const ExchangePointer& exchange) {
    if (is_closed) return;
    auto url = parse_url(exchange->request.url);
    if (url && url->scheme != "http" && url->scheme != "https") {
      url = fail(ErrorCode::invalid_argument,
                 "the URL " + exchange->request.url + " must begin with http:// or https://");
    }
    exchanges.emplace(exchange->id, exchange);
    if (!url) return complete(exchange->id, fail(url));
    exchange->url = std::move(*url);
    thread->loop().set_deadline(*exchange, exchange->request.timeout_ms);
    Host& host = hosts[key_of(exchange->url)];
    host.waiting.push_back(exchange);
    serve(host);
  }

  // Gives waiting exchanges to connections that are free, or new.
  void serve(Host& host) {
    while (!host.waiting.empty()) {
      const auto free = std::find_if(host.all.begin(), host.all.end(), [](const auto& connection) {
        return connection->is_reusable();
      });
      std::shared_ptr<ClientConnection> connection;
      if (free != host.all.end()) {
        connection = *free;
      } else if (host.all.size() < std::max<std::size_t>(options.connections_per_host, 1)) {
        connection = make_connection(host.waiting.front()->url);
        host.all.push_back(connection);
      } else {
        return;
      }
      const ExchangePointer exchange = host.waiting.front();
      host.waiting.pop_front();
      run(exchange, connection);
    }
  }

  std::shared_ptr<ClientConnection> make_connection(const Url& url) {
    return std::make_shared<ClientConnection>(
        thread, url, options,
        [owner = weak_from_this(), key = key_of(url)](ClientConnection& gone) {
          if (const auto state = owner.lock()) state->forget(key, gone);
        });
  }

  void forget(const std::string& key, const ClientConnection& gone) {
    std::erase_if(hosts[key].all, [&gone](const auto& each) { return each.get() == &gone; });
    serve(hosts[key]);
  }

  void run(const ExchangePointer& exchange, const std::shared_ptr<ClientConnection>& connection) {
    exchange->connection = connection;
    connection->exchange(exchange->request, exchange->url.target,
                         [owner = weak_from_this(), exchange, connection](
                             Result<ClientResponse> result, bool may_repeat) {
                           if (const auto state = owner.lock()) {
                             state->on_done(exchange, *connection, std::move(result), may_repeat);
                           }
                         });
  }

  void on_done(const ExchangePointer& exchange, const ClientConnection& connection,
               Result<ClientResponse> result, bool may_repeat) {
    exchange->connection.reset();
    const std::string key = key_of(exchange->url);
    const bool repeats =
        !result && may_repeat && !exchange->was_repeated && is_idempotent(exchange->request.method);
    if (repeats) {
      exchange->was_repeated = true;
      hosts[key].waiting.push_front(exchange);
    } else {
      complete(exchange->id, std::move(result));
    }
    if (connection.is_reusable()) return serve(hosts[key]);
    forget(key, connection);
  }

  // Ends an exchange from outside: the connection it is on cannot be used any more.
  void give_up(RequestId id, Result<ClientResponse> why) {
    const auto found = exchanges.find(id);
    if (found == exchanges.end()) return;
    const ExchangePointer exchange = found->second;
    const std::string key = key_of(exchange->url);
    std::erase(hosts[key].waiting, exchange);
    const auto connection = std::exchange(exchange->connection, nullptr);
    if (connection) connection->abort();
    complete(id, std::move(why));
    if (connection) forget(key, *connection);
  }

  void complete(RequestId id, Result<ClientResponse> result) {
    const auto found = exchanges.find(id);
    if (found == exchanges.end()) return;
    const ExchangePointer exchange = found->second;
    exchanges.erase(found);
    DeadlineWheel::release(*exchange);
    if (!is_closed) exchange->done(std::move(result));
  }

  void close() {
    const auto all = std::exchange(hosts, {});
    for (const auto& [key, host] : all) {
      for (const auto& connection : host.all) connection->abort();
    }
    for (const auto& [id, exchange] : exchanges) DeadlineWheel::release(*exchange);
    exchanges.clear();
  }
};

class SocketHttpClient final : public HttpClient {
 public:
  SocketHttpClient(std::shared_ptr<IoThread> thread, HttpClientOptions options) {
    state_->thread = std::move(thread);
    state_->options = std::move(options);
  }
  ~SocketHttpClient() override {
    state_->is_closed = true;
    state_->thread->post([state = state_] { state->close(); });
  }

  RequestId send(ClientRequest request, Callback done) override;
  void cancel(RequestId id) override;

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

RequestId SocketHttpClient::send(ClientRequest request, Callback done) {
  const RequestId id = state_->next_id++;
  state_->thread->post(
      [state = state_, id, request = std::move(request), done = std::move(done)]() mutable {
        const auto exchange = std::make_shared<State::Exchange>();
        exchange->owner = state;
        exchange->id = id;
        exchange->request = std::move(request);
        exchange->done = std::move(done);
        state->submit(exchange);
      });
  return id;
}

void SocketHttpClient::cancel(RequestId id) {
  state_->thread->post([state = state_, id] {
    state->give_up(id, fail(ErrorCode::cancelled, "the request was cancelled"));
  });
}

}  // namespace

std::unique_ptr<HttpClient> make_http_client(std::shared_ptr<IoThread> thread,
                                             HttpClientOptions options) {
  return std::make_unique<SocketHttpClient>(std::move(thread), std::move(options));
}

}  // namespace tombolo::net
