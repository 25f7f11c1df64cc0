#include "server/changes.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/fold.h"
#include "os/files.h"
#include "protocol/operation_json.h"
#include "server/record_log.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"

namespace tombolo::server {
namespace {

TEST(Timestamps, FollowKinto) {
  EXPECT_EQ(next_last_modified(0, 100, {}, {}), 100);
  EXPECT_EQ(next_last_modified(100, 100, {}, {}), 101);
  EXPECT_EQ(next_last_modified(500, 100, {}, {}), 501) << "slides into the future";
  EXPECT_EQ(next_last_modified(500, 100, {}, INT64_MAX), 501) << "the list could not move on";
  EXPECT_EQ(next_last_modified(100, 200, {}, 50), 50) << "the past is kept on create";
  EXPECT_EQ(next_last_modified(100, 200, {}, 100), 101) << "the list's own is one more";
  EXPECT_EQ(next_last_modified(100, 200, {}, 9000), 9000);
  EXPECT_EQ(next_last_modified(100, 200, 80, 80), 200) << "not greater: ignored";
  EXPECT_EQ(next_last_modified(100, 200, 80, 90), 90);
}

class ChangesTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<os::TemporaryDirectory> directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    SqliteStorageOptions options;
    options.path = directory_->path() + "/server.db";
    storage_ = std::move(*open_sqlite_storage(options, clock_, random_));
    ids_.emplace(clock_, random_);
    reader_ = std::move(*storage_->open_reader());
  }

  void write(const std::function<void(WriteContext&)>& work) {
    Result<WriteTransaction*> transaction = storage_->begin_write();
    ASSERT_TRUE(transaction);
    WriteContext context(**transaction, clock_.wall_ms(), storage_->node(), *ids_);
    work(context);
    ASSERT_TRUE(storage_->commit());
  }
  std::unique_ptr<ReadTransaction> read() { return std::move(*reader_->begin()); }
  void put(const ObjectPath& path, Object data) {
    write([&](WriteContext& context) {
      const Result<StoredObject> stored = put_object(context, {path, std::move(data), 0, {}});
      ASSERT_TRUE(stored) << stored.error().message;
    });
  }
  std::vector<core::Operation> operations() {
    std::vector<core::Operation> found;
    EXPECT_TRUE(read()->operations_after("b", 0, 1000, [&](const LoggedOperation& logged) {
      found.push_back(protocol::parse_operation_json(logged.body).value());
      return true;
    }));
    return found;
  }
  // An update by a device that saw nothing.
  IncomingOperation foreign(std::int64_t wall_ms, Object data, core::OperationType type,
                            std::string record = "r") {
    core::Operation operation;
    operation.node = "device";
    operation.type = type;
    operation.collection = "c";
    operation.record = std::move(record);
    operation.timestamp = {wall_ms, 0, "device"};
    operation.sequence_number = ++sequence_;
    if (type != core::OperationType::remove) operation.data = std::move(data);
    if (type == core::OperationType::update) operation.previous_data = Object();
    operation.id = core::operation_id(operation).value();
    std::string body = protocol::operation_json(operation);
    return {std::move(operation), std::move(body)};
  }
  std::vector<AppliedOperation> apply(std::vector<IncomingOperation> incoming,
                                      const std::string& bucket = "b") {
    std::vector<AppliedOperation> applied;
    write([&](WriteContext& context) {
      ApplyOptions options;
      options.validate = true;
      auto result = apply_operations(context, bucket, incoming, options);
      ASSERT_TRUE(result) << result.error().message;
      applied = *result;
      refolds_ = context.refolds();
    });
    return applied;
  }

  ManualClock clock_;
  SeededRandom random_{1};
  std::int64_t sequence_ = 0;
  std::optional<os::TemporaryDirectory> directory_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Reader> reader_;
  std::optional<UuidGenerator> ids_;
  std::size_t refolds_ = 0;  // of the last apply()
  const ObjectPath record_{ListPath::records("b", "c"), "r"};
  const ObjectPath collection_ = ObjectPath::collection("b", "c");
};

TEST_F(ChangesTest, AReplaceIsTheFieldsThatDiffer) {
  put(record_, {{"a", 1}, {"b", 2}, {"c", 3}});
  put(record_, {{"a", 1}, {"b", 5}});
  put(record_, {{"a", 1}, {"b", 5}});
  const std::vector<core::Operation> logged = operations();
  ASSERT_EQ(logged.size(), 3u);
  EXPECT_EQ(logged[0].type, core::OperationType::insert);
  EXPECT_EQ(logged[1].data, (Object{{"b", 5}, {"c", nullptr}}));
  EXPECT_EQ(logged[1].previous_data, (Object{{"b", 2}, {"c", 3}}));
  EXPECT_EQ(logged[1].removed, std::vector<std::string>{"c"});
  EXPECT_EQ(logged[2].data, Object());
  for (const core::Operation& operation : logged) {
    EXPECT_TRUE(protocol::verify_operation_id(operation));
    EXPECT_TRUE(core::check_operation(operation));
  }
  EXPECT_LT(logged[1].timestamp, logged[2].timestamp);
  EXPECT_EQ(logged[2].sequence_number, 3);
  EXPECT_EQ(read()->find(record_).value()->data, R"({"a":1,"b":5})");
}

TEST_F(ChangesTest, AnOperationIsAppliedOnceAndLateOnesAreFoldedIn) {
  IncomingOperation insert = foreign(1000, {{"a", 1}, {"b", 1}}, core::OperationType::insert);
  const IncomingOperation again = insert;
  IncomingOperation late = foreign(2000, {{"a", 2}}, core::OperationType::update);
  IncomingOperation newest = foreign(3000, {{"b", 3}}, core::OperationType::update);
  EXPECT_FALSE(apply({insert, newest})[1].duplicate);
  const std::vector<AppliedOperation> applied = apply({again, late});
  EXPECT_TRUE(applied[0].duplicate);
  EXPECT_EQ(applied[1].delivery_sequence, 3);
  const std::optional<StoredObject> record = read()->find(record_).value();
  EXPECT_EQ(Value::parse(record->data).value(), (Value{{"a", 2}, {"b", 3}}));
  EXPECT_EQ(read()->bucket_log("b").value().delivery_sequence, 3);
  EXPECT_TRUE(read()->author("b", "device").value());
}

TEST_F(ChangesTest, ARecordIsFoldedAgainOnceHoweverManyOldOperationsItGets) {
  apply({foreign(900'000, {{"a", 1}}, core::OperationType::insert)});
  EXPECT_EQ(refolds_, 0u);
  std::vector<IncomingOperation> old;
  for (int number = 0; number < 500; ++number) {
    old.push_back(foreign(1000 + number, {{"b", number}}, core::OperationType::update));
  }
  const std::vector<AppliedOperation> applied = apply(old);
  EXPECT_EQ(refolds_, 1u);
  EXPECT_EQ(applied.back().delivery_sequence, 501);
  EXPECT_EQ(applied.front().last_modified, applied.back().last_modified);
  EXPECT_EQ(read()->find(record_).value()->data, R"({"a":1})") << "the insert replaces all";
  EXPECT_TRUE(apply(old)[7].duplicate);
  EXPECT_EQ(refolds_, 0u);
}

TEST_F(ChangesTest, BatchesGiveWhatOneByOneGives) {
  std::mt19937_64 roll(7);
  std::vector<IncomingOperation> all;
  for (int number = 0; number < 400; ++number) {
    const std::uint64_t dice = roll();
    const auto type = static_cast<core::OperationType>(dice % 5 == 0 ? 2 : dice % 5 == 1 ? 0 : 1);
    Object data{{"f" + std::to_string((dice >> 8) % 4), number}};
    all.push_back(foreign(static_cast<std::int64_t>(1000 + (dice >> 16) % 300), std::move(data),
                          type, "r" + std::to_string((dice >> 32) % 3)));
    if ((dice >> 40) % 8 == 0) all.push_back(all[(dice >> 44) % all.size()]);  // once more
  }
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t size = std::min<std::size_t>(all.size() - begin, 1 + roll() % 60);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
    apply({first, first + static_cast<std::ptrdiff_t>(size)});
    begin += size;
  }
  for (const IncomingOperation& operation : all) apply({operation}, "single");
  std::vector<std::string> alone;
  EXPECT_TRUE(read()->operations_after("single", 0, 1000, [&](const LoggedOperation& logged) {
    alone.emplace_back(logged.body);
    return true;
  }));
  std::vector<std::string> together;
  for (const core::Operation& operation : operations()) {
    together.push_back(protocol::operation_json(operation));
  }
  EXPECT_EQ(together, alone);
  const auto snapshot = read();
  EXPECT_EQ(snapshot->bucket_log("b")->fingerprint, snapshot->bucket_log("single")->fingerprint);
  for (const char* id : {"r0", "r1", "r2"}) {
    const auto one = snapshot->find(ListPath::records("b", "c"), id).value();
    const auto other = snapshot->find(ListPath::records("single", "c"), id).value();
    ASSERT_TRUE(one && other);
    EXPECT_EQ(one->state, other->state) << id;
    EXPECT_EQ(one->data, other->data) << id;
  }
}

TEST_F(ChangesTest, OperationsAreHeldToTheCollectionsSchema) {
  put(ObjectPath::bucket("b"), {});
  const Value schema{
      {"type", "object"},
      {"properties", {{"title", {{"type", "string"}}}, {"done", {{"type", "boolean"}}}}},
      {"required", Array{"title"}},
      {"additionalProperties", false}};
  put(collection_, {{"schema", schema}});
  const IncomingOperation good =
      foreign(1000, {{"id", "r"}, {"title", "shore"}}, core::OperationType::insert);
  const std::vector<AppliedOperation> applied =
      apply({foreign(900, {{"done", true}}, core::OperationType::insert, "x"), good,
             foreign(1001, {{"title", 7}}, core::OperationType::update),
             foreign(1002, {{"done", true}}, core::OperationType::update),
             foreign(1003, {{"color", "red"}}, core::OperationType::update),
             foreign(1004, {}, core::OperationType::remove, "y")});
  EXPECT_EQ(applied[0].refusal, R"(field "title" of collection "c" is required)");
  EXPECT_EQ(applied[1].refusal, "");
  EXPECT_EQ(applied[2].refusal,
            R"(field "title" of collection "c" must be a string, not a number)");
  EXPECT_EQ(applied[3].refusal, "");
  EXPECT_EQ(applied[4].refusal, R"(field "color" of collection "c" is not in the schema)");
  EXPECT_EQ(applied[5].refusal, "");
  EXPECT_EQ(applied[2].delivery_sequence, 0);
  EXPECT_EQ(applied[5].delivery_sequence, 3) << "what is refused leaves no gap";
  EXPECT_EQ(read()->find({record_.list, "x"}).value(), std::nullopt);
  EXPECT_EQ(Value::parse(read()->find(record_).value()->data).value(),
            (Value{{"title", "shore"}, {"done", true}}));

  // A schema that came later is no reason to refuse what is logged already.
  put(collection_, {{"schema", {{"properties", {{"title", {{"type", "number"}}}}}}}});
  EXPECT_TRUE(apply({good})[0].duplicate);
  EXPECT_NE(apply({foreign(1010, {{"title", "x"}}, core::OperationType::update)})[0].refusal, "");
}

TEST_F(ChangesTest, AWriteHereIsLaterThanWhatADeviceWithAFastClockWrote) {
  const std::int64_t ahead = clock_.wall_ms() + 50'000;
  apply({foreign(ahead, {{"a", 1}}, core::OperationType::insert)});
  put(record_, {{"a", 2}});
  EXPECT_EQ(read()->find(record_).value()->data, R"({"a":2})");
  EXPECT_LT(operations()[0].timestamp, operations()[1].timestamp);
}

TEST_F(ChangesTest, DeletingACollectionHidesItsRecordsAndTellsTheLog) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {{"title", "t"}});
  put(record_, {{"a", 1}});
  put({record_.list, "gone"}, {});
  write([&](WriteContext& context) {
    ASSERT_TRUE(delete_object(context, {record_.list, "gone"}));
    const Result<StoredObject> tombstone = delete_object(context, collection_);
    ASSERT_TRUE(tombstone);
    EXPECT_EQ(tombstone->state, ObjectState::deleted);
  });
  EXPECT_FALSE(read()->find(record_).value());
  EXPECT_EQ(read()->list_timestamp(record_.list).value(), 0);
  EXPECT_EQ(operations().size(), 4u);  // two inserts, two deletes
  EXPECT_EQ(operations()[3].type, core::OperationType::remove);
  EXPECT_EQ(operations()[3].record, "r");
  put(record_, {{"a", 9}});
  EXPECT_EQ(read()->find(record_).value()->data, R"({"a":9})");
  EXPECT_EQ(read()->bucket_log("b").value().delivery_sequence, 5);
}

TEST_F(ChangesTest, ADeleteNamesWhatItTakesAway) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {});
  put(record_, {{"a", 1}});
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, record_)); });
  put(record_, {{"a", 2}});
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, collection_)); });
  const std::vector<core::Operation> logged = operations();
  ASSERT_EQ(logged.size(), 4u);
  EXPECT_EQ(logged[1].previous_data, (Object{{"a", 1}}));
  EXPECT_EQ(logged[1].base_version, core::format_timestamp(logged[0].timestamp).value());
  EXPECT_EQ(logged[2].base_version, core::format_timestamp(logged[1].timestamp).value());
  EXPECT_EQ(logged[3].previous_data, (Object{{"a", 2}}));
  EXPECT_EQ(logged[3].base_version, core::format_timestamp(logged[2].timestamp).value());
}

TEST_F(ChangesTest, APurgedRecordBeginsAnewWithALaterInsertOrNotAtAll) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {});
  IncomingOperation first = foreign(1000, {{"a", 1}, {"secret", 1}}, core::OperationType::insert);
  const IncomingOperation again = first;
  apply({first});
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, collection_)); });
  put(collection_, {});
  const std::int64_t later = clock_.wall_ms() + 1000;
  const std::vector<AppliedOperation> applied =
      apply({again, foreign(2000, {{"a", 2}}, core::OperationType::insert),
             foreign(later, {{"a", 3}}, core::OperationType::update),
             foreign(later + 1, {}, core::OperationType::remove),
             foreign(later + 2, {{"a", 4}}, core::OperationType::insert),
             foreign(later + 3, {{"b", 5}}, core::OperationType::update)});
  EXPECT_TRUE(applied[0].duplicate);
  EXPECT_NE(applied[1].refusal, "");
  EXPECT_NE(applied[2].refusal, "");
  for (const std::size_t index : {3, 4, 5}) EXPECT_EQ(applied[index].refusal, "") << index;
  EXPECT_EQ(operations().size(), 5u);
  EXPECT_EQ(Value::parse(read()->find(record_).value()->data).value(), (Value{{"a", 4}, {"b", 5}}));
}

// Readers of the new life alone and readers of both must hold the same record.
TEST_F(ChangesTest, WhatARecordWasBeforeItBeganAnewChangesNothing) {
  put(ObjectPath::bucket("b"), {});
  std::mt19937 numbers(7);
  for (int round = 0; round < 20; ++round) {
    put(collection_, {});
    const std::int64_t before = read()->bucket_log("b").value().delivery_sequence;
    for (int count = 0; count < 12; ++count) {
      const auto type = static_cast<core::OperationType>(numbers() % 3);
      const Value number = static_cast<std::int64_t>(numbers() % 5);
      const Object data = numbers() % 2 == 0 ? Object{{"x", number}} : Object{{"y", number}};
      apply(
          {foreign(clock_.wall_ms() - 20 + static_cast<std::int64_t>(numbers() % 60), data, type)});
      clock_.advance(1);
    }
    std::vector<core::Operation> all = operations();
    const std::span<const core::Operation> present =
        std::span(all).subspan(static_cast<std::size_t>(before));
    const core::RecordState both = core::fold({}, {}, all).state;
    const core::RecordState alone = core::fold({}, {}, present).state;
    EXPECT_EQ(both.alive(), alone.alive());
    EXPECT_TRUE(!both.alive() || both.fields == alone.fields);
    const std::optional<StoredObject> stored = read()->find(record_).value();
    EXPECT_EQ(stored && stored->state == ObjectState::alive, both.alive());
    write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, collection_)); });
  }
}

TEST_F(ChangesTest, ARecordMadeOverAnothersTombstoneIsANewLife) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {});
  const auto key_of = [&](const std::string& user) {
    PermissionsKey key = kNoPermissions;
    write([&](WriteContext& context) {
      PermissionSet set;
      set.add("write", user);
      key = context.transaction().intern(set).value();
    });
    return key;
  };
  const PermissionsKey alice = key_of("token:alice");
  const PermissionsKey bob = key_of("token:bob");
  const auto put_as = [&](PermissionsKey permissions) {
    write([&](WriteContext& context) {
      ASSERT_TRUE(put_object(context, {record_, {{"a", 1}}, permissions, {}}));
    });
  };
  const auto remove = [&] {
    write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, record_)); });
  };
  put_as(alice);
  remove();
  put_as(alice);
  remove();
  put_as(bob);
  std::vector<PermissionsKey> readers;
  ASSERT_TRUE(read()->operations_after("b", 0, 100, [&](const LoggedOperation& logged) {
    readers.push_back(logged.record_permissions);
    return true;
  }));
  EXPECT_EQ(readers, (std::vector<PermissionsKey>{alice, alice, alice, alice, bob}));
  EXPECT_TRUE(operations()[2].base_version);
  EXPECT_FALSE(operations()[4].base_version) << "it tells when the former one was deleted";
}

TEST_F(ChangesTest, ALargeCollectionIsEmptiedInPartsBeforeItIsDeleted) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {});
  for (const char* id : {"r1", "r2", "r3", "r4", "r5"}) put({record_.list, id}, {{"a", 1}});
  write([&](WriteContext& context) {
    ASSERT_TRUE(delete_object(context, {record_.list, "r5"}));
    EXPECT_EQ(purge_records_below(context, collection_, 2).value(), 2u);
  });
  std::int64_t left = 0;
  ListQuery query;
  query.list = record_.list;
  ASSERT_TRUE(read()->list(query, [&](const ObjectView&) { return ++left > 0; }));
  EXPECT_EQ(left, 2);
  write([&](WriteContext& context) {
    EXPECT_EQ(purge_records_below(context, ObjectPath::bucket("b"), 2).value(), 2u);
    EXPECT_EQ(purge_records_below(context, collection_, 2).value(), 1u) << "the tombstone";
    EXPECT_EQ(purge_records_below(context, collection_, 2).value(), 0u);
    ASSERT_TRUE(delete_object(context, collection_));
  });
  EXPECT_EQ(operations().size(), 10u) << "five inserts, five deletes";
  EXPECT_EQ(read()->list_timestamp(record_.list).value(), 0);
  EXPECT_FALSE(read()->find({record_.list, "r5"}).value());
}

// The device knew of the deletion, so that its insert needs no fold.
TEST_F(ChangesTest, ADeletedRecordIsMadeAnewAndChangedInOneBatch) {
  const IncomingOperation gone = foreign(2000, {}, core::OperationType::remove);
  apply({foreign(1000, {{"old", 1}}, core::OperationType::insert), gone});
  IncomingOperation again = foreign(3000, {{"a", 1}, {"b", 1}}, core::OperationType::insert);
  again.operation.base_version = core::format_timestamp(gone.operation.timestamp).value();
  again.body = protocol::operation_json(again.operation);
  apply({again, foreign(3001, {{"c", 2}}, core::OperationType::update),
         foreign(3002, {{"d", 3}}, core::OperationType::update)});
  EXPECT_EQ(refolds_, 0u);
  EXPECT_EQ(Value::parse(read()->find(record_).value()->data).value(),
            (Value{{"a", 1}, {"b", 1}, {"c", 2}, {"d", 3}}));
}

// In one batch as in several.
TEST_F(ChangesTest, ARecordThatBeganAnewAndWentAgainIsItsNewAuthors) {
  const auto key_of = [&](const char* user) {
    PermissionsKey key = kNoPermissions;
    write([&](WriteContext& context) {
      PermissionSet set;
      set.add("write", user);
      key = context.transaction().intern(set).value();
    });
    return key;
  };
  const PermissionsKey alice = key_of("token:alice");
  const PermissionsKey bob = key_of("token:bob");
  const auto apply_as = [&](PermissionsKey key, std::vector<IncomingOperation> incoming) {
    write([&](WriteContext& context) {
      ApplyOptions options;
      options.new_record_permissions = key;
      const auto applied = apply_operations(context, "b", incoming, options);
      for (const AppliedOperation& one : *applied) EXPECT_EQ(one.refusal, "");
    });
  };
  put(ObjectPath::bucket("b"), {});
  put(collection_, {});
  apply_as(alice, {foreign(1000, {{"a", 1}}, core::OperationType::insert),
                   foreign(1001, {}, core::OperationType::remove)});
  apply_as(bob, {foreign(2000, {{"private", 1}}, core::OperationType::insert),
                 foreign(2001, {}, core::OperationType::remove)});
  std::vector<PermissionsKey> readers;
  const auto note_readers = [&] {
    readers.clear();
    ASSERT_TRUE(read()->operations_after("b", 0, 100, [&](const LoggedOperation& logged) {
      readers.push_back(logged.record_permissions);
      return true;
    }));
  };
  note_readers();
  EXPECT_EQ(readers, (std::vector<PermissionsKey>{alice, alice, bob, bob}));

  // The same over what went with its collection; it is purged no more.
  write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, collection_)); });
  put(collection_, {});
  apply_as(alice, {foreign(3000, {{"b", 1}}, core::OperationType::insert),
                   foreign(3001, {}, core::OperationType::remove)});
  apply_as(alice, {foreign(3002, {{"c", 1}}, core::OperationType::update)});
  note_readers();
  EXPECT_EQ(readers, (std::vector<PermissionsKey>{alice, alice, bob, bob, alice, alice, alice}));
}

TEST_F(ChangesTest, WhoMayOnlyCreateTouchesNoDeletedRecordWithoutMakingItAnew) {
  put(ObjectPath::bucket("b"), {});
  put(collection_, {{"schema", {{"properties", {{"title", {{"type", "string"}}}}}}}});
  apply({foreign(1000, {{"title", "hers"}}, core::OperationType::insert),
         foreign(1001, {}, core::OperationType::remove)});
  const auto apply_restricted = [&](std::vector<IncomingOperation> incoming) {
    for (IncomingOperation& one : incoming) one.only_in_new_life = true;
    return apply(std::move(incoming));
  };
  std::vector<AppliedOperation> applied =
      apply_restricted({foreign(2000, {{"title", 7}}, core::OperationType::insert),
                        foreign(2001, {{"title", "revived"}}, core::OperationType::update)});
  EXPECT_NE(applied[0].refusal, "");
  EXPECT_FALSE(applied[0].denied) << "it breaks the schema";
  EXPECT_TRUE(applied[1].denied);
  EXPECT_EQ(read()->find(record_).value()->state, ObjectState::deleted);
  applied = apply_restricted({foreign(999, {{"title", "old"}}, core::OperationType::insert),
                              foreign(3000, {{"title", "his"}}, core::OperationType::insert),
                              foreign(3001, {{"title", "own"}}, core::OperationType::update)});
  EXPECT_TRUE(applied[0].denied);
  EXPECT_EQ(applied[1].refusal + applied[2].refusal, "");
  EXPECT_EQ(read()->find(record_).value()->data, R"({"title":"own"})");
}

TEST_F(ChangesTest, DeletingWhatIsNotThereIsNotFound) {
  put(record_, {});
  write([&](WriteContext& context) {
    ASSERT_TRUE(delete_object(context, record_));
    const Result<StoredObject> again = delete_object(context, record_);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::not_found);
  });
}

TEST_F(ChangesTest, CollectionsAppearForWhomMayCreateThem) {
  const AccessControl access(
      PermissionSettings{{"bucket_create_principals", {"system.Authenticated"}}});
  const Identity alice = identity_of("token:alice");
  write([&](WriteContext& context) {
    const Result<bool> refused = ensure_bucket(context, access, anonymous_identity(), "b");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
    EXPECT_TRUE(ensure_bucket(context, access, alice, "b").value());
    EXPECT_FALSE(ensure_bucket(context, access, anonymous_identity(), "b").value());
    EXPECT_FALSE(ensure_collection(context, access, anonymous_identity(), "b", "c"));
    EXPECT_TRUE(ensure_collection(context, access, alice, "b", "c").value());
    EXPECT_TRUE(access.may(context.transaction(), alice, Permission::write, record_).value());
    EXPECT_FALSE(
        access.may(context.transaction(), identity_of("token:bob"), Permission::read, record_)
            .value());
  });
}

TEST_F(ChangesTest, AFlushStartsEverythingAnew) {
  put(ObjectPath::bucket("b"), {});
  put(record_, {{"a", 1}});
  write([&](WriteContext& context) { ASSERT_TRUE(context.transaction().erase_all()); });
  EXPECT_FALSE(read()->find(record_).value());
  EXPECT_EQ(read()->permissions_of(ObjectPath::bucket("b")).value(), std::nullopt);
  put(record_, {{"a", 2}});
  EXPECT_EQ(read()->bucket_log("b").value().delivery_sequence, 1);
}

}  // namespace
}  // namespace tombolo::server
