// One accepted connection while it speaks HTTP: reads requests, calls the handler one request at a
// time, writes answers. Lives on its loop; kept alive by what waits for its socket and by the
// responder of the request in progress.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/connection_tickets.h"
#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/output_queue.h"
#include "net/stream_socket.h"

namespace tombolo::net {

// What the connections of one server share; not changed once it runs.
struct HttpContext {
  HttpLimits limits;
  HttpHandler handler;
  Logger* logger = nullptr;
};

class HttpConnection final : public ResponseTarget,
                             public LoopMember,
                             public Deadline,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<IoThread> thread, std::shared_ptr<const HttpContext> context,
                 ConnectionTicket ticket, boost::asio::ip::tcp::socket socket,
                 std::string remote_address);
  ~HttpConnection() override;

  void start();

  const std::shared_ptr<Executor>& executor() const override { return executor_; }
  void deliver(HttpResponse response) override;
  void upgrade(const WebSocketOptions& options, HttpHeaders headers,
               WebSocketOpened opened) override;

  void abort() override { close(); }
  void wind_down() override;
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }
  void on_deadline() override;

 private:
  enum class State {
    idle,       // between requests
    receiving,  // a request has begun
    handling,   // the handler owes an answer
    upgrading,  // it asked for a WebSocket, which will be made of this connection at once
    draining,   // the last answer is being written; nothing more is read
    lingering,  // all is written; what the peer still sends is thrown away until it has read that
    closed,
  };

  void wait_readable();
  void wait_writable();
  void on_readable();
  void process(std::string_view bytes);
  bool process_one(std::string_view& bytes);
  void begin_request();
  void keep_waiting_for_request();
  void dispatch();
  void refuse(int status, std::string_view problem);
  void append_response(HttpResponse& response);
  void append_body(HttpBody& body);
  void finish_upgrade();
  void continue_after_answer();
  void flush();
  void after_flush();
  void linger();
  void close();

  const std::shared_ptr<IoThread> thread_;
  const std::shared_ptr<Executor> executor_ = thread_;
  const std::shared_ptr<const HttpContext> context_;
  ConnectionTicket ticket_;
  StreamSocket socket_;
  const std::string remote_address_;

  State state_ = State::idle;
  bool is_processing_ = false;  // process() runs: it goes on by itself after an answer
  bool waits_for_read_ = false;
  bool waits_for_write_ = false;
  bool closes_after_answer_ = false;
  bool lingers_ = false;                   // close by lingering: the peer may still be sending
  bool has_seen_headers_ = false;          // of the request being received
  HttpMethod method_ = HttpMethod::get;    // of the request in progress
  std::unique_ptr<RequestParser> parser_;  // of the request being received
  std::string handshake_key_;              // of the request in progress, if it can be upgraded
  int handshake_problem_ = 0;  // 0: it is a valid WebSocket handshake; or the status to answer
  std::unique_ptr<WebSocketOptions> websocket_options_;  // of an upgrade, like the next
  WebSocketOpened websocket_opened_;
  std::string input_;  // received and not used yet
  OutputQueue output_;
};

}  // namespace tombolo::net
