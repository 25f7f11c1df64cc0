// What becomes of uploads, without connections.
#include "server/doors/stream/stream_upload.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/random.h"
#include "os/files.h"
#include "protocol/operation_json.h"
#include "server/changes.h"
#include "server/storage/sqlite_storage.h"

namespace tombolo::server::stream {
namespace {

using core::OperationType;

// A clock that moves whenever it is looked at.
class RestlessClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return 1'700'000'000'000; }
  std::int64_t monotonic_ms() const override { return now_ms_ += step_ms_; }
  void set_step_ms(std::int64_t step_ms) { step_ms_ = step_ms; }

 private:
  std::int64_t step_ms_ = 0;
  mutable std::int64_t now_ms_ = 0;
};

class StreamUploadTest : public testing::Test {
 protected:
  void SetUp() override {
    SqliteStorageOptions options;
    options.path = directory_.path() + "/server.db";
    storage_ = std::move(*open_sqlite_storage(options, clock_, random_));
    readers_.emplace(*storage_);
    writer_.emplace(*storage_, feed_, clock_, random_, logger_);
    context_.emplace(DoorContext{configuration_, *storage_, *readers_, *writer_, feed_,
                                 authenticator_, access_, clock_, random_, logger_});
    ids_.emplace(clock_, random_);
    put(ObjectPath::bucket("b"), "write", "token:alice");
    put(ObjectPath::collection("b", "c"), "record:create", "system.Authenticated");
  }

  void write(const std::function<void(WriteContext&)>& work) {
    Result<WriteTransaction*> transaction = storage_->begin_write();
    ASSERT_TRUE(transaction);
    WriteContext context(**transaction, clock_.wall_ms(), storage_->node(), *ids_);
    work(context);
    ASSERT_TRUE(storage_->commit());
  }
  void put(const ObjectPath& path, const char* permission, const char* principal) {
    write([&](WriteContext& context) {
      PermissionSet set;
      set.add(permission, principal);
      const PermissionsKey key = context.transaction().intern(set).value();
      ASSERT_TRUE(put_object(context, {path, {{"title", "shore"}}, key, {}}));
    });
  }
  void remove(const ObjectPath& path) {
    write([&](WriteContext& context) { ASSERT_TRUE(delete_object(context, path)); });
  }
  std::optional<StoredObject> record() {
    return (*readers_->begin(nullptr))->find(record_).value();
  }

  core::Operation operation(const std::string& node, OperationType type, Object data) {
    core::Operation made;
    made.node = node;
    made.type = type;
    made.collection = "c";
    made.record = "r";
    made.data = std::move(data);
    if (type == OperationType::update) made.previous_data = Object();
    made.timestamp = {clock_.wall_ms() + 1000, ++number_, node};
    made.sequence_number = number_;
    made.id = core::operation_id(made).value();
    return made;
  }
  StreamUpload upload(const std::string& user, std::vector<core::Operation> operations,
                      std::int64_t number = 1) {
    std::vector<sync::UploadedOperation> uploaded;
    for (core::Operation& one : operations) {
      std::string body = protocol::operation_json(one);
      uploaded.push_back({std::move(one), std::move(body)});
    }
    return {*context_, "b", Uploader{identity_of(user), "device", number, budget_},
            std::move(uploaded)};
  }
  // The codes of what was rejected.
  std::vector<std::string> rejections(const std::string& user,
                                      std::vector<core::Operation> operations) {
    StreamUpload work = upload(user, std::move(operations));
    write([&](WriteContext& context) { EXPECT_EQ(work.run(context), Progress::finished); });
    std::vector<std::string> codes;
    for (const sync::Rejection& one : work.take_outcome().rejections) codes.push_back(one.code);
    return codes;
  }

  using Codes = std::vector<std::string>;

  Configuration configuration_;
  RestlessClock clock_;
  SeededRandom random_{1};
  NullLogger logger_;
  Feed feed_;
  const Authenticator authenticator_{AuthenticatorSettings{}};
  const AccessControl access_{PermissionSettings{}};
  os::TemporaryDirectory directory_ = os::TemporaryDirectory::make().value();
  std::unique_ptr<Storage> storage_;
  std::optional<Readers> readers_;
  std::optional<Writer> writer_;
  std::optional<DoorContext> context_;
  std::optional<UuidGenerator> ids_;
  std::shared_ptr<SessionBudget> budget_ = std::make_shared<SessionBudget>();
  std::int64_t number_ = 0;
  const ObjectPath record_{ListPath::records("b", "c"), "r"};
};

TEST_F(StreamUploadTest, AnInsertThatIsNotTakenOpensNoDeletedRecord) {
  put(record_, "write", "token:alice");
  remove(record_);
  EXPECT_EQ(
      rejections("token:bob", {operation(storage_->node(), OperationType::insert, {{"forged", 1}}),
                               operation("device", OperationType::update, {{"mine", 1}})}),
      (Codes{"VALIDATION_ERROR", "PERMISSION_DENIED"}));
  EXPECT_EQ(record()->state, ObjectState::deleted);
  EXPECT_EQ(rejections("token:bob", {operation("device", OperationType::insert, {{"mine", 1}}),
                                     operation("device", OperationType::update, {{"too", 2}})}),
            Codes());
  EXPECT_EQ(record()->data, R"({"mine":1,"too":2})");
}

TEST_F(StreamUploadTest, NothingIsStoredAfterWhatWasNot) {
  StreamUpload first = upload("token:bob", {operation("device", OperationType::insert, {})}, 1);
  StreamUpload second = upload("token:bob", {operation("device", OperationType::insert, {})}, 2);
  StreamUpload third = upload("token:bob", {operation("device", OperationType::insert, {})}, 3);
  second.note_failure();
  third.note_failure();
  write([&](WriteContext& context) {
    EXPECT_EQ(first.run(context), Progress::finished);
    const Result<Progress> done = third.run(context);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  });
  EXPECT_EQ((*readers_->begin(nullptr))->bucket_log("b").value().delivery_sequence, 1);
}

TEST_F(StreamUploadTest, WhoseOperationsCostMuchGivesWayAndGoesOnInSmallParts) {
  const auto many = [&](std::size_t count) {
    std::vector<core::Operation> operations;
    while (operations.size() < count) {
      operations.push_back(operation("device", OperationType::insert, {}));
    }
    return operations;
  };
  const auto log_end = [&] {
    return (*readers_->begin(nullptr))->bucket_log("b")->delivery_sequence;
  };
  const auto run = [&](StreamUpload& work) {
    Result<Progress> done = Progress::more;
    write([&](WriteContext& context) { done = work.run(context); });
    return done;
  };
  StreamUpload cheap = upload("token:alice", many(25), 1);
  EXPECT_EQ(run(cheap), Progress::finished);
  clock_.set_step_ms(100);
  StreamUpload dear = upload("token:alice", many(25), 2);
  EXPECT_EQ(run(dear), Progress::finished);
  EXPECT_EQ(log_end(), 50);
  StreamUpload second = upload("token:alice", many(25), 3);
  EXPECT_EQ(run(second), Progress::more);
  EXPECT_EQ(log_end(), 50) << "it only gave way";
  clock_.set_step_ms(0);
  EXPECT_EQ(run(second), Progress::more);
  EXPECT_EQ(log_end(), 60);
  StreamUpload third = upload("token:alice", many(1), 4);
  EXPECT_EQ(run(third), Progress::more) << "it stays behind the second";
  EXPECT_EQ(run(second), Progress::finished);
  EXPECT_EQ(run(third), Progress::finished);
  StreamUpload fourth = upload("token:alice", many(1), 5);
  EXPECT_EQ(run(fourth), Progress::finished) << "all is well again";
  EXPECT_EQ(log_end(), 77);
}

// After a restore the clients bring back what the server wrote, and nobody moves its numbers.
TEST_F(StreamUploadTest, TheServersSealHoldsForTheNumberOfItsOperation) {
  put(record_, "write", "token:alice");
  std::string body;
  ASSERT_TRUE(
      (*readers_->begin(nullptr))->operations_after("b", 0, 1, [&](const LoggedOperation& one) {
        body = one.body;
        return true;
      }));
  const core::Operation own = protocol::parse_operation_json(body).value();
  write([&](WriteContext& context) { ASSERT_TRUE(context.transaction().erase_all()); });
  put(ObjectPath::bucket("b"), "write", "token:alice");
  core::Operation forged = own;
  forged.sequence_number = std::int64_t{1} << 50;
  ASSERT_TRUE(protocol::verify_operation_id(forged));
  EXPECT_EQ(rejections("token:alice", {forged}), Codes{"VALIDATION_ERROR"});
  EXPECT_EQ(rejections("token:alice", {own}), Codes());
}

}  // namespace
}  // namespace tombolo::server::stream
