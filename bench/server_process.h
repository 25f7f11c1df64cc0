// A server as a child process, for as long as the object lives: `tombolo serve` on a fresh
// database, or one of the bare servers of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/child_process.h"

#include "tombolo/result.h"

namespace tombolo::bench {

class ServerProcess {
 public:
  // Starts `command` and waits until it has said, as JSON in its first line, on which port it
  // listens.
  static Result<ServerProcess> start(std::vector<std::string> command);
  // `binary serve` with its database in `file`.
  static Result<ServerProcess> tombolo(const std::string& binary, const std::string& file);
  ServerProcess(ServerProcess&&) noexcept = default;
  ServerProcess& operator=(ServerProcess&&) noexcept = default;
  ~ServerProcess();

  // Ends it in order (SIGTERM), so that its database is complete in one file.
  Result<void> stop();

  std::uint16_t port() const { return port_; }
  int process_id() const { return process_.process_id(); }

 private:
  ServerProcess(os::ChildProcess process, std::uint16_t port)
      : process_(std::move(process)), port_(port) {}
  os::ChildProcess process_;
  std::uint16_t port_ = 0;
};

}  // namespace tombolo::bench
