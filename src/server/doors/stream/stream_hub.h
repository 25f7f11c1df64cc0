// The stream sessions of one I/O thread. Everything but session_count() is for that thread alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/websocket_connection.h"
#include "protocol/stream_message.h"
#include "server/door.h"
#include "sync/delivery.h"
#include "sync/stream_server_session.h"

namespace tombolo::server::stream {

class StreamSession;

class StreamHub : public std::enable_shared_from_this<StreamHub> {
 public:
  StreamHub(const DoorContext& context, std::shared_ptr<net::Executor> executor, std::string tag);
  ~StreamHub();

  // Starts a session on a new connection.
  void add(std::shared_ptr<net::WebSocketConnection> connection, std::string bucket,
           Identity identity);
  void remove(const StreamSession& session);
  // It turned out that the session is about another bucket.
  void move(StreamSession& session, std::string bucket);
  void announce(const FeedEvent& event);
  void close_all();

  // The frame of a batch that sessions share: encoded once while one commit is announced.
  net::SharedFrame shared_frame(const protocol::OperationBatch& batch);

  std::size_t session_count() const { return session_count_; }  // any thread
  const std::shared_ptr<net::Executor>& executor() const { return executor_; }
  const DoorContext& context() const { return context_; }
  const std::string& tag() const { return tag_; }
  std::string next_session_tag() { return tag_ + "." + std::to_string(++last_session_); }
  sync::StreamServerSession::Now now() const;
  // For PlantedFault::ack_without_session alone: how many uploads of a session of the node were
  // stored, at most.
  std::int64_t& stored_uploads(const std::string& node) { return stored_uploads_[node]; }

 private:
  using Sessions = std::vector<std::shared_ptr<StreamSession>>;
  struct CachedFrame {
    std::string message_id;
    bool is_final = false;
    std::int64_t batch_index = 0;
    net::SharedFrame frame;
  };

  std::shared_ptr<StreamSession> take(const StreamSession& session);
  void schedule_tick();
  void tick();

  const DoorContext context_;
  const std::shared_ptr<net::Executor> executor_;
  const std::string tag_;
  std::map<std::string, Sessions, std::less<>> buckets_;
  std::atomic<std::size_t> session_count_ = 0;
  std::uint64_t last_session_ = 0;
  std::vector<CachedFrame> frames_;
  std::map<std::string, std::int64_t> stored_uploads_;
  bool announcing_ = false;
  bool ticking_ = false;
};

}  // namespace tombolo::server::stream
