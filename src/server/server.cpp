#include "server/server.h"

#include <utility>
#include <vector>

#include "net/http_server.h"
#include "server/checkpoint_thread.h"
#include "server/door.h"
#include "server/doors/kinto/kinto_door.h"
#include "server/doors/stream/stream_door.h"
#include "server/request_log.h"
#include "server/storage/sqlite_storage.h"
#include "server/writer_thread.h"

namespace tombolo::server {

namespace {

AuthenticatorSettings authenticator_settings(const Configuration& configuration,
                                             const Storage& storage) {
  AuthenticatorSettings settings;
  settings.userid_hmac_secret = configuration.kinto.userid_hmac_secret.empty()
                                    ? storage.secret()
                                    : configuration.kinto.userid_hmac_secret;
  settings.tokens = configuration.stream.tokens;
  settings.open_access = configuration.stream.open_access;
  return settings;
}

WriterLimits writer_limits(const Configuration& configuration) {
  WriterLimits limits;
  limits.queue_requests = static_cast<std::size_t>(configuration.limits.queued_writes);
  return limits;
}

net::HttpServerOptions http_options(const Configuration& configuration) {
  net::HttpServerOptions options;
  options.address = configuration.server.address;
  options.port = static_cast<std::uint16_t>(configuration.server.port);
  options.threads = static_cast<std::size_t>(configuration.server.io_threads);
  options.max_connections = static_cast<std::size_t>(configuration.limits.connections);
  options.limits.body_bytes = static_cast<std::size_t>(configuration.limits.body_bytes);
  return options;
}

net::HttpResponse nothing_here() {
  net::HttpResponse response;
  response.status = 404;
  response.headers.add("Content-Type", "application/json");
  response.body =
      std::string(R"({"code":404,"errno":111,"error":"Not Found",)"
                  R"("message":"The resource you are looking for could not be found."})");
  return response;
}

}  // namespace

// In the order in which the parts depend on each other; they end in reverse.
struct Server::State {
  State(Configuration settings, std::unique_ptr<Storage> opened,
        std::unique_ptr<Checkpointer> checkpointer, const Clock& clock_used, Random& random_used,
        Logger& logger_used)
      : configuration(std::move(settings)),
        clock(clock_used),
        random(random_used),
        logger(logger_used),
        storage(std::move(opened)),
        readers(*storage),
        authenticator(authenticator_settings(configuration, *storage)),
        access(configuration.kinto.principals),
        checkpoints(std::move(checkpointer), logger),
        writer(*storage, feed, clock, random, logger, writer_limits(configuration)),
        writer_thread(with_checkpoints()) {}

  Writer& with_checkpoints() {
    writer.set_checkpoints(checkpoints);
    return writer;
  }

  void handle(net::HttpRequest request, net::HttpResponder responder) {
    if (configuration.log.requests && logger.enabled(LogLevel::info)) {
      responder = logged(std::move(responder), request, clock, logger);
    }
    for (const std::unique_ptr<Door>& door : doors) {
      if (door->handle(request, responder)) return;
    }
    responder.send(nothing_here());
  }

  void stop() {
    if (std::exchange(stopped, true)) return;
    for (const std::unique_ptr<Door>& door : doors) door->stop();
    if (http) http->stop(configuration.server.stop_timeout_ms);
    writer_thread.stop();
    checkpoints.stop();
  }

  const Configuration configuration;
  const Clock& clock;
  Random& random;
  Logger& logger;
  std::unique_ptr<Storage> storage;
  Readers readers;
  Authenticator authenticator;
  AccessControl access;
  Feed feed;
  CheckpointThread checkpoints;
  Writer writer;
  WriterThread writer_thread;
  std::vector<std::unique_ptr<Door>> doors;
  std::unique_ptr<net::HttpServer> http;
  bool stopped = false;
};

Result<std::unique_ptr<Server>> Server::start(Configuration configuration, const Clock& clock,
                                              Random& random, Logger& logger,
                                              std::function<void()> on_failed) {
  SqliteStorageOptions options;
  options.path = configuration.database.path;
  Result<std::unique_ptr<Storage>> storage = open_sqlite_storage(options, clock, random);
  if (!storage) return fail(storage);
  Result<std::unique_ptr<Checkpointer>> checkpointer = (*storage)->open_checkpointer();
  if (!checkpointer) return fail(checkpointer);
  auto state = std::make_unique<State>(std::move(configuration), std::move(*storage),
                                       std::move(*checkpointer), clock, random, logger);
  if (on_failed) {
    state->writer.set_on_poisoned(
        [on_failed = std::move(on_failed)](const Error&) { on_failed(); });
  }
  const DoorContext context{
      state->configuration, *state->storage, state->readers, state->writer, state->feed,
      state->authenticator, state->access,   state->clock,   state->random, state->logger};
  state->doors.push_back(std::make_unique<stream::StreamDoor>(context));
  state->doors.push_back(std::make_unique<kinto::KintoDoor>(context));
  Result<std::unique_ptr<net::HttpServer>> http = net::HttpServer::start(
      http_options(state->configuration),
      [parts = state.get()](net::HttpRequest&& request, net::HttpResponder responder) {
        parts->handle(std::move(request), std::move(responder));
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
  return state_->configuration;
}

void Server::stop() {
  state_->stop();
}

}  // namespace tombolo::server
