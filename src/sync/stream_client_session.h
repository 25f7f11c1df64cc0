// The client end of one connection of the stream protocol (Kora protocol sections 7.1, 8 and 9), as
// a state machine without I/O, clock or randomness: events go in, effects come out through a host.
//
// A session lives as long as its connection; make a new one for the next. All that outlives it (the
// log, what is pending, the watermark) is the host's, on disk. The host's functions are called from
// within the session's, and must not call back into it. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/operation.h"
#include "core/version_vector.h"
#include "protocol/stream_message.h"
#include "sync/status.h"

#include "tombolo/result.h"

namespace tombolo::sync {

// An operation that the server has not acknowledged.
struct PendingOperation {
  std::int64_t position = 0;  // in the local log; pending operations are read in this order
  std::string id;
  std::int64_t sequence_number = 0;
  std::int64_t wall_ms = 0;  // of its stamp
  std::string body;          // its JSON (protocol/operation_json.h)
};

struct DownloadedOperation {
  core::Operation operation;
  std::string_view body;  // its JSON as received; valid during the call
};

// Operations to apply in order, and how far the log of the server is known after them: both in one
// transaction, or neither.
class DownloadedBatch {
 public:
  // `bodies` must outlive it.
  explicit DownloadedBatch(std::span<const std::string_view> bodies) : bodies_(bodies) {}

  // The next operation, which lives until the next call; null after the last one. It is read only
  // now: a batch that is decoded as a whole leaves the cache before it is used. What cannot be read
  // is left out.
  const DownloadedOperation* next();

  std::int64_t watermark = 0;
  // What next() gave and left out.
  std::int64_t operation_count = 0;
  std::int64_t last_sequence_number = 0;
  std::int64_t unreadable_count = 0;
  std::string first_problem;

 private:
  std::span<const std::string_view> bodies_;
  DownloadedOperation current_;
};

// An operation that the server refused for good, or one of its operations that cannot be read here.
struct Refusal {
  std::string operation_id;
  std::string code;  // of the server: "VALIDATION_ERROR", "OPERATION_TOO_LARGE", ...
  std::string message;
};

enum class ClientEvent {
  connected,              // the server took the handshake
  initial_sync_done,      // everything that the server had at the handshake is applied
  batch_received,         // count = operations
  batch_sent,             // count = operations
  batch_acknowledged,     // count = operations
  apply_failed,           // text = why; the server will send the batch again
  authentication_failed,  // text = the server's reason; the connection closes
  schema_mismatch,        // text = the server's reason; the connection closes
  clock_skew,             // count = server time minus ours in ms: beyond a bound, see Block::clock
  server_error,           // text = code and message; the connection closes
  server_restored,        // the server's log is shorter than ours: everything is compared anew
  diverged,               // the fingerprints differ although nothing is under way: as above
  unreadable_operation,   // count = operations of the server that were left out, text = why
};
std::string_view name_of(ClientEvent event);  // "connected", "initial_sync_done", ...

class StreamClientHost {
 public:
  virtual ~StreamClientHost() = default;

  virtual void send_text(std::string_view frame) = 0;
  // Ends the connection after what was sent; the session is over. `retry`: another attempt makes
  // sense without somebody acting first.
  virtual void close(std::uint16_t code, std::string_view reason, bool retry) = 0;

  // Pending operations after `position` (0: from the start), in log order: at most
  // `max_operations`, and beyond the first no more than `max_bytes` of bodies.
  virtual Result<std::vector<PendingOperation>> read_pending(std::int64_t position,
                                                             std::size_t max_operations,
                                                             std::size_t max_bytes) = 0;
  // These operations are on the server's disk: pending no more. With the server's proof, if any.
  virtual Result<void> mark_acknowledged(std::span<const std::string> operation_ids,
                                         const std::optional<protocol::Proof>& proof) = 0;
  // The server refused the operation for good: out of what is pending, into the dead letters.
  virtual Result<void> bury(const Refusal& refusal) = 0;
  // Applies a downloaded batch with its watermark in one transaction. A known operation is no
  // error. After an Error nothing is acknowledged and the server sends it again.
  virtual Result<void> apply(DownloadedBatch& batch) = 0;
  // The server lost history (its backup was restored): every operation here above `server_vector`
  // becomes pending, and the watermark 0. An empty vector: every operation.
  virtual Result<void> start_over(const core::VersionVector& server_vector) = 0;
  // The fingerprint (protocol::Proof) of the operations that are held here and not pending or dead;
  // nothing when it is not kept.
  virtual Result<std::optional<std::string>> fingerprint() = 0;

  virtual void event(ClientEvent event, std::int64_t count, std::string_view text) = 0;
};

struct StreamClientOptions {
  std::string node;
  std::int64_t schema_version = 1;
  std::optional<std::string> auth_token;
  core::VersionVector version_vector;  // of everything held here
  std::int64_t watermark = 0;          // for this server and view
  // Unique to this connection (for example a UUID): part of every message id, so that a late
  // acknowledgment can never be taken for one of another connection's.
  std::string tag;
  std::size_t batch_operations = 1000;
  std::size_t batch_bytes = 1024 * 1024;
  std::int64_t handshake_timeout_ms = 15'000;
  std::int64_t acknowledgment_timeout_ms = 30'000;
  std::int64_t retry_refused_ms = 5'000;       // before an operation refused for now is sent again
  std::int64_t max_clock_ahead_ms = 60'000;    // of ours against the server's: beyond, uploads wait
  std::int64_t max_clock_behind_ms = 600'000;  // beyond, there is a warning
  // Whether to compare everything anew when the replicas turn out to differ. A host says no for a
  // while after it happened, so that a difference that cannot be healed does not go round for ever.
  bool may_start_over = true;
};

class StreamClientSession {
 public:
  StreamClientSession(StreamClientHost& host, StreamClientOptions options);

  // What happened, and when: `now` is used for timeouts (monotonic) and for the skew (wall).
  struct Now {
    std::int64_t monotonic_ms = 0;
    std::int64_t wall_ms = 0;
  };
  void opened(Now now);  // sends the handshake
  void text_received(std::string_view frame, Now now);
  void binary_received();
  void pending_changed(Now now);  // a local commit
  // Sends what is pending from the start of the log, or an empty batch: the acknowledgment will say
  // how far the server is. False when a batch is in flight, or before the handshake is done.
  bool ask(Now now);
  void tick(Now now);  // at least once a second
  void closed();       // the connection ended; every call is ignored from now on

  // Facts for status.h.
  Connection connection() const;
  Block block() const { return block_; }
  std::int64_t watermark() const { return options_.watermark; }
  std::int64_t server_sequence() const { return server_sequence_; }
  std::optional<std::int64_t> clock_skew_ms() const { return clock_skew_ms_; }
  const std::optional<protocol::Proof>& server_proof() const { return proof_; }
  bool has_batch_in_flight() const { return in_flight_.has_value(); }

 private:
  enum class State { idle, handshaking, active, ended };

  struct InFlight {
    std::string message_id;
    std::vector<PendingOperation> operations;  // less those that were refused meanwhile
    std::int64_t sent_at_ms = 0;
  };

  void receive(protocol::HandshakeResponse& message, Now now);
  void receive(protocol::OperationBatch& message);
  void receive(protocol::Acknowledgment& message, Now now);
  void receive(protocol::ErrorMessage& message);
  void receive(protocol::OperationRejected& message, Now now);
  void apply(const protocol::OperationBatch& message, std::int64_t watermark);
  void acknowledge(const protocol::OperationBatch& message,
                   std::optional<std::int64_t> delivery_sequence,
                   std::int64_t last_sequence_number);
  void judge_clock(std::optional<std::int64_t> server_time_ms, std::int64_t wall_ms);
  bool own_history_lost(const protocol::HandshakeResponse& message) const;
  bool start_over(ClientEvent why, const core::VersionVector& server_vector);
  void note_proof(const std::optional<protocol::Proof>& proof);
  void compare_replicas();
  void upload(Now now);
  std::size_t count_sendable(const std::vector<PendingOperation>& operations, Now now);
  void send_batch(std::vector<PendingOperation> operations, Now now);
  void end(std::uint16_t code, std::string_view reason, bool retry);
  bool failed(const Result<void>& done);
  std::string next_message_id();

  StreamClientHost& host_;
  StreamClientOptions options_;
  State state_ = State::idle;
  Block block_ = Block::none;
  std::int64_t opened_at_ms_ = 0;
  std::int64_t next_message_ = 0;
  std::optional<std::int64_t> clock_skew_ms_;
  std::int64_t server_sequence_ = 0;
  std::optional<protocol::Proof> proof_;
  std::optional<InFlight> in_flight_;
  std::int64_t upload_position_ = 0;  // in the local log: what is before it was sent or refused
  std::optional<std::int64_t> upload_again_at_ms_;  // from the start: something had to wait
  bool downloaded_ = false;  // everything that the server had at the handshake
  bool uploaded_ = false;    // everything that was pending at the handshake
};

}  // namespace tombolo::sync
