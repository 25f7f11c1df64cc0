// What one client is sent of the log, and what it acknowledged: the download half of
// StreamServerSession (Kora protocol section 8.2 and, for clients without a watermark, 8.3).
//
// Three positions in the log: everything up to `acknowledged` is on the client's disk, `chain` is
// where the next batch starts as the client sees it, and everything up to `scanned` was looked at.
// Between chain and scanned lie only operations that are not for this client (its own, which it
// has).
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
#include "sync/message_ids.h"

#include "tombolo/result.h"

namespace tombolo::sync {

// A part of the log, to be read in order: operations with a delivery sequence above `after`.
struct DeliveryRequest {
  std::int64_t after = 0;
  std::size_t max_operations = 0;
  std::size_t max_bytes = 0;  // beyond the first
};

struct DeliverableOperation {
  std::int64_t sequence = 0;
  std::string_view node;  // the author
  std::string_view body;
};

// A part of the log as this client may see it. Its views live during the call it is given to.
struct DeliveryPage {
  std::int64_t after = 0;
  std::int64_t last = 0;  // the highest sequence looked at, seen by this client or not
  bool at_end = false;    // the log had nothing more
  std::vector<DeliverableOperation> operations;
  std::optional<protocol::Proof> proof;  // at `last`, when at_end
};

struct DeliveryOptions {
  std::string node;      // the client's
  std::string tag;       // of message ids, unlike that of any other messages
  std::string view_tag;  // of shareable message ids
  // Where the client stands; nothing: it knows no watermarks and gets the difference to `vector`.
  std::optional<std::int64_t> watermark;
  // Whether the client's own operations up to log_end are sent too. From the start of the log they
  // always are.
  bool own_history = false;
  core::VersionVector vector;
  std::optional<std::string> resume_after;  // an operation id: the difference starts after it
  std::int64_t log_end = 0;                 // when it came
  std::size_t batch_operations = 100;
  std::size_t batch_bytes = 256 * 1024;
  std::size_t max_unacknowledged_bytes = 4 << 20;
  std::int64_t resend_after_ms = 2'000;
  std::int64_t max_resend_after_ms = 30'000;
  std::size_t max_difference_bytes = 4 << 20;
};

class BatchSender {
 public:
  virtual ~BatchSender() = default;

  // Encodes and sends. `shareable`: every session of this view (bucket and rights) that is sent a
  // batch with the same message id, index, finality and proof is sent this very batch.
  virtual void send_batch(const protocol::OperationBatch& batch, bool shareable) = 0;
};

class Delivery {
 public:
  explicit Delivery(DeliveryOptions options);
  ~Delivery();

  void log_grew(std::int64_t end) { log_end_ = end > log_end_ ? end : log_end_; }
  // The client wants to know when it has everything up to `end`: it is sent a final batch that ends
  // there or later, an empty one if need be, unless it was sent one already.
  void owe_final(std::int64_t end);
  std::optional<DeliveryRequest> wanted() const;
  // Whether the client's own operations above `after` are not for it: of these a page needs no
  // more than whose they are.
  bool leaves_out_own(std::int64_t after) const {
    return !is_legacy() && after >= own_history_end_;
  }
  // Sends what the page holds for this client. Fails with limit_exceeded when the difference for a
  // client without watermark is too large, and with the error of an operation that cannot be read.
  Result<void> read(const DeliveryPage& page, std::int64_t now_ms, BatchSender& sender);
  void acknowledged(const protocol::Acknowledgment& message, std::int64_t now_ms);
  // Goes back to the last acknowledged operation when the client has been silent for too long.
  void tick(std::int64_t now_ms);
  std::int64_t scanned() const { return scanned_; }

 private:
  struct Sent {
    std::int64_t max = 0;           // where the batch ends
    std::int64_t scanned_from = 0;  // where reading began for it
    std::size_t bytes = 0;
    std::string message_id;  // only for clients without watermark
    bool acknowledged = false;
  };
  struct LegacyDifference;

  bool is_legacy() const { return !options_.watermark.has_value(); }
  bool hidden(const DeliverableOperation& operation) const;
  void send(std::vector<std::string_view>& operations, std::int64_t max, bool is_final,
            const std::optional<protocol::Proof>& proof, BatchSender& sender);
  Result<void> collect_difference(const DeliveryPage& page, BatchSender& sender);
  Result<void> send_difference(BatchSender& sender);
  void resume(std::vector<std::size_t>& order) const;
  void acknowledged_up_to(std::int64_t sequence);
  void acknowledged_message(std::string_view message_id);
  void note_progress(std::int64_t now_ms);
  void rewind(std::int64_t chain, std::int64_t scanned);

  DeliveryOptions options_;
  MessageIds message_ids_;
  std::int64_t log_end_ = 0;
  std::int64_t acknowledged_ = 0;
  std::int64_t chain_ = 0;
  std::int64_t scanned_ = 0;
  std::int64_t scanned_before_ = 0;   // where reading began for the batch being made
  std::int64_t own_history_end_ = 0;  // up to there the client gets its own operations too
  std::int64_t batch_index_ = 0;
  std::int64_t waiting_since_ms_ = 0;
  std::int64_t resend_after_ms_ = 0;
  std::size_t unacknowledged_bytes_ = 0;
  std::vector<Sent> sent_;  // not acknowledged, oldest first
  std::unique_ptr<LegacyDifference> difference_;
  bool own_left_out_ = false;  // since the last batch
  // The client waits for a batch that says: this is all. Also after every batch that did not.
  bool owes_final_ = true;
};

}  // namespace tombolo::sync
