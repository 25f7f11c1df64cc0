#include "client/recent_commits.h"

#include <utility>

namespace tombolo::client {
namespace {

std::size_t count_keys(const CommitSummary& summary) {
  std::size_t count = 0;
  for (const auto& changed : summary.changed) count += changed.keys.size();
  return count;
}

}  // namespace

void RecentCommits::announce(std::int64_t revision) {
  if (commits_.size() < kMaxCommits) commits_.try_emplace(revision);
}

void RecentCommits::report(CommitSummary&& summary) {
  const auto place = commits_.find(summary.revision);
  if (place == commits_.end()) return;
  const std::size_t count = count_keys(summary);
  if (keys_ + count > kMaxKeys) {
    summary.has_keys = false;
    for (auto& changed : summary.changed) changed.keys = {};
  } else {
    keys_ += count;
  }
  place->second = std::move(summary);
}

void RecentCommits::call_off(std::int64_t revision) {
  commits_.erase(revision);
}

// Revisions have no gaps.
std::optional<RecentCommits::Taken> RecentCommits::take(std::int64_t after, std::int64_t upto) {
  const auto end = commits_.upper_bound(upto);
  for (auto commit = commits_.begin(); commit != end; ++commit) {
    if (!commit->second) return std::nullopt;
  }
  Taken taken;
  std::int64_t own = 0;
  for (auto commit = commits_.begin(); commit != end; ++commit) {
    keys_ -= count_keys(*commit->second);
    if (commit->first <= after) continue;
    ++own;
    taken.own.push_back(std::move(*commit->second));
  }
  commits_.erase(commits_.begin(), end);
  taken.others = own < upto - after;
  return taken;
}

}  // namespace tombolo::client
