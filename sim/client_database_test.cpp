// A client's database on a disk that loses power within whatever it does, again and again: what the
// application was promised must hold, and no number that the world has seen may name something else
// afterwards.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/engine.h"
#include "client/local_writes.h"
#include "client/remote_store.h"
#include "sim/disk.h"
#include "sim/random.h"
#include "sim/virtual_clock.h"
#include "store/statement.h"

namespace tombolo::sim {
namespace {

constexpr const char* kFile = "client.db";
constexpr int kLives = 4;
constexpr int kSteps = 40;  // in a life at most
constexpr std::int64_t kAnHourMs = 3'600'000;

struct Sending {
  bool secures = true;     // operations before they are sent, as the connector does it
  bool elsewhere = false;  // in another process, which opened the file as full
};

class ClientRun {
 public:
  ClientRun(std::uint64_t seed, Durability durability, Sending sending = {})
      : seed_(seed),
        durability_(durability),
        sending_(sending),
        disk_("sim-client", seed, time_, clock_),
        choice_(random_for(seed, "workload")),
        ids_(random_for(seed, "ids")) {
    seed_sqlite(seed);
  }

  // What is wrong; empty: nothing.
  const std::vector<std::string>& run() {
    for (int life = 0; life < kLives && problems_.empty(); ++life) {
      live();
      disk_.set_fault_rates({});
      disk_.crash();
      inspect();
    }
    return problems_;
  }
  // A sync fails, the program is started anew, and later the power fails; of every other seed
  // already while it starts.
  const std::vector<std::string>& run_with_restart() {
    disk_.set_fault_rates({.sync_error = 300'000});
    use();
    disk_.restart();
    disk_.set_fault_rates({});
    if (seed_ % 2 == 0) disk_.cut_power_at(1 + static_cast<std::int64_t>(choice_.below(40)));
    use();
    disk_.crash();
    inspect();
    return problems_;
  }
  std::int64_t committed() const { return committed_; }
  DiskCounts disk() const { return disk_.counts(); }
  std::int64_t lost() const { return lost_; }
  std::int64_t sent() const { return std::ssize(sent_); }

 private:
  struct Attempt {
    std::int64_t number = 0;
    int operations = 0;
    bool acknowledged = false;
  };
  struct Logged {
    std::int64_t sequence_number = 0;
    std::string id;
    std::int64_t transaction = 0;
  };
  using Log = std::map<std::int64_t, Logged>;  // by position

  void complain(const std::string& what) {
    problems_.push_back("seed " + std::to_string(seed_) + ": " + what);
  }

  Result<std::shared_ptr<client::Engine>> open(Durability durability) {
    return client::Engine::open(
        kFile, {.durability = durability},
        {.clock = &clock_, .random = &ids_, .vfs = disk_.vfs(), .is_shared = false});
  }

  void live() {
    const std::uint64_t horizon = chance(choice_, 1, 4) ? 40 : 400;
    disk_.cut_power_at(1 + static_cast<std::int64_t>(choice_.below(horizon)));
    if (seed_ % 3 == 1) disk_.set_fault_rates({.write_error = 10'000});
    if (seed_ % 3 == 2) disk_.set_fault_rates({.full = 10'000});
    use();
  }

  void use() {
    const auto engine = open(durability_);
    const auto sender = sending_.elsewhere ? open(Durability::full) : engine;
    if (!engine || !sender) return;
    const auto remote = (*engine)->write([](client::WriteSession& session) {
      return client::register_remote(session, {.url = "ws://far/v1/stream", .name = "far"},
                                     RemoteKind::stream);
    });
    for (int step = 0; step < kSteps && disk_.powered(); ++step) {
      if (chance(choice_, 1, 20)) {
        clock_.set_skew_ms(static_cast<std::int64_t>(choice_.below(2 * kAnHourMs)) - kAnHourMs);
      }
      if (remote && chance(choice_, 1, 5)) {
        send(**sender, *remote);
      } else {
        write(**engine);
      }
      time_.advance_ms(static_cast<std::int64_t>(choice_.below(20)));
    }
  }

  void write(client::Engine& engine) {
    Attempt attempt{.number = ++numbers_, .operations = 1 + static_cast<int>(choice_.below(3))};
    const std::uint64_t first = choice_.below(12);
    const std::string filler(choice_.below(3) * 1500, 'x');
    const auto done = engine.write([&](client::WriteSession& session) -> Result<void> {
      auto writer = client::LocalWriter::of(session, "c");
      if (!writer) return fail(writer);
      for (int index = 0; index < attempt.operations; ++index) {
        const std::string id = "r" + std::to_string(first + static_cast<std::uint64_t>(index));
        if (auto put = writer->put(id, {{"n", attempt.number}, {"filler", filler}}); !put) {
          return put;
        }
      }
      return {};
    });
    attempt.acknowledged = done.has_value();
    if (done) ++committed_;
    attempts_.push_back(attempt);
  }

  // As a stream connector does, to a remote that takes everything.
  void send(client::Engine& engine, const client::RemoteEntry& remote) {
    std::vector<std::int64_t> positions;
    {
      auto reader = engine.reader();
      if (!reader) return;
      const auto pending = client::read_pending((*reader)->access(), remote.bit(), 0, 5, 1 << 20);
      if (!pending) return;
      if (sending_.secures && !engine.secure()) return;
      for (const client::LoggedOperation& one : *pending) {
        const core::Operation& operation = one.operation;
        const auto [known, is_new] =
            sent_.emplace(std::pair(operation.node, operation.sequence_number), operation.id);
        if (!is_new && known->second != operation.id) {
          complain("sequence number " + std::to_string(operation.sequence_number) +
                   " was sent as another operation");
        }
        told_positions_[one.position] = operation.id;
        positions.push_back(one.position);
      }
    }
    if (chance(choice_, 1, 4)) return;  // the acknowledgment is lost
    (void)engine.write(
        [&](client::WriteSession& session) {
          return client::acknowledge(session, remote.bit(), positions);
        },
        Durability::relaxed);
  }

  void inspect() {
    {
      const auto engine = open(durability_);
      if (!engine) return complain("cannot be opened: " + engine.error().message);
      auto reader = (*engine)->reader();
      if (!reader) return complain("cannot be read: " + reader.error().message);
      store::Connection& connection = (*reader)->access().connection;
      const auto log = read_log(connection);
      if (!log) return complain("its log cannot be read: " + log.error().message);
      inspect_numbers(*log);
      inspect_transactions(*log);
      check_integrity(connection);
    }
    disk_.crash();  // of a device that did nothing but look
  }

  static Result<Log> read_log(store::Connection& connection) {
    auto select = store::Statement::prepare(
        connection,
        "SELECT position, sequence_number, lower(hex(operation_id)), json_extract(body, '$.d.n') "
        "FROM operations");
    if (!select) return fail(select);
    Log log;
    store::Rows rows = select->query();
    for (;;) {
      const auto more = rows.next();
      if (!more) return fail(more);
      if (!*more) return log;
      const store::Row& row = rows.row();
      log[row.int64(0)] = {row.int64(1), std::string(row.text(2)), row.int64(3)};
    }
  }

  // What others were told of is there, under the same numbers; and numbers grow.
  void inspect_numbers(const Log& log) {
    std::int64_t newest = 0;
    for (const auto& [position, operation] : log) {
      if (operation.sequence_number <= newest) complain("a sequence number that does not grow");
      newest = operation.sequence_number;
    }
    for (const auto& [position, id] : told_positions_) {
      const auto found = log.find(position);
      if (found == log.end() || found->second.id != id) {
        complain("lost or replaced what was sent from position " + std::to_string(position));
      }
    }
    if (durability_ == Durability::relaxed) known_.clear();
    for (const auto& [position, id] : known_) {
      const auto found = log.find(position);
      if (found == log.end() || found->second.id != id) {
        complain("position " + std::to_string(position) + " is another operation's");
      }
    }
    for (const auto& [position, operation] : log) known_[position] = operation.id;
  }

  // Transactions are there whole or not at all, and all up to some moment.
  void inspect_transactions(const Log& log) {
    std::map<std::int64_t, int> operations;
    for (const auto& [position, operation] : log) ++operations[operation.transaction];
    std::int64_t first_lost = 0;
    for (const Attempt& attempt : attempts_) {
      const auto found = operations.find(attempt.number);
      const std::string name = "transaction " + std::to_string(attempt.number);
      if (found == operations.end()) {
        if (!attempt.acknowledged) continue;
        ++lost_;
        if (durability_ == Durability::full) complain("lost " + name);
        if (first_lost == 0) first_lost = attempt.number;
        continue;
      }
      if (found->second != attempt.operations) complain("has a part of " + name);
      if (first_lost != 0) complain("has " + name + " without " + std::to_string(first_lost));
    }
    // From here on, what is there has survived, and what is not has never been.
    std::erase_if(attempts_, [&](const Attempt& one) { return !operations.contains(one.number); });
    for (Attempt& attempt : attempts_) attempt.acknowledged = true;
  }

  void check_integrity(store::Connection& connection) {
    auto check = store::Statement::prepare(connection, "PRAGMA integrity_check");
    if (!check) return complain("cannot be checked: " + check.error().message);
    const auto answer =
        check->query_one([](const store::Row& row) { return std::string(row.text(0)); });
    if (!answer || *answer != "ok") complain("is damaged: " + answer.value_or("?").value_or("?"));
  }

  const std::uint64_t seed_;
  const Durability durability_;
  const Sending sending_;
  VirtualTime time_;
  VirtualClock clock_{time_};
  Disk disk_;
  SeededRandom choice_;
  SeededRandom ids_;

  // What the world outside knows, whatever becomes of the disk.
  std::int64_t numbers_ = 0;
  std::int64_t committed_ = 0;
  std::int64_t lost_ = 0;
  std::vector<Attempt> attempts_;                                     // in their order
  std::map<std::pair<std::string, std::int64_t>, std::string> sent_;  // node, number -> id
  std::map<std::int64_t, std::string> told_positions_;                // of what was sent
  std::map<std::int64_t, std::string> known_;  // position -> id, after the last crash

  std::vector<std::string> problems_;
};

constexpr std::uint64_t kSeeds = 200;

TEST(ClientOnASimulatedDisk, LosesNothingThatWasCommitted) {
  std::int64_t committed = 0;
  std::int64_t sent = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ClientRun run(seed, Durability::full);
    for (const std::string& problem : run.run()) ADD_FAILURE() << problem;
    if (HasFailure()) return;
    committed += run.committed();
    sent += run.sent();
  }
  EXPECT_GT(committed, 3'000);
  EXPECT_GT(sent, 3'000);
}

void expect_that_only_the_last_is_lost(Sending sending) {
  std::int64_t lost = 0;
  std::int64_t sent = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ClientRun run(seed, Durability::relaxed, sending);
    for (const std::string& problem : run.run()) ADD_FAILURE() << problem;
    if (::testing::Test::HasFailure()) return;
    lost += run.lost();
    sent += run.sent();
  }
  EXPECT_GT(lost, 500);
  EXPECT_GT(sent, 2'000);
}

TEST(ClientOnASimulatedDisk, OpenedAsRelaxedLosesOnlyTheLastAndNothingThatWasSent) {
  expect_that_only_the_last_is_lost({});
}

TEST(ClientOnASimulatedDisk, LosesNothingThatWasSentByAnotherProcessThanTheOneThatWroteIt) {
  expect_that_only_the_last_is_lost({.elsewhere = true});
}

// A sync that failed may have lost what it was to sync, though the system goes on showing it: what
// is promised or sent later must not stand on that.
TEST(ClientOnASimulatedDisk, LosesNothingAfterAFailedSyncAndARestart) {
  std::int64_t committed = 0;
  std::int64_t faults = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    for (const Durability durability : {Durability::full, Durability::relaxed}) {
      ClientRun run(seed, durability);
      for (const std::string& problem : run.run_with_restart()) ADD_FAILURE() << problem;
      if (HasFailure()) return;
      committed += run.committed();
      faults += run.disk().faults;
    }
  }
  EXPECT_GT(committed, 10'000);
  EXPECT_GT(faults, 100);
}

// The same test must notice a connector that does not secure what it sends.
TEST(ClientOnASimulatedDisk, IsCaughtWhenItSendsWhatItMayLose) {
  constexpr std::uint64_t kFewSeeds = 50;
  for (std::uint64_t seed = 1; seed <= kFewSeeds; ++seed) {
    ClientRun run(seed, Durability::relaxed, {.secures = false});
    if (std::ranges::any_of(run.run(), [](const std::string& problem) {
          return problem.find("what was sent") != std::string::npos;
        })) {
      return;
    }
  }
  FAIL() << "no loss within " << kFewSeeds << " seeds";
}

}  // namespace
}  // namespace tombolo::sim
