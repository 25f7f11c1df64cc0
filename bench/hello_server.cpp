// Our network layer with the smallest handler, to be measured against bare_http and bare_websocket.
// usage: hello_server [PORT [THREADS]]; GET / answers 105 bytes, a WebSocket is echoed. Ends on
// SIGTERM.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "os/clock.h"
#include "os/signals.h"
#include "os/stream_logger.h"

namespace {

using namespace tombolo;

void echo(const std::shared_ptr<net::WebSocketConnection>& socket) {
  const std::weak_ptr<net::WebSocketConnection> weak = socket;
  net::WebSocketCallbacks callbacks;
  callbacks.on_text = [weak](std::string_view text) { weak.lock()->send_text(text); };
  callbacks.on_binary = [weak](std::string_view bytes) { weak.lock()->send_binary(bytes); };
  socket->set_callbacks(std::move(callbacks));
}

void answer(net::HttpRequest&& request, net::HttpResponder responder) {
  if (request.headers.contains("Upgrade")) return responder.upgrade({}, echo);
  net::HttpResponse response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("ETag", "\"1700000000000\"");
  response.body = std::string(105, ' ');
  responder.send(std::move(response));
}

}  // namespace

int main(int count, char** arguments) {
  os::StopSignal stop;
  os::SystemClock clock;
  os::StreamLogger logger(clock, os::LogFormat::human, LogLevel::info);
  net::HttpServerOptions options;
  if (count > 1) options.port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  if (count > 2) options.threads = static_cast<std::size_t>(std::atoi(arguments[2]));
  const auto server = net::HttpServer::start(options, answer, logger);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("{\"port\":%d}\n", (*server)->port());
  std::fflush(stdout);
  stop.wait();
  (*server)->stop(1'000);
}
