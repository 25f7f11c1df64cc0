#include "server/server.h"

#include <utility>

#include "net/http_server.h"
#include "server/checkpoint_thread.h"
#include "server/server_core.h"
#include "server/writer_thread.h"

namespace tombolo::server {

namespace {

net::HttpServerOptions http_options(const Configuration& configuration) {
  net::HttpServerOptions options;
  options.address = configuration.server.address;
  options.port = static_cast<std::uint16_t>(configuration.server.port);
  options.threads = static_cast<std::size_t>(configuration.server.io_threads);
  options.max_connections = static_cast<std::size_t>(configuration.limits.connections);
  options.limits.body_bytes = static_cast<std::size_t>(configuration.limits.body_bytes);
  return options;
}

}  // namespace

// In the order in which the parts depend on each other; they end in reverse.
struct Server::State {
  State(std::unique_ptr<ServerCore> opened, std::unique_ptr<Checkpointer> checkpointer,
        Logger& logger)
      : core(std::move(opened)),
        checkpoints(std::move(checkpointer), logger),
        writer_thread(with_checkpoints()) {}

  Writer& with_checkpoints() {
    core->writer().set_checkpoints(checkpoints);
    return core->writer();
  }

  void stop() {
    if (std::exchange(stopped, true)) return;
    core->stop_doors();
    if (http) http->stop(core->configuration().server.stop_timeout_ms);
    writer_thread.stop();
    checkpoints.stop();
  }

  const std::unique_ptr<ServerCore> core;
  CheckpointThread checkpoints;
  WriterThread writer_thread;
  std::unique_ptr<net::HttpServer> http;
  bool stopped = false;
};

Result<std::unique_ptr<Server>> Server::start(Configuration configuration, const Clock& clock,
                                              Random& random, Logger& logger,
                                              std::function<void()> on_failed) {
  SqliteStorageOptions options;
  options.path = configuration.database.path;
  auto core = ServerCore::open(std::move(configuration), options, clock, random, logger);
  if (!core) return fail(core);
  Result<std::unique_ptr<Checkpointer>> checkpointer = (*core)->storage().open_checkpointer();
  if (!checkpointer) return fail(checkpointer);
  if (on_failed) {
    (*core)->writer().set_on_poisoned(
        [on_failed = std::move(on_failed)](const Error&) { on_failed(); });
  }
  auto state = std::make_unique<State>(std::move(*core), std::move(*checkpointer), logger);
  Result<std::unique_ptr<net::HttpServer>> http = net::HttpServer::start(
      http_options(state->core->configuration()),
      [core = state->core.get()](net::HttpRequest&& request, net::HttpResponder responder) {
        core->handle(std::move(request), std::move(responder));
      },
      logger);
  if (!http) return fail(http);
  state->http = std::move(*http);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return state_->http->port();
}

const Configuration& Server::configuration() const {
  return state_->core->configuration();
}

void Server::stop() {
  state_->stop();
}

}  // namespace tombolo::server
