#include "sync/stream_client_session.h"

#include <algorithm>
#include <utility>

#include "protocol/operation_json.h"

namespace tombolo::sync {
namespace {

using protocol::Acknowledgment;
using protocol::ErrorMessage;
using protocol::Handshake;
using protocol::HandshakeResponse;
using protocol::OperationBatch;
using protocol::OperationRejected;

// Close codes (RFC 6455 section 7.4.1).
constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kInternalError = 1011;

constexpr std::string_view kSchemaMismatch = "SCHEMA_MISMATCH";
constexpr std::int64_t kClockRetryMs = 1'000;  // until an operation from the future is tried again

}  // namespace

std::string_view name_of(ClientEvent event) {
  switch (event) {
    case ClientEvent::connected:
      return "connected";
    case ClientEvent::initial_sync_done:
      return "initial_sync_done";
    case ClientEvent::batch_received:
      return "batch_received";
    case ClientEvent::batch_sent:
      return "batch_sent";
    case ClientEvent::batch_acknowledged:
      return "batch_acknowledged";
    case ClientEvent::apply_failed:
      return "apply_failed";
    case ClientEvent::authentication_failed:
      return "authentication_failed";
    case ClientEvent::schema_mismatch:
      return "schema_mismatch";
    case ClientEvent::clock_skew:
      return "clock_skew";
    case ClientEvent::server_error:
      return "server_error";
    case ClientEvent::server_restored:
      return "server_restored";
    case ClientEvent::diverged:
      return "diverged";
    case ClientEvent::unreadable_operation:
      return "unreadable_operation";
  }
  return "unknown";
}

const DownloadedOperation* DownloadedBatch::next() {
  while (!bodies_.empty()) {
    current_.body = bodies_.front();
    bodies_ = bodies_.subspan(1);
    Result<core::Operation> operation = protocol::parse_operation_json(current_.body);
    if (!operation) {
      // It can never be applied, and to wait for it would hold up everything behind it.
      if (unreadable_count++ == 0) first_problem = std::move(operation.error().message);
      continue;
    }
    current_.operation = std::move(*operation);
    ++operation_count;
    last_sequence_number = current_.operation.sequence_number;
    return &current_;
  }
  return nullptr;
}

StreamClientSession::StreamClientSession(StreamClientHost& host, StreamClientOptions options)
    : host_(host), options_(std::move(options)) {}

std::string StreamClientSession::next_message_id() {
  return options_.tag + "-" + std::to_string(next_message_++);
}

void StreamClientSession::end(std::uint16_t code, std::string_view reason, bool retry) {
  if (state_ == State::ended) return;
  state_ = State::ended;
  in_flight_.reset();
  host_.close(code, reason, retry);
}

// Our own disk refuses: nothing can be promised, so the connection ends and is tried again.
bool StreamClientSession::failed(const Result<void>& done) {
  if (done) return false;
  end(kInternalError, done.error().message, true);
  return true;
}

Connection StreamClientSession::connection() const {
  if (state_ == State::ended) return Connection::disconnected;
  if (state_ != State::active) return Connection::connecting;
  return downloaded_ && uploaded_ ? Connection::streaming : Connection::syncing;
}

void StreamClientSession::opened(Now now) {
  if (state_ != State::idle) return;
  state_ = State::handshaking;
  opened_at_ms_ = now.monotonic_ms;
  Handshake message;
  message.message_id = next_message_id();
  message.node = options_.node;
  message.version_vector = options_.version_vector;
  message.schema_version = options_.schema_version;
  message.auth_token = options_.auth_token;
  message.supported_wire_formats = {"json"};
  message.last_delivery_sequence = options_.watermark;
  host_.send_text(encode(message));
}

void StreamClientSession::closed() {
  state_ = State::ended;
  in_flight_.reset();
}

void StreamClientSession::binary_received() {
  end(kUnsupportedData, "only JSON text frames were offered", true);
}

void StreamClientSession::text_received(std::string_view frame, Now now) {
  if (state_ != State::handshaking && state_ != State::active) return;
  Result<protocol::StreamMessage> message = protocol::parse_stream_message(frame);
  if (!message) {
    if (message.error().code == ErrorCode::unsupported) return;
    host_.event(ClientEvent::server_error, 0, message.error().message);
    return end(kProtocolError, "the message cannot be read", true);
  }
  if (auto* response = std::get_if<HandshakeResponse>(&*message)) return receive(*response, now);
  if (auto* error = std::get_if<ErrorMessage>(&*message)) return receive(*error);
  if (state_ != State::active) return;
  if (auto* batch = std::get_if<OperationBatch>(&*message)) return receive(*batch);
  if (auto* acknowledgment = std::get_if<Acknowledgment>(&*message)) {
    return receive(*acknowledgment, now);
  }
  if (auto* rejected = std::get_if<OperationRejected>(&*message)) return receive(*rejected, now);
}

void StreamClientSession::receive(HandshakeResponse& message, Now now) {
  if (state_ != State::handshaking) return;
  judge_clock(message.server_time_ms, now.wall_ms);
  if (!message.accepted) {
    const std::string reason = message.reject_reason.value_or("the server refused the handshake");
    const bool mismatch = reason.starts_with(kSchemaMismatch);
    if (mismatch) block_ = Block::schema_mismatch;
    host_.event(mismatch ? ClientEvent::schema_mismatch : ClientEvent::server_error, 0, reason);
    return end(kNormal, "handshake refused", !mismatch);
  }
  state_ = State::active;
  server_sequence_ = message.server_max_delivery_sequence.value_or(0);
  proof_ = std::move(message.proof);
  host_.event(ClientEvent::connected, server_sequence_, message.node);
  if (message.server_max_delivery_sequence && server_sequence_ < options_.watermark) {
    // It answers to a watermark beyond its end as to 0, so this connection can go on.
    if (!start_over(ClientEvent::server_restored, message.version_vector)) return;
  } else if (own_history_lost(message)) {
    // It leaves out our own operations unless we ask from 0: ask again.
    if (!start_over(ClientEvent::diverged, message.version_vector)) return;
    return end(kNormal, "starting over", true);
  }
  upload(now);
}

// Whether the server has operations of ours that we do not have: this database is an older copy of
// itself.
bool StreamClientSession::own_history_lost(const HandshakeResponse& message) const {
  return options_.watermark > 0 && core::seen(message.version_vector, options_.node) >
                                       core::seen(options_.version_vector, options_.node);
}

bool StreamClientSession::start_over(ClientEvent why, const core::VersionVector& server_vector) {
  host_.event(why, server_sequence_, "");
  if (failed(host_.start_over(server_vector))) return false;
  options_.watermark = 0;
  upload_position_ = 0;
  return true;
}

// Kora protocol section 23.
void StreamClientSession::judge_clock(std::optional<std::int64_t> server_time_ms,
                                      std::int64_t wall_ms) {
  if (!server_time_ms) return;
  const std::int64_t skew = *server_time_ms - wall_ms;
  clock_skew_ms_ = skew;
  if (skew < -options_.max_clock_ahead_ms) {
    block_ = Block::clock;
    host_.event(ClientEvent::clock_skew, skew, "fast-blocked");
  } else if (skew > options_.max_clock_behind_ms) {
    host_.event(ClientEvent::clock_skew, skew, "slow-warning");
  }
}

// The rules of Kora protocol section 8.2.
void StreamClientSession::receive(OperationBatch& message) {
  if (!message.max_delivery_sequence) return apply(message, options_.watermark);
  const std::int64_t watermark = options_.watermark;
  const std::int64_t base = message.base_delivery_sequence.value_or(0);
  const std::int64_t max = *message.max_delivery_sequence;
  server_sequence_ = std::max(server_sequence_, max);
  if (base > watermark || max < base) return;
  if (base < watermark) {
    acknowledge(message, watermark, 0);
    if (message.is_final && max <= watermark && !downloaded_) {
      downloaded_ = true;
      host_.event(ClientEvent::initial_sync_done, watermark, "");
    }
    return;
  }
  apply(message, max);
}

void StreamClientSession::apply(const OperationBatch& message, std::int64_t watermark) {
  DownloadedBatch batch(message.operations);
  batch.watermark = watermark;
  const bool changes = !message.operations.empty() || watermark != options_.watermark;
  if (changes || message.proof) {
    if (const Result<void> done = host_.apply(batch); !done) {
      host_.event(ClientEvent::apply_failed, 0, done.error().message);
      return;
    }
  }
  options_.watermark = watermark;
  note_proof(message.proof);
  if (batch.unreadable_count > 0) {
    host_.event(ClientEvent::unreadable_operation, batch.unreadable_count, batch.first_problem);
  }
  if (batch.operation_count > 0) {
    host_.event(ClientEvent::batch_received, batch.operation_count, "");
  }
  std::optional<std::int64_t> delivered;
  if (message.max_delivery_sequence) delivered = watermark;
  acknowledge(message, delivered, batch.last_sequence_number);
  if (!message.is_final) return;
  if (!downloaded_) {
    downloaded_ = true;
    host_.event(ClientEvent::initial_sync_done, watermark, "");
  }
  compare_replicas();
}

void StreamClientSession::acknowledge(const OperationBatch& message,
                                      std::optional<std::int64_t> delivery_sequence,
                                      std::int64_t last_sequence_number) {
  Acknowledgment acknowledgment;
  acknowledgment.message_id = next_message_id();
  acknowledgment.acknowledged_message_id = message.message_id;
  acknowledgment.last_sequence_number = last_sequence_number;
  acknowledgment.delivery_sequence = delivery_sequence;
  host_.send_text(encode(acknowledgment));
}

void StreamClientSession::note_proof(const std::optional<protocol::Proof>& proof) {
  if (!proof || (proof_ && proof->sequence < proof_->sequence)) return;
  proof_ = proof;
  server_sequence_ = std::max(server_sequence_, proof->sequence);
}

// Everything up to the watermark was delivered, nothing of ours is under way, and the server says
// what it has up to exactly there: now both must hold the same.
void StreamClientSession::compare_replicas() {
  if (!proof_ || proof_->sequence != options_.watermark || in_flight_) return;
  const Result<std::optional<std::string>> mine = host_.fingerprint();
  if (!mine || !*mine || **mine == proof_->fingerprint) return;
  const Result<std::vector<PendingOperation>> pending = host_.read_pending(0, 1, 1);
  if (!pending || !pending->empty()) return;
  if (!options_.may_start_over) return host_.event(ClientEvent::diverged, server_sequence_, "");
  if (start_over(ClientEvent::diverged, {})) end(kNormal, "starting over", true);
}

void StreamClientSession::receive(Acknowledgment& message, Now now) {
  if (!in_flight_ || message.acknowledged_message_id != in_flight_->message_id) return;
  std::vector<std::string> ids;
  ids.reserve(in_flight_->operations.size());
  for (PendingOperation& operation : in_flight_->operations) ids.push_back(std::move(operation.id));
  in_flight_.reset();
  note_proof(message.proof);
  if (failed(host_.mark_acknowledged(ids, message.proof))) return;
  host_.event(ClientEvent::batch_acknowledged, static_cast<std::int64_t>(ids.size()), "");
  upload(now);
}

void StreamClientSession::receive(OperationRejected& message, Now now) {
  if (!in_flight_) return;
  std::vector<PendingOperation>& operations = in_flight_->operations;
  const auto refused = std::find_if(
      operations.begin(), operations.end(),
      [&](const PendingOperation& operation) { return operation.id == message.operation_id; });
  if (refused == operations.end()) return;
  operations.erase(refused);
  if (message.retriable) {
    upload_again_at_ms_ = now.monotonic_ms + options_.retry_refused_ms;
    return;
  }
  failed(host_.bury(
      {std::move(message.operation_id), std::move(message.code), std::move(message.message)}));
}

void StreamClientSession::receive(ErrorMessage& message) {
  const std::string text = message.code + ": " + message.message;
  if (message.code == "AUTH_FAILED") {
    block_ = Block::authentication;
    host_.event(ClientEvent::authentication_failed, 0, message.message);
    return end(kNormal, "authentication failed", false);
  }
  if (message.code == "INVALID_TIMESTAMP") block_ = Block::clock;
  host_.event(ClientEvent::server_error, 0, text);
  end(kNormal, message.code, true);
}

void StreamClientSession::pending_changed(Now now) {
  upload(now);
}

bool StreamClientSession::ask(Now now) {
  if (state_ != State::active || in_flight_) return false;
  upload_position_ = 0;
  upload(now);
  if (in_flight_) return true;
  if (state_ != State::active) return false;
  OperationBatch message;
  message.message_id = next_message_id();
  message.is_final = true;
  const std::string frame = encode(message);
  in_flight_ = InFlight{std::move(message.message_id), {}, now.monotonic_ms};
  host_.send_text(frame);
  return true;
}

void StreamClientSession::tick(Now now) {
  if (state_ == State::handshaking &&
      now.monotonic_ms - opened_at_ms_ >= options_.handshake_timeout_ms) {
    return end(kNormal, "no answer to the handshake", true);
  }
  if (state_ != State::active) return;
  if (in_flight_ &&
      now.monotonic_ms - in_flight_->sent_at_ms >= options_.acknowledgment_timeout_ms) {
    return end(kNormal, "no acknowledgment", true);
  }
  if (!upload_again_at_ms_ || now.monotonic_ms < *upload_again_at_ms_ || in_flight_) return;
  upload_again_at_ms_.reset();
  upload_position_ = 0;
  upload(now);
}

void StreamClientSession::upload(Now now) {
  if (state_ != State::active || in_flight_) return;
  Result<std::vector<PendingOperation>> pending =
      host_.read_pending(upload_position_, options_.batch_operations, options_.batch_bytes);
  if (!pending) return end(kInternalError, pending.error().message, true);
  pending->resize(count_sendable(*pending, now));
  if (pending->empty()) {
    uploaded_ = true;
    return;
  }
  send_batch(std::move(*pending), now);
}

// How many of `operations` the server will not refuse as coming from the future. The rest waits, in
// order, until its time has come there.
std::size_t StreamClientSession::count_sendable(const std::vector<PendingOperation>& operations,
                                                Now now) {
  if (!clock_skew_ms_) return operations.size();
  const std::int64_t latest = now.wall_ms + *clock_skew_ms_ + options_.max_clock_ahead_ms;
  const auto held =
      std::find_if(operations.begin(), operations.end(),
                   [&](const PendingOperation& operation) { return operation.wall_ms > latest; });
  if (held != operations.end()) {
    block_ = Block::clock;
    upload_again_at_ms_ = now.monotonic_ms + kClockRetryMs;
  } else if (block_ == Block::clock && *clock_skew_ms_ >= -options_.max_clock_ahead_ms) {
    block_ = Block::none;
  }
  return static_cast<std::size_t>(held - operations.begin());
}

void StreamClientSession::send_batch(std::vector<PendingOperation> operations, Now now) {
  OperationBatch message;
  message.message_id = next_message_id();
  message.is_final = true;
  message.operations.reserve(operations.size());
  for (const PendingOperation& operation : operations) {
    message.operations.push_back(operation.body);
  }
  const std::string frame = encode(message);
  upload_position_ = operations.back().position;
  for (PendingOperation& operation : operations) operation.body = {};
  const auto count = static_cast<std::int64_t>(operations.size());
  in_flight_ = InFlight{std::move(message.message_id), std::move(operations), now.monotonic_ms};
  host_.send_text(frame);
  host_.event(ClientEvent::batch_sent, count, "");
}

}  // namespace tombolo::sync
