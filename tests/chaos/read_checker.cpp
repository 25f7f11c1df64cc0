// check_reads(): follows what each session knows, as the least rank that each key must have when it
// is read. Ranks of a register are the order of its values' stamps in the log; a note is absent
// (0), present (1), deleted (2).
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "checkers.h"

namespace tombolo::chaos {

namespace {

constexpr std::int64_t kAbsent = 0;
constexpr std::int64_t kUnranked = std::numeric_limits<std::int64_t>::max();

using Written = std::pair<std::string, std::string>;  // key and value

// What a session knows of each key: the least rank that it must read, and the event because of
// which.
struct Knowledge {
  std::vector<std::int64_t> rank;
  std::vector<std::size_t> because;

  void learn(std::size_t key, std::int64_t new_rank, std::size_t event) {
    if (new_rank <= rank[key]) return;
    rank[key] = new_rank;
    because[key] = event;
  }
  void learn(const Knowledge& other) {
    for (std::size_t key = 0; key < rank.size(); ++key) {
      learn(key, other.rank[key], other.because[key]);
    }
  }
};

// The event and the step in which a value was written.
struct Author {
  std::size_t event = 0;
  std::size_t step = 0;
};

class ReadChecker {
 public:
  explicit ReadChecker(const History& history)
      : history_(history), before_(history.events.size()), is_judged_(history.events.size()) {
    index();
  }

  ReadReport run();

 private:
  // One attempt to judge an event, which has no effect when an author is not judged yet.
  struct Attempt {
    std::size_t event = 0;
    Knowledge knowledge;
    Contents here;                     // what the transaction itself wrote
    std::map<std::string, Step> read;  // by scope: what it read first
    std::vector<Violation> violations;
    std::int64_t torn = 0;
    bool is_blocked = false;
  };

  void index();
  void index_ranks();
  std::size_t number_of(const std::string& key) {
    return keys_.emplace(key, keys_.size()).first->second;
  }
  std::int64_t rank_of(const std::string& key, const std::string& value) const;

  bool judge(std::size_t event);
  void judge_transaction(Attempt& attempt);
  void judge_read(Attempt& attempt, const Step& step);
  void judge_repetition(Attempt& attempt, const Step& first, const Step& second);
  void compare(Attempt& attempt, const Step& step);
  void learn_from_author(Attempt& attempt, const std::string& key, const std::string& value);
  void learn_deletions(Attempt& attempt, const Step& step);
  void count_torn(Attempt& attempt, const Step& step);
  void catch_up(Attempt& attempt);
  void apply_writes(Attempt& attempt);
  void complain(Attempt& attempt, std::string guarantee, const std::string& what,
                const std::string& key) const;
  std::string reason(const Attempt& attempt, std::size_t key) const;

  const History& history_;
  std::map<std::string, std::size_t> keys_;
  std::map<Written, std::int64_t> ranks_;
  std::map<Written, Author> authors_;
  std::map<std::string, std::vector<std::size_t>> sessions_;  // their events, in order
  std::map<std::string, Knowledge> known_;                    // by session
  // Of a judged event: what its session knew when it began to write.
  std::vector<Knowledge> before_;
  std::vector<bool> is_judged_;
  ReadReport report_;
};

void ReadChecker::index() {
  for (std::size_t number = 0; number < history_.events.size(); ++number) {
    const Event& event = history_.events[number];
    if (event.kind == Event::Kind::server_killed) continue;
    sessions_[event.session].push_back(number);
    for (std::size_t step = 0; step < event.steps.size(); ++step) {
      const Step& one = event.steps[step];
      for (const auto& [key, value] : one.seen) number_of(key);
      if (one.kind != Step::Kind::write) continue;
      number_of(one.key);
      authors_[{one.key, one.value}] = {number, step};
    }
  }
  index_ranks();
}

void ReadChecker::index_ranks() {
  std::vector<const LoggedOperation*> log;
  for (const LoggedOperation& operation : history_.log) log.push_back(&operation);
  std::ranges::sort(log,
                    [](const auto* left, const auto* right) { return left->stamp < right->stamp; });
  std::int64_t rank = kAbsent;
  for (const LoggedOperation* operation : log) {
    ++rank;
    for (const auto& [key, value] : operation->writes) ranks_[{key, value}] = rank;
  }
}

std::int64_t ReadChecker::rank_of(const std::string& key, const std::string& value) const {
  if (key.starts_with(kNotes)) return value == kPresent ? 1 : 2;
  const auto found = ranks_.find({key, value});
  return found == ranks_.end() ? kUnranked : found->second;
}

void ReadChecker::complain(Attempt& attempt, std::string guarantee, const std::string& what,
                           const std::string& key) const {
  const Event& event = history_.events[attempt.event];
  attempt.violations.push_back(
      {std::move(guarantee),
       event.session + " at " + std::to_string(event.completed_ms) + " ms: " + what, key});
}

std::string ReadChecker::reason(const Attempt& attempt, std::size_t key) const {
  const Event& event = history_.events[attempt.knowledge.because[key]];
  return "because of what " + event.session + " did at " + std::to_string(event.completed_ms) +
         " ms";
}

// Its knowledge before the write, what its transaction wrote before, and the write itself; in the
// author's own session the whole transaction.
void ReadChecker::learn_from_author(Attempt& attempt, const std::string& key,
                                    const std::string& value) {
  const auto found = authors_.find({key, value});
  if (found == authors_.end()) {
    return complain(attempt, "nothing is made up",
                    "read " + key + " = " + value + ", which nobody wrote", key);
  }
  const Author author = found->second;
  const Event& event = history_.events[author.event];
  if (event.outcome == Outcome::refused) {
    return complain(attempt, "what was refused did not happen",
                    "read " + key + " = " + value + ", which was refused", key);
  }
  if (author.event == attempt.event) {
    return complain(attempt, "nothing is made up",
                    "read " + key + " = " + value + " before it wrote it", key);
  }
  if (!is_judged_[author.event]) {
    attempt.is_blocked = true;
    return;
  }
  attempt.knowledge.learn(before_[author.event]);
  const bool is_own = event.session == history_.events[attempt.event].session;
  for (std::size_t step = 0; step < event.steps.size(); ++step) {
    const Step& one = event.steps[step];
    if (one.kind != Step::Kind::write || (step > author.step && !is_own)) continue;
    const std::int64_t rank = rank_of(one.key, one.value);
    if (rank != kUnranked) attempt.knowledge.learn(keys_.at(one.key), rank, author.event);
  }
}

// A note that must have been present and is not was deleted; who sees that knows what its author
// knew when he deleted it.
void ReadChecker::learn_deletions(Attempt& attempt, const Step& step) {
  for (bool goes_on = true; goes_on && !attempt.is_blocked;) {
    goes_on = false;
    for (const auto& [key, number] : keys_) {
      if (!key.starts_with(kNotes) || !key.starts_with(step.scope) || step.seen.contains(key) ||
          attempt.here.contains(key) || attempt.knowledge.rank[number] != 1) {
        continue;
      }
      if (!authors_.contains({key, std::string(kDeleted)})) {
        complain(attempt, "nothing goes back",
                 "does not see " + key + ", which nobody deleted, " + reason(attempt, number), key);
        attempt.knowledge.learn(number, 2, attempt.event);
        continue;
      }
      learn_from_author(attempt, key, std::string(kDeleted));
      if (attempt.is_blocked) return;
      attempt.knowledge.learn(number, 2, attempt.event);
      goes_on = true;
    }
  }
}

void ReadChecker::compare(Attempt& attempt, const Step& step) {
  for (const auto& [key, number] : keys_) {
    if (!key.starts_with(step.scope) || key.starts_with(kCounters) || attempt.here.contains(key)) {
      continue;
    }
    const auto found = step.seen.find(key);
    if (found == step.seen.end()) {
      if (key.starts_with(kRegisters) && attempt.knowledge.rank[number] > kAbsent) {
        complain(attempt, "nothing goes back",
                 "does not see " + key + " " + reason(attempt, number), key);
      }
      continue;
    }
    const std::int64_t rank = rank_of(key, found->second);
    if (rank == kUnranked) {
      complain(attempt, "what is read is not lost",
               "read " + key + " = " + found->second + ", which is not in the log", key);
    } else if (rank < attempt.knowledge.rank[number]) {
      complain(attempt, "nothing goes back",
               "read " + key + " = " + found->second + ", which is older than what it must see " +
                   reason(attempt, number),
               key);
    }
  }
}

// Another device's transaction of which this read shows one write and, for another key, a value
// that is older than the transaction's.
void ReadChecker::count_torn(Attempt& attempt, const Step& step) {
  const std::string& session = history_.events[attempt.event].session;
  for (const auto& [key, value] : step.seen) {
    const auto author = authors_.find({key, value});
    if (author == authors_.end()) continue;
    const Event& event = history_.events[author->second.event];
    if (event.session == session) continue;
    for (const Step& one : event.steps) {
      if (one.kind != Step::Kind::write || !one.key.starts_with(step.scope) ||
          attempt.here.contains(one.key)) {
        continue;
      }
      const auto seen = step.seen.find(one.key);
      const std::int64_t rank =
          seen == step.seen.end() ? kAbsent : rank_of(seen->first, seen->second);
      if (one.value == kDeleted || rank >= rank_of(one.key, one.value)) continue;
      ++attempt.torn;
      return;
    }
  }
}

void ReadChecker::judge_repetition(Attempt& attempt, const Step& first, const Step& second) {
  Contents expected = first.seen;
  for (const auto& [key, value] : attempt.here) {
    if (key.starts_with(first.scope)) expected[key] = value;
  }
  std::erase_if(expected, [](const auto& item) { return item.second == kDeleted; });
  for (const auto& [key, number] : keys_) {
    if (!key.starts_with(first.scope) || key.starts_with(kCounters)) continue;
    const auto left = expected.find(key);
    const auto right = second.seen.find(key);
    const bool is_same = (left == expected.end()) == (right == second.seen.end()) &&
                         (left == expected.end() || left->second == right->second);
    if (!is_same) {
      complain(attempt, "a transaction reads one state",
               "two reads of one transaction differ in " + key, key);
    }
  }
}

void ReadChecker::judge_read(Attempt& attempt, const Step& step) {
  if (const auto first = attempt.read.find(step.scope); first != attempt.read.end()) {
    return judge_repetition(attempt, first->second, step);
  }
  // What the transaction wrote before must be there exactly, and is no news.
  Step before = step;
  for (const auto& [key, value] : attempt.here) {
    if (!key.starts_with(step.scope)) continue;
    const auto found = before.seen.find(key);
    const bool is_right = value == kDeleted ? found == before.seen.end()
                                            : found != before.seen.end() && found->second == value;
    if (!is_right) {
      complain(attempt, "a transaction sees its own writes", "does not see its own write of " + key,
               key);
    }
    if (found != before.seen.end()) before.seen.erase(found);
  }
  for (const auto& [key, value] : before.seen) {
    if (!key.starts_with(kCounters)) learn_from_author(attempt, key, value);
    if (attempt.is_blocked) return;
  }
  learn_deletions(attempt, before);
  if (attempt.is_blocked) return;
  compare(attempt, before);
  count_torn(attempt, before);
  attempt.read.emplace(step.scope, step);
}

void ReadChecker::judge_transaction(Attempt& attempt) {
  const Event& event = history_.events[attempt.event];
  for (const Step& step : event.steps) {
    if (step.kind == Step::Kind::write) attempt.here[step.key] = step.value;
    if (step.kind == Step::Kind::read && event.outcome == Outcome::done) judge_read(attempt, step);
    if (attempt.is_blocked) return;
  }
}

void ReadChecker::catch_up(Attempt& attempt) {
  const Event& event = history_.events[attempt.event];
  for (std::size_t number = 0; number < history_.events.size(); ++number) {
    const Event& other = history_.events[number];
    const bool publishes =
        other.kind == Event::Kind::published || other.kind == Event::Kind::caught_up;
    if (!publishes || other.completed_ms >= event.invoked_ms) continue;
    if (!is_judged_[number]) {
      attempt.is_blocked = true;
      return;
    }
    attempt.knowledge.learn(before_[number]);
  }
}

// A write wins over everything that its author had seen, or nobody would ever read it.
void ReadChecker::apply_writes(Attempt& attempt) {
  const Event& event = history_.events[attempt.event];
  if (event.outcome != Outcome::done) return;
  for (const Step& step : event.steps) {
    if (step.kind != Step::Kind::write) continue;
    const std::size_t key = keys_.at(step.key);
    const std::int64_t rank = rank_of(step.key, step.value);
    if (rank == kUnranked) continue;  // lost: check_log() says so
    if (rank <= attempt.knowledge.rank[key]) {
      complain(attempt, "a write is newer than what its author saw",
               "wrote " + step.key + " = " + step.value + ", which is older than what it knew " +
                   reason(attempt, key),
               step.key);
    }
    attempt.knowledge.learn(key, rank, attempt.event);
  }
}

bool ReadChecker::judge(std::size_t number) {
  const Event& event = history_.events[number];
  Attempt attempt;
  attempt.event = number;
  const auto [place, is_new] = known_.try_emplace(event.session);
  if (is_new) {
    place->second.rank.resize(keys_.size(), kAbsent);
    place->second.because.resize(keys_.size(), number);
  }
  attempt.knowledge = place->second;
  if (event.kind == Event::Kind::transaction) judge_transaction(attempt);
  if (event.kind == Event::Kind::caught_up) catch_up(attempt);
  if (attempt.is_blocked) return false;
  before_[number] = attempt.knowledge;
  if (event.kind == Event::Kind::transaction) apply_writes(attempt);
  place->second = std::move(attempt.knowledge);
  is_judged_[number] = true;
  report_.torn_views += attempt.torn;
  for (Violation& violation : attempt.violations) {
    report_.violations.push_back(std::move(violation));
  }
  return true;
}

// Each session as far as it goes, until none gets any further.
ReadReport ReadChecker::run() {
  std::map<std::string, std::size_t> next;
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (const auto& [session, events] : sessions_) {
      std::size_t& at = next[session];
      for (; at < events.size() && judge(events[at]); ++at) goes_on = true;
    }
  }
  for (const auto& [session, events] : sessions_) {
    if (next[session] == events.size()) continue;
    const Event& event = history_.events[events[next[session]]];
    report_.violations.push_back(
        {"effects come after their causes",
         session + " at " + std::to_string(event.completed_ms) + " ms saw what was not written yet",
         {}});
  }
  return std::move(report_);
}

}  // namespace

ReadReport check_reads(const History& history) {
  return ReadChecker(history).run();
}

}  // namespace tombolo::chaos
