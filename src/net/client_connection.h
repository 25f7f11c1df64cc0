// One connection of the HTTP client: one request at a time, used again while the server allows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/dialer.h"
#include "net/http_client.h"
#include "net/http_parser.h"
#include "net/loop.h"
#include "net/output_queue.h"
#include "net/url.h"

namespace tombolo::net {

class ClientConnection final : public LoopMember,
                               public Deadline,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  // How an exchange ended. `may_repeat`: the server closed a kept-alive connection before it said a
  // word, so it may not have seen the request.
  using Done = std::function<void(Result<ClientResponse>, bool may_repeat)>;

  // `ended` is called when a connection between requests is gone (the server closed it, it was
  // unused for too long).
  ClientConnection(std::shared_ptr<IoThread> thread, Url url, const HttpClientOptions& options,
                   std::function<void(ClientConnection&)> ended);

  // Sends a request, connecting first if need be. is_reusable() says afterwards what became of it.
  void exchange(const ClientRequest& request, const std::string& target, Done done);
  bool is_reusable() const { return state_ == State::idle; }

  void abort() override;  // no callback
  void wind_down() override {}
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }
  void on_deadline() override;

 private:
  enum class State { fresh, connecting, idle, busy, closed };

  void begin();
  void flush();
  void wait_readable();
  void on_readable();
  void on_end(const IoResult& result);
  void take(std::string_view bytes);
  void finish();
  void fail_exchange(ErrorCode code, const std::string& problem, bool may_repeat);

  const std::shared_ptr<IoThread> thread_;
  const Url url_;
  const HttpClientOptions options_;
  const std::function<void(ClientConnection&)> ended_;
  State state_ = State::fresh;
  bool was_used_ = false;
  bool waits_for_read_ = false;
  bool waits_for_write_ = false;
  std::shared_ptr<Dialer> dialer_;
  std::optional<StreamSocket> socket_;
  OutputQueue output_;
  std::string input_;
  std::optional<ResponseParser> parser_;
  Done done_;
};

}  // namespace tombolo::net
