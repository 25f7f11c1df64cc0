// The right, and the duty, to answer one request.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "net/executor.h"
#include "net/http_message.h"

namespace tombolo::net {

class WebSocketConnection;
struct WebSocketOptions;

// Called on the connection's executor right after the 101 answer was queued: set the callbacks
// here.
using WebSocketOpened = std::function<void(std::shared_ptr<WebSocketConnection>)>;

// Where an answer goes: a connection of the server, or (for requests that another request carries,
// and for tests) a function.
class ResponseTarget {
 public:
  virtual ~ResponseTarget() = default;
  // Where deliver() and upgrade() must run; null when anywhere will do.
  virtual const std::shared_ptr<Executor>& executor() const = 0;
  virtual void deliver(HttpResponse response) = 0;
  virtual void upgrade(const WebSocketOptions& options, HttpHeaders headers,
                       WebSocketOpened opened) = 0;
};

// Move-only. Answers exactly once, from any thread; destroyed unanswered it answers 500.
class HttpResponder {
 public:
  HttpResponder() = default;  // answers nobody
  explicit HttpResponder(std::shared_ptr<ResponseTarget> target) : target_(std::move(target)) {}

  // A responder for a request made in process: `receive` gets the answer, on the thread that
  // answers.
  static HttpResponder to(std::function<void(HttpResponse)> receive);

  HttpResponder(HttpResponder&& other) noexcept = default;
  HttpResponder& operator=(HttpResponder&& other) noexcept;
  ~HttpResponder();

  explicit operator bool() const { return target_ != nullptr; }  // whether the answer is still due

  // Answers. On the connection's own executor at once; elsewhere through its queue.
  void send(HttpResponse response);

  // Answers a WebSocket handshake (RFC 6455 section 4.2) with 101, `headers` added (for example
  // Sec-WebSocket-Protocol), and hands the connection over. A request that is no valid handshake
  // is answered with 400, or 426 with the version spoken here, and `opened` is never called.
  void upgrade(const WebSocketOptions& options, WebSocketOpened opened, HttpHeaders headers = {});

  // The executor of the connection; null for a request made in process.
  std::shared_ptr<Executor> executor() const;

 private:
  std::shared_ptr<ResponseTarget> target_;
};

// Collects what one thread (the writer, after a group commit) has to tell many connections, and
// crosses to each executor once.
class DeliveryBatch {
 public:
  // Without an executor the task runs now, before anything is sent off.
  void add(const std::shared_ptr<Executor>& executor, Task task);

  // Sends everything off; the batch is empty and can be used again.
  void deliver();

 private:
  struct Group {
    std::shared_ptr<Executor> executor;
    std::vector<Task> tasks;
  };
  std::vector<Group> groups_;  // few: one for each executor
};

}  // namespace tombolo::net
