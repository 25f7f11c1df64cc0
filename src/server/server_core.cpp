#include "server/server_core.h"

#include <utility>
#include <vector>

#include "server/door.h"
#include "server/doors/kinto/kinto_door.h"
#include "server/doors/stream/stream_door.h"
#include "server/request_log.h"

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
struct ServerCore::State {
  State(Configuration settings, std::unique_ptr<Storage> opened, const Clock& clock_used,
        Random& random_used, Logger& logger_used)
      : configuration(std::move(settings)),
        clock(clock_used),
        random(random_used),
        logger(logger_used),
        storage(std::move(opened)),
        readers(*storage),
        authenticator(authenticator_settings(configuration, *storage)),
        access(configuration.kinto.principals),
        writer(*storage, feed, clock, random, logger, writer_limits(configuration)) {
    const DoorContext context{configuration, *storage, readers, writer, feed,
                              authenticator, access,   clock,   random, logger};
    doors.push_back(std::make_unique<stream::StreamDoor>(context));
    doors.push_back(std::make_unique<kinto::KintoDoor>(context));
  }

  ~State() { writer.stop(); }  // what waits there is the doors', which end first

  const Configuration configuration;
  const Clock& clock;
  Random& random;
  Logger& logger;
  std::unique_ptr<Storage> storage;
  Readers readers;
  Authenticator authenticator;
  AccessControl access;
  Feed feed;
  Writer writer;
  std::vector<std::unique_ptr<Door>> doors;
};

Result<std::unique_ptr<ServerCore>> ServerCore::open(Configuration configuration,
                                                     const SqliteStorageOptions& storage,
                                                     const Clock& clock, Random& random,
                                                     Logger& logger) {
  Result<std::unique_ptr<Storage>> opened = open_sqlite_storage(storage, clock, random);
  if (!opened) return fail(opened);
  auto state =
      std::make_unique<State>(std::move(configuration), std::move(*opened), clock, random, logger);
  return std::unique_ptr<ServerCore>(new ServerCore(std::move(state)));
}

ServerCore::ServerCore(std::unique_ptr<State> state) : state_(std::move(state)) {}

ServerCore::~ServerCore() = default;

const Configuration& ServerCore::configuration() const {
  return state_->configuration;
}

Storage& ServerCore::storage() {
  return *state_->storage;
}

Writer& ServerCore::writer() {
  return state_->writer;
}

void ServerCore::handle(net::HttpRequest&& request, net::HttpResponder responder) {
  if (state_->configuration.log.requests && state_->logger.enabled(LogLevel::info)) {
    responder = logged(std::move(responder), request, state_->clock, state_->logger);
  }
  for (const std::unique_ptr<Door>& door : state_->doors) {
    if (door->handle(request, responder)) return;
  }
  responder.send(nothing_here());
}

void ServerCore::stop_doors() {
  for (const std::unique_ptr<Door>& door : state_->doors) door->stop();
}

}  // namespace tombolo::server
