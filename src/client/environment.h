// What a Database takes from outside: time, randomness, the disk and the network, so that tests own
// them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"

#include "tombolo/result.h"

namespace tombolo::net {
class Network;
}

namespace tombolo::client {

struct Environment {
  const Clock* clock = nullptr;
  Random* random = nullptr;  // thread-safe
  std::string vfs = {};      // name of a registered SQLite VFS; empty: the system's own
  // Operations in one message to a stream server; empty: as many as usual.
  std::optional<std::size_t> upload_batch_operations = {};
  // Called when the first remote is connected. Empty: the machine's own.
  std::function<std::shared_ptr<net::Network>()> start_network = {};
  // Takes the lock of that path, by which one process at a time syncs a remote, until what it
  // answers is gone; nothing: somebody has it. Empty: a file of that name is locked.
  std::function<Result<std::shared_ptr<void>>(const std::string& path)> try_lock = {};

  // Whether other processes may write to the file, so that they must be watched.
  bool is_shared = true;

  static Environment system();  // the machine's own
};

}  // namespace tombolo::client
