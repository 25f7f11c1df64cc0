#include "tombolo/remote.h"

#include "client/log_access.h"
#include "client/remotes.h"

namespace tombolo {

std::string_view name_of(RemoteState state) {
  switch (state) {
    case RemoteState::offline:
      return "offline";
    case RemoteState::connecting:
      return "connecting";
    case RemoteState::syncing:
      return "syncing";
    case RemoteState::idle:
      return "idle";
    case RemoteState::waiting:
      return "waiting";
    case RemoteState::standby:
      return "standby";
    case RemoteState::stopped:
      return "stopped";
  }
  return "offline";
}

Remote::Remote(std::shared_ptr<client::Engine> engine, std::shared_ptr<client::Connector> connector)
    : engine_(std::move(engine)), connector_(std::move(connector)) {}

const std::string& Remote::name() const {
  return connector_->remote().name;
}

Result<RemoteStatus> Remote::status() const {
  return client::status_of(*engine_, *connector_);
}

void Remote::sync_now() {
  connector_->sync_now();
}

Result<void> Remote::wait_until_synced(std::int64_t timeout_ms) {
  return connector_->wait_until_synced(timeout_ms);
}

void Remote::disconnect() {
  engine_->remotes().disconnect(connector_);
}

}  // namespace tombolo
