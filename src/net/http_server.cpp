#include "net/http_server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <chrono>
#include <utility>

#include "net/connection_tickets.h"
#include "net/http_connection.h"
#include "net/loop.h"

namespace tombolo::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorValue = boost::system::error_code;

namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr int kBacklog = 4096;
constexpr std::int64_t kAcceptRetryMs = 100;

// Accepts the connections of one thread.
class Listener final : public LoopMember, public std::enable_shared_from_this<Listener> {
 public:
  Listener(std::shared_ptr<IoThread> thread, tcp::acceptor acceptor,
           std::shared_ptr<const HttpContext> context, std::shared_ptr<ConnectionTickets> tickets)
      : thread_(std::move(thread)),
        acceptor_(std::move(acceptor)),
        context_(std::move(context)),
        tickets_(std::move(tickets)) {}

  void start() {
    thread_->loop().join(*this);
    accept();
  }

  void abort() override {
    ErrorValue ignored;
    acceptor_.close(ignored);
    thread_->loop().leave(*this);
  }
  void wind_down() override { abort(); }
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }

 private:
  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const ErrorValue& error, tcp::socket socket) {
          if (!self->acceptor_.is_open()) return;
          if (error) return self->on_error(error);
          self->open(std::move(socket));
          self->accept();
        });
  }

  // Out of descriptors, mostly: connections that end will give some back.
  void on_error(const ErrorValue& error) {
    context_->logger->log(LogLevel::warning, "accept_failed",
                          {{"problem", Value(error.message())}});
    thread_->schedule(kAcceptRetryMs, [self = shared_from_this()] {
      if (self->acceptor_.is_open()) self->accept();
    });
  }

  void open(tcp::socket socket) {
    ErrorValue error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    ConnectionTicket ticket = tickets_->take();
    if (ticket == nullptr) {
      return context_->logger->log(LogLevel::warning, "too_many_connections",
                                   {{"peer", Value(peer.address().to_string())}});
    }
    std::make_shared<HttpConnection>(thread_, context_, std::move(ticket), std::move(socket),
                                     peer.address().to_string())
        ->start();
  }

  const std::shared_ptr<IoThread> thread_;
  tcp::acceptor acceptor_;
  const std::shared_ptr<const HttpContext> context_;
  const std::shared_ptr<ConnectionTickets> tickets_;
};

std::unexpected<Error> cannot_listen(const tcp::endpoint& endpoint, const ErrorValue& error) {
  const std::string address =
      (endpoint.address().is_v6() ? "[" + endpoint.address().to_string() + "]"
                                  : endpoint.address().to_string()) +
      ":" + std::to_string(endpoint.port());
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::already_exists, "cannot listen on " + address +
                                               ": another program listens there; stop it, or " +
                                               "choose another port");
  }
  if (error == asio::error::access_denied) {
    return fail(ErrorCode::permission_denied,
                "cannot listen on " + address +
                    ": not permitted; ports below 1024 need the right to bind them");
  }
  return fail(ErrorCode::unavailable, "cannot listen on " + address + ": " + error.message());
}

Result<tcp::acceptor> bind_to(asio::io_context& context, const tcp::endpoint& endpoint,
                              bool shares_port) {
  ErrorValue error;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && shares_port) acceptor.set_option(ReusePort(true), error);
  if (!error && endpoint.address().is_v6()) {
    ErrorValue ignored;  // "::" means every address, of both families
    acceptor.set_option(asio::ip::v6_only(false), ignored);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (error) return cannot_listen(endpoint, error);
  return acceptor;
}

// Sharing a port between our threads would let a second server join unnoticed. So a socket that
// does not share asks for the port first.
Result<std::vector<tcp::acceptor>> bind_all(const std::vector<std::shared_ptr<IoThread>>& threads,
                                            tcp::endpoint endpoint) {
  std::vector<tcp::acceptor> acceptors;
  if (threads.size() > 1 && endpoint.port() != 0) {
    auto probe = bind_to(threads[0]->loop().context, endpoint, false);
    if (!probe) return fail(probe);
    ErrorValue error;
    probe->listen(1, error);
    if (error) return cannot_listen(endpoint, error);
  }
  for (const auto& thread : threads) {
    auto acceptor = bind_to(thread->loop().context, endpoint, threads.size() > 1);
    if (!acceptor) return fail(acceptor);
    ErrorValue error;
    endpoint = acceptor->local_endpoint(error);  // the first one found the free port for all
    if (!error) acceptor->listen(kBacklog, error);
    if (error) return cannot_listen(endpoint, error);
    acceptors.push_back(std::move(*acceptor));
  }
  return acceptors;
}

}  // namespace

struct HttpServer::State {
  std::vector<std::shared_ptr<IoThread>> threads;
  std::shared_ptr<ConnectionTickets> tickets;
  std::uint16_t port = 0;
  bool is_stopped = false;
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  stop(0);
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpHandler handler, Logger& logger) {
  ErrorValue error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return fail(ErrorCode::invalid_argument,
                "cannot listen on \"" + options.address +
                    "\": give an IP address of this machine, such as 127.0.0.1 or 0.0.0.0");
  }
  std::unique_ptr<HttpServer> server(new HttpServer(std::make_unique<State>()));
  State& state = *server->state_;
  state.tickets = std::make_shared<ConnectionTickets>(options.max_connections);
  for (std::size_t index = 0; index < std::max<std::size_t>(options.threads, 1); ++index) {
    state.threads.push_back(IoThread::start(index));
  }
  auto acceptors = bind_all(state.threads, {address, options.port});
  if (!acceptors) return fail(acceptors);
  state.port = acceptors->front().local_endpoint(error).port();

  const auto context =
      std::make_shared<const HttpContext>(HttpContext{options.limits, std::move(handler), &logger});
  for (std::size_t index = 0; index < acceptors->size(); ++index) {
    const auto& thread = state.threads[index];
    const auto listener =
        std::make_shared<Listener>(thread, std::move((*acceptors)[index]), context, state.tickets);
    thread->post([listener] { listener->start(); });
  }
  return server;
}

std::uint16_t HttpServer::port() const {
  return state_->port;
}

const std::vector<std::shared_ptr<IoThread>>& HttpServer::io_threads() const {
  return state_->threads;
}

std::size_t HttpServer::connection_count() const {
  return state_->tickets->count();
}

void HttpServer::stop(std::int64_t timeout_ms) {
  if (std::exchange(state_->is_stopped, true)) return;
  if (timeout_ms > 0) {
    for (const auto& thread : state_->threads) {
      thread->post([thread = thread.get()] { thread->loop().wind_down_members(); });
    }
    state_->tickets->wait_for_all(std::chrono::milliseconds(timeout_ms));
  }
  for (const auto& thread : state_->threads) thread->stop();
}

}  // namespace tombolo::net
