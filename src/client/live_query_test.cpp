#include "tombolo/live_query.h"

#include <gtest/gtest.h>

#include "client/test_database.h"

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

}  // namespace
}  // namespace tombolo
