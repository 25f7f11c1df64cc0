#include "tombolo/live_query.h"

#include <gtest/gtest.h>
#include <random>

#include "client/test_database.h"
#include "client/test_shown.h"

namespace tombolo {
namespace {

struct Seen {
  int calls = 0;
  std::vector<std::string> entered, changed, left;
};

class LiveQueryTest : public testing::DatabaseFixture {
 protected:
  auto note() {
    return [this](const Changes& changes) {
      seen_.change([&](Seen& seen) {
        ++seen.calls;
        for (const Record& record : changes.entered) seen.entered.push_back(record.id());
        for (const Record& record : changes.changed) seen.changed.push_back(record.id());
        seen.left.insert(seen.left.end(), changes.left.begin(), changes.left.end());
      });
    };
  }
  Collection c() { return db().collection("c"); }
  testing::Watched<Seen> seen_;
};

TEST_F(LiveQueryTest, TellsWhatEnteredChangedAndLeft) {
  ASSERT_TRUE(c().create({{"id", "a"}, {"scope", "I"}}));
  ASSERT_TRUE(c().create({{"id", "b"}, {"scope", "M"}}));
  auto live = c().where("scope", "I").observe(note());
  ASSERT_TRUE(live);
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  EXPECT_EQ(seen_.get().entered, std::vector<std::string>{"a"});

  ASSERT_TRUE(c().patch("b", {{"scope", "I"}}));
  EXPECT_TRUE(seen_.wait([](const Seen& seen) { return seen.entered.size() == 2; }));
  ASSERT_TRUE(c().patch("a", {{"name", "x"}}));
  EXPECT_TRUE(seen_.wait([](const Seen& seen) { return seen.changed.size() == 1; }));
  ASSERT_TRUE(c().remove("b"));
  EXPECT_TRUE(seen_.wait([](const Seen& seen) { return seen.left.size() == 1; }));
  const Seen all = seen_.get();
  EXPECT_EQ(all.entered, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(all.changed, (std::vector<std::string>{"a"}));
  EXPECT_EQ(all.left, (std::vector<std::string>{"b"}));
}

TEST_F(LiveQueryTest, AnEmptyAnswerIsToldOnceAndOtherCollectionsNever) {
  auto live = c().query().observe(note());
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  ASSERT_TRUE(db().collection("other").create({}));
  ASSERT_TRUE(c().create({{"id", "a"}}));
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return !seen.entered.empty(); }));
  EXPECT_EQ(seen_.get().calls, 2);
}

TEST_F(LiveQueryTest, SeesWhatAnotherConnectionWrites) {
  auto live = c().query().observe(note());
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  Database other = Database::open(path()).value();
  ASSERT_TRUE(other.collection("c").create({{"id", "x"}}));
  EXPECT_TRUE(seen_.wait([](const Seen& seen) { return seen.entered.size() == 1; }));
}

TEST_F(LiveQueryTest, ALimitedQueryFollowsItsWindow) {
  for (const char* id : {"a", "c", "d"}) ASSERT_TRUE(c().create({{"id", id}}));
  auto live = c().order_by("id").limit(2).observe(note());
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  ASSERT_TRUE(c().create({{"id", "b"}}));
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 2; }));
  EXPECT_EQ(seen_.get().entered, (std::vector<std::string>{"a", "c", "b"}));
  EXPECT_EQ(seen_.get().left, (std::vector<std::string>{"c"}));
}

TEST_F(LiveQueryTest, AnObserverMayWriteAndStopItself) {
  LiveQuery live;
  testing::Watched<int> calls;
  live = c().query()
             .observe([&](const Changes&) {
               calls.change([](int& count) { ++count; });
               EXPECT_TRUE(c().create({}));
               live.stop();
             })
             .value();
  ASSERT_TRUE(calls.wait([](int count) { return count == 1; }));
  ASSERT_TRUE(c().create({}));
  auto second = c().query().observe(note());
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.entered.size() == 2; }));
  EXPECT_EQ(calls.get(), 1);
}

TEST_F(LiveQueryTest, EventsNameTheRecordsOfACommit) {
  testing::Watched<std::vector<Event>> events;
  Subscription subscription = db().subscribe(
      [&](const Event& event) { events.change([&](auto& all) { all.push_back(event); }); });
  ASSERT_TRUE(c().create({{"id", "a"}}));
  ASSERT_TRUE(events.wait([](const auto& all) { return all.size() == 1; }));
  EXPECT_EQ(events.get()[0].type, Event::Type::change);
  EXPECT_EQ(events.get()[0].collection, "c");
  EXPECT_EQ(events.get()[0].records, std::vector<std::string>{"a"});
  Database other = Database::open(path()).value();
  ASSERT_TRUE(other.collection("c").create({{"id", "x"}}));
  ASSERT_TRUE(events.wait([](const auto& all) { return all.size() == 2; }));
  EXPECT_EQ(events.get()[1].collection, "c");
  EXPECT_TRUE(events.get()[1].records.empty());
}

// A live query and all that it was told, beside what the query answered after every commit.
struct Followed {
  explicit Followed(Query asked) : query(std::move(asked)) {}

  void observe() {
    live = query
               .observe([this](const Changes& changes) {
                 told.change([&](std::vector<testing::Shown>& states) {
                   testing::Shown now = states.empty() ? testing::Shown() : states.back();
                   const std::string wrong = testing::follow(changes, now);
                   EXPECT_EQ(wrong, "");
                   states.push_back(std::move(now));
                 });
               })
               .value();
  }
  void note_commit() { answers.push_back(testing::shown_of(query.all().value())); }

  // Every state that was told was the answer after some commit, in the order of the commits.
  void check() {
    ASSERT_TRUE(told.wait([&](const auto& states) {
      return !states.empty() && states.back() == answers.back();
    })) << query.explain().value_or("");
    live.stop();
    std::size_t commit = 0;
    for (const testing::Shown& state : told.get()) {
      while (commit < answers.size() && answers[commit] != state) ++commit;
      ASSERT_LT(commit, answers.size()) << "told what never was: " << query.explain().value_or("");
    }
  }

  Query query;
  std::vector<testing::Shown> answers;
  testing::Watched<std::vector<testing::Shown>> told;
  LiveQuery live;
};

TEST_F(LiveQueryTest, WhatIsToldIsAlwaysTheAnswerAfterSomeCommit) {
  constexpr int kRounds = 120;
  std::mt19937_64 random(7);
  const auto below = [&](std::int64_t end) {
    return std::uniform_int_distribution<std::int64_t>(0, end - 1)(random);
  };
  Database other = Database::open(path(), {.durability = Durability::relaxed}).value();
  std::vector<std::unique_ptr<Followed>> all;
  for (const Query& query :
       {c().query(), c().where("n", less_than(5)), c().order_by("n", Order::descending).limit(3),
        c().where("s", "x").order_by("n").limit(4).offset(2)}) {
    all.push_back(std::make_unique<Followed>(query));
    all.back()->note_commit();
    all.back()->observe();
  }
  const auto write = [&](Collection collection) {
    const std::string id = "r" + std::to_string(below(30));
    Object fields = {{"n", below(10)}, {"s", below(2) == 0 ? "x" : "y"}};
    if (below(4) == 0) {
      (void)collection.remove(id);
    } else {
      EXPECT_TRUE(collection.put(id, std::move(fields)));
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    // Another process's commits come between ours in some rounds.
    Database& writer = round % 3 == 2 && below(2) == 0 ? other : db();
    const auto commit = [&] {
      ASSERT_TRUE(writer.transaction([&](Transaction& transaction) -> Result<void> {
        for (std::int64_t writes = 1 + below(5); writes > 0; --writes) {
          write(transaction.collection("c"));
        }
        return {};
      }));
      for (const auto& followed : all) followed->note_commit();
    };
    if (round % 5 == 0) {
      // The observer is held up: several commits become one call.
      all[below(4)]->told.change([&](auto&) {
        for (int commits = 0; commits < 10; ++commits) commit();
      });
    } else {
      commit();
    }
    if (round % 7 == 0) {
      for (const auto& followed : all) {
        ASSERT_TRUE(followed->told.wait([&](const auto& states) {
          return !states.empty() && states.back() == followed->answers.back();
        }));
      }
    }
  }
  for (const auto& followed : all) followed->check();
}

TEST_F(LiveQueryTest, AFailedTransactionIsNotTold) {
  auto live = c().query().observe(note());
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  ASSERT_FALSE(db().transaction([&](Transaction& transaction) -> Result<void> {
    EXPECT_TRUE(transaction.collection("c").create({{"id", "never"}}));
    return fail(ErrorCode::cancelled, "no");
  }));
  ASSERT_TRUE(c().create({{"id", "a"}}));
  ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 2; }));
  EXPECT_EQ(seen_.get().entered, std::vector<std::string>{"a"});
}

TEST_F(LiveQueryTest, WhoObservesAgainLaterHearsOfWhatHappensFromThenOn) {
  {
    auto live = c().query().observe(note());
    ASSERT_TRUE(seen_.wait([](const Seen& seen) { return seen.calls == 1; }));
  }
  ASSERT_TRUE(c().create({{"id", "a"}}));
  testing::Watched<std::vector<Event>> events;
  Subscription subscription = db().subscribe(
      [&](const Event& event) { events.change([&](auto& all) { all.push_back(event); }); });
  ASSERT_TRUE(c().create({{"id", "b"}}));
  ASSERT_TRUE(events.wait([](const auto& all) { return !all.empty(); }));
  EXPECT_EQ(events.get()[0].records, std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace tombolo
