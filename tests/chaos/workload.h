// What one device asks for: transactions of reads and writes from a seed, as requests to `tombolo
// shell` (docs/shell.md), and what its answers say. Pure but for the chance that it draws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "history.h"

#include "tombolo/value.h"

namespace tombolo::chaos {

class Workload {
 public:
  // `device` makes its values and notes its own.
  Workload(std::string device, std::uint64_t seed);

  struct Request {
    Value command;
    std::vector<Step> steps;  // what `seen` is of reads comes with the answer
  };

  // What the first device does before all: makes the registers and the counter.
  Request setup();
  // Reads all registers and writes some, like the workload of PowerSync; makes and deletes notes,
  // increments the counter; creates, changes and deletes drafts; some fail at their end, some are a
  // single write without a transaction.
  Request next();
  // Reads everything, in one transaction.
  static Request read_all();

  // The file is lost: its notes are whoever's it was, and are left alone.
  void forget() { notes_.clear(); }
  // How the request ended; an answered one gives the steps with what was seen.
  void ended(Request& request, Outcome outcome, const Value& result);

  static Contents contents(const Value& result);  // of read_all()
  static std::string json(const Value& result);   // of read_all(), canonical, by collection and id

 private:
  std::string new_value() { return device_ + "-" + std::to_string(++last_value_); }
  Request next_draft();
  void add_register_writes(Request& request);
  void add_notes(Request& request);

  const std::string device_;
  SeededRandom random_;
  std::int64_t last_value_ = 0;
  std::vector<std::string> notes_;  // its own that it knows to be present
};

}  // namespace tombolo::chaos
