// The machine that the real server runs on: storage on its disk, requests from the wires, commits
// when the queue of the world comes to them.
#pragma once

#include <functional>
#include <memory>

#include "base/log.h"
#include "server/server_core.h"
#include "sim/internet.h"
#include "sim/machine.h"
#include "sim/plan.h"

namespace tombolo::sim {

class ServerMachine final : public Machine {
 public:
  ServerMachine(World& world, Internet& internet, const Plan& plan);
  ~ServerMachine() override;

  // Comes up again by itself after it died.
  void keep_up(bool wanted) { kept_up_ = wanted; }

  // Called when it has come up, before anybody can reach it.
  void set_on_up(std::function<void()> on_up) { on_up_ = std::move(on_up); }

  // As an operator does it: brings the disk back as it was in `snapshot`.
  void restore(const Disk::Snapshot& snapshot);

  // Null while it is down.
  server::ServerCore* core() { return core_.get(); }

  // Answers a request at once, without wires; the server must be up. For setting up and for
  // looking.
  net::HttpResponse ask(std::string_view method, const std::string& target,
                        const std::string& token, const std::string& body = {});

 private:
  bool start() override;
  void drop() override;
  void on_down(Death how) override;
  void wake();
  void commit();

  const Plan& plan_;
  NullLogger logger_;
  std::unique_ptr<server::ServerCore> core_;
  std::function<void()> on_up_;
  bool kept_up_ = true;
  bool committing_ = false;
  EventId quiet_ = 0;
  SeededRandom chance_;
};

}  // namespace tombolo::sim
