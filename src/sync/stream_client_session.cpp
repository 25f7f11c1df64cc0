#include "sync/stream_client_session.h"

#include <algorithm>
#include <utility>

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

constexpr std::string_view kSchemaMismatch = "SCHEMA_MISMATCH";
// Without news while something seems to be missing, until the server is asked; doubles.
constexpr std::int64_t kFirstAskMs = 1'000;
constexpr std::int64_t kMaxAskMs = 30'000;

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

StreamClientSession::StreamClientSession(StreamClientHost& host, StreamClientOptions options)
    : host_(host),
      options_(std::move(options)),
      message_ids_(options_.tag),
      liveness_(options_.ask_after_silence_ms, options_.give_up_after_ms) {}

void StreamClientSession::end(std::uint16_t code, std::string_view reason, bool retry) {
  if (state_ == State::ended) return;
  closed();
  host_.close(code, reason, retry);
}

// Our own disk refuses: nothing can be promised, so the connection ends and is tried again.
bool StreamClientSession::failed(const Result<void>& done) {
  if (done) return false;
  end(protocol::kCloseInternalError, done.error().message, true);
  return true;
}

Connection StreamClientSession::connection() const {
  if (state_ == State::ended) return Connection::disconnected;
  if (state_ != State::active) return Connection::connecting;
  const bool complete = downloaded_ && uploaded_ && !series_open_;
  return complete ? Connection::streaming : Connection::syncing;
}

void StreamClientSession::opened(Now now) {
  if (state_ != State::idle) return;
  state_ = State::handshaking;
  opened_at_ms_ = now.monotonic_ms;
  Handshake message;
  message.message_id = message_ids_.next();
  message.node = options_.node;
  message.version_vector = options_.version_vector;
  message.schema_version = options_.schema_version;
  message.auth_token = options_.auth_token;
  message.supported_wire_formats = {"json"};
  message.last_delivery_sequence = options_.watermark;
  if (options_.lacks_own_history) message.own_history = true;
  if (options_.reached.sequence > 0 && !options_.reached.timeline.empty()) {
    message.timeline = options_.reached.timeline;
    if (options_.reached.sequence != options_.watermark) {
      message.timeline_sequence = options_.reached.sequence;
    }
  }
  host_.send_text(encode(message));
}

void StreamClientSession::closed() {
  state_ = State::ended;
  in_flight_.clear();
}

void StreamClientSession::binary_received() {
  end(protocol::kCloseUnsupportedData, "only JSON text frames were offered", true);
}

void StreamClientSession::text_received(std::string_view frame, Now now) {
  if (state_ != State::handshaking && state_ != State::active) return;
  liveness_.heard(now.monotonic_ms);
  Result<protocol::StreamMessage> message = protocol::parse_stream_message(frame);
  if (!message) {
    if (message.error().code == ErrorCode::unsupported) return;
    host_.event(ClientEvent::server_error, 0, message.error().message);
    return end(protocol::kCloseProtocolError, "the message cannot be read", true);
  }
  if (auto* response = std::get_if<HandshakeResponse>(&*message)) return receive(*response, now);
  if (auto* error = std::get_if<ErrorMessage>(&*message)) return receive(*error);
  if (state_ != State::active) return;
  if (auto* batch = std::get_if<OperationBatch>(&*message)) return receive(*batch, now);
  if (auto* acknowledgment = std::get_if<Acknowledgment>(&*message)) {
    return receive(*acknowledgment, now);
  }
  if (auto* rejected = std::get_if<OperationRejected>(&*message)) return receive(*rejected, now);
}

void StreamClientSession::receive(HandshakeResponse& message, Now now) {
  if (state_ != State::handshaking) return;
  judge_clock(message.server_time_ms, now);
  if (!message.accepted) {
    const std::string reason = message.reject_reason.value_or("the server refused the handshake");
    const bool mismatch = reason.starts_with(kSchemaMismatch);
    if (mismatch) block_ = Block::schema_mismatch;
    host_.event(mismatch ? ClientEvent::schema_mismatch : ClientEvent::server_error, 0, reason);
    return end(protocol::kCloseNormal, "handshake refused", !mismatch);
  }
  state_ = State::active;
  server_sequence_ = std::max<std::int64_t>(0, message.server_max_delivery_sequence.value_or(0));
  proof_ = std::move(message.proof);
  if (message.max_operation_bytes.value_or(0) > 0) {
    options_.max_operation_bytes = std::min(options_.max_operation_bytes,
                                            static_cast<std::size_t>(*message.max_operation_bytes));
  }
  host_.event(ClientEvent::connected, server_sequence_, message.node);
  handshake_sequence_ = server_sequence_;
  timeline_ = message.timeline.value_or("");
  next_timeline_ = message.next_timeline.value_or("");
  // What we know of one server says nothing about another one; the host will connect anew.
  const bool is_known = options_.server.empty() || options_.server == message.node;
  if (is_known && server_was_restored(message)) {
    return start_over(ClientEvent::server_restored, held_after_restore(message));
  }
  if (is_known && own_history_lost(message)) {
    return start_over(ClientEvent::diverged, message.version_vector);
  }
  upload(now);
}

// Whether what we know of belongs to another log than the server has now.
bool StreamClientSession::server_was_restored(const HandshakeResponse& message) const {
  const std::int64_t reached = std::max(options_.watermark, options_.reached.sequence);
  if (reached == 0) return false;
  return message.restored.value_or(false) ||
         (message.server_max_delivery_sequence && server_sequence_ < reached);
}

// What a restored server is trusted to have. A version vector does not show what is missing below
// the newest: operations that were refused at first, and sent again later. Of our own it may lack
// such; of others' as well, and where no fingerprint would tell, everything is sent.
core::VersionVector StreamClientSession::held_after_restore(const HandshakeResponse& message) {
  const Result<std::optional<std::string>> mine = host_.fingerprint();
  if (!mine || !*mine || !proof_) return {};
  core::VersionVector others = message.version_vector;
  others.erase(options_.node);
  return others;
}

LogPlace StreamClientSession::place_of(std::int64_t sequence) const {
  return {sequence, sequence > handshake_sequence_ ? next_timeline_ : timeline_};
}

// Whether the server has operations of ours that we do not have: this database is an older copy of
// itself, and the server would leave them out.
bool StreamClientSession::own_history_lost(const HandshakeResponse& message) const {
  return options_.watermark > 0 && !message.own_history.value_or(false) &&
         core::seen(message.version_vector, options_.node) >
             core::seen(options_.version_vector, options_.node);
}

// On a new connection: a server sends from the watermark of the handshake on, without our own
// operations unless that is 0, and nothing else tells it to go back. Whether it took ours for 0
// already (a watermark beyond its end) is its word alone, and if it did not, every batch would
// start beyond us for ever.
void StreamClientSession::start_over(ClientEvent why, const core::VersionVector& server_vector) {
  host_.event(why, server_sequence_, "");
  if (failed(host_.start_over(server_vector, server_sequence_))) return;
  options_.watermark = 0;
  end(protocol::kCloseNormal, "starting over", true);
}

// Kora protocol section 23.
void StreamClientSession::judge_clock(std::optional<std::int64_t> server_time_ms, Now now) {
  if (!server_time_ms) return;
  const std::int64_t skew = *server_time_ms - now.wall_ms;
  clock_skew_ms_ = skew;
  server_time_at_zero_ms_ = *server_time_ms - now.monotonic_ms;
  if (skew < -options_.max_clock_ahead_ms) {
    block_ = Block::clock;
    host_.event(ClientEvent::clock_skew, skew, "fast-blocked");
  } else if (skew > options_.max_clock_behind_ms) {
    host_.event(ClientEvent::clock_skew, skew, "slow-warning");
  }
}

// The rules of Kora protocol section 8.2.
void StreamClientSession::receive(OperationBatch& message, Now now) {
  settled_ = false;
  if (!message.max_delivery_sequence) return apply(message, options_.watermark, now);
  const std::int64_t watermark = options_.watermark;
  const std::int64_t base = message.base_delivery_sequence.value_or(0);
  const std::int64_t max = *message.max_delivery_sequence;
  server_sequence_ = std::max(server_sequence_, max);
  if (base > watermark || max < base) return;
  if (base < watermark) {
    acknowledge(message, watermark, 0);
    if (!message.is_final || max > watermark) return;
    if (max == watermark) series_open_ = false;
    return note_downloaded();
  }
  apply(message, max, now);
}

void StreamClientSession::note_downloaded() {
  if (std::exchange(downloaded_, true)) return;
  host_.event(ClientEvent::initial_sync_done, options_.watermark, "");
}

void StreamClientSession::apply(const OperationBatch& message, std::int64_t watermark, Now now) {
  DownloadedBatch batch(message.operations);
  batch.watermark = place_of(watermark);
  if (!message.operations.empty() || watermark != options_.watermark) {
    if (const Result<void> done = host_.apply(batch); !done) {
      host_.event(ClientEvent::apply_failed, 0, done.error().message);
      return;
    }
  }
  options_.watermark = watermark;
  note_proof(message.proof);
  if (!batch.unreadable.empty()) {
    host_.event(ClientEvent::unreadable_operation,
                static_cast<std::int64_t>(batch.unreadable.size()),
                batch.unreadable.front().reason);
  }
  if (batch.operation_count > 0) {
    host_.event(ClientEvent::batch_received, batch.operation_count, "");
  }
  std::optional<std::int64_t> delivered;
  if (message.max_delivery_sequence) {
    delivered = watermark;
    series_open_ = !message.is_final;
  }
  acknowledge(message, delivered, batch.last_sequence_number);
  if (!message.is_final) return;
  note_downloaded();
  compare_replicas(now);
}

void StreamClientSession::acknowledge(const OperationBatch& message,
                                      std::optional<std::int64_t> delivery_sequence,
                                      std::int64_t last_sequence_number) {
  Acknowledgment acknowledgment;
  acknowledgment.message_id = message_ids_.next();
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
void StreamClientSession::compare_replicas(Now now) {
  const bool differed = std::exchange(differs_, false);
  if (!proof_ || proof_->sequence != options_.watermark || has_batch_in_flight()) return;
  const Result<std::optional<std::string>> mine = host_.fingerprint();
  if (!mine || !*mine || **mine == proof_->fingerprint) return;
  const Result<std::vector<PendingOperation>> pending = host_.read_pending(0, 1, 1);
  if (!pending || !pending->empty()) return;
  if (now.monotonic_ms >= options_.start_over_not_before_ms) {
    return start_over(ClientEvent::diverged, {});
  }
  differs_ = true;
  if (!differed) host_.event(ClientEvent::diverged, server_sequence_, "");
}

bool StreamClientSession::is_settled() {
  if (settled_) return true;
  StatusFacts facts;
  facts.watermark = options_.watermark;
  facts.server_sequence = server_sequence_;
  facts.server_proof = proof_;
  const Result<std::optional<std::string>> mine = host_.fingerprint();
  if (mine) facts.local_fingerprint = *mine;
  settled_ = replicas_equal(facts);
  if (settled_) ask_wait_ms_ = 0;
  return settled_;
}

// Nothing is under way, and still this is not what the server is known to have: it may owe us
// nothing (it does not send our own operations back), so it is asked for an answer.
void StreamClientSession::ask_when_unsettled(Now now) {
  if (has_batch_in_flight() || connection() != Connection::streaming || is_settled()) {
    ask_at_ms_ = 0;
    return;
  }
  if (ask_at_ms_ == 0) {
    ask_wait_ms_ = std::clamp(ask_wait_ms_ * 2, kFirstAskMs, kMaxAskMs);
    ask_at_ms_ = now.monotonic_ms + ask_wait_ms_;
  }
  if (now.monotonic_ms >= ask_at_ms_) send_question(now);
}

// Where there is no fingerprint to compare, only the watermark tells, and it stays below our own
// operations until the server is asked.
void StreamClientSession::ask_without_proof(Now now) {
  if (connection() != Connection::streaming || options_.watermark >= server_sequence_ ||
      asked_about_ >= server_sequence_) {
    return;
  }
  const Result<std::optional<std::string>> mine = host_.fingerprint();
  if (mine && *mine && proof_) return;
  send_question(now);
}

void StreamClientSession::send_question(Now now) {
  asked_about_ = server_sequence_;
  OperationBatch message;
  message.message_id = message_ids_.next();
  message.is_final = true;
  const std::string frame = encode(message);
  in_flight_.push_back({std::move(message.message_id), {}, frame.size(), now.monotonic_ms});
  host_.send_text(frame);
}

void StreamClientSession::receive(Acknowledgment& message, Now now) {
  const auto acknowledged = std::find_if(
      in_flight_.begin(), in_flight_.end(),
      [&](const InFlight& batch) { return batch.message_id == message.acknowledged_message_id; });
  if (acknowledged == in_flight_.end()) return;
  std::vector<std::string> ids;
  ids.reserve(acknowledged->operations.size());
  for (PendingOperation& operation : acknowledged->operations) {
    ids.push_back(std::move(operation.id));
  }
  in_flight_.erase(acknowledged);
  // The server has begun with the next one no earlier than now.
  if (has_batch_in_flight()) in_flight_.front().sent_at_ms = now.monotonic_ms;
  settled_ = false;
  server_sequence_ = std::max(server_sequence_, message.server_max_delivery_sequence.value_or(0));
  note_proof(message.proof);
  if (!ids.empty()) {
    const std::int64_t end = message.server_max_delivery_sequence.value_or(0);
    if (end > options_.reached.sequence) options_.reached = place_of(end);
    if (failed(host_.mark_acknowledged(ids, options_.reached))) return;
    host_.event(ClientEvent::batch_acknowledged, static_cast<std::int64_t>(ids.size()), "");
  }
  upload(now);
  if (!has_batch_in_flight()) compare_replicas(now);
}

void StreamClientSession::receive(OperationRejected& message, Now now) {
  for (InFlight& batch : in_flight_) {
    const auto refused = std::find_if(
        batch.operations.begin(), batch.operations.end(),
        [&](const PendingOperation& operation) { return operation.id == message.operation_id; });
    if (refused == batch.operations.end()) continue;
    batch.operations.erase(refused);
    return refuse(message, now);
  }
}

void StreamClientSession::refuse(OperationRejected& message, Now now) {
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
    return end(protocol::kCloseNormal, "authentication failed", false);
  }
  if (message.code == "INVALID_TIMESTAMP") block_ = Block::clock;
  host_.event(ClientEvent::server_error, 0, text);
  end(protocol::kCloseNormal, message.code, true);
}

void StreamClientSession::pending_changed(Now now) {
  if (now.monotonic_ms < held_until_ms_) return;  // what is new waits behind what is held
  upload(now);
}

bool StreamClientSession::ask(Now now) {
  if (state_ != State::active || has_batch_in_flight()) return false;
  upload_position_ = 0;
  upload(now);
  if (has_batch_in_flight()) return true;
  if (state_ != State::active) return false;
  send_question(now);
  return true;
}

void StreamClientSession::heard(Now now) {
  liveness_.heard(now.monotonic_ms);
}

// Whether the server owes us something.
bool StreamClientSession::is_waiting() const {
  if (state_ == State::handshaking) return true;
  return state_ == State::active && (has_batch_in_flight() || !downloaded_ || series_open_);
}

bool StreamClientSession::is_gone(Now now) {
  switch (liveness_.look(now.monotonic_ms, is_waiting(), host_.unacknowledged_bytes())) {
    case Liveness::Verdict::fine:
      return false;
    case Liveness::Verdict::ask:
      host_.ping();
      return false;
    case Liveness::Verdict::gone:
      break;
  }
  end(protocol::kCloseNormal, "the server says nothing", true);
  return true;
}

void StreamClientSession::tick(Now now) {
  if (state_ != State::handshaking && state_ != State::active) return;
  if (is_gone(now)) return;
  if (state_ == State::handshaking &&
      now.monotonic_ms - opened_at_ms_ >= options_.handshake_timeout_ms) {
    return end(protocol::kCloseNormal, "no answer to the handshake", true);
  }
  if (state_ != State::active) return;
  if (has_batch_in_flight()) {
    // A slow line takes its time before the server can begin.
    const std::int64_t since_ms =
        std::max(in_flight_.front().sent_at_ms, liveness_.arrived_at_ms().value_or(INT64_MIN));
    if (now.monotonic_ms - since_ms >= options_.acknowledgment_timeout_ms) {
      return end(protocol::kCloseNormal, "no acknowledgment", true);
    }
  }
  if (differs_ && !has_batch_in_flight()) compare_replicas(now);
  ask_when_unsettled(now);
  if (state_ != State::active || !upload_again_at_ms_ || now.monotonic_ms < *upload_again_at_ms_ ||
      has_batch_in_flight())
    return;
  upload_again_at_ms_.reset();
  upload_position_ = 0;
  upload(now);
}

bool StreamClientSession::is_at_rest() const {
  return connection() == Connection::streaming && settled_ && !has_batch_in_flight() && !differs_ &&
         !upload_again_at_ms_;
}

void StreamClientSession::upload(Now now) {
  if (state_ != State::active || has_batch_in_flight()) return;
  if (send_next_batch(now) || state_ != State::active) return;
  uploaded_ = true;
  ask_without_proof(now);
}

bool StreamClientSession::can_upload_more() const {
  if (state_ != State::active || !more_to_upload_ || !has_batch_in_flight()) return false;
  std::size_t bytes = 0;
  for (const InFlight& batch : in_flight_) bytes += batch.bytes;
  return in_flight_.size() < options_.batches_in_flight && bytes <= options_.batch_bytes;
}

void StreamClientSession::upload_more(Now now) {
  if (can_upload_more()) send_next_batch(now);
}

// False when nothing can be sent, or the session has ended.
bool StreamClientSession::send_next_batch(Now now) {
  for (;;) {
    Result<std::vector<PendingOperation>> pending =
        host_.read_pending(upload_position_, options_.batch_operations, options_.batch_bytes);
    if (!pending) {
      end(protocol::kCloseInternalError, pending.error().message, true);
      return false;
    }
    const bool may_be_more = is_full(*pending);
    const std::size_t sendable = count_sendable(*pending, now);
    more_to_upload_ = may_be_more && sendable == pending->size();
    pending->resize(sendable);
    if (pending->empty()) return false;
    upload_position_ = pending->back().position;
    if (!bury_oversized(*pending)) return false;
    if (pending->empty()) continue;
    send_batch(std::move(*pending), now);
    return true;
  }
}

// Whether more may be pending than was read. The bytes that are read end before the limit, by as
// much as the next operation has: half of it is a guess that costs a look at worst.
bool StreamClientSession::is_full(const std::vector<PendingOperation>& operations) const {
  std::size_t bytes = 0;
  for (const PendingOperation& operation : operations) bytes += operation.body.size();
  return operations.size() >= options_.batch_operations || bytes >= options_.batch_bytes / 2;
}

// False: the session has ended.
bool StreamClientSession::bury_oversized(std::vector<PendingOperation>& operations) {
  Result<void> done;
  std::erase_if(operations, [&](PendingOperation& operation) {
    const std::size_t bytes = operation.body.size();
    if (!done || bytes <= options_.max_operation_bytes) return false;
    done = host_.bury({std::move(operation.id), "OPERATION_TOO_LARGE",
                       "the change has " + std::to_string(bytes) + " bytes as JSON, and " +
                           std::to_string(options_.max_operation_bytes) +
                           " may be sent: make the record smaller"});
    return true;
  });
  return !failed(done);
}

// How many of `operations` the server will not refuse as coming from the future. The rest waits, in
// order, until its time has come there.
std::size_t StreamClientSession::count_sendable(const std::vector<PendingOperation>& operations,
                                                Now now) {
  if (!clock_skew_ms_) return operations.size();
  // Our wall clock may have been set right since the handshake.
  const std::int64_t server_time_ms = server_time_at_zero_ms_ + now.monotonic_ms;
  const std::int64_t latest = server_time_ms + options_.max_clock_ahead_ms;
  const auto held =
      std::find_if(operations.begin(), operations.end(),
                   [&](const PendingOperation& operation) { return operation.wall_ms > latest; });
  if (held != operations.end()) {
    block_ = Block::clock;
    held_until_ms_ = held->wall_ms - options_.max_clock_ahead_ms - server_time_at_zero_ms_;
    upload_again_at_ms_ = std::min(upload_again_at_ms_.value_or(held_until_ms_), held_until_ms_);
  } else if (block_ == Block::clock &&
             server_time_ms - now.wall_ms >= -options_.max_clock_ahead_ms) {
    block_ = Block::none;
  }
  return static_cast<std::size_t>(held - operations.begin());
}

void StreamClientSession::send_batch(std::vector<PendingOperation> operations, Now now) {
  OperationBatch message;
  message.message_id = message_ids_.next();
  message.is_final = true;
  message.operations.reserve(operations.size());
  for (const PendingOperation& operation : operations) {
    message.operations.push_back(operation.body);
  }
  const std::string frame = encode(message);
  for (PendingOperation& operation : operations) operation.body = {};
  const auto count = static_cast<std::int64_t>(operations.size());
  in_flight_.push_back(
      {std::move(message.message_id), std::move(operations), frame.size(), now.monotonic_ms});
  host_.send_text(frame);
  host_.event(ClientEvent::batch_sent, count, "");
}

}  // namespace tombolo::sync
