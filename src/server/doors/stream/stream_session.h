// One connection of the stream door: binds the pure session (sync/stream_server_session.h) to its
// WebSocket, the Writer and the log. For the connection's I/O thread alone.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/websocket_connection.h"
#include "server/door.h"
#include "server/doors/stream/stream_hub.h"
#include "server/doors/stream/stream_upload.h"
#include "server/doors/stream/upload_limit.h"
#include "server/identity/log_view.h"
#include "sync/log_place.h"
#include "sync/stream_server_session.h"

namespace tombolo::server::stream {

// What a client with that view can compare itself with.
protocol::Proof proof_of(const BucketLog& log, const LogView& view);

// A commit as a page of the log, as of a generation of the permissions.
struct StreamNews {
  sync::DeliveryPage page;
  bool is_small = true;          // enough to be passed on at once
  std::string_view author;       // the node that wrote all of it, if one did
  std::optional<BucketLog> log;  // when it ends with the page
  std::int64_t permissions_generation = 0;
};

class StreamSession final : public std::enable_shared_from_this<StreamSession>,
                            private sync::StreamServerHost {
 public:
  StreamSession(StreamHub& hub, std::shared_ptr<net::WebSocketConnection> connection,
                std::string bucket, Identity identity);
  ~StreamSession() override;

  void start();
  // The log has grown; `page` is the news, unless they are too large to be passed on at once.
  void announce(std::int64_t last_sequence, const StreamNews* news);
  void tick();
  void close(std::uint16_t code, std::string_view reason) override;
  const std::string& bucket() const { return bucket_; }
  void set_bucket(std::string bucket) { bucket_ = std::move(bucket); }  // for StreamHub::move

 private:
  // sync::StreamServerHost
  void open(const protocol::Handshake& handshake) override;
  void submit(sync::Upload upload) override;
  Result<sync::LogPosition> read_log_position() override;
  void send_text(std::string_view frame) override;
  void send_batch(const protocol::OperationBatch& batch, bool shareable) override;
  bool can_send() const override;
  void pause_reading() override;
  void resume_reading() override;

  void text_received(std::string_view frame);
  void acknowledge_unstored(std::int64_t token);
  void connection_closed();
  // Reads from the connection as long as neither the session nor the limit objects.
  void update_reading();
  Result<void> resolve_bucket();
  void answer_handshake();
  Result<Identity> identify(const std::optional<std::string>& token) const;
  Result<sync::StreamGrant> grant();
  Result<void> grant_timelines(ReadTransaction& transaction, sync::StreamGrant& grant) const;
  Result<std::optional<LogView>> find_view(ReadTransaction& transaction) const;
  Result<core::VersionVector> known_authors(ReadTransaction& transaction) const;
  Result<bool> may_see_some(ReadTransaction& transaction) const;
  Result<void> check_still_allowed(ReadTransaction& transaction);
  void pump();
  // False: the page could not be read, and the session has ended.
  bool read_page(const sync::DeliveryRequest& request);
  Result<void> fill_page(const sync::DeliveryRequest& request, ReadTransaction& transaction,
                         sync::DeliveryPage& page, std::deque<std::string>& texts) const;

  StreamHub& hub_;
  std::shared_ptr<net::WebSocketConnection> connection_;  // null once it ended
  std::string bucket_;
  Identity identity_;
  // Between the handshake and its answer.
  std::optional<std::string> opening_token_;
  core::VersionVector opening_vector_;
  sync::LogPlace opening_place_;  // how far the client knows that the log has come
  bool opening_ = false;
  std::optional<LogView> view_;     // nothing: each operation is asked about
  std::int64_t view_checked_ = -1;  // at this generation of the permissions
  std::uint64_t checked_at_commit_ = 0;
  bool pump_queued_ = false;
  UploadLimit limit_;
  std::shared_ptr<SessionBudget> budget_ = std::make_shared<SessionBudget>();
  bool session_pauses_ = false;
  bool reading_paused_ = false;
  int bulk_uploads_ = 0;  // that wait or are being written
  sync::StreamServerSession session_;
};

}  // namespace tombolo::server::stream
