#include "checkers.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace tombolo::chaos {

namespace {

using Written = std::pair<std::string, std::string>;  // key and value

std::string text_of(const Written& written) {
  return written.first + " = " + written.second;
}

std::vector<Written> writes_of(const Event& event) {
  std::vector<Written> writes;
  for (const Step& step : event.steps) {
    if (step.kind == Step::Kind::write) writes.emplace_back(step.key, step.value);
  }
  return writes;
}

std::int64_t increments_of(const Event& event) {
  return std::ranges::count(event.steps, Step::Kind::increment, &Step::kind);
}

class LogChecker {
 public:
  explicit LogChecker(const History& history) : history_(history) {}

  std::vector<Violation> run() {
    index_log();
    for (const Event& event : history_.events) {
      if (event.kind == Event::Kind::transaction) check_transaction(event);
    }
    for (const auto& [written, position] : positions_) {
      if (!authored_.contains(written)) {
        complain("nothing is made up", text_of(written) + " is in the log, and nobody wrote it",
                 written.first);
      }
    }
    for (const Event& event : history_.events) {
      if (event.kind == Event::Kind::server_killed) check_kill(event);
    }
    return std::move(violations_);
  }

 private:
  void complain(std::string guarantee, std::string what, std::string key = {}) {
    violations_.push_back({std::move(guarantee), std::move(what), std::move(key)});
  }

  void index_log() {
    std::set<std::string> ids;
    for (std::size_t position = 0; position < history_.log.size(); ++position) {
      const LoggedOperation& operation = history_.log[position];
      if (!ids.insert(operation.id).second) {
        complain("exactly once", "operation " + operation.id + " is in the log twice");
      }
      for (const auto& [key, value] : operation.writes) {
        // One delete of a draft cannot be told from another.
        if (value == kDeleted && key.starts_with(kDrafts)) continue;
        const Written written(key, value);
        if (!positions_.emplace(written, position).second) {
          complain("exactly once", text_of(written) + " is in the log twice", written.first);
        }
      }
    }
  }

  void check_transaction(const Event& event) {
    const std::vector<Written> writes = writes_of(event);
    std::size_t logged = 0;
    for (const Written& written : writes) {
      authored_.insert(written);
      const bool is_there = positions_.contains(written);
      if (is_there) ++logged;
      if (event.outcome == Outcome::done && !is_there) {
        complain("an acknowledged write is never lost",
                 event.session + " wrote " + text_of(written) + ", which is not in the log",
                 written.first);
      }
      if (event.outcome == Outcome::refused && is_there) {
        complain("what was refused did not happen",
                 event.session + " was refused " + text_of(written) + ", which is in the log",
                 written.first);
      }
    }
    if (event.outcome == Outcome::unknown && logged != 0 && logged != writes.size()) {
      complain("a transaction is all or nothing",
               "of the " + std::to_string(writes.size()) + " writes of " + event.session + " at " +
                   std::to_string(event.invoked_ms) + " ms, " + std::to_string(logged) +
                   " are in the log",
               writes.front().first);
    }
  }

  void check_kill(const Event& kill) {
    for (std::size_t position = 0; position < kill.log_ids.size(); ++position) {
      if (position < history_.log.size() && history_.log[position].id == kill.log_ids[position]) {
        continue;
      }
      complain("the log only grows", "operation " + kill.log_ids[position] + " was number " +
                                         std::to_string(position + 1) +
                                         " of the log that the killed server left at " +
                                         std::to_string(kill.completed_ms) + " ms, and is not now");
      break;
    }
    std::set<std::string> published;  // sessions whose earlier writes are published
    for (auto event = history_.events.rbegin(); event != history_.events.rend(); ++event) {
      const bool says_synced =
          event->kind == Event::Kind::published || event->kind == Event::Kind::caught_up;
      if (says_synced && event->completed_ms < kill.invoked_ms) published.insert(event->session);
      if (event->outcome != Outcome::done || !published.contains(event->session)) continue;
      for (const Written& written : writes_of(*event)) {
        const auto found = positions_.find(written);
        if (found == positions_.end() || found->second < kill.log_ids.size()) continue;
        complain("synced is said only when it is so",
                 event->session + " had written " + text_of(written) +
                     " and said that it is synced; the server that was killed at " +
                     std::to_string(kill.invoked_ms) + " ms did not have it",
                 written.first);
      }
    }
  }

  const History& history_;
  std::map<Written, std::size_t> positions_;  // in the log
  std::set<Written> authored_;
  std::vector<Violation> violations_;
};

std::optional<std::int64_t> total_in(const Contents& contents) {
  const auto found = contents.find(std::string(kTotal));
  if (found == contents.end()) return std::nullopt;
  return std::stoll(found->second);
}

// The lower bound of the counter in each session.
void check_counter_reads(const Event& event, std::int64_t most, std::int64_t& least,
                         std::vector<Violation>& violations) {
  for (const Step& step : event.steps) {
    if (step.kind == Step::Kind::increment) ++least;
    if (step.kind != Step::Kind::read || !kTotal.starts_with(step.scope)) continue;
    const std::int64_t total = total_in(step.seen).value_or(0);
    if (total < least || total > most) {
      violations.push_back({"the counter counts",
                            event.session + " read " + std::to_string(total) + " at " +
                                std::to_string(event.completed_ms) +
                                " ms, which cannot be: at least " + std::to_string(least) +
                                ", at most " + std::to_string(most),
                            std::string(kTotal)});
    }
    least = std::max(least, total);
  }
}

// What the log says: the newest value of each register, and the notes that were not deleted.
Contents fold(const std::vector<LoggedOperation>& log) {
  std::map<std::string, const LoggedOperation*> newest;
  Contents contents;
  std::int64_t total = 0;
  for (const LoggedOperation& operation : log) {
    total += operation.increments;
    for (const auto& [key, value] : operation.writes) {
      const auto [place, is_new] = newest.emplace(key, &operation);
      if (!is_new && operation.stamp < place->second->stamp) continue;
      place->second = &operation;
      contents[key] = value;
    }
  }
  std::erase_if(contents, [](const auto& item) { return item.second == kDeleted; });
  contents[std::string(kTotal)] = std::to_string(total);
  return contents;
}

// The first key in which they differ, and how.
std::optional<std::pair<std::string, std::string>> difference(const Contents& left,
                                                              const Contents& right) {
  Contents all = left;
  all.insert(right.begin(), right.end());
  for (const auto& [key, value] : all) {
    const auto at = [&](const Contents& contents) {
      const auto found = contents.find(key);
      return found == contents.end() ? std::string("nothing") : found->second;
    };
    if (at(left) != at(right)) return std::pair(key, at(left) + " and not " + at(right));
  }
  return std::nullopt;
}

}  // namespace

std::vector<Violation> check_log(const History& history) {
  return LogChecker(history).run();
}

std::vector<Violation> check_counter(const History& history) {
  std::vector<Violation> violations;
  std::int64_t done = 0;
  std::int64_t most = 0;
  std::int64_t logged = 0;
  for (const Event& event : history.events) {
    if (event.outcome == Outcome::done) done += increments_of(event);
    if (event.outcome != Outcome::refused) most += increments_of(event);
  }
  for (const LoggedOperation& operation : history.log) logged += operation.increments;
  if (logged < done || logged > most) {
    violations.push_back({"the counter counts",
                          std::to_string(logged) + " increments are in the log; " +
                              std::to_string(done) + " were acknowledged, " +
                              std::to_string(most - done) + " got no answer",
                          std::string(kTotal)});
  }
  std::map<std::string, std::int64_t> least;
  for (const Event& event : history.events) {
    if (event.outcome == Outcome::done) {
      check_counter_reads(event, most, least[event.session], violations);
    }
  }
  return violations;
}

std::vector<Violation> check_convergence(const History& history) {
  std::vector<Violation> violations;
  if (history.replicas.empty()) return violations;
  const Replica& server = history.replicas.front();
  for (const Replica& replica : history.replicas) {
    const auto different = difference(replica.contents, server.contents);
    if (different) {
      violations.push_back({"replicas converge",
                            replica.name + " holds in the end " + different->first + " = " +
                                different->second + " as the server",
                            different->first});
    } else if (replica.json != server.json) {
      violations.push_back({"replicas converge",
                            replica.name + " and the server hold the same in other bytes:\n  " +
                                replica.json + "\n  " + server.json,
                            {}});
    }
  }
  if (const auto different = difference(server.contents, fold(history.log))) {
    violations.push_back({"the records are what the log says",
                          "the server holds " + different->first + " = " + different->second,
                          different->first});
  }
  return violations;
}

Verdict check(const History& history) {
  Verdict verdict;
  ReadReport reads = check_reads(history);
  verdict.torn_views = reads.torn_views;
  verdict.violations = std::move(reads.violations);
  for (auto found : {check_log(history), check_counter(history), check_convergence(history)}) {
    std::ranges::move(found, std::back_inserter(verdict.violations));
  }
  return verdict;
}

}  // namespace tombolo::chaos
