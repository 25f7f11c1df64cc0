// For tests: a stream server in memory (Kora protocol section 8), on a real socket.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "core/fingerprint.h"
#include "net/http_server.h"
#include "protocol/operation_json.h"
#include "protocol/stream_message.h"

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
    return log_.size();
  }
  // Refuses every operation of that collection for good.
  void refuse(const std::string& collection) { refused_ = collection; }
  void require_token(const std::string& token) { token_ = token; }
  void forget_everything(const std::string& node) {
    log_.clear();
    known_.clear();
    node_ = node;
    sum_ = {};
  }

 private:
  struct Entry {
    std::string node;
    std::string json;
  };
  struct Session {
    std::shared_ptr<net::WebSocketConnection> connection;
    std::string node;
    std::int64_t watermark = 0;
    bool returns_own = false;
  };

  void open(std::shared_ptr<net::WebSocketConnection> connection) {
    auto session = std::make_shared<Session>();
    session->connection = connection;
    sessions_.insert(session);
    net::WebSocketCallbacks callbacks;
    callbacks.on_text = [this, session](std::string_view text) { receive(*session, text); };
    callbacks.on_close = [this, session](std::uint16_t, std::string_view) {
      sessions_.erase(session);
    };
    connection->set_callbacks(std::move(callbacks));
  }

  void receive(Session& session, std::string_view text) {
    auto message = protocol::parse_stream_message(text);
    if (!message) return session.connection->close(1002, "unreadable");
    const std::lock_guard guard(mutex_);
    if (auto* handshake = std::get_if<protocol::Handshake>(&*message)) greet(session, *handshake);
    if (auto* batch = std::get_if<protocol::OperationBatch>(&*message)) take(session, *batch);
  }

  void greet(Session& session, const protocol::Handshake& handshake) {
    if (!token_.empty() && handshake.auth_token != token_) {
      session.connection->send_text(
          encode(protocol::ErrorMessage{"e", "AUTH_FAILED", "wrong token", false}));
      return;
    }
    session.node = handshake.node;
    session.watermark = handshake.last_delivery_sequence.value_or(0);
    session.returns_own = session.watermark == 0;
    protocol::HandshakeResponse response;
    response.message_id = "r";
    response.node = node_;
    response.accepted = true;
    response.server_max_delivery_sequence = size();
    response.proof = proof();
    session.connection->send_text(encode(response));
    if (session.watermark > size()) session.watermark = 0;
    deliver(session);
    session.returns_own = false;
  }

  void take(Session& session, const protocol::OperationBatch& batch) {
    for (const std::string_view json : batch.operations) {
      const auto operation = protocol::parse_operation_json(json);
      if (!operation) continue;
      if (operation->collection == refused_) {
        session.connection->send_text(encode(
            protocol::OperationRejected{"j", operation->id, operation->collection,
                                        operation->record, "VALIDATION_ERROR", "no", false}));
      } else if (known_.insert(operation->id).second) {
        log_.push_back({session.node, std::string(json)});
        const std::string id = from_hex(operation->id).value();
        sum_.add({reinterpret_cast<const std::uint8_t*>(id.data()), id.size()});
      }
    }
    protocol::Acknowledgment acknowledgment{"a", batch.message_id, 0, {}, proof()};
    session.connection->send_text(encode(acknowledgment));
    for (const auto& other : sessions_) deliver(*other);
  }

  void deliver(Session& session) {
    if (session.node.empty()) return;
    protocol::OperationBatch batch;
    batch.message_id = "b";
    batch.is_final = true;
    batch.base_delivery_sequence = session.watermark;
    batch.max_delivery_sequence = size();
    batch.proof = proof();
    for (auto i = static_cast<std::size_t>(session.watermark); i < log_.size(); ++i) {
      if (session.returns_own || log_[i].node != session.node)
        batch.operations.push_back(log_[i].json);
    }
    session.watermark = size();
    session.connection->send_text(encode(batch));
  }

  std::int64_t size() const { return static_cast<std::int64_t>(log_.size()); }
  protocol::Proof proof() const { return {to_hex(sum_.bytes()), size()}; }

  NullLogger logger_;
  std::mutex mutex_;
  std::vector<Entry> log_;
  std::set<std::string> known_;
  core::Fingerprint sum_;
  std::string node_ = "server-1";
  std::string refused_;
  std::string token_;
  std::uint16_t port_ = 0;
  std::set<std::shared_ptr<Session>> sessions_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace tombolo::testing
