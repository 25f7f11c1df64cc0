#include "client/remotes.h"

#include <algorithm>

#include "base/planted_fault.h"
#include "client/connectors/kinto_connector.h"
#include "client/connectors/stream_connector.h"
#include "client/log_access.h"
#include "client/unreadable_operations.h"
#include "net/url.h"

namespace tombolo::client {
namespace {

Result<RemoteKind> kind_of(const RemoteOptions& options) {
  const auto url = net::parse_url(options.url);
  if (!url) return fail(url);
  const bool websocket = url->scheme == "ws" || url->scheme == "wss";
  const RemoteKind kind = websocket ? RemoteKind::stream : RemoteKind::kinto;
  if (options.kind.value_or(kind) == kind) return kind;
  return fail(ErrorCode::invalid_argument,
              "a stream remote has a ws:// or wss:// URL, a kinto remote http:// or https://, but "
              "this is " +
                  options.url);
}

Result<void> check_credentials(const RemoteOptions& options, RemoteKind kind) {
  const bool basic = std::holds_alternative<BasicCredentials>(options.authentication);
  if (kind != RemoteKind::stream || !basic) return {};
  return fail(ErrorCode::invalid_argument,
              options.url + " is a stream remote: it takes a token, not a user and a password");
}

}  // namespace

Result<std::shared_ptr<Connector>> Remotes::connect(const RemoteOptions& options) {
  const std::lock_guard one_at_a_time(connecting_);
  const std::string& name = options.name.empty() ? options.url : options.name;
  for (const auto& connector : connected()) {
    if (connector->remote().name == name) {
      return fail(ErrorCode::already_exists, "the remote \"" + name + "\" is connected already");
    }
  }
  auto connector = make(options);
  if (!connector) return fail(connector);
  const std::lock_guard guard(mutex_);
  if (closed_) return fail(ErrorCode::precondition_failed, "the database is closed");
  connectors_.push_back(*connector);
  engine_.watch_others();
  (*connector)->start();
  return connector;
}

Result<std::shared_ptr<Connector>> Remotes::make(const RemoteOptions& options) {
  const Result<RemoteKind> kind = kind_of(options);
  if (!kind) return fail(kind);
  if (auto good = check_credentials(options, *kind); !good) return fail(good);
  KintoLocation location;
  if (*kind == RemoteKind::kinto) {
    Result<KintoLocation> parsed = parse_kinto_url(options.url);
    if (!parsed) return fail(parsed);
    location = std::move(*parsed);
  }
  Result<RemoteEntry> remote = engine_.write(
      [&](WriteSession& session) { return register_remote(session, options, *kind); });
  if (!remote) return fail(remote);
  const std::lock_guard guard(mutex_);
  if (closed_) return fail(ErrorCode::precondition_failed, "the database is closed");
  if (!network_) {
    const auto& start = engine_.environment().start_network;
    network_ = start ? start() : net::start_network();
  }
  if (*kind == RemoteKind::kinto) {
    return std::make_shared<KintoConnector>(engine_, network_, std::move(*remote), options,
                                            std::move(location));
  }
  return std::make_shared<StreamConnector>(engine_, network_, std::move(*remote), options);
}

void Remotes::disconnect(const std::shared_ptr<Connector>& connector) {
  {
    const std::lock_guard guard(mutex_);
    std::erase(connectors_, connector);
    if (closed_) return;
  }
  connector->stop();
}

std::vector<std::shared_ptr<Connector>> Remotes::connected() {
  const std::lock_guard guard(mutex_);
  return connectors_;
}

Result<void> Remotes::forget(std::string_view name) {
  const std::lock_guard one_at_a_time(connecting_);
  for (const auto& connector : connected()) {
    if (connector->remote().name != name) continue;
    return fail(ErrorCode::precondition_failed,
                "the remote \"" + std::string(name) + "\" is connected: disconnect it first");
  }
  return engine_.write([&](WriteSession& session) { return forget_remote(session, name); });
}

void Remotes::pending_changed() {
  const std::lock_guard guard(mutex_);
  for (const auto& connector : connectors_) connector->pending_changed();
}

void Remotes::others_committed() {
  const std::lock_guard guard(mutex_);
  for (const auto& connector : connectors_) connector->others_committed();
}

Result<RemoteStatus> status_of(Engine& engine, Connector& connector) {
  RemoteStatus status = connector.status();
  auto reader = engine.reader();
  if (!reader) return fail(reader);
  const auto pending = count_pending((*reader)->access(), connector.remote().bit());
  if (!pending) return fail(pending);
  const auto letters = count_dead_letters((*reader)->access(), connector.remote().key);
  if (!letters) return fail(letters);
  const auto unreadable = count_unreadable((*reader)->access(), connector.remote().key);
  if (!unreadable) return fail(unreadable);
  status.pending = *pending;
  status.dead_letters = *letters;
  status.unreadable = *unreadable;
  // The flag, whatever the log says.
  if (planted(PlantedFault::status_as_flag)) return status;
  // Asked again after counting: an exchange that began meanwhile is not over.
  status.synced =
      status.synced && status.pending == 0 && status.unreadable == 0 && connector.status().synced;
  return status;
}

void Remotes::close() {
  std::vector<std::shared_ptr<Connector>> connectors;
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    connectors.swap(connectors_);
  }
  for (const auto& connector : connectors) connector->stop();
  if (network_) network_->stop();
  network_.reset();
}

}  // namespace tombolo::client
