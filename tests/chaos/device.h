// A device: `tombolo shell` as a process on a file of its own, driven by one thread, which works
// through the run's phases. From outside (the nemesis) it can be killed, paused, taken offline, and
// its file lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/json_program.h"
#include "history.h"
#include "os/clock.h"
#include "workload.h"

#include "tombolo/value.h"

namespace tombolo::chaos {

struct DeviceOptions {
  std::string program;  // tombolo
  std::string folder;   // for its file and what it says on standard error
  std::string url;      // of the remote; may be set later
  std::uint64_t seed = 0;
};

class Device {
 public:
  Device(std::size_t number, DeviceOptions options, Recorder& recorder);

  const std::string& name() const { return name_; }

  // From any thread. A killed device stays down until it is revived.
  void kill();
  void revive();
  void pause();
  void resume();
  void set_offline(bool offline);  // by the commands `disconnect` and `connect`
  void lose_file();  // if it is synced it is killed and its file removed, else only killed

  // All below are called by the one thread that drives it.
  void connect_to(std::string url) { options_.url = std::move(url); }
  // Makes what all work on.
  void set_up();
  // One request, whatever comes next; sleeps a little when it is down.
  void work();
  // Up and online, whatever was ordered before.
  void recover();
  // Whether it says by itself that it is synced.
  bool says_synced();
  // Asks for news and waits for them. False: not in time.
  bool catch_up(std::int64_t timeout_ms);
  // Everything, read in one transaction, noted as an event; nothing when it could not.
  std::optional<Value> read_all();
  // Complains about what is left over: pending, unreadable, or refused by the server.
  void check_status();
  // Ends the process as its user would.
  void close();

  struct Counts {
    std::int64_t done = 0, refused = 0, unknown = 0, lives = 1;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Answer {
    Outcome outcome = Outcome::unknown;
    Value result;
    Value error;
    std::int64_t invoked_ms = 0;
    std::int64_t completed_ms = 0;
  };

  std::int64_t now_ms() const { return os::SystemClock().monotonic_ms(); }
  std::string session() const { return name_ + "." + std::to_string(counts_.lives); }
  std::string file() const { return options_.folder + "/" + name_ + ".db"; }
  bool start();  // false: it did not come up
  void connect();
  Answer ask(Value command);
  // The process has ended, or does not answer.
  void lost(const Error& error);
  void run(Workload::Request request);
  void note(Event::Kind kind, const Answer& answer, std::vector<Step> steps = {});
  void follow_orders();
  void lose_file_now();

  const std::string name_;
  DeviceOptions options_;
  Recorder& recorder_;
  Workload workload_;
  SeededRandom random_;
  std::optional<cli::JsonProgram> program_;
  bool is_offline_ = false;
  Counts counts_;

  mutable std::mutex mutex_;  // guards what the nemesis touches
  int process_id_ = 0;        // 0: none
  bool is_down_ = false;
  bool was_killed_ = false;  // since its start
  bool must_be_offline_ = false;
  bool must_lose_file_ = false;
};

}  // namespace tombolo::chaos
