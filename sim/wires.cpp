#include "sim/wires.h"

namespace tombolo::sim {

const WireConditions& Wires::conditions(const std::string& host) const {
  const auto found = conditions_.find(host);
  return found == conditions_.end() ? calm_ : found->second;
}

void Wires::set_conditions(const std::string& host, const WireConditions& conditions) {
  conditions_[host] = conditions;
}

void Wires::cut(const std::string& from, const std::string& to) {
  if (cuts_.emplace(from, to).second) ++counts.partitions;
}

void Wires::mend(const std::string& from, const std::string& to) {
  cuts_.erase({from, to});
}

void Wires::mend_all() {
  cuts_.clear();
}

bool Wires::connected(const std::string& from, const std::string& to) const {
  return !cuts_.contains({from, to});
}

std::int64_t Wires::travel_us(const std::string& client, std::size_t bytes) {
  const WireConditions& now = conditions(client);
  ++counts.sent;
  std::int64_t us = now.latency_us;
  if (now.jitter_us > 0) {
    us += static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(now.jitter_us)));
  }
  if (now.bytes_per_ms > 0) us += static_cast<std::int64_t>(bytes) * 1000 / now.bytes_per_ms;
  if (happens(now.straggler)) {
    ++counts.stragglers;
    us += static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(now.straggle_us)));
  }
  return us;
}

}  // namespace tombolo::sim
