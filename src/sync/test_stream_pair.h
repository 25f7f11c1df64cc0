// For tests: one client and one server, whose frames move when the test says so.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/test_stream_peers.h"

namespace tombolo::sync::testing {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

class StreamPair : public ::testing::Test {
 protected:
  StreamClientSession::Now client_now() const {
    return {time_ms_, kNowMs + time_ms_ + client_skew_ms_};
  }
  StreamServerSession::Now server_now() const { return {time_ms_, kNowMs + time_ms_}; }

  void connect() { connect(client_); }
  void connect(MemoryClient& client) {
    StreamServerOptions options = options_;
    options.tag = "s" + std::to_string(++connections_);
    options.view_tag = "v";
    server_ = std::make_unique<ServerEnd>(log_, std::move(options), server_now());
    server_->sees_all = sees_all_;
    server_->knows_timelines = knows_timelines_;
    client.connect(client_now());
  }

  // Until neither side has anything to say.
  void run() { run(client_); }
  void run(MemoryClient& client) {
    if (std::exchange(client.pings, 0) > 0) client.session->heard(client_now());
    while (!client.out.empty() || !server_->out.empty() || !server_->uploads.empty()) {
      for (const std::string& frame : std::exchange(client.out, {})) {
        if (server_->close_code == 0) server_->receive(frame, server_now());
      }
      while (server_->commit()) server_->log_grew(server_now());
      for (const std::string& frame : std::exchange(server_->out, {})) {
        client.session->text_received(frame, client_now());
        client.session->upload_more(client_now());
      }
    }
  }

  // As run(), until the client holds `watermark`; what is on the way then is lost.
  void run_and_cut(MemoryClient& client, std::int64_t watermark) {
    while (client.watermark < watermark && !(client.out.empty() && server_->out.empty())) {
      for (const std::string& frame : std::exchange(client.out, {})) {
        if (server_->close_code == 0) server_->receive(frame, server_now());
      }
      for (const std::string& frame : std::exchange(server_->out, {})) {
        if (client.watermark < watermark) client.session->text_received(frame, client_now());
      }
    }
    client.session->closed();
    server_->session.closed();
  }

  // Lets time pass on both sides, and runs.
  void wait(std::int64_t by_ms) { wait(client_, by_ms); }
  void wait(MemoryClient& client, std::int64_t by_ms) {
    time_ms_ += by_ms;
    client.session->tick(client_now());
    server_->session.tick(server_now());
    server_->pump(server_now());
    run(client);
  }

  void store(int count, const std::string& node = "other") {
    for (int number = 1; number <= count; ++number) {
      ++stored_;
      const core::Operation operation =
          make_operation(node, stored_, kNowMs, "x" + std::to_string(stored_));
      log_.append(operation, protocol::operation_json(operation));
    }
  }

  // A frame of the server's end, taken from what it would send.
  std::vector<Value> frames() {
    std::vector<Value> frames;
    for (const std::string& frame : std::exchange(server_->out, {})) {
      frames.push_back(Value::parse(frame).value());
    }
    return frames;
  }

  void handshake(std::int64_t watermark) {
    server_->receive(R"({"type":"handshake","messageId":"h","nodeId":"n","versionVector":{},)"
                     R"("schemaVersion":1,"lastDeliverySequence":)" +
                         std::to_string(watermark) + "}",
                     server_now());
  }
  void acknowledge(std::int64_t sequence) {
    server_->receive(R"({"type":"acknowledgment","messageId":"a","acknowledgedMessageId":"b",)"
                     R"("lastSequenceNumber":0,"deliverySequence":)" +
                         std::to_string(sequence) + "}",
                     server_now());
  }

  MemoryLog log_;
  MemoryClient client_{"node-a"};
  StreamServerOptions options_;
  std::unique_ptr<ServerEnd> server_;
  std::int64_t time_ms_ = 0;
  std::int64_t client_skew_ms_ = 0;
  bool sees_all_ = true;
  bool knows_timelines_ = true;
  int connections_ = 0;
  int stored_ = 0;
};

}  // namespace tombolo::sync::testing
