// A real server for tests of its stream door, and WebSockets to ask it.
#pragma once

#include <condition_variable>
#include <deque>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "core/operation.h"
#include "net/http_client.h"
#include "net/websocket_client.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/files.h"
#include "protocol/operation_json.h"
#include "server/server.h"

namespace tombolo::server {

inline constexpr auto kPatience = std::chrono::seconds(20);

// A WebSocket that keeps what it receives, to be asked from the test's thread.
class TestSocket {
 public:
  TestSocket(const std::shared_ptr<net::IoThread>& thread, const std::string& url) {
    net::WebSocketConnectOptions options;
    options.url = url;
    connect_ = net::connect_websocket(thread, options, [this](Result<net::OpenedWebSocket> opened) {
      const std::lock_guard lock(mutex_);
      if (opened) {
        connection_ = opened->connection;
        net::WebSocketCallbacks callbacks;
        callbacks.on_text = [this](std::string_view text) { received(text); };
        callbacks.on_close = [this](std::uint16_t code, std::string_view) { closed(code); };
        connection_->set_callbacks(std::move(callbacks));
      } else {
        close_code_ = 1;
      }
      condition_.notify_all();
    });
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, kPatience, [&] { return connection_ != nullptr || close_code_; });
  }

  ~TestSocket() {
    if (connection_ == nullptr) return;
    std::unique_lock lock(mutex_);
    if (!close_code_) {
      connection_->executor()->post([connection = connection_] { connection->close(1000, ""); });
    }
    condition_.wait_for(lock, kPatience, [&] { return close_code_.has_value(); });
  }

  bool is_open() const { return connection_ != nullptr; }

  void send(std::string text) {
    connection_->executor()->post(
        [connection = connection_, text = std::move(text)] { connection->send_text(text); });
  }
  void send_binary(std::string bytes) {
    connection_->executor()->post(
        [connection = connection_, bytes = std::move(bytes)] { connection->send_binary(bytes); });
  }

  // The next message of that type; what comes before it is dropped.
  Value next(std::string_view type) {
    std::unique_lock lock(mutex_);
    for (;;) {
      condition_.wait_for(lock, kPatience, [&] { return !messages_.empty() || close_code_; });
      if (messages_.empty()) {
        ADD_FAILURE() << "no " << type << " came";
        return {};
      }
      Value message = std::move(messages_.front());
      messages_.pop_front();
      if (message["type"].as_string() == type) return message;
    }
  }

  // Batches until one is not empty.
  Value next_operations() {
    for (;;) {
      Value batch = next("operation-batch");
      if (batch.is_null() || batch["operations"].size() > 0) return batch;
    }
  }

  std::uint16_t wait_for_close() {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, kPatience, [&] { return close_code_.has_value(); });
    return close_code_.value_or(0);
  }

 private:
  void received(std::string_view text) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(Value::parse(text).value_or(Value()));
    condition_.notify_all();
  }
  void closed(std::uint16_t code) {
    const std::lock_guard lock(mutex_);
    close_code_ = code;
    condition_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<Value> messages_;
  std::optional<std::uint16_t> close_code_;
  std::shared_ptr<net::WebSocketConnection> connection_;
  net::WebSocketConnect connect_;
};

class StreamDoorTest : public ::testing::Test {
 protected:
  void start(Configuration configuration = {}) {
    configuration.server.port = 0;
    configuration.database.path = directory_.path() + "/tombolo.db";
    configuration.log.requests = false;
    auto server = Server::start(std::move(configuration), clock_, random_, logger_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  void TearDown() override {
    if (server_) server_->stop();
    thread_->stop();
  }

  std::string url(const std::string& scheme, const std::string& path) const {
    return scheme + "://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  std::unique_ptr<TestSocket> connect(const std::string& path = "/kora-sync") {
    return std::make_unique<TestSocket>(thread_, url("ws", path));
  }

  static std::string handshake(const std::string& node, std::int64_t watermark,
                               const std::string& token = "") {
    Value message{{"type", "handshake"}, {"messageId", "h"},
                  {"nodeId", node},      {"versionVector", Object{}},
                  {"schemaVersion", 1},  {"lastDeliverySequence", watermark}};
    if (!token.empty()) message["authToken"] = token;
    return message.to_json();
  }

  core::Operation insert(const std::string& node, std::int64_t number, Object data) {
    core::Operation operation;
    operation.node = node;
    operation.collection = "todos";
    operation.record = "rec-" + std::to_string(number);
    operation.data = std::move(data);
    operation.timestamp = {clock_.wall_ms(), number, node};
    operation.sequence_number = number;
    operation.id = *core::operation_id(operation);
    return operation;
  }

  static std::string batch(const std::string& id, const std::vector<core::Operation>& operations) {
    std::string text = R"({"type":"operation-batch","messageId":")" + id +
                       R"(","isFinal":true,"batchIndex":0,"operations":[)";
    for (const core::Operation& operation : operations) {
      if (text.back() != '[') text.push_back(',');
      protocol::append_operation_json(text, operation);
    }
    return text + "]}";
  }

  static std::string acknowledgment(const Value& batch) {
    return Value{{"type", "acknowledgment"},
                 {"messageId", "a"},
                 {"acknowledgedMessageId", batch["messageId"]},
                 {"lastSequenceNumber", 0},
                 {"deliverySequence", batch["maxDeliverySequence"]}}
        .to_json();
  }

  // A request to the Kinto door; the answer's body.
  Value http(const std::string& method, const std::string& path, const Value& body = {},
             const std::string& authorization = "Basic dXNlcjpwYXNz") {
    std::mutex mutex;
    std::condition_variable condition;
    std::optional<Value> answer;
    net::ClientRequest request;
    request.method = method;
    request.url = url("http", path);
    request.headers.add("Authorization", authorization);
    if (!body.is_null()) {
      request.headers.add("Content-Type", "application/json");
      request.body = body.to_json();
    }
    const auto client = net::make_http_client(thread_);
    client->send(std::move(request), [&](Result<net::ClientResponse> response) {
      const std::lock_guard lock(mutex);
      answer = response ? Value::parse(response->body).value_or(Value()) : Value();
      condition.notify_all();
    });
    std::unique_lock lock(mutex);
    condition.wait_for(lock, kPatience, [&] { return answer.has_value(); });
    return answer.value_or(Value());
  }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::make().value();
  os::SystemClock clock_;
  os::SystemRandom random_;
  NullLogger logger_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<net::IoThread> thread_ = net::IoThread::start();
};

}  // namespace tombolo::server
