#include "server/identity/log_view.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "os/files.h"
#include "server/changes.h"
#include "server/storage/sqlite_storage.h"
#include "server/testing.h"

namespace tombolo::server {
namespace {

using Sequences = std::vector<std::int64_t>;

class LogViewTest : public testing::Test {
 protected:
  void SetUp() override {
    SqliteStorageOptions options;
    options.path = directory_.path() + "/server.db";
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
  // Everybody named may write the object.
  void put(const ObjectPath& path, const std::vector<std::string>& users) {
    write([&](WriteContext& context) {
      PermissionSet set;
      for (const std::string& user : users) set.add("write", user);
      const PermissionsKey key = context.transaction().intern(set).value();
      ASSERT_TRUE(put_object(context, {path, {{"n", 1}}, key, {}}));
    });
  }
  void remove(const ObjectPath& path) {
    write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, path)); });
  }
  std::unique_ptr<ReadTransaction> read() { return std::move(*reader_->begin()); }

  // What the user is shown, as a session reads it; nothing: no view of the whole.
  std::optional<Sequences> whole(const std::string& user, bool may_create = false) {
    const auto transaction = read();
    const auto view =
        view_of_log(*transaction, access_, identity_of(user), "b", may_create).value();
    if (!view) return std::nullopt;
    Sequences seen;
    core::Fingerprint sum;
    const std::int64_t last = transaction->bucket_log("b").value().delivery_sequence;
    for (std::int64_t at = view->start(0); at < last; at = view->start(at)) {
      const std::int64_t end = std::min(view->end(at), last);
      while (at < end) seen.push_back(++at);
    }
    for (const std::int64_t sequence : seen) sum.add(id_of(sequence));
    EXPECT_EQ(view->fingerprint(transaction->bucket_log("b").value()), sum);
    return seen;
  }
  Sequences one_by_one(const std::string& user) {
    const auto transaction = read();
    const Identity identity = identity_of(user);
    OperationAccess access(*transaction, access_, identity, "b");
    Sequences seen;
    EXPECT_TRUE(transaction->operations_after("b", 0, 1000, [&](const LoggedOperation& logged) {
      if (access.may_read(logged).value()) seen.push_back(logged.delivery_sequence);
      return true;
    }));
    return seen;
  }
  core::Fingerprint id_of(std::int64_t sequence) { return sums_.at(sequence); }
  // Notes the sum of what was logged since the last time under its sequence.
  void put_record(const std::string& id, const std::vector<std::string>& users) {
    note();
    put({records_, id}, users);
    note();
  }
  void note() {
    const BucketLog log = read()->bucket_log("b").value();
    if (log.delivery_sequence == noted_.delivery_sequence) return;
    ASSERT_EQ(log.delivery_sequence, noted_.delivery_sequence + 1) << "note each operation";
    core::Fingerprint sum = log.fingerprint;
    sum.subtract(noted_.fingerprint);
    sums_[log.delivery_sequence] = sum;
    noted_ = log;
  }

  ManualClock clock_;
  SeededRandom random_{1};
  os::TemporaryDirectory directory_ = os::TemporaryDirectory::make().value();
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Reader> reader_;
  std::optional<UuidGenerator> ids_;
  const AccessControl access_{PermissionSettings{}};
  const ObjectPath bucket_ = ObjectPath::bucket("b");
  const ObjectPath collection_ = ObjectPath::collection("b", "c");
  const ListPath records_ = ListPath::records("b", "c");
  BucketLog noted_;
  std::map<std::int64_t, core::Fingerprint> sums_;
};

TEST_F(LogViewTest, ABucketMadeAnewHidesWhatItWasFromWhoCouldNotReadIt) {
  put(bucket_, {"alice"});
  put(collection_, {});
  put_record("r", {});
  EXPECT_EQ(whole("alice"), (Sequences{1}));
  EXPECT_EQ(whole("bob"), std::nullopt);
  remove(bucket_);
  note();
  EXPECT_EQ(whole("alice"), (Sequences{1, 2})) << "the delete too, so that her devices follow";
  EXPECT_EQ(whole("bob"), std::nullopt);
  EXPECT_EQ(whole("bob", true), Sequences{}) << "he may make it, and it is empty for him";
  put(bucket_, {"bob"});
  put(collection_, {});
  put_record("r", {});
  put_record("s", {});
  EXPECT_EQ(whole("bob"), (Sequences{3, 4}));
  EXPECT_EQ(whole("alice"), std::nullopt);
  EXPECT_EQ(one_by_one("alice"), (Sequences{1, 2}));
  remove({records_, "r"});
  note();
  remove({records_, "s"});
  note();
  remove(bucket_);
  put(bucket_, {"alice", "bob", "carol"});
  put(collection_, {});
  put_record("t", {});
  EXPECT_EQ(whole("alice"), (Sequences{1, 2, 7}));
  EXPECT_EQ(whole("bob"), (Sequences{3, 4, 5, 6, 7}));
  EXPECT_EQ(whole("carol"), (Sequences{7}));
}

TEST_F(LogViewTest, WhoMakesTheirOwnBucketAnewSeesAllOfIt) {
  put(bucket_, {"alice"});
  put(collection_, {});
  put_record("r", {});
  remove(bucket_);
  note();
  put(bucket_, {"alice"});
  put(collection_, {});
  put_record("r", {});
  EXPECT_EQ(whole("alice"), (Sequences{1, 2, 3}));
  remove(bucket_);
  note();
  EXPECT_EQ(read()->former_lives(bucket_).value().size(), 1u) << "lives with the same readers join";
}

TEST_F(LogViewTest, ACollectionMadeAnewHidesWhatItWas) {
  put(bucket_, {"owner"});
  put(collection_, {"alice"});
  put_record("r", {});
  remove(collection_);
  note();
  EXPECT_EQ(one_by_one("alice"), (Sequences{1, 2}));
  put(collection_, {"bob"});
  put_record("r", {});
  EXPECT_EQ(one_by_one("alice"), (Sequences{1, 2}));
  EXPECT_EQ(one_by_one("bob"), (Sequences{3}));
  EXPECT_EQ(whole("owner"), (Sequences{1, 2, 3}));
}

TEST_F(LogViewTest, ACollectionThatWentWithItsBucketHidesWhatItWas) {
  put(bucket_, {"owner"});
  put(collection_, {"alice"});
  put_record("r", {});
  remove(bucket_);
  note();
  put(bucket_, {"other"});
  put(collection_, {"bob"});
  put_record("r", {});
  EXPECT_EQ(one_by_one("alice"), (Sequences{1, 2}));
  EXPECT_EQ(one_by_one("bob"), (Sequences{3}));
  EXPECT_EQ(one_by_one("owner"), (Sequences{1, 2}));
}

TEST_F(LogViewTest, ARecordMadeAnewHidesWhatItWas) {
  put(bucket_, {"owner"});
  put(collection_, {});
  put_record("r", {"alice"});
  remove({records_, "r"});
  note();
  put_record("r", {"bob"});
  EXPECT_EQ(one_by_one("alice"), (Sequences{1, 2}));
  EXPECT_EQ(one_by_one("bob"), (Sequences{3}));
}

}  // namespace
}  // namespace tombolo::server
