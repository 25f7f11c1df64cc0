// The stream connector: drives sync::StreamClientSession over a WebSocket and gives it the log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "client/connectors/connector.h"
#include "net/websocket_client.h"
#include "sync/stream_client_session.h"

namespace tombolo::client {

class StreamConnector final : public Connector, public sync::StreamClientHost {
 public:
  using Connector::Connector;
  ~StreamConnector() override;

 private:
  // One connection, from the attempt to its end.
  struct Link {
    std::int64_t number = 0;  // no other has it, while an address may come again
    net::WebSocketConnect connecting;
    std::shared_ptr<net::WebSocketConnection> connection;
    std::unique_ptr<sync::StreamClientSession> session;
    std::unordered_map<std::string, std::int64_t> positions;  // of what is in flight, by id
    net::TimerId timer = 0;                                   // of the next tick; 0: none is set
    bool is_done = false;  // what there is to exchange was, when it was last looked
    std::string server;
    bool other_server = false;  // than the watermark was for
    bool exchange_open = false;
    bool ask = false;  // somebody waits: ask the server how far it is
    std::optional<Error> error;
    bool retry = true;  // false: the session ended in a way that trying again does not heal
    std::int64_t sent = 0;
    std::int64_t received = 0;
  };

  void attempt(const Credentials& credentials) override;
  void abandon() override;
  void on_sync_now() override;
  void on_pending() override;
  bool has_new_pending() override { return true; }  // to look is cheap where it is sent from
  bool is_connected() const override { return link_ != nullptr; }

  bool is_link(std::int64_t number) const { return link_ && link_->number == number; }
  void opened(net::OpenedWebSocket opened, sync::StreamClientOptions session);
  Result<sync::StreamClientOptions> session_options(const Credentials& credentials);
  void after_event();
  void look();
  void keep_ticking();
  Result<sync::StatusFacts> facts();
  Result<void> count_unsettled(sync::StatusFacts& facts);
  void upload_more();
  void finish_exchange(const std::optional<Error>& error);
  Result<void> retry_unreadable(std::string_view server);
  Result<void> keep(WriteSession& session, std::span<const sync::UnreadableOperation> operations);
  void ended(bool retry);
  Result<void> remember(Result<void> done);
  void switch_server();
  sync::StreamClientSession::Now now() const;

  void send_text(std::string_view frame) override;
  void ping() override;
  std::size_t unacknowledged_bytes() override;
  void close(std::uint16_t code, std::string_view reason, bool retry) override;
  Result<std::vector<sync::PendingOperation>> read_pending(std::int64_t position,
                                                           std::size_t max_operations,
                                                           std::size_t max_bytes) override;
  Result<void> mark_acknowledged(std::span<const std::string> operation_ids,
                                 const sync::LogPlace& reached) override;
  Result<void> bury(const sync::Refusal& refusal) override;
  Result<void> apply(sync::DownloadedBatch& batch) override;
  Result<void> start_over(const core::VersionVector& server_vector,
                          std::int64_t server_sequence) override;
  Result<std::optional<std::string>> fingerprint() override;
  void event(sync::ClientEvent event, std::int64_t count, std::string_view text) override;

  std::unique_ptr<Link> link_;
  std::int64_t last_link_ = 0;
  std::int64_t started_over_at_ms_ = -1;  // monotonic
};

}  // namespace tombolo::client
