// The server end of one connection of the stream protocol (Kora protocol sections 7.2, 8, 9 and
// 17), as a state machine without I/O, clock or randomness: events go in, effects come out through
// a host.
//
// Download: every operation of the log has a delivery sequence. The session sends what lies above
// the client's watermark in batches that form a chain (each starts where the one before ended),
// each operation once, and goes back to the last acknowledged one only when no acknowledgment
// comes. What is sent and not acknowledged is bounded: beyond it the session asks for nothing more,
// so a slow reader costs its place in the log and no memory.
//
// Upload: every operation of a batch is judged by itself. A batch is acknowledged when all of it is
// on disk or was rejected by name; when the server must refuse for other reasons (a clock in the
// future, a rate), it says `error`, acknowledges nothing and closes. An acknowledgment says how far
// the log reached, and that of a batch that brought nothing is an answer to the question whether
// the client has everything: a final batch up to there follows.
//
// Clients of the older kind, without a watermark, get the difference of the version vectors first.
//
// The host's functions are called from within the session's, and must not call back into it. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/operation.h"
#include "core/version_vector.h"
#include "protocol/stream_message.h"
#include "sync/delivery.h"
#include "sync/message_ids.h"

#include "tombolo/result.h"

namespace tombolo::sync {

// An operation as it came, read and checked as far as it can be without the data.
struct UploadedOperation {
  core::Operation operation;
  std::string body;  // its JSON as received
};

struct Upload {
  std::int64_t token = 0;  // for StreamServerSession::committed
  std::vector<UploadedOperation> operations;
};

// An operation that the data or the permissions forbid.
struct Rejection {
  std::string operation_id;
  std::string collection;
  std::string record;
  std::string code;  // "VALIDATION_ERROR", "PERMISSION_DENIED", ...
  std::string message;
  bool retriable = false;
};

// How far the log reaches. The proof is for those who may see all of it.
struct LogPosition {
  std::int64_t delivery_sequence = 0;  // the highest there is
  std::optional<protocol::Proof> proof;
};

struct UploadOutcome {
  std::vector<Rejection> rejections;  // all other operations are on disk
  LogPosition log;                    // with them
};

// What the host found for a handshake.
struct StreamGrant {
  std::string server_node;
  core::VersionVector version_vector;
  LogPosition log;
  // See protocol/stream_message.h; empty: not known.
  std::string timeline;
  std::string next_timeline;
  bool restored = false;  // the log is not the one that the client knew
};

class StreamServerHost : public BatchSender {
 public:
  // Looks up who the client is and what it may do; answers with opened() or refused().
  virtual void open(const protocol::Handshake& handshake) = 0;
  // Commits the operations; answers with committed(), in the order of the calls.
  virtual void submit(Upload upload) = 0;
  // Where the log stands now, with every commit that anybody was told of.
  virtual Result<LogPosition> read_log_position() = 0;

  virtual void send_text(std::string_view frame) = 0;
  // Whether the connection takes more now. When it does again, the host looks at wanted().
  virtual bool can_send() const = 0;

  // Holds back what the client sends, until resumed.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // Ends the connection after what was sent; the session is over.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

struct StreamServerOptions {
  std::string tag;       // unique among the connections of this server process; part of message ids
  std::string view_tag;  // of shareable batches' message ids; the same for all sessions of a view
  std::int64_t schema_version = 1;
  std::int64_t min_schema_version = 1;
  std::int64_t max_schema_version = INT64_MAX;
  std::int64_t max_clock_ahead_ms = 60'000;   // of an operation's stamp before our clock
  std::size_t max_operation_bytes = 262'144;  // of its JSON
  std::int64_t operations_per_minute = 0;     // refused ones count too; 0: any number
  // Of one batch to the client, which applies and syncs it as one transaction.
  std::size_t batch_operations = 1000;
  std::size_t batch_bytes = 1024 * 1024;           // likewise; one operation may exceed it
  std::size_t max_unacknowledged_bytes = 4 << 20;  // sent to the client
  std::size_t max_uncommitted_bytes = 4 << 20;     // received; beyond, reading pauses
  std::int64_t handshake_timeout_ms = 30'000;
  std::int64_t resend_after_ms = 2'000;  // without an acknowledgment; doubles up to the next
  std::int64_t max_resend_after_ms = 30'000;
  std::size_t max_batch_operations = 10'000;   // of one batch from the client
  std::size_t max_difference_bytes = 4 << 20;  // of operations for a client without watermark
};

class StreamServerSession {
 public:
  struct Now {
    std::int64_t monotonic_ms = 0;
    std::int64_t wall_ms = 0;
  };

  StreamServerSession(StreamServerHost& host, StreamServerOptions options, Now now);
  ~StreamServerSession();

  // Events.
  void text_received(std::string_view frame, Now now);
  void binary_received();
  void opened(StreamGrant grant, Now now);
  // permission_denied or unauthenticated: the client is turned away for good; any other: for now.
  void refused(const Error& error);
  void committed(std::int64_t token, const Result<UploadOutcome>& outcome);
  void operations_committed(std::int64_t highest_sequence);  // the log has grown up to there
  void tick(Now now);                                        // about once a second
  void closed();

  // What to read from the log next; nothing when there is nothing to send or it may not be sent
  // now. The host answers with operations_read. A page that starts where it asks may come
  // from anywhere.
  std::optional<DeliveryRequest> wanted() const;
  void operations_read(const DeliveryPage& page, Now now);
  // Whether what the client wrote itself above `after` is not sent to it.
  bool leaves_out_own(std::int64_t after) const;

  const std::string& node() const { return node_; }  // the client's
  bool streaming() const { return state_ == State::streaming; }
  // Up to where the log was looked at for this client; 0 before the handshake.
  std::int64_t log_position() const;
  bool ended() const { return state_ == State::ended; }

 private:
  enum class State { connected, opening, streaming, ended };
  struct PendingAcknowledgment {
    std::int64_t token = 0;
    bool ready = false;  // only waits for those before it
    std::string message_id;
    std::int64_t last_sequence_number = 0;
    std::size_t bytes = 0;
    std::optional<LogPosition> log;  // nothing was committed: to be read
  };

  void receive(protocol::Handshake& message);
  void receive(const protocol::OperationBatch& message, Now now);
  void receive(const protocol::Acknowledgment& message, Now now);
  // False: the session has ended.
  bool take_operation(std::string_view body, Now now, std::vector<UploadedOperation>& taken,
                      std::int64_t& last_sequence_number);
  bool within_rate(Now now);
  void reject(const Rejection& rejection);
  bool reject_unreadable(std::string_view body, const Error& error);
  void acknowledge_ready();
  Result<void> acknowledge(PendingAcknowledgment& pending);
  void refuse_schema(StreamGrant grant, Now now);
  DeliveryOptions delivery_options(std::int64_t log_end);
  void send_error(std::string_view code, std::string_view message, bool retriable);
  void end(std::uint16_t code, std::string_view reason);

  StreamServerHost& host_;
  StreamServerOptions options_;
  MessageIds message_ids_;
  State state_ = State::connected;
  std::string node_;
  core::VersionVector client_vector_;             // of a client without watermark, until used
  std::optional<std::string> client_cursor_;      // likewise
  std::optional<std::int64_t> client_watermark_;  // as it said in the handshake
  bool client_lacks_own_history_ = false;         // likewise
  std::int64_t client_schema_version_ = 1;
  std::unique_ptr<Delivery> delivery_;  // once streaming
  std::vector<PendingAcknowledgment> pending_acknowledgments_;
  std::size_t uncommitted_bytes_ = 0;
  std::int64_t next_token_ = 1;
  std::int64_t started_at_ms_;
  std::int64_t rate_window_start_ms_ = 0;
  std::int64_t rate_count_ = 0;
  bool reading_paused_ = false;
};

}  // namespace tombolo::sync
