// What every storage back end must do; run over each.
#include "server/storage/storage.h"

#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/random.h"
#include "os/files.h"
#include "server/changes.h"
#include "server/identity/permissions.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"
#include "store/connection.h"

namespace tombolo::server {
namespace {

using Opener = std::function<Result<std::unique_ptr<Storage>>(const std::string& directory,
                                                              const Clock&, Random&)>;

struct BackEnd {
  std::string name;
  Opener open;
};

void PrintTo(const BackEnd& back_end, std::ostream* out) {
  *out << back_end.name;
}

class StorageTest : public testing::TestWithParam<BackEnd> {
 protected:
  void SetUp() override {
    Result<os::TemporaryDirectory> directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    open();
  }

  void open() {
    storage_.reset();
    Result<std::unique_ptr<Storage>> storage = GetParam().open(directory_->path(), clock_, random_);
    ASSERT_TRUE(storage) << storage.error().message;
    storage_ = std::move(*storage);
    ids_.emplace(clock_, random_);
  }

  // Runs `work` in a transaction of its own.
  void write(const std::function<void(WriteContext&)>& work) {
    Result<WriteTransaction*> transaction = storage_->begin_write();
    ASSERT_TRUE(transaction) << transaction.error().message;
    WriteContext context(**transaction, clock_.wall_ms(), storage_->node(), *ids_);
    work(context);
    const Result<void> committed = storage_->commit();
    ASSERT_TRUE(committed) << committed.error().message;
  }

  std::unique_ptr<ReadTransaction> read() {
    if (!reader_) reader_ = std::move(*storage_->open_reader());
    return std::move(*reader_->begin());
  }

  void put(const std::string& id, Object data, PermissionsKey permissions = kNoPermissions) {
    write([&](WriteContext& context) {
      const Result<StoredObject> stored =
          put_object(context, {{records_, id}, std::move(data), permissions, {}});
      ASSERT_TRUE(stored) << stored.error().message;
    });
  }

  std::vector<std::string> listed(ListQuery query) {
    query.list = records_;
    std::vector<std::string> ids;
    const Result<void> done = read()->list(query, [&](const ObjectView& object) {
      ids.emplace_back(object.id);
      return true;
    });
    EXPECT_TRUE(done) << done.error().message;
    return ids;
  }
  std::vector<std::string> filtered(Filter filter, bool tombstones = false) {
    ListQuery query;
    query.filters.push_back(std::move(filter));
    query.include_tombstones = tombstones;
    query.sort = {{"id", false}};
    return listed(query);
  }

  ManualClock clock_;
  SeededRandom random_{1};
  std::optional<os::TemporaryDirectory> directory_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Reader> reader_;  // ends before the storage
  std::optional<UuidGenerator> ids_;
  const ListPath records_ = ListPath::records("b", "c");
};

using Ids = std::vector<std::string>;

TEST_P(StorageTest, StampsGoOnAfterARestartWhateverTheClockSays) {
  const std::int64_t now_ms = clock_.wall_ms();
  core::Timestamp last;
  const auto stamp = [&](std::int64_t at_ms) {
    write([&](WriteContext& context) {
      const core::Timestamp next = context.transaction().next_stamp(at_ms, nullptr).value();
      EXPECT_LT(last, next);
      last = next;
    });
  };
  stamp(now_ms + 5'000);
  open();
  for (int step = 0; step < 30; ++step) stamp(now_ms + step * 400);
  open();
  stamp(now_ms);
  EXPECT_LT(last.wall_ms, now_ms + 30 * 400 + 5'000) << "and not much later than they must";
}

TEST_P(StorageTest, FindsWhatWasWrittenAfterReopening) {
  put("x", {{"a", 1}});
  const std::string node = storage_->node();
  const std::string secret = storage_->secret();
  reader_.reset();
  open();
  EXPECT_EQ(storage_->node(), node);
  EXPECT_EQ(storage_->secret(), secret);
  const auto found = read()->find(records_, "x");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->data, R"({"a":1})");
  EXPECT_EQ((*found)->last_modified, clock_.wall_ms());
}

TEST_P(StorageTest, TimestampsOfAListIncreaseStrictlyWhileTheClockStands) {
  put("x", {});
  put("y", {});
  put("x", {});
  EXPECT_EQ(read()->find(records_, "x").value()->last_modified, clock_.wall_ms() + 2);
  EXPECT_EQ(read()->list_timestamp(records_).value(), clock_.wall_ms() + 2);
  EXPECT_EQ(listed({}), (Ids{"x", "y"}));
}

TEST_P(StorageTest, AReaderSeesTheSnapshotThatItBegan) {
  put("x", {{"a", 1}});
  const auto before = read();
  const std::unique_ptr<Reader> other = std::move(*storage_->open_reader());
  put("x", {{"a", 2}});
  EXPECT_EQ(before->find(records_, "x").value()->data, R"({"a":1})");
  EXPECT_EQ((*other->begin())->find(records_, "x").value()->data, R"({"a":2})");
}

TEST_P(StorageTest, ASnapshotThatIsKeptIsAsNewAsTheLastCommit) {
  const std::unique_ptr<Reader> reader = std::move(*storage_->open_reader());
  const auto seen = [&] { return (*reader->snapshot())->find(records_, "x").value(); };
  EXPECT_FALSE(seen());
  put("x", {{"a", 1}});
  EXPECT_EQ(seen()->data, R"({"a":1})");
  EXPECT_EQ(seen()->data, R"({"a":1})");
  put("x", {{"a", 2}});
  EXPECT_EQ(seen()->data, R"({"a":2})");
}

TEST_P(StorageTest, ASnapshotThatIsKeptShowsNothingOfWhatIsNotCommitted) {
  const std::unique_ptr<Reader> reader = std::move(*storage_->open_reader());
  const auto seen = [&] { return (*reader->snapshot())->find(records_, "x").value(); };
  put("x", {{"a", 1}});
  Result<WriteTransaction*> transaction = storage_->begin_write();
  ASSERT_TRUE(transaction);
  WriteContext context(**transaction, clock_.wall_ms(), storage_->node(), *ids_);
  ASSERT_TRUE(put_object(context, {{records_, "x"}, {{"a", 2}}, kNoPermissions, {}}));
  EXPECT_EQ(seen()->data, R"({"a":1})");
  storage_->rollback();
  EXPECT_EQ(seen()->data, R"({"a":1})");
  put("x", {{"a", 3}});
  EXPECT_EQ(seen()->data, R"({"a":3})");
}

TEST_P(StorageTest, AReleasedSnapshotIsInNoCheckpointsWay) {
  const std::unique_ptr<Reader> reader = std::move(*storage_->open_reader());
  put("x", {{"a", 1}});
  ASSERT_TRUE(reader->snapshot());
  put("x", {{"a", 2}});
  ASSERT_TRUE(storage_->checkpoint(true));
  const std::int64_t held_bytes = storage_->maintenance_state().log_bytes;
  EXPECT_GT(held_bytes, 0) << "the reader needs what is in the log";
  reader->release();
  ASSERT_TRUE(storage_->checkpoint(true));
  put("y", {});
  EXPECT_LT(storage_->maintenance_state().log_bytes, held_bytes) << "it begins anew";
}

TEST_P(StorageTest, ComparesAcrossTypesInPostgresOrder) {
  put("null", {{"f", nullptr}});
  put("text", {{"f", "a"}});
  put("number", {{"f", 10}});
  put("boolean", {{"f", true}});
  put("list", {{"f", Array{1}}});
  put("object", {{"f", Object{{"k", 1}}}});
  put("missing", {{"g", 1}});
  ListQuery query;
  query.sort = {{"f", false}};
  EXPECT_EQ(listed(query), (Ids{"null", "text", "number", "boolean", "list", "object", "missing"}));
  EXPECT_EQ(filtered({"f", FilterOperator::less, 10}), (Ids{"null", "text"}));
  EXPECT_EQ(filtered({"f", FilterOperator::at_most, 10}), (Ids{"null", "number", "text"}));
  EXPECT_EQ(filtered({"f", FilterOperator::greater, true}), (Ids{"list", "missing", "object"}));
  EXPECT_EQ(filtered({"f", FilterOperator::equal, "10"}), Ids{});
  EXPECT_EQ(filtered({"f", FilterOperator::equal, 10.0}), Ids{"number"});
  EXPECT_EQ(filtered({"f", FilterOperator::not_equal, 10}).size(), 6u);
  EXPECT_EQ(filtered({"f", FilterOperator::in, Array{10, "a"}}), (Ids{"number", "text"}));
  EXPECT_EQ(filtered({"f", FilterOperator::exclude, Array{10, "a"}}).size(), 5u);
  EXPECT_EQ(filtered({"f", FilterOperator::has, false}), Ids{"missing"});
  EXPECT_EQ(filtered({"f.k", FilterOperator::equal, 1}), Ids{"object"});
}

TEST_P(StorageTest, MatchesPatternsListsAndOddNames) {
  put("a", {{"name", "Ärger"}, {"tags", Array{"x", "y"}}, {"a \"b", 1}, {"p.q", 2}});
  put("b", {{"name", "merger"}, {"tags", Array{"y"}}});
  put("c", {{"name", 12}, {"tags", "xy"}});
  EXPECT_EQ(filtered({"name", FilterOperator::like, "RGER"}), (Ids{"a", "b"}));
  EXPECT_EQ(filtered({"name", FilterOperator::like, "ä*"}), Ids{"a"});
  EXPECT_EQ(filtered({"name", FilterOperator::like, "1"}), Ids{"c"});
  EXPECT_EQ(filtered({"tags", FilterOperator::contains, "y"}), (Ids{"a", "b"}));
  EXPECT_EQ(filtered({"tags", FilterOperator::contains, Array{"x", "y"}}), Ids{"a"});
  EXPECT_EQ(filtered({"tags", FilterOperator::contains_any, Array{"x", "z"}}), Ids{"a"});
  EXPECT_EQ(filtered({"a \"b", FilterOperator::equal, 1, true}), Ids{"a"});
  EXPECT_EQ(filtered({"p.q", FilterOperator::equal, 2, true}), Ids{"a"});
}

TEST_P(StorageTest, FindsListedIdsInTheOrderOfTheList) {
  put("0198c1f0-0000-7000-8000-000000000001", {});
  put("b", {});
  put("c", {});
  ListQuery query;
  query.filters = {
      {"id", FilterOperator::in, Array{"0198c1f0-0000-7000-8000-000000000001", "c", "none"}}};
  EXPECT_EQ(listed(query), (Ids{"c", "0198c1f0-0000-7000-8000-000000000001"}));
  query.limit = 1;
  EXPECT_EQ(listed(query), Ids{"c"});
  query.filters[0].op = FilterOperator::exclude;
  query.limit.reset();
  EXPECT_EQ(listed(query), Ids{"b"});
}

TEST_P(StorageTest, TombstonesAreSubjectToFilters) {
  put("a", {{"t", 1}});
  put("b", {{"t", 1}});
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, {records_, "a"})); });
  EXPECT_EQ(filtered({"t", FilterOperator::equal, 1}, true), Ids{"b"});
  EXPECT_EQ(filtered({"deleted", FilterOperator::equal, true}, true), Ids{"a"});
  ListQuery query;
  query.list = records_;
  EXPECT_EQ(read()->count(query).value(), 1);
  query.include_tombstones = true;
  EXPECT_EQ(read()->count(query).value(), 2);
}

TEST_P(StorageTest, PagesByKeysetWithTiesAndMissingValues) {
  for (int i = 0; i < 20; ++i) {
    Object data;
    if (i % 3 != 0) data.set("f", Value(i % 2));
    put("r" + std::to_string(i), data);
  }
  for (const bool descending : {false, true}) {
    ListQuery query;
    query.list = records_;
    query.sort = {{"f", descending}, {"last_modified", true}};
    const Ids whole = listed(query);
    ASSERT_EQ(whole.size(), 20u);
    Ids paged;
    query.limit = 3;
    for (;;) {
      std::optional<ListPosition> next;
      ASSERT_TRUE(read()->list(query, [&](const ObjectView& object) {
        paged.emplace_back(object.id);
        const Value data = Value::parse(object.data).value();
        const Value* field = data.if_object()->find("f");
        next.emplace();
        next->values = {field != nullptr ? std::optional<Value>(*field) : std::nullopt,
                        Value(object.last_modified)};
        next->object_key = object.key;
        return true;
      }));
      if (!next) break;
      query.after = next;
    }
    EXPECT_EQ(paged, whole);
  }
}

TEST_P(StorageTest, DeliverySequencesHaveNoGapAfterAnUndoneSavepoint) {
  put("x", {{"a", 1}});
  write([&](WriteContext& context) {
    ASSERT_TRUE(context.transaction().begin_savepoint());
    ASSERT_TRUE(put_object(context, {{records_, "lost"}, {}, {}, {}}));
    ASSERT_TRUE(context.transaction().undo_savepoint());
    ASSERT_TRUE(context.transaction().begin_savepoint());
    ASSERT_TRUE(put_object(context, {{records_, "kept"}, {}, {}, {}}));
    ASSERT_TRUE(context.transaction().release_savepoint());
  });
  std::vector<std::int64_t> sequences;
  ASSERT_TRUE(read()->operations_after("b", 0, 100, [&](const LoggedOperation& operation) {
    sequences.push_back(operation.delivery_sequence);
    EXPECT_EQ(operation.collection, "c");
    EXPECT_EQ(operation.node, storage_->node());
    return true;
  }));
  EXPECT_EQ(sequences, (std::vector<std::int64_t>{1, 2}));
  EXPECT_FALSE(read()->find(records_, "lost").value());
  EXPECT_EQ(read()->author("b", storage_->node()).value()->sequence_number, 2);
}

TEST_P(StorageTest, FindsEachRowInWhateverOrderTheIdsCome) {
  const std::string low = "0190163d-8694-739b-aea5-966c26f8ad91";
  const std::string middle = "0190163d-8694-739b-aea5-966c26f8ad92";
  const std::string high = "f190163d-8694-739b-aea5-966c26f8ad91";
  const auto exists = [&](const std::string& id) {
    bool found = false;
    write([&](WriteContext& context) {
      found = context.transaction().find_row(records_, id).value().has_value();
    });
    return found;
  };
  EXPECT_FALSE(exists(low));
  put("text", {});
  EXPECT_FALSE(exists(middle));
  put(middle, {});
  write([&](WriteContext& context) {
    ASSERT_TRUE(context.transaction().begin_savepoint());
    ASSERT_TRUE(put_object(context, {{records_, high}, {}, {}, {}}));
    EXPECT_TRUE(context.transaction().find_row(records_, high).value());
    ASSERT_TRUE(context.transaction().undo_savepoint());
    EXPECT_FALSE(context.transaction().find_row(records_, high).value());
  });
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(exists(low));
    EXPECT_TRUE(exists(middle));
    EXPECT_FALSE(exists(high));
    EXPECT_TRUE(exists("text"));
    EXPECT_FALSE(exists("texts"));
    reader_.reset();
    open();  // what was remembered is read anew
  }
  put(high, {});
  put(low, {});
  EXPECT_TRUE(exists(low));
  EXPECT_TRUE(exists(middle));
  EXPECT_TRUE(exists(high));
}

TEST_P(StorageTest, ARolledBackTransactionLeavesNothing) {
  put("x", {});
  const BucketLog before = read()->bucket_log("b").value();
  Result<WriteTransaction*> transaction = storage_->begin_write();
  ASSERT_TRUE(transaction);
  WriteContext context(**transaction, clock_.wall_ms(), storage_->node(), *ids_);
  ASSERT_TRUE(put_object(context, {{records_, "y"}, {}, {}, {}}));
  storage_->rollback();
  put("z", {});
  const BucketLog after = read()->bucket_log("b").value();
  EXPECT_EQ(after.delivery_sequence, before.delivery_sequence + 1);
  EXPECT_NE(after.fingerprint, before.fingerprint);
  EXPECT_EQ(listed({}), (Ids{"z", "x"}));
}

TEST_P(StorageTest, PermissionsAreNeverOlderThanTheSnapshot) {
  const ObjectPath bucket = ObjectPath::bucket("b");
  PermissionSet set;
  set.add("read", "alice");
  PermissionsKey key = 0;
  write([&](WriteContext& context) {
    key = context.transaction().intern(set).value();
    ASSERT_TRUE(put_object(context, {bucket, {}, key, {}}));
  });
  EXPECT_EQ(read()->permissions_of(bucket).value(), key);
  write([&](WriteContext& context) { ASSERT_TRUE(put_object(context, {bucket, {}, 0, {}})); });
  EXPECT_EQ(read()->permissions_of(bucket).value(), kNoPermissions);
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, bucket)); });
  EXPECT_EQ(read()->permissions_of(bucket).value(), std::nullopt);
}

TEST_P(StorageTest, ListsOnlyWhatIsShared) {
  PermissionSet set;
  set.add("read", "alice");
  set.add("write", "bob");
  PermissionsKey key = 0;
  write([&](WriteContext& context) { key = context.transaction().intern(set).value(); });
  put("shared", {}, key);
  put("private", {});
  const std::string_view names[] = {"read"};
  const std::vector<std::string> alice = {"alice"};
  const std::vector<std::string> bob = {"bob"};
  ListQuery query;
  query.visible = read()->sets_granting(names, alice).value();
  EXPECT_EQ(listed(query), Ids{"shared"});
  query.visible = read()->sets_granting(names, bob).value();
  EXPECT_EQ(listed(query), Ids{});
}

Result<std::unique_ptr<Storage>> open_sqlite(const std::string& directory, const Clock& clock,
                                             Random& random) {
  SqliteStorageOptions options;
  options.path = directory + "/server.db";
  return open_sqlite_storage(options, clock, random);
}

// How the present file differs from version 1, undone.
constexpr const char* kBackToVersion1 =
    "DROP TABLE log_timelines;"
    "DROP TABLE former_lives; ALTER TABLE bucket_logs DROP COLUMN own_sequence_number;"
    "ALTER TABLE version_vectors DROP COLUMN principal;";

TEST_P(StorageTest, AFileOfTheFirstVersionGoesOnWhereItWas) {
  if (GetParam().name != "Sqlite") GTEST_SKIP();
  put("x", {{"a", 1}});
  put("x", {{"a", 2}});
  const std::string node = storage_->node();
  reader_.reset();
  storage_.reset();
  {
    auto connection = store::Connection::open(directory_->path() + "/server.db");
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute(kBackToVersion1));
    ASSERT_TRUE(connection->set_user_version(1));
  }
  open();
  put("x", {{"a", 3}});
  EXPECT_EQ(read()->author("b", node).value()->sequence_number, 3);
  EXPECT_EQ(read()->bucket_log("b").value().delivery_sequence, 3);
}

TEST_P(StorageTest, TellsALogFromOneThatWasRestored) {
  const auto continues = [&](const std::string& timeline, std::int64_t sequence) {
    return read()->continues("b", timeline, sequence).value();
  };
  EXPECT_EQ(read()->timeline("b").value(), "") << "nothing was written";
  put("x", {{"a", 1}});
  put("x", {{"a", 2}});
  const std::string first = storage_->timeline();
  EXPECT_EQ(read()->timeline("b").value(), first);
  EXPECT_TRUE(continues(first, 2));
  reader_.reset();
  storage_.reset();
  const std::string path = directory_->path() + "/server.db";
  const std::string backup = os::read_file(path).value();

  open();
  const std::string second = storage_->timeline();
  EXPECT_NE(second, first);
  EXPECT_EQ(read()->timeline("b").value(), first) << "nothing was written since";
  EXPECT_TRUE(continues(first, 2));
  put("x", {{"a", 3}});
  put("x", {{"a", 4}});
  EXPECT_EQ(read()->timeline("b").value(), second);
  EXPECT_TRUE(continues(second, 4));
  EXPECT_TRUE(continues(first, 2));
  EXPECT_FALSE(continues(first, 3));
  EXPECT_FALSE(continues("no such life", 1));
  reader_.reset();
  storage_.reset();

  ASSERT_TRUE(os::write_file(path, backup));
  open();
  EXPECT_FALSE(continues(second, 3)) << "whatever was written since";
  for (int n = 5; n < 10; ++n) put("x", {{"a", n}});
  EXPECT_TRUE(continues(first, 2));
  EXPECT_FALSE(continues(second, 3));
  const std::string third = storage_->timeline();
  EXPECT_TRUE(continues(third, 7));

  write([&](WriteContext& context) { ASSERT_TRUE(context.transaction().erase_all()); });
  EXPECT_FALSE(continues(third, 1));
  EXPECT_NE(storage_->timeline(), third);
  put("y", {{"a", 1}});
  EXPECT_TRUE(continues(storage_->timeline(), 1));
}

TEST_P(StorageTest, ANodesNumberComesFromItselfAndItsFirstUser) {
  const auto append = [&](std::int64_t number, std::string_view principal) {
    write([&](WriteContext& context) {
      core::Operation operation;
      operation.node = "device";
      operation.collection = "c";
      operation.record = "r";
      operation.data = Object();
      operation.timestamp = {1000 + number, 0, "device"};
      operation.sequence_number = number;
      operation.id = core::operation_id(operation).value();
      ASSERT_TRUE(context.transaction().append_operation("b", {operation, 1, "{}", principal}));
    });
    return read()->author("b", "device").value().value();
  };
  EXPECT_EQ(append(9, "").sequence_number, 0);
  EXPECT_EQ(append(2, "system.Everyone").sequence_number, 2);
  EXPECT_EQ(append(8, "").sequence_number, 2);
  EXPECT_EQ(append(1, "token:alice").sequence_number, 1) << "an anonymous owner gives way";
  EXPECT_EQ(append(7, "token:bob").sequence_number, 1);
  EXPECT_EQ(append(6, "system.Everyone").sequence_number, 1);
  EXPECT_EQ(append(5, "token:alice").sequence_number, 5);
  EXPECT_EQ(append(4, "token:alice").principal, "token:alice");
  write([&](WriteContext& context) {
    EXPECT_EQ(context.transaction().author_count("b").value(), 1);
    EXPECT_EQ(context.transaction().next_sequence_number("b").value(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(BackEnds, StorageTest, testing::Values(BackEnd{"Sqlite", open_sqlite}),
                         [](const auto& back_end) { return back_end.param.name; });

}  // namespace
}  // namespace tombolo::server
