// A real `tombolo serve` on a fresh database and a free port, for as long as the object lives.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::bench {

class ServerProcess {
 public:
  // Starts `binary serve` with its database in a new folder below `parent_folder` and waits until
  // it says where it listens. `pin_cpu` >= 0 keeps it on that processor.
  static Result<ServerProcess> start(const std::string& binary, const std::string& parent_folder,
                                     int pin_cpu = -1);
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();  // stops it (SIGTERM) and removes its folder

  std::uint16_t port() const { return port_; }

  // User and system time that the process has used, in seconds.
  double cpu_seconds() const;

  // Resident memory in KiB.
  std::int64_t resident_kib() const;

 private:
  ServerProcess(pid_t pid, std::uint16_t port, std::string folder)
      : pid_(pid), port_(port), folder_(std::move(folder)) {}
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string folder_;
};

}  // namespace tombolo::bench
