// A simulated machine with a client database of our own on it, and the program that uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/open_database.h"
#include "sim/internet.h"
#include "sim/machine.h"

#include "tombolo/database.h"

namespace tombolo::fuzz {

class PlainDevice final : public sim::Machine {
 public:
  PlainDevice(sim::World& world, sim::Internet& internet, RemoteOptions remote)
      : Machine(world, "device"), internet_(internet), remote_options_(std::move(remote)) {}
  ~PlainDevice() override { die(sim::Death::killed); }

  // While it is up.
  Database& database() { return *database_; }
  Remote& remote() { return *remote_; }

 private:
  bool start() override {
    client::Environment environment{.clock = &clock(), .random = &random(), .vfs = disk().vfs()};
    environment.start_network = [this] { return internet_.network_of(*this); };
    environment.try_lock = [](const std::string&) -> Result<std::shared_ptr<void>> {
      return std::make_shared<int>();
    };
    environment.is_shared = false;
    auto database =
        client::open_database("device.db", {.durability = Durability::relaxed}, environment);
    if (!database) return false;
    database_.emplace(std::move(*database));
    remote_.emplace(database_->connect(remote_options_).value());
    return true;
  }

  void drop() override {
    remote_.reset();
    database_.reset();
  }

  sim::Internet& internet_;
  const RemoteOptions remote_options_;
  std::optional<Database> database_;
  std::optional<Remote> remote_;
};

}  // namespace tombolo::fuzz
