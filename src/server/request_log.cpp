#include "server/request_log.h"

#include <memory>
#include <string>
#include <utility>

namespace tombolo::server {

namespace {

class LoggedTarget final : public net::ResponseTarget {
 public:
  LoggedTarget(net::HttpResponder responder, const net::HttpRequest& request, const Clock& clock,
               Logger& logger)
      : executor_(responder.executor()),
        responder_(std::move(responder)),
        clock_(clock),
        logger_(logger),
        start_ms_(clock.monotonic_ms()),
        method_(request.method_name()),
        path_(request.path()),
        remote_(request.remote_address) {}

  const std::shared_ptr<net::Executor>& executor() const override { return executor_; }

  void deliver(net::HttpResponse response) override {
    note(response.status, static_cast<std::int64_t>(response.body.size()));
    responder_.send(std::move(response));
  }

  void upgrade(const net::WebSocketOptions& options, net::HttpHeaders headers,
               net::WebSocketOpened opened) override {
    note(101, 0);
    responder_.upgrade(options, std::move(opened), std::move(headers));
  }

 private:
  void note(int status, std::int64_t bytes) {
    logger_.log(LogLevel::info, "request",
                {{"method", method_},
                 {"path", path_},
                 {"status", status},
                 {"bytes", bytes},
                 {"duration_ms", clock_.monotonic_ms() - start_ms_},
                 {"remote", remote_}});
  }

  std::shared_ptr<net::Executor> executor_;
  net::HttpResponder responder_;
  const Clock& clock_;
  Logger& logger_;
  const std::int64_t start_ms_;
  const std::string method_;
  const std::string path_;
  const std::string remote_;
};

}  // namespace

net::HttpResponder logged(net::HttpResponder responder, const net::HttpRequest& request,
                          const Clock& clock, Logger& logger) {
  return net::HttpResponder(
      std::make_shared<LoggedTarget>(std::move(responder), request, clock, logger));
}

}  // namespace tombolo::server
