// The wires between simulated hosts: how long what is sent takes, and whether it gets through at
// all. What travels in one connection keeps its order and arrives or breaks the connection, as TCP
// promises; connections overtake each other.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sim/random.h"
#include "sim/world.h"

namespace tombolo::sim {

// Chances are in a thousand.
struct WireConditions {
  std::int64_t latency_us = 5'000;
  std::int64_t jitter_us = 5'000;
  std::uint64_t straggler = 0;  // takes up to `straggle_us` more
  std::int64_t straggle_us = 3'000'000;
  std::int64_t bytes_per_ms = 0;        // 0: any number; few make a slow reader
  std::uint64_t breaks = 0;             // a connection, by something sent in it
  std::uint64_t request_lost = 0;       // of HTTP: the connection breaks before it arrives
  std::uint64_t answer_lost = 0;        // of HTTP: likewise, on the way back
  std::uint64_t request_repeated = 0;   // of HTTP: an idempotent one, by client or proxy
  std::uint64_t request_straggles = 0;  // of HTTP: arrives when nobody waits for the answer
};

struct WireCounts {
  std::int64_t sent = 0;
  std::int64_t stragglers = 0;
  std::int64_t broken = 0;
  std::int64_t lost_requests = 0;
  std::int64_t lost_answers = 0;
  std::int64_t repeated_requests = 0;
  std::int64_t straggling_requests = 0;
  std::int64_t partitions = 0;
};

class Wires {
 public:
  explicit Wires(World& world) : world_(world), random_(random_for(world.seed(), "wires")) {}

  World& world() { return world_; }
  Random& random() { return random_; }

  const WireConditions& conditions(const std::string& host) const;
  void set_conditions(const std::string& host, const WireConditions& conditions);

  // Cuts the way from one host to another, and only that direction.
  void cut(const std::string& from, const std::string& to);
  void mend(const std::string& from, const std::string& to);
  void mend_all();
  bool connected(const std::string& from, const std::string& to) const;

  // How long a message between a client and the server (its conditions are the client's) takes.
  std::int64_t travel_us(const std::string& client, std::size_t bytes);
  // Draws whether something that happens so often in a thousand happens now.
  bool happens(std::uint64_t in_a_thousand) { return chance(random_, in_a_thousand, 1000); }

  // Sees everything that a host is given.
  std::function<void(const std::string& from, const std::string& to, std::string_view text)> tap =
      [](const std::string&, const std::string&, std::string_view) {};

  WireCounts counts;

 private:
  World& world_;
  SeededRandom random_;
  std::map<std::string, WireConditions> conditions_;
  const WireConditions calm_;
  std::set<std::pair<std::string, std::string>> cuts_;
};

}  // namespace tombolo::sim
