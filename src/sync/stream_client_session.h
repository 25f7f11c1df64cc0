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
#include "sync/downloaded_batch.h"
#include "sync/liveness.h"
#include "sync/log_place.h"
#include "sync/message_ids.h"
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

// An operation that the server refused for good, or would refuse.
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
  server_restored,        // the server's log is shorter than ours: all anew on a new connection
  diverged,               // the fingerprints differ although nothing is under way: as above
  unreadable_operation,   // count = operations of the server that were put aside, text = why
};
std::string_view name_of(ClientEvent event);  // "connected", "initial_sync_done", ...

class StreamClientHost {
 public:
  virtual ~StreamClientHost() = default;

  virtual void send_text(std::string_view frame) = 0;
  // Sends a ping of the connection's own (RFC 6455 section 5.5.2), which every server answers; the
  // answer is told to heard().
  virtual void ping() = 0;
  // Of what was sent, how much has not arrived at the server's machine, as far as is known.
  virtual std::size_t unacknowledged_bytes() = 0;
  // Ends the connection after what was sent; the session is over. `retry`: another attempt makes
  // sense without somebody acting first.
  virtual void close(std::uint16_t code, std::string_view reason, bool retry) = 0;

  // Pending operations after `position` (0: from the start), in log order: at most
  // `max_operations`, and beyond the first no more than `max_bytes` of bodies.
  virtual Result<std::vector<PendingOperation>> read_pending(std::int64_t position,
                                                             std::size_t max_operations,
                                                             std::size_t max_bytes) = 0;
  // These operations are on the server's disk: pending no more, as long as the server's log is the
  // one that got to `reached`, with them or beyond them. It never goes back within a session.
  virtual Result<void> mark_acknowledged(std::span<const std::string> operation_ids,
                                         const LogPlace& reached) = 0;
  // The server refused the operation for good: out of what is pending, into the dead letters.
  virtual Result<void> bury(const Refusal& refusal) = 0;
  // Applies a downloaded batch with its watermark in one transaction. A known operation is no
  // error. After an Error nothing is acknowledged and the server sends it again.
  virtual Result<void> apply(DownloadedBatch& batch) = 0;
  // One side lost history (a backup was restored): every operation here above `server_vector`
  // becomes pending, the watermark 0, and nothing is reached. An empty vector: every operation.
  // Until the watermark has passed `server_sequence` again, sessions are made with
  // `lacks_own_history`.
  virtual Result<void> start_over(const core::VersionVector& server_vector,
                                  std::int64_t server_sequence) = 0;
  // The fingerprint (protocol::Proof) of the operations that are held here and not pending or dead;
  // nothing when it is not kept, or covers another part of the data than the server's.
  virtual Result<std::optional<std::string>> fingerprint() = 0;

  virtual void event(ClientEvent event, std::int64_t count, std::string_view text) = 0;
};

struct StreamClientOptions {
  std::string node;
  std::string server;  // the node of the server that what follows was learned from; empty: none
  std::int64_t schema_version = 1;
  std::optional<std::string> auth_token;
  core::VersionVector version_vector;  // of everything held here
  std::int64_t watermark = 0;          // for this server and view
  // How far the server's log is known to have come: to the watermark, or beyond it, where our own
  // operations stand (StreamClientHost::mark_acknowledged).
  LogPlace reached;
  // The server is asked to send our own operations above the watermark too (StreamClientHost::
  // start_over). A foreign one does so from the start of the log alone.
  bool lacks_own_history = false;
  // Unique to this connection (for example a UUID): part of every message id, so that a late
  // acknowledgment can never be taken for one of another connection's.
  std::string tag;
  std::size_t batch_operations = 1000;
  std::size_t batch_bytes = 1024 * 1024;
  std::size_t batches_in_flight = 2;  // that are not acknowledged
  // Of the JSON of one operation, unless the server takes less. A larger one is buried unsent: it
  // would break the connection, again and again.
  std::size_t max_operation_bytes = 4 * 1024 * 1024;
  // Silence while the server owes us something: until it is asked whether it is there, and from
  // then on until the connection is given up.
  std::int64_t ask_after_silence_ms = 4'000;
  std::int64_t give_up_after_ms = 6'000;
  std::int64_t handshake_timeout_ms = 15'000;
  std::int64_t acknowledgment_timeout_ms = 30'000;
  std::int64_t retry_refused_ms = 5'000;       // before an operation refused for now is sent again
  std::int64_t max_clock_ahead_ms = 60'000;    // of ours against the server's: beyond, uploads wait
  std::int64_t max_clock_behind_ms = 600'000;  // beyond, there is a warning
  // When everything may be compared anew (monotonic): before, replicas that turn out to differ
  // wait. A host sets it for a while after it happened, so that a difference that cannot be healed
  // does not go round for ever.
  std::int64_t start_over_not_before_ms = INT64_MIN;
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
  void heard(Now now);            // a ping or a pong of the server's
  void pending_changed(Now now);  // a local commit
  // Whether more may be sent while a batch is in flight, so that the server need not wait for us
  // between two. A host that calls upload_more() then does so once what was sent is on its way.
  bool can_upload_more() const;
  void upload_more(Now now);
  // Sends what is pending from the start of the log, or an empty batch: the acknowledgment will say
  // how far the server is. False when a batch is in flight, or before the handshake is done. The
  // session itself asks when it has reason to believe that something is missing.
  bool ask(Now now);
  void tick(Now now);  // at least once a second, unless it is at rest
  // Whether time alone changes nothing: everything is exchanged, and nobody owes anything.
  bool is_at_rest() const;
  void closed();  // the connection ended; every call is ignored from now on

  // Facts for status.h.
  Connection connection() const;
  Block block() const { return block_; }
  std::int64_t watermark() const { return options_.watermark; }
  std::int64_t server_sequence() const { return server_sequence_; }
  std::optional<std::int64_t> clock_skew_ms() const { return clock_skew_ms_; }
  const std::optional<protocol::Proof>& server_proof() const { return proof_; }
  bool has_batch_in_flight() const { return !in_flight_.empty(); }

 private:
  enum class State { idle, handshaking, active, ended };

  struct InFlight {
    std::string message_id;
    std::vector<PendingOperation> operations;  // less those that were refused meanwhile
    std::size_t bytes = 0;                     // of its frame
    std::int64_t sent_at_ms = 0;               // or when the server could begin with it
  };

  void receive(protocol::HandshakeResponse& message, Now now);
  void receive(protocol::OperationBatch& message, Now now);
  void receive(protocol::Acknowledgment& message, Now now);
  void receive(protocol::ErrorMessage& message);
  void receive(protocol::OperationRejected& message, Now now);
  void refuse(protocol::OperationRejected& message, Now now);
  void apply(const protocol::OperationBatch& message, std::int64_t watermark, Now now);
  void acknowledge(const protocol::OperationBatch& message,
                   std::optional<std::int64_t> delivery_sequence,
                   std::int64_t last_sequence_number);
  void judge_clock(std::optional<std::int64_t> server_time_ms, Now now);
  bool server_was_restored(const protocol::HandshakeResponse& message) const;
  bool own_history_lost(const protocol::HandshakeResponse& message) const;
  core::VersionVector held_after_restore(const protocol::HandshakeResponse& message);
  LogPlace place_of(std::int64_t sequence) const;
  void start_over(ClientEvent why, const core::VersionVector& server_vector);
  void note_proof(const std::optional<protocol::Proof>& proof);
  void note_downloaded();
  void compare_replicas(Now now);
  bool is_settled();
  void ask_when_unsettled(Now now);
  void ask_without_proof(Now now);
  void send_question(Now now);
  void upload(Now now);
  bool send_next_batch(Now now);
  bool is_full(const std::vector<PendingOperation>& operations) const;
  bool bury_oversized(std::vector<PendingOperation>& operations);
  std::size_t count_sendable(const std::vector<PendingOperation>& operations, Now now);
  void send_batch(std::vector<PendingOperation> operations, Now now);
  void end(std::uint16_t code, std::string_view reason, bool retry);
  bool failed(const Result<void>& done);
  bool is_waiting() const;
  bool is_gone(Now now);

  StreamClientHost& host_;
  StreamClientOptions options_;
  MessageIds message_ids_;
  State state_ = State::idle;
  Block block_ = Block::none;
  std::int64_t opened_at_ms_ = 0;
  Liveness liveness_;
  std::optional<std::int64_t> clock_skew_ms_;  // at the handshake
  std::int64_t server_time_at_zero_ms_ = 0;    // its wall clock when our monotonic one was 0
  std::int64_t server_sequence_ = 0;
  // The timelines of the log up to where it ended at the handshake, and of what came after.
  std::int64_t handshake_sequence_ = 0;
  std::string timeline_;
  std::string next_timeline_;
  std::optional<protocol::Proof> proof_;
  std::vector<InFlight> in_flight_;   // in the order in which they were sent
  std::int64_t upload_position_ = 0;  // in the local log: what is before it was sent or refused
  bool more_to_upload_ = false;       // more may be pending than was read last
  std::optional<std::int64_t> upload_again_at_ms_;  // from the start: something had to wait
  std::int64_t held_until_ms_ = 0;  // what is pending waits for the server's clock until then
  bool downloaded_ = false;         // everything that the server had at the handshake
  bool uploaded_ = false;           // everything that was pending at the handshake
  bool series_open_ = false;        // the last batch was not final: more is known to come
  bool differs_ = false;            // from the server, at the same position of its log
  // Whether something is missing was found out since the last news: no.
  bool settled_ = false;
  std::int64_t asked_about_ = -1;  // the server's position that was last asked about
  std::int64_t ask_at_ms_ = 0;     // when unsettled until then
  std::int64_t ask_wait_ms_ = 0;
};

}  // namespace tombolo::sync
