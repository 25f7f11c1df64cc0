#include "client/live_answer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "client/test_database.h"
#include "client/test_shown.h"
#include "store/connection.h"
#include "store/id.h"
#include "store/statement_cache.h"

namespace tombolo::client {
namespace {

using Ids = std::vector<std::string>;

Ids ids_of(const std::vector<Record>& records) {
  Ids ids;
  for (const Record& record : records) ids.push_back(record.id());
  return ids;
}

class LiveAnswerTest : public testing::DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    store::OpenOptions options;
    options.mode = store::OpenMode::read_only;
    options.trusted_schema = true;
    auto connection = store::Connection::open(path(), options);
    ASSERT_TRUE(connection);
    connection_.emplace(std::move(*connection));
    ASSERT_TRUE(store::define_id_functions(*connection_));
    cache_.emplace(*connection_);
  }
  void TearDown() override {
    cache_.reset();
    connection_.reset();
    DatabaseFixture::TearDown();
  }

  Collection c() { return db().collection("c"); }
  ReadConnection read() { return {*connection_, *cache_}; }
  std::int64_t collection_key() {
    auto select = cache_->get("SELECT collection_key FROM collections WHERE name = 'c'");
    auto key = (*select)->query_one([](const store::Row& row) { return row.int64(0); });
    return key->value_or(0);
  }
  std::int64_t key_of(const std::string& id) {
    auto select = cache_->get("SELECT record_key FROM records WHERE id = ?1");
    return (*select)
        ->query_one([](const store::Row& row) { return row.int64(0); }, id)
        .value()
        .value_or(-1);
  }

  Changes rerun(LiveAnswer& answer) {
    Changes changes;
    EXPECT_TRUE(answer.rerun(read(), collection_key(), changes));
    return changes;
  }
  // Nothing: the records do not tell.
  std::optional<Changes> recheck(LiveAnswer& answer, const Ids& ids) {
    std::vector<std::int64_t> keys;
    for (const std::string& id : ids) keys.push_back(key_of(id));
    std::sort(keys.begin(), keys.end());
    Changes changes;
    const Result<bool> told = answer.recheck(read(), collection_key(), keys, changes);
    EXPECT_TRUE(told);
    if (!told || !*told) return std::nullopt;
    return changes;
  }
  void create(const std::string& id, std::int64_t rank) {
    ASSERT_TRUE(c().create({{"id", id}, {"rank", rank}}));
  }

  std::optional<store::Connection> connection_;
  std::optional<store::StatementCache> cache_;
};

TEST_F(LiveAnswerTest, ALimitedAnswerIsFollowedThroughItsReserveUntilThatIsUsedUp) {
  for (int i = 100; i < 200; ++i) create(std::to_string(i), i);
  LiveAnswer answer(c().order_by("rank").limit(2).specification());
  EXPECT_EQ(ids_of(rerun(answer).entered), (Ids{"100", "101"}));
  int told = 0;
  for (int i = 100; i < 150; ++i) {
    ASSERT_TRUE(c().remove(std::to_string(i)));
    const std::optional<Changes> changes = recheck(answer, {std::to_string(i)});
    if (!changes) break;
    ++told;
    EXPECT_EQ(changes->left, Ids{std::to_string(i)});
    EXPECT_EQ(ids_of(changes->entered), Ids{std::to_string(i + 2)});
  }
  EXPECT_EQ(told, 16);
  EXPECT_EQ(ids_of(rerun(answer).entered), Ids{"118"});
}

TEST_F(LiveAnswerTest, WhatHappensBehindTheWindowChangesNothing) {
  for (int i = 100; i < 200; ++i) create(std::to_string(i), i);
  LiveAnswer answer(c().order_by("rank").limit(2).specification());
  rerun(answer);
  create("last", 1000);
  ASSERT_TRUE(c().remove("190"));
  ASSERT_TRUE(c().patch("189", {{"rank", 999}}));
  const std::optional<Changes> changes = recheck(answer, {"last", "190", "189"});
  ASSERT_TRUE(changes);
  EXPECT_TRUE(changes->entered.empty() && changes->changed.empty() && changes->left.empty());
  // Nor is it taken for what comes next when the window moves down.
  int told = 0;
  for (int i = 100; i < 150; ++i) {
    ASSERT_TRUE(c().remove(std::to_string(i)));
    if (!recheck(answer, {std::to_string(i)})) break;
    ++told;
  }
  EXPECT_EQ(told, 16);
}

TEST_F(LiveAnswerTest, AnOffsetMovesTheWindow) {
  for (int i = 0; i < 5; ++i) create(std::to_string(i), i);
  LiveAnswer answer(c().order_by("rank").offset(1).limit(2).specification());
  EXPECT_EQ(ids_of(rerun(answer).entered), (Ids{"1", "2"}));
  create("new", -1);
  const std::optional<Changes> changes = recheck(answer, {"new"});
  ASSERT_TRUE(changes);
  EXPECT_EQ(ids_of(changes->entered), Ids{"0"});
  EXPECT_EQ(changes->left, Ids{"2"});
}

TEST_F(LiveAnswerTest, ARecordThatTookTheKeyOfAnotherOneIsNew) {
  create("a", 1);
  create("b", 2);
  LiveAnswer answer(c().query().specification());
  rerun(answer);
  const std::int64_t key = key_of("b");
  {
    auto writer = store::Connection::open(path(), {.trusted_schema = true});
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->execute("DELETE FROM records WHERE id = 'b'"));
  }
  create("c", 3);
  ASSERT_EQ(key_of("c"), key);
  const std::optional<Changes> changes = recheck(answer, {"c"});
  ASSERT_TRUE(changes);
  EXPECT_EQ(ids_of(changes->entered), Ids{"c"});
  EXPECT_EQ(changes->left, Ids{"b"});
}

TEST_F(LiveAnswerTest, ARecheckReadsNoOtherRecords) {
  create("a", 1);
  ASSERT_TRUE(c().declare_index({"rank"}));
  const Result<CompiledQuery> query =
      compile(collection_key(), c().where("rank", 1).order_by("rank").specification());
  ASSERT_TRUE(query);
  auto explain =
      store::Statement::prepare(*connection_, "EXPLAIN QUERY PLAN " + query->select_among("data"));
  ASSERT_TRUE(explain);
  bind_parameters(*explain, query->parameters);
  std::string plan;
  store::Rows rows(*explain);
  for (auto more = rows.next(); more && *more; more = rows.next()) {
    plan.append(rows.row().text(3)).push_back('\n');
  }
  EXPECT_NE(plan.find("SEARCH records USING INTEGER PRIMARY KEY"), std::string::npos) << plan;
}

// Whatever is asked and written: what was told is what the query answers.
class Worlds : public LiveAnswerTest {
 protected:
  std::int64_t below(std::int64_t end) {
    return std::uniform_int_distribution<std::int64_t>(0, end - 1)(random_);
  }
  Value any_value() {
    switch (below(10)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<double>(below(8)) / 2;
      case 3:
        return "t" + std::to_string(below(4));
      case 4:
        return (std::int64_t{1} << 53) + below(3);
      case 5:
        return 9007199254740992.0;
      case 6:
        return Value(Array{Value(below(2))});
      default:
        return below(6);
    }
  }
  std::string any_id() { return "r" + std::to_string(below(150)); }
  std::string any_field() {
    const char* const fields[] = {"a", "b", "a.x", "id"};
    return fields[below(4)];
  }
  Condition any_condition(const std::string& field) {
    if (field == "id") return greater_than(any_id());
    switch (below(6)) {
      case 0:
        return equal_to(any_value());
      case 1:
        return not_equal_to(any_value());
      case 2:
        return in({any_value(), any_value(), any_value()});
      case 3:
        return starts_with("t");
      case 4:
        return at_most(below(6));
      default:
        return greater_than(below(4));
    }
  }
  Query any_query() {
    Query query = c().query();
    for (std::int64_t i = below(3); i > 0; --i) {
      const std::string field = any_field();
      query = query.where(field, any_condition(field));
    }
    for (std::int64_t i = below(3); i > 0; --i) {
      query = query.order_by(any_field(), below(2) == 0 ? Order::ascending : Order::descending);
    }
    if (below(3) > 0) query = query.limit(below(2) == 0 ? below(6) : below(40));
    if (below(3) == 0) query = query.offset(below(10));
    return query;
  }
  Object any_fields() {
    Object fields;
    if (below(5) > 0) fields.set("a", any_value());
    if (below(5) > 0) fields.set("b", any_value());
    return fields;
  }
  std::int64_t latest_revision() {
    auto select = cache_->get("SELECT revision FROM state");
    return (*select)
        ->query_one([](const store::Row& row) { return row.int64(0); })
        .value()
        .value_or(0);
  }
  std::vector<std::int64_t> keys_above(std::int64_t revision) {
    auto select = cache_->get("SELECT record_key FROM records WHERE revision > ?1 ORDER BY 1");
    std::vector<std::int64_t> keys;
    store::Rows rows = (*select)->query(revision);
    for (auto more = rows.next(); more && *more; more = rows.next()) {
      keys.push_back(rows.row().int64(0));
    }
    return keys;
  }
  void write(Collection collection) {
    const std::string id = any_id();
    Object fields = any_fields();
    if (below(4) == 0) {
      (void)collection.remove(id);
    } else if (below(2) == 0) {
      (void)collection.patch(id, std::move(fields));
    } else {
      (void)collection.put(id, std::move(fields));
    }
  }

  std::mt19937_64 random_;
};

bool in_order(const std::vector<Record>& records, const Ids& order) {
  auto from = order.begin();
  for (const Record& record : records) {
    from = std::find(from, order.end(), record.id());
    if (from == order.end()) return false;
  }
  return true;
}

TEST_F(Worlds, WhateverIsAskedAndWrittenTheAnswerIsThatOfTheQuery) {
  constexpr int kWorlds = 60;
  constexpr int kSteps = 40;
  int rechecked = 0;
  for (int world = 0; world < kWorlds; ++world) {
    random_.seed(static_cast<std::uint64_t>(world));
    const Query query = any_query();
    SCOPED_TRACE(query.explain().value_or("") + " world " + std::to_string(world));
    for (int records = 0; records < 100; ++records) write(c());
    LiveAnswer answer(query.specification());
    testing::Shown shown;
    ASSERT_EQ(testing::follow(rerun(answer), shown), "");
    std::int64_t seen = latest_revision();
    for (int step = 0; step < kSteps; ++step) {
      for (std::int64_t writes = 1 + below(8); writes > 0; --writes) write(c());
      Changes changes;
      const auto told = answer.recheck(read(), collection_key(), keys_above(seen), changes);
      ASSERT_TRUE(told);
      if (*told) {
        ++rechecked;
      } else {
        changes = rerun(answer);
      }
      seen = latest_revision();
      ASSERT_EQ(testing::follow(changes, shown), "");
      const std::vector<Record> fresh = query.all().value();
      ASSERT_EQ(shown, testing::shown_of(fresh)) << "step " << step;
      ASSERT_TRUE(in_order(changes.entered, ids_of(fresh)));
      ASSERT_TRUE(in_order(changes.changed, ids_of(fresh)));
    }
  }
  EXPECT_GT(rechecked, kWorlds * kSteps / 2);
}

}  // namespace
}  // namespace tombolo::client
