#include "net/network.h"

namespace tombolo::net {
namespace {

class SocketNetwork final : public Network {
 public:
  ~SocketNetwork() override { stop(); }

  const std::shared_ptr<Executor>& executor() const override { return executor_; }
  WebSocketConnect connect_websocket(WebSocketConnectOptions options,
                                     std::function<void(Result<OpenedWebSocket>)> done) override {
    return net::connect_websocket(thread_, std::move(options), std::move(done));
  }
  std::unique_ptr<HttpClient> http_client(HttpClientOptions options) override {
    return make_http_client(thread_, std::move(options));
  }
  void stop() override { thread_->stop(); }

 private:
  const std::shared_ptr<IoThread> thread_ = IoThread::start();
  const std::shared_ptr<Executor> executor_ = thread_;
};

}  // namespace

std::shared_ptr<Network> start_network() {
  return std::make_shared<SocketNetwork>();
}

}  // namespace tombolo::net
