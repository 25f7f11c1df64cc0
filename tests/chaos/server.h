// `tombolo serve` as a process on a file of its own, started, killed and paused by one thread, and
// what its file holds while nobody has it open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/json_program.h"
#include "history.h"

#include "tombolo/result.h"

namespace tombolo::chaos {

class Server {
 public:
  // `port` 0: a free one, kept from the first start on.
  Server(std::string program, std::string folder, std::string address, std::uint16_t port,
         Recorder& recorder);

  // The URL for devices, once it has started.
  std::string url() const;
  bool start();  // false, with a complaint: it did not come up
  // Kills it, and notes what it leaves.
  void kill();
  void pause();
  void resume();
  bool is_running() const { return program_.has_value(); }
  // Asks it to end, as an operator would.
  void stop();
  // Its log and its records, into the history. It must not be running.
  Result<void> read_file(History& history) const;

 private:
  std::string file() const { return folder_ + "/server.db"; }

  const std::string program_path_;
  const std::string folder_;
  const std::string address_;
  std::uint16_t port_;
  Recorder& recorder_;
  std::optional<cli::JsonProgram> program_;
};

}  // namespace tombolo::chaos
