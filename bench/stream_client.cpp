#include "stream_client.h"

#include <array>
#include <cerrno>
#include <span>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

#include "http_load.h"

namespace tombolo::bench {
namespace {

constexpr std::size_t kMaxMessageBytes = 64 << 20;
constexpr int kSilenceSeconds = 30;

std::unexpected<Error> lost() {
  return fail(ErrorCode::unavailable, "a stream connection was lost, or silent for too long");
}

}  // namespace

StreamClient::StreamClient(int socket)
    : socket_(socket),
      decoder_(std::make_unique<protocol::WebSocketDecoder>(protocol::WebSocketRole::client,
                                                            kMaxMessageBytes)) {}

StreamClient::StreamClient(StreamClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      received_(std::move(other.received_)),
      used_(other.used_),
      decoder_(std::move(other.decoder_)) {}

StreamClient::~StreamClient() {
  if (socket_ >= 0) close(socket_);
}

Result<StreamClient> StreamClient::connect(std::uint16_t port, std::string_view path,
                                           std::string_view authorization) {
  StreamClient client(connect_loopback(port));
  if (client.socket_ < 0) return fail(ErrorCode::unavailable, "a connection was refused");
  const timeval silence{kSilenceSeconds, 0};
  setsockopt(client.socket_, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  std::string request = "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n";
  if (!authorization.empty()) {
    request.append("Authorization: ").append(authorization).append("\r\n");
  }
  request +=
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (auto sent = client.send_bytes(request); !sent) return fail(sent);
  std::size_t end = std::string::npos;
  while ((end = client.received_.find("\r\n\r\n")) == std::string::npos) {
    if (auto more = client.receive_more(); !more) return fail(more);
  }
  if (!client.received_.starts_with("HTTP/1.1 101")) {
    return fail(ErrorCode::unavailable, "no WebSocket: " + client.received_.substr(0, 300));
  }
  client.received_.erase(0, end + 4);
  return client;
}

Result<void> StreamClient::begin_stream(const std::string& node, std::int64_t watermark) {
  auto sent = send_text(R"({"type":"handshake","messageId":"h","nodeId":")" + node +
                        R"(","versionVector":{},"schemaVersion":1,"lastDeliverySequence":)" +
                        std::to_string(watermark) + "}");
  if (!sent) return sent;
  for (;;) {
    const Result<std::string> batch = next_of_type("operation-batch");
    if (!batch) return fail(batch);
    if (auto answered = send_text(acknowledgment_of(*batch)); !answered) return answered;
    if (batch->find(R"("isFinal":true)") != std::string::npos) return {};
  }
}

Result<void> StreamClient::send_text(std::string_view text) {
  return send_bytes(text_frame(text));
}

Result<void> StreamClient::send_bytes(std::string_view frames) {
  while (!frames.empty()) {
    const ssize_t count = send(socket_, frames.data(), frames.size(), MSG_NOSIGNAL);
    if (count <= 0) return lost();
    frames.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> StreamClient::receive_more() {
  static thread_local std::array<char, 65536> buffer;
  if (used_ == received_.size()) {
    received_.clear();
    used_ = 0;
  }
  const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
  if (count <= 0) return lost();
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return {};
}

Result<std::string> StreamClient::next_text() {
  for (;;) {
    std::span<char> bytes = std::span(received_).subspan(used_);
    const protocol::WebSocketEvent event = decoder_->next(bytes);
    used_ = received_.size() - bytes.size();
    if (event.kind == protocol::WebSocketEvent::Kind::text) return std::string(event.payload);
    if (event.kind == protocol::WebSocketEvent::Kind::need_more) {
      if (auto more = receive_more(); !more) return fail(more);
    } else if (event.kind != protocol::WebSocketEvent::Kind::ping) {
      return fail(ErrorCode::protocol,
                  "the server closed the stream: " + std::string(event.payload));
    }
  }
}

Result<std::string> StreamClient::next_of_type(std::string_view type) {
  for (;;) {
    Result<std::string> text = next_text();
    if (!text) return text;
    const std::string_view found = member_text(*text, "type");
    if (found == type) return text;
    if (found == "error" || found == "operation-rejected") {
      return fail(ErrorCode::protocol, "the server refused: " + *text);
    }
  }
}

Result<void> StreamClient::take(const std::function<void(std::string_view text)>& on_text) {
  if (used_ == received_.size()) {
    if (auto more = receive_more(); !more) return more;
  }
  std::span<char> bytes = std::span(received_).subspan(used_);
  for (;;) {
    const protocol::WebSocketEvent event = decoder_->next(bytes);
    if (event.kind == protocol::WebSocketEvent::Kind::need_more) break;
    if (event.kind == protocol::WebSocketEvent::Kind::close ||
        event.kind == protocol::WebSocketEvent::Kind::failed) {
      return lost();
    }
    if (event.kind == protocol::WebSocketEvent::Kind::text) on_text(event.payload);
  }
  used_ = received_.size();
  return {};
}

std::string text_frame(std::string_view text) {
  std::string frame;
  // A mask of zeros leaves the text as it is.
  protocol::append_websocket_frame(frame, protocol::WebSocketOpcode::text, text,
                                   protocol::WebSocketMask{});
  return frame;
}

std::string_view member_text(std::string_view message, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const std::size_t place = message.find(key);
  if (place == std::string_view::npos) return {};
  message.remove_prefix(place + key.size());
  if (!message.starts_with('"')) return message.substr(0, message.find_first_of(",}"));
  message.remove_prefix(1);
  return message.substr(0, message.find('"'));
}

std::string acknowledgment_of(std::string_view text) {
  if (member_text(text, "type") != "operation-batch") return {};
  return R"({"type":"acknowledgment","messageId":"a","acknowledgedMessageId":")" +
         std::string(member_text(text, "messageId")) +
         R"(","lastSequenceNumber":1,"deliverySequence":)" +
         std::string(member_text(text, "maxDeliverySequence")) + "}";
}

}  // namespace tombolo::bench
