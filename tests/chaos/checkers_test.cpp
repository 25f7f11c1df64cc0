// The checkers must bite: a small true history passes, and each lie in it is found by name.
#include "checkers.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace tombolo::chaos {
namespace {

const std::string kA = "registers/k0/a";
const std::string kB = "registers/k1/a";
const std::string kNote = "notes/n-1";

Step write(std::string key, std::string value) {
  return {.kind = Step::Kind::write, .key = std::move(key), .value = std::move(value)};
}
Step read(std::string_view scope, Contents seen) {
  return {.kind = Step::Kind::read, .scope = std::string(scope), .seen = std::move(seen)};
}
Step increment() {
  return {.kind = Step::Kind::increment, .key = std::string(kTotal)};
}

class Checkers : public ::testing::Test {
 protected:
  Event& event(Event::Kind kind, std::string session, std::vector<Step> steps = {}) {
    now_ms_ += 10;
    Event event;
    event.kind = kind;
    event.session = std::move(session);
    event.invoked_ms = now_ms_;
    event.completed_ms = now_ms_ + 5;
    event.steps = std::move(steps);
    return history_.events.emplace_back(std::move(event));
  }
  Event& transaction(std::string session, std::vector<Step> steps) {
    return event(Event::Kind::transaction, std::move(session), std::move(steps));
  }
  void published(std::string session) { event(Event::Kind::published, std::move(session)); }
  void caught_up(std::string session) { event(Event::Kind::caught_up, std::move(session)); }
  void log(Contents writes, int increments = 0) {
    const auto number = static_cast<std::int64_t>(history_.log.size()) + 1;
    history_.log.push_back({.id = "o" + std::to_string(number),
                            .stamp = {number, 0, "node"},
                            .writes = std::move(writes),
                            .increments = increments});
  }
  void killed(std::size_t log_length) {
    Event& kill = event(Event::Kind::server_killed, "the server");
    for (std::size_t at = 0; at < log_length; ++at) kill.log_ids.push_back(history_.log[at].id);
  }
  void replica(std::string name, Contents contents) {
    std::string json;
    for (const auto& [key, value] : contents) json += key + "=" + value + ";";
    history_.replicas.push_back({std::move(name), json, std::move(contents)});
  }

  // Two devices: x writes a register and a note; y sees them, writes over the register, increments.
  void tell_the_truth() {
    transaction("x", {write(kA, "x1"), write(kB, "x2"), write(kNote, "present")});
    log({{kA, "x1"}});
    log({{kB, "x2"}});
    log({{kNote, "present"}});
    published("x");
    killed(3);
    caught_up("y");
    transaction("y", {read(kRegisters, {{kA, "x1"}, {kB, "x2"}}), write(kA, "y1"), increment(),
                      read(kRegisters, {{kA, "y1"}, {kB, "x2"}})});
    log({{kA, "y1"}});
    log({}, 1);
    transaction("x", {write(kNote, "deleted")});
    log({{kNote, "deleted"}});
    for (const char* name : {"the server", "x", "y"}) {
      replica(name, {{kA, "y1"}, {kB, "x2"}, {std::string(kTotal), "1"}});
    }
    published("y");
    caught_up("x");
    transaction("x", {read(kRegisters, {{kA, "y1"}, {kB, "x2"}}), read(kNotes, {}),
                      read(kCounters, {{std::string(kTotal), "1"}})});
  }

  // The guarantees that did not hold, each once.
  std::vector<std::string> broken() const {
    std::vector<std::string> names;
    for (const Violation& violation : check(history_).violations) {
      if (std::ranges::find(names, violation.guarantee) == names.end()) {
        names.push_back(violation.guarantee);
      }
    }
    return names;
  }
  Event& last() { return history_.events.back(); }

  History history_;
  std::int64_t now_ms_ = 1'000;
};

using Names = std::vector<std::string>;

TEST_F(Checkers, FindNothingInATrueHistory) {
  tell_the_truth();
  EXPECT_EQ(broken(), Names{});
}

TEST_F(Checkers, FindAnAcknowledgedWriteThatIsLost) {
  tell_the_truth();
  transaction("x", {write(kB, "x3")});
  EXPECT_EQ(broken(), Names{"an acknowledged write is never lost"});
}

TEST_F(Checkers, FindALogThatShrank) {
  tell_the_truth();
  killed(history_.log.size());
  last().log_ids.back() = "gone";
  EXPECT_EQ(broken(), Names{"the log only grows"});
}

TEST_F(Checkers, FindADeviceThatSaidSyncedBeforeTheServerHadItsWrites) {
  tell_the_truth();
  transaction("x", {write(kB, "x3")});
  published("x");
  killed(history_.log.size());
  log({{kB, "x3"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "x3";
  EXPECT_EQ(broken(), Names{"synced is said only when it is so"});
}

TEST_F(Checkers, FindAnOperationThatIsThereTwice) {
  tell_the_truth();
  history_.log.push_back(history_.log[3]);
  EXPECT_EQ(broken(), Names{"exactly once"});
}

TEST_F(Checkers, FindWhatNobodyWrote) {
  tell_the_truth();
  log({{kB, "z1"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "z1";
  EXPECT_EQ(broken(), Names{"nothing is made up"});
}

TEST_F(Checkers, FindAReadOfWhatNobodyWrote) {
  tell_the_truth();
  transaction("y", {read(kRegisters, {{kA, "y1"}, {kB, "z1"}})});
  EXPECT_EQ(broken(), (Names{"nothing is made up", "what is read is not lost"}));
}

TEST_F(Checkers, FindARefusedWriteThatHappened) {
  tell_the_truth();
  transaction("x", {write(kB, "x3")}).outcome = Outcome::refused;
  log({{kB, "x3"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "x3";
  EXPECT_EQ(broken(), Names{"what was refused did not happen"});
  transaction("y", {read(kRegisters, {{kA, "y1"}, {kB, "x3"}})});
  EXPECT_EQ(check_reads(history_).violations.size(), 1U);
}

TEST_F(Checkers, FindHalfATransaction) {
  tell_the_truth();
  transaction("x", {write(kA, "x3"), write(kB, "x4")}).outcome = Outcome::unknown;
  EXPECT_EQ(broken(), Names{});  // nothing of it
  log({{kB, "x4"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "x4";
  EXPECT_EQ(broken(), Names{"a transaction is all or nothing"});
}

TEST_F(Checkers, FindAReadThatGoesBack) {
  tell_the_truth();
  transaction("y", {read(kRegisters, {{kA, "x1"}, {kB, "x2"}})});
  EXPECT_EQ(broken(), Names{"nothing goes back"});
}

TEST_F(Checkers, FindADeviceThatCaughtUpAndDidNot) {
  tell_the_truth();
  published("x");
  caught_up("z");
  transaction("z", {read(kRegisters, {{kA, "x1"}, {kB, "x2"}})});
  EXPECT_EQ(broken(), Names{"nothing goes back"});
}

TEST_F(Checkers, FindAnEffectWithoutItsCause) {
  tell_the_truth();
  // z sees what y wrote, and not what y had seen then.
  transaction("z", {read(kRegisters, {{kA, "y1"}})});
  EXPECT_EQ(broken(), Names{"nothing goes back"});
}

TEST_F(Checkers, FindADeletedNoteThatComesBack) {
  tell_the_truth();
  transaction("x", {read(kNotes, {{kNote, "present"}})});
  EXPECT_EQ(broken(), Names{"nothing goes back"});
}

TEST_F(Checkers, FindANoteThatIsGoneAlthoughNobodyDeletedIt) {
  tell_the_truth();
  transaction("x", {write("notes/n-2", "present")});
  log({{"notes/n-2", "present"}});
  for (Replica& replica : history_.replicas) replica.contents["notes/n-2"] = "present";
  EXPECT_EQ(broken(), Names{});
  transaction("x", {read(kNotes, {})});
  EXPECT_EQ(broken(), Names{"nothing goes back"});
}

TEST_F(Checkers, FindAReadFromTheFuture) {
  tell_the_truth();
  // Each sees what the other writes after.
  transaction("x", {read(kRegisters, {{kA, "y9"}, {kB, "x2"}}), write(kB, "x9")});
  transaction("y", {read(kRegisters, {{kA, "y1"}, {kB, "x9"}}), write(kA, "y9")});
  log({{kB, "x9"}});
  log({{kA, "y9"}});
  for (Replica& replica : history_.replicas) {
    replica.contents[kA] = "y9";
    replica.contents[kB] = "x9";
  }
  EXPECT_EQ(broken(), Names{"effects come after their causes"});
}

TEST_F(Checkers, FindATransactionThatReadsTwoStates) {
  tell_the_truth();
  transaction("z", {read(kRegisters, {{kA, "x1"}}), read(kRegisters, {{kA, "x1"}, {kB, "x2"}})});
  EXPECT_EQ(broken(), Names{"a transaction reads one state"});
}

TEST_F(Checkers, FindATransactionThatDoesNotSeeItsOwnWrite) {
  tell_the_truth();
  transaction("y", {write(kB, "y2"), read(kRegisters, {{kA, "y1"}, {kB, "x2"}})});
  log({{kB, "y2"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "y2";
  EXPECT_EQ(broken(), Names{"a transaction sees its own writes"});
}

TEST_F(Checkers, FindAWriteThatLosesAgainstWhatItsAuthorHadSeen) {
  tell_the_truth();
  transaction("x", {write(kA, "x3")});
  log({{kA, "x3"}});
  history_.log.back().stamp = {1, 1, "node"};
  EXPECT_EQ(broken(), Names{"a write is newer than what its author saw"});
}

TEST_F(Checkers, FindACounterThatMiscounts) {
  tell_the_truth();
  history_.log[4].increments = 2;
  for (Replica& replica : history_.replicas) replica.contents[std::string(kTotal)] = "2";
  EXPECT_EQ(broken(), Names{"the counter counts"});
}

TEST_F(Checkers, FindACounterThatFalls) {
  tell_the_truth();
  transaction("x", {read(kCounters, {{std::string(kTotal), "0"}})});
  EXPECT_EQ(broken(), Names{"the counter counts"});
}

TEST_F(Checkers, FindReplicasThatDiffer) {
  tell_the_truth();
  history_.replicas[2].contents[kB] = "x1";
  EXPECT_EQ(broken(), Names{"replicas converge"});
}

TEST_F(Checkers, FindReplicasThatDifferInTheirBytesAlone) {
  tell_the_truth();
  history_.replicas[1].json += " ";
  EXPECT_EQ(broken(), Names{"replicas converge"});
}

TEST_F(Checkers, FindRecordsThatTheLogDoesNotGive) {
  tell_the_truth();
  for (Replica& replica : history_.replicas) replica.contents[kA] = "x1";
  EXPECT_EQ(broken(), Names{"the records are what the log says"});
}

TEST_F(Checkers, FindADraftThatComesBackBehindItsDelete) {
  const std::string draft = "drafts/f0/v";
  tell_the_truth();
  transaction("x", {write(draft, "x3")});
  log({{draft, "x3"}});
  transaction("x", {{.kind = Step::Kind::remove, .key = draft}});
  log({{draft, "deleted"}});
  EXPECT_EQ(broken(), Names{});
  // An older change that comes late is none of what is there in the end.
  transaction("y", {write(draft, "y3")});
  log({{draft, "y3"}});
  history_.log.back().stamp = {7, 1, "node"};
  history_.log[history_.log.size() - 2].stamp = {8, 1, "node"};
  EXPECT_EQ(broken(), Names{});
  for (Replica& replica : history_.replicas) replica.contents[draft] = "y3";
  EXPECT_EQ(broken(), Names{"the records are what the log says"});
}

TEST_F(Checkers, CountViewsOfHalfATransactionOfAnotherDevice) {
  tell_the_truth();
  // What a transaction has written over itself is not missing.
  transaction("y", {write(kB, "y2"), read(kRegisters, {{kA, "y1"}, {kB, "y2"}})});
  log({{kB, "y2"}});
  for (Replica& replica : history_.replicas) replica.contents[kB] = "y2";
  EXPECT_EQ(check(history_).torn_views, 0);
  transaction("z", {read(kRegisters, {{kA, "x1"}})});
  EXPECT_EQ(broken(), Names{});
  EXPECT_EQ(check(history_).torn_views, 1);
}

TEST(Story, TellsWhatASessionReadOnlyWhenItChanged) {
  History history;
  for (const char* value : {"x1", "x1", "x2"}) {
    Event event;
    event.session = "y";
    event.steps = {read(kRegisters, {{kA, value}})};
    history.events.push_back(event);
  }
  const std::string story = story_of(history, kA);
  EXPECT_EQ(std::ranges::count(story, '\n'), 2) << story;
}

}  // namespace
}  // namespace tombolo::chaos
