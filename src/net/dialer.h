// Opens one outgoing connection: finds the host's addresses, tries them in order, shakes hands by
// TLS for https and wss, gives up in time.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "net/loop.h"
#include "net/stream_socket.h"
#include "net/url.h"

#include "tombolo/result.h"

namespace tombolo::net {

// On its loop's thread only.
class Dialer final : public LoopMember,
                     public Deadline,
                     public std::enable_shared_from_this<Dialer> {
 public:
  using Done = std::function<void(Result<StreamSocket>)>;

  // `ca_file`: see TlsContext.
  Dialer(std::shared_ptr<IoThread> thread, Url url, std::string ca_file, Done done);

  // `done` is called once, later, unless abort() comes before.
  void start(std::int64_t timeout_ms);

  void abort() override;
  void wind_down() override {}
  std::shared_ptr<LoopMember> self() override { return shared_from_this(); }
  void on_deadline() override;

 private:
  using Endpoints = boost::asio::ip::tcp::resolver::results_type;
  void connect(const Endpoints& endpoints);
  void secure();
  void shake_hands();
  void on_handshake_failure();
  Result<std::shared_ptr<TlsContext>> tls_context() const;
  void finish(Result<StreamSocket> result);
  void fail_with(ErrorCode code, const std::string& problem);

  const std::shared_ptr<IoThread> thread_;
  const Url url_;
  const std::string ca_file_;
  Done done_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace tombolo::net
