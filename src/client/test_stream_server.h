// For tests: the server end of the stream protocol over a log in memory, on a real socket.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "os/clock.h"
#include "sync/test_stream_peers.h"

namespace tombolo::testing {

class StreamServer {
 public:
  explicit StreamServer(std::uint16_t port = 0) { start(port); }
  ~StreamServer() { stop(); }

  void start(std::uint16_t port) {
    net::HttpServerOptions options;
    options.port = port;
    auto server = net::HttpServer::start(
        options,
        [this](net::HttpRequest&&, net::HttpResponder responder) {
          responder.upgrade({}, [this](std::shared_ptr<net::WebSocketConnection> connection) {
            open(std::move(connection));
          });
        },
        logger_);
    server_ = std::move(server.value());
    port_ = server_->port();
    schedule_tick();
  }
  void stop() {
    if (server_) server_->stop(0);
    server_.reset();
    sessions_.clear();
  }
  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_) + "/stream"; }
  std::uint16_t port() const { return port_; }
  std::size_t operations() {
    const std::lock_guard guard(mutex_);
    return log_.entries().size();
  }

  // Refuses every operation of that collection for good.
  void refuse(const std::string& collection) {
    const std::lock_guard guard(mutex_);
    refused_ = collection;
    for (const auto& session : sessions_) session->end->rejected_collections = {refused_};
  }

  // What follows is for sessions that begin later.
  void require_token(const std::string& token) {
    const std::lock_guard guard(mutex_);
    token_ = token;
  }
  void set_options(const sync::StreamServerOptions& options) {
    const std::lock_guard guard(mutex_);
    options_ = options;
  }
  // What a server that shows a client a part of its log alone cannot give it.
  void give_no_proof() {
    const std::lock_guard guard(mutex_);
    gives_proof_ = false;
  }

  void forget_everything(const std::string& node) {
    const std::lock_guard guard(mutex_);
    log_ = {};
    node_ = node;
  }

  // Another device's operations, that nobody is told of before announce().
  void store(const core::Operation& operation, const std::string& body) {
    const std::lock_guard guard(mutex_);
    log_.append(operation, body);
  }
  void announce() {
    server_->io_threads().front()->post([this] {
      const std::lock_guard guard(mutex_);
      tell_all();
    });
  }

 private:
  using Now = sync::StreamServerSession::Now;
  struct Session {
    std::shared_ptr<net::WebSocketConnection> connection;
    std::unique_ptr<sync::testing::ServerEnd> end;
  };

  Now now() const { return {clock_.monotonic_ms(), clock_.wall_ms()}; }

  void open(std::shared_ptr<net::WebSocketConnection> connection) {
    const std::lock_guard guard(mutex_);
    auto session = std::make_shared<Session>();
    session->connection = connection;
    sync::StreamServerOptions options = options_;
    options.tag = "s" + std::to_string(++connections_);
    options.view_tag = "v";
    session->end = std::make_unique<sync::testing::ServerEnd>(log_, std::move(options), now());
    session->end->server_node = node_;
    session->end->rejected_collections = {refused_};
    session->end->sees_all = gives_proof_;
    session->end->on_handshake = [this, end = session->end.get()](const auto& handshake) {
      if (token_.empty() || handshake.auth_token == token_) return;
      end->refusal = Error{ErrorCode::unauthenticated, "wrong token"};
    };
    sessions_.insert(session);
    net::WebSocketCallbacks callbacks;
    callbacks.on_text = [this, session](std::string_view text) { receive(*session, text); };
    callbacks.on_close = [this, session](std::uint16_t, std::string_view) {
      const std::lock_guard closing(mutex_);
      session->end->session.closed();
      sessions_.erase(session);
    };
    connection->set_callbacks(std::move(callbacks));
  }

  void receive(Session& session, std::string_view text) {
    const std::lock_guard guard(mutex_);
    session.end->receive(text, now());
    bool grew = false;
    while (session.end->commit()) grew = true;
    flush(session);
    if (grew) tell_all();
  }

  void tell_all() {
    for (const auto& session : sessions_) {
      session->end->log_grew(now());
      flush(*session);
    }
  }

  static void flush(Session& session) {
    for (const std::string& frame : std::exchange(session.end->out, {})) {
      session.connection->send_text(frame);
    }
    if (session.end->close_code != 0) {
      session.connection->close(session.end->close_code, session.end->close_reason);
    }
  }

  void schedule_tick() {
    constexpr std::int64_t kTickMs = 100;
    server_->io_threads().front()->schedule(kTickMs, [this] {
      {
        const std::lock_guard guard(mutex_);
        for (const auto& session : sessions_) {
          session->end->session.tick(now());
          session->end->pump(now());
          flush(*session);
        }
      }
      schedule_tick();
    });
  }

  NullLogger logger_;
  os::SystemClock clock_;
  std::mutex mutex_;  // for what follows
  sync::testing::MemoryLog log_;
  sync::StreamServerOptions options_;
  std::string node_ = "server-1";
  std::string refused_;
  std::string token_;
  bool gives_proof_ = true;
  int connections_ = 0;
  std::set<std::shared_ptr<Session>> sessions_;
  std::uint16_t port_ = 0;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace tombolo::testing
