// The connected remotes of a Database and the network that they share, which starts with the first
// of them. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "client/connectors/connector.h"
#include "net/network.h"

#include "tombolo/database.h"
#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

class Remotes {
 public:
  explicit Remotes(Engine& engine) : engine_(engine) {}
  ~Remotes() { close(); }

  Result<std::shared_ptr<Connector>> connect(const RemoteOptions& options);
  void disconnect(const std::shared_ptr<Connector>& connector);
  std::vector<std::shared_ptr<Connector>> connected();
  Result<void> forget(std::string_view name);
  void pending_changed();   // by a commit of this Database
  void others_committed();  // or may have been changed by somebody else's
  void close();             // disconnects all; none can be connected afterwards

 private:
  Result<std::shared_ptr<Connector>> make(const RemoteOptions& options);

  Engine& engine_;
  std::mutex connecting_;  // one connect() or forget() at a time
  std::mutex mutex_;       // for what follows; held briefly, never while writing
  bool closed_ = false;
  std::shared_ptr<net::Network> network_;
  std::vector<std::shared_ptr<Connector>> connectors_;
};

// The connector's state with the counts of the database.
Result<RemoteStatus> status_of(Engine& engine, Connector& connector);

}  // namespace tombolo::client
