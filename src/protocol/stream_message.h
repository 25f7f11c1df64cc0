// The messages of the stream protocol and their JSON form (Kora protocol section 5).
//
// Every frame is one JSON object with a `type` and a `messageId`. Decoding checks the structure as
// shallowly as the protocol does: the operations of a batch stay text (views into the frame), to be
// read one by one, so that one bad operation does not spoil its batch. Unknown fields are ignored.
//
// Our extensions, ignored by peers: handshake responses, final batches and acknowledgments of the
// server carry `fingerprint` and `fingerprintSequence` (a Proof), acknowledgments also
// `serverMaxDeliverySequence`, so that a client knows what it has to wait for; handshake responses
// carry `maxOperationBytes`; and a client that recovers its own history says `ownHistory`, which
// the server repeats when it does so.
// A server that is restored from a backup, or made anew, continues another log than its clients
// knew, and may soon be longer than it was. Hence `timeline`: the server names each of its lives in
// which it wrote, and says in the handshake response how the one is called that wrote the end of
// the log, and in `nextTimeline` how what is written from now on. A client says which one the last
// delivery sequence that it knows of belongs to (its watermark, or one that an acknowledgment of
// its own operations named), and is told `restored` when the log is not that one's up to there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/version_vector.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::protocol {

// What lets a client prove that it holds the same operations as the server: the sum modulo 2^128 of
// the first 16 bytes of every operation id up to a delivery sequence, as 32 hexadecimal digits.
struct Proof {
  std::string fingerprint;
  std::int64_t sequence = 0;
  friend bool operator==(const Proof&, const Proof&) = default;
};

struct Handshake {  // client to server, first
  std::string message_id;
  std::string node;
  core::VersionVector version_vector;  // entries that are no integers are left out
  std::int64_t schema_version = 1;
  std::optional<std::string> auth_token;
  std::vector<std::string> supported_wire_formats;
  std::optional<Value> sync_scope;    // {collection: {field: value}}
  std::optional<Value> sync_queries;  // [{collection, where}]
  std::optional<std::string> delta_cursor;
  std::optional<std::int64_t> last_delivery_sequence;  // none: a client of the older kind
  // Its own operations above last_delivery_sequence are to be sent too.
  std::optional<bool> own_history;
  std::optional<std::string> timeline;            // of timeline_sequence
  std::optional<std::int64_t> timeline_sequence;  // none: last_delivery_sequence
};

struct HandshakeResponse {  // server to client
  std::string message_id;
  std::string node;
  core::VersionVector version_vector;
  std::int64_t schema_version = 1;
  bool accepted = false;
  std::optional<std::string> reject_reason;
  std::optional<std::int64_t> supported_schema_min;
  std::optional<std::int64_t> supported_schema_max;
  std::optional<std::string> selected_wire_format;
  std::optional<Value> accepted_scope;
  std::optional<std::int64_t> server_time_ms;
  std::optional<bool> blob_storage_enabled;
  std::optional<std::int64_t> server_max_delivery_sequence;
  std::optional<std::int64_t> max_operation_bytes;  // of the JSON of one operation
  std::optional<bool> own_history;                  // the client's own operations will come too
  std::optional<Proof> proof;
  std::optional<std::string> timeline;       // of what the log holds
  std::optional<std::string> next_timeline;  // of what comes
  std::optional<bool> restored;              // the client's watermark is another log's
};

struct OperationBatch {  // both ways
  std::string message_id;
  std::vector<std::string_view> operations;  // each the JSON of one operation
  bool is_final = false;
  std::int64_t batch_index = 0;
  std::optional<std::string> cursor;
  std::optional<std::int64_t> total_batches;
  std::optional<std::int64_t> base_delivery_sequence;
  std::optional<std::int64_t> max_delivery_sequence;
  std::optional<Proof> proof;
};

struct Acknowledgment {  // both ways
  std::string message_id;
  std::string acknowledged_message_id;
  std::int64_t last_sequence_number = 0;          // of the last operation of the batch; 0 if empty
  std::optional<std::int64_t> delivery_sequence;  // client to server: its watermark
  // Server to client: how far the log reached after the batch.
  std::optional<std::int64_t> server_max_delivery_sequence;
  std::optional<Proof> proof;  // server to client
};

struct ErrorMessage {  // server to client
  std::string message_id;
  std::string code;
  std::string message;
  bool retriable = false;
};

struct OperationRejected {  // server to client
  std::string message_id;
  std::string operation_id;
  std::string collection;
  std::string record;
  std::string code;
  std::string message;
  bool retriable = false;
};

// Awareness, rich text and blob messages: well formed, and not for this layer.
struct SideMessage {
  std::string message_id;
  std::string type;
};

using StreamMessage = std::variant<Handshake, HandshakeResponse, OperationBatch, Acknowledgment,
                                   ErrorMessage, OperationRejected, SideMessage>;

// Reads one frame. The views in an OperationBatch point into `frame`. Fails with invalid_data when
// it is not JSON, `protocol` naming the field that is missing or of the wrong type, and
// `unsupported` when all that is wrong is an unknown type.
Result<StreamMessage> parse_stream_message(std::string_view frame);

std::string encode(const Handshake& message);
std::string encode(const HandshakeResponse& message);
std::string encode(const OperationBatch& message);  // the operations are spliced in as they are
std::string encode(const Acknowledgment& message);
std::string encode(const ErrorMessage& message);
std::string encode(const OperationRejected& message);

// The resume position of clients of the older kind (section 8.4): base64url of
// {"lastOperationId", "batchIndex"}.
struct DeltaCursor {
  std::string last_operation_id;
  std::int64_t batch_index = 0;
  friend bool operator==(const DeltaCursor&, const DeltaCursor&) = default;
};
std::string encode_delta_cursor(const DeltaCursor& cursor);
std::optional<DeltaCursor> parse_delta_cursor(std::string_view text);  // nothing: undecodable

}  // namespace tombolo::protocol
