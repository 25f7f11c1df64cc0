#include "sync/stream_server_session.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/names.h"
#include "protocol/operation_json.h"
#include "protocol/websocket_close_code.h"

namespace tombolo::sync {
namespace {

using protocol::Acknowledgment;
using protocol::ErrorMessage;
using protocol::Handshake;
using protocol::HandshakeResponse;
using protocol::OperationBatch;
using protocol::OperationRejected;

constexpr std::int64_t kRateWindowMs = 60'000;

// Far beyond what a node can reach, and far below what a number in JavaScript holds exactly.
constexpr std::int64_t kMaxSequenceNumber = std::int64_t{1} << 52;

Rejection rejection_of(const core::Operation& operation, std::string code, std::string message) {
  return {operation.id, operation.collection, operation.record, std::move(code),
          std::move(message)};
}

Result<void> check(const core::Operation& operation) {
  if (Result<void> done = core::check_operation(operation); !done) return done;
  if (operation.sequence_number > kMaxSequenceNumber) {
    return fail(ErrorCode::invalid_data, "a sequence number may be at most 2^52");
  }
  return protocol::verify_operation_id(operation);
}

}  // namespace

StreamServerSession::StreamServerSession(StreamServerHost& host, StreamServerOptions options,
                                         Now now)
    : host_(host),
      options_(std::move(options)),
      message_ids_(options_.tag),
      started_at_ms_(now.monotonic_ms) {}

StreamServerSession::~StreamServerSession() = default;

void StreamServerSession::send_error(std::string_view code, std::string_view message,
                                     bool retriable) {
  host_.send_text(encode(
      ErrorMessage{message_ids_.next(), std::string(code), std::string(message), retriable}));
}

void StreamServerSession::end(std::uint16_t code, std::string_view reason) {
  if (state_ == State::ended) return;
  closed();
  host_.close(code, reason);
}

void StreamServerSession::closed() {
  state_ = State::ended;
  delivery_.reset();
  pending_acknowledgments_.clear();
}

void StreamServerSession::binary_received() {
  if (state_ == State::ended) return;
  send_error("UNSUPPORTED_ENCODING", "this server speaks JSON text frames only", false);
  end(protocol::kCloseUnsupportedData, "binary frames are not supported");
}

void StreamServerSession::text_received(std::string_view frame, Now now) {
  if (state_ == State::ended) return;
  Result<protocol::StreamMessage> message = protocol::parse_stream_message(frame);
  if (!message) {
    // What a later version may say is passed over; what is no message ends the connection, because
    // nobody knows what got lost in it.
    if (message.error().code == ErrorCode::unsupported) return;
    send_error("INVALID_MESSAGE", message.error().message, false);
    const bool malformed = message.error().code == ErrorCode::invalid_data;
    return end(malformed ? protocol::kCloseInvalidPayload : protocol::kCloseProtocolError,
               "invalid message");
  }
  if (auto* handshake = std::get_if<Handshake>(&*message)) return receive(*handshake);
  if (state_ != State::streaming) {
    send_error("HANDSHAKE_REQUIRED", "the first message must be a handshake", false);
    return end(protocol::kCloseProtocolError, "handshake required");
  }
  if (const auto* batch = std::get_if<OperationBatch>(&*message)) return receive(*batch, now);
  if (const auto* acknowledgment = std::get_if<Acknowledgment>(&*message)) {
    return receive(*acknowledgment, now);
  }
}

void StreamServerSession::receive(Handshake& message) {
  if (state_ != State::connected) {
    return send_error("DUPLICATE_HANDSHAKE", "Handshake already completed", false);
  }
  if (!core::check_name("a node", message.node)) {
    send_error("INVALID_MESSAGE", "handshake field 'nodeId' must be a non-empty string", false);
    return end(protocol::kCloseProtocolError, "invalid message");
  }
  state_ = State::opening;
  node_ = message.node;
  client_schema_version_ = message.schema_version;
  client_watermark_ = message.last_delivery_sequence;
  client_lacks_own_history_ = message.own_history.value_or(false);
  if (!client_watermark_) {
    client_vector_ = message.version_vector;
    const auto cursor = protocol::parse_delta_cursor(message.delta_cursor.value_or(""));
    if (cursor) client_cursor_ = cursor->last_operation_id;
  }
  host_.open(message);
}

void StreamServerSession::refuse_schema(StreamGrant grant, Now now) {
  const std::int64_t min = options_.min_schema_version;
  const std::int64_t max = options_.max_schema_version;
  HandshakeResponse response;
  response.message_id = message_ids_.next();
  response.node = std::move(grant.server_node);
  response.schema_version = options_.schema_version;
  response.supported_schema_min = min;
  response.supported_schema_max = max;
  response.server_time_ms = now.wall_ms;
  response.reject_reason = "SCHEMA_MISMATCH: client schema version " +
                           std::to_string(client_schema_version_) + " not in supported range [" +
                           std::to_string(min) + ", " + std::to_string(max) + "]";
  host_.send_text(encode(response));
  end(protocol::kCloseNormal, "schema version mismatch");
}

void StreamServerSession::opened(StreamGrant grant, Now now) {
  if (state_ != State::opening) return;
  if (client_schema_version_ < options_.min_schema_version ||
      client_schema_version_ > options_.max_schema_version) {
    return refuse_schema(std::move(grant), now);
  }
  state_ = State::streaming;
  HandshakeResponse response;
  response.message_id = message_ids_.next();
  response.node = std::move(grant.server_node);
  response.version_vector = std::move(grant.version_vector);
  response.schema_version = options_.schema_version;
  response.accepted = true;
  response.selected_wire_format = "json";
  response.server_time_ms = now.wall_ms;
  if (client_watermark_) {
    response.server_max_delivery_sequence = grant.log.delivery_sequence;
    response.max_operation_bytes = static_cast<std::int64_t>(options_.max_operation_bytes);
    if (client_lacks_own_history_) response.own_history = true;
    response.proof = std::move(grant.log.proof);
    if (!grant.timeline.empty()) response.timeline = std::move(grant.timeline);
    if (!grant.next_timeline.empty()) response.next_timeline = std::move(grant.next_timeline);
    if (grant.restored) response.restored = true;
    // Beyond the end of this log it means another log: from the start.
    if (*client_watermark_ < 0 || *client_watermark_ > grant.log.delivery_sequence ||
        grant.restored) {
      client_watermark_ = 0;
    }
  }
  host_.send_text(encode(response));
  delivery_ = std::make_unique<Delivery>(delivery_options(grant.log.delivery_sequence));
}

DeliveryOptions StreamServerSession::delivery_options(std::int64_t log_end) {
  DeliveryOptions delivery;
  delivery.node = node_;
  delivery.tag = options_.tag + "-d";
  delivery.view_tag = options_.view_tag;
  delivery.watermark = client_watermark_;
  delivery.own_history = client_lacks_own_history_;
  delivery.vector = std::exchange(client_vector_, {});
  delivery.resume_after = std::exchange(client_cursor_, std::nullopt);
  delivery.log_end = log_end;
  delivery.batch_operations = options_.batch_operations;
  delivery.batch_bytes = options_.batch_bytes;
  delivery.max_unacknowledged_bytes = options_.max_unacknowledged_bytes;
  delivery.resend_after_ms = options_.resend_after_ms;
  delivery.max_resend_after_ms = options_.max_resend_after_ms;
  delivery.max_difference_bytes = options_.max_difference_bytes;
  return delivery;
}

void StreamServerSession::refused(const Error& error) {
  if (state_ != State::opening) return;
  if (error.code == ErrorCode::unauthenticated || error.code == ErrorCode::permission_denied) {
    send_error("AUTH_FAILED", error.message, false);
    return end(protocol::kCloseNormal, "authentication failed");
  }
  send_error("SYNC_ERROR", error.message, true);
  end(protocol::kCloseTryAgainLater, "not available now");
}

void StreamServerSession::receive(const OperationBatch& message, Now now) {
  if (message.operations.size() > options_.max_batch_operations) {
    send_error("INVALID_MESSAGE",
               "a batch may have " + std::to_string(options_.max_batch_operations) + " operations",
               false);
    return end(protocol::kCloseMessageTooBig, "too many operations");
  }
  Upload upload;
  upload.token = next_token_++;
  upload.operations.reserve(message.operations.size());
  PendingAcknowledgment pending;
  pending.token = upload.token;
  pending.message_id = message.message_id;
  bool go_on = true;
  for (const std::string_view body : message.operations) {
    go_on = take_operation(body, now, upload.operations, pending.last_sequence_number);
    if (!go_on) break;
    pending.bytes += body.size();
  }
  pending.ready = upload.operations.empty();
  // What was taken before the one that ends the session is stored all the same; the client will
  // send it again, and it will be known.
  if (go_on) {
    uncommitted_bytes_ += pending.bytes;
    pending_acknowledgments_.push_back(std::move(pending));
    acknowledge_ready();
  }
  if (!upload.operations.empty()) host_.submit(std::move(upload));
  if (state_ == State::ended || reading_paused_) return;
  if (uncommitted_bytes_ > options_.max_uncommitted_bytes) {
    reading_paused_ = true;
    host_.pause_reading();
  }
}

// Rejects by name what is no operation, so that the client can put it aside. What has no name ends
// the session.
bool StreamServerSession::reject_unreadable(std::string_view body, const Error& error) {
  protocol::OperationLabel label = protocol::read_operation_label(body);
  if (label.id.empty()) {
    send_error("INVALID_MESSAGE", "an operation without an id: " + error.message, false);
    end(protocol::kCloseInvalidPayload, "invalid message");
    return false;
  }
  reject({std::move(label.id), std::move(label.collection), std::move(label.record),
          "VALIDATION_ERROR", error.message, false});
  return true;
}

bool StreamServerSession::take_operation(std::string_view body, Now now,
                                         std::vector<UploadedOperation>& taken,
                                         std::int64_t& last_sequence_number) {
  Result<core::Operation> operation = protocol::parse_operation_json(body);
  if (!operation) return reject_unreadable(body, operation.error());
  last_sequence_number = operation->sequence_number;
  if (operation->timestamp.wall_ms > now.wall_ms + options_.max_clock_ahead_ms) {
    send_error("INVALID_TIMESTAMP",
               "Operation \"" + operation->id + "\" timestamp is too far in the future", false);
    end(protocol::kClosePolicyViolation, "timestamp too far in the future");
    return false;
  }
  if (!within_rate(now)) {
    send_error("RATE_LIMIT",
               "Session exceeded operation rate limit (" +
                   std::to_string(options_.operations_per_minute) + " ops/min)",
               true);
    end(protocol::kCloseTryAgainLater, "rate limit");
    return false;
  }
  if (body.size() > options_.max_operation_bytes) {
    reject(rejection_of(*operation, "OPERATION_TOO_LARGE",
                        "Operation \"" + operation->id + "\" exceeds max size (" +
                            std::to_string(body.size()) + " > " +
                            std::to_string(options_.max_operation_bytes) + " bytes)"));
    return true;
  }
  if (const Result<void> checked = check(*operation); !checked) {
    reject(rejection_of(*operation, "VALIDATION_ERROR", checked.error().message));
    return true;
  }
  taken.push_back({std::move(*operation), std::string(body)});
  return true;
}

bool StreamServerSession::within_rate(Now now) {
  if (options_.operations_per_minute <= 0) return true;
  if (rate_count_ == 0 || now.monotonic_ms - rate_window_start_ms_ >= kRateWindowMs) {
    rate_window_start_ms_ = now.monotonic_ms;
    rate_count_ = 0;
  }
  return ++rate_count_ <= options_.operations_per_minute;
}

void StreamServerSession::reject(const Rejection& rejection) {
  host_.send_text(encode(OperationRejected{message_ids_.next(), rejection.operation_id,
                                           rejection.collection, rejection.record, rejection.code,
                                           rejection.message, rejection.retriable}));
}

void StreamServerSession::committed(std::int64_t token, const Result<UploadOutcome>& outcome) {
  if (state_ == State::ended) return;
  const auto pending = std::find_if(
      pending_acknowledgments_.begin(), pending_acknowledgments_.end(),
      [&](const PendingAcknowledgment& candidate) { return candidate.token == token; });
  if (pending == pending_acknowledgments_.end()) return;
  if (!outcome) {
    const ErrorCode code = outcome.error().code;
    const bool retriable = code == ErrorCode::busy || code == ErrorCode::storage ||
                           code == ErrorCode::unavailable || code == ErrorCode::timeout;
    send_error("SYNC_ERROR", outcome.error().message, true);
    return end(retriable ? protocol::kCloseTryAgainLater : protocol::kCloseInternalError,
               "the batch was not stored");
  }
  for (const Rejection& rejection : outcome->rejections) reject(rejection);
  pending->ready = true;
  pending->log = outcome->log;
  acknowledge_ready();
  if (state_ == State::ended) return;
  if (reading_paused_ && uncommitted_bytes_ <= options_.max_uncommitted_bytes / 2) {
    reading_paused_ = false;
    host_.resume_reading();
  }
}

// In the order in which the batches came.
void StreamServerSession::acknowledge_ready() {
  std::size_t done = 0;
  for (PendingAcknowledgment& pending : pending_acknowledgments_) {
    if (!pending.ready) break;
    if (const Result<void> sent = acknowledge(pending); !sent) {
      send_error("SYNC_ERROR", sent.error().message, true);
      return end(protocol::kCloseTryAgainLater, "not available now");
    }
    ++done;
  }
  pending_acknowledgments_.erase(
      pending_acknowledgments_.begin(),
      pending_acknowledgments_.begin() + static_cast<std::ptrdiff_t>(done));
}

Result<void> StreamServerSession::acknowledge(PendingAcknowledgment& pending) {
  Acknowledgment acknowledgment;
  acknowledgment.message_id = message_ids_.next();
  acknowledgment.acknowledged_message_id = std::move(pending.message_id);
  acknowledgment.last_sequence_number = pending.last_sequence_number;
  if (client_watermark_) {
    if (!pending.log) {
      Result<LogPosition> log = host_.read_log_position();
      if (!log) return fail(log);
      pending.log = std::move(*log);
      delivery_->owe_final(pending.log->delivery_sequence);
    }
    acknowledgment.server_max_delivery_sequence = pending.log->delivery_sequence;
    acknowledgment.proof = std::move(pending.log->proof);
  }
  uncommitted_bytes_ -= pending.bytes;
  host_.send_text(encode(acknowledgment));
  return {};
}

void StreamServerSession::receive(const Acknowledgment& message, Now now) {
  delivery_->acknowledged(message, now.monotonic_ms);
}

void StreamServerSession::operations_committed(std::int64_t highest_sequence) {
  if (delivery_ != nullptr) delivery_->log_grew(highest_sequence);
}

std::optional<DeliveryRequest> StreamServerSession::wanted() const {
  if (delivery_ == nullptr || !host_.can_send()) return std::nullopt;
  return delivery_->wanted();
}

void StreamServerSession::operations_read(const DeliveryPage& page, Now now) {
  if (delivery_ == nullptr) return;
  const Result<void> done = delivery_->read(page, now.monotonic_ms, host_);
  if (done) return;
  send_error("SYNC_ERROR", done.error().message, false);
  end(protocol::kCloseInternalError, "cannot continue");
}

bool StreamServerSession::leaves_out_own(std::int64_t after) const {
  return delivery_ != nullptr && delivery_->leaves_out_own(after);
}

std::int64_t StreamServerSession::log_position() const {
  return delivery_ != nullptr ? delivery_->scanned() : 0;
}

void StreamServerSession::tick(Now now) {
  if (state_ == State::connected &&
      now.monotonic_ms - started_at_ms_ >= options_.handshake_timeout_ms) {
    return end(protocol::kClosePolicyViolation, "no handshake");
  }
  if (delivery_ != nullptr && host_.can_send()) delivery_->tick(now.monotonic_ms);
}

}  // namespace tombolo::sync
