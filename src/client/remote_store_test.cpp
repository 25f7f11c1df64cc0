#include "client/remote_store.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "client/engine.h"
#include "client/ingest.h"
#include "client/ledger_access.h"
#include "client/local_writes.h"
#include "client/log_access.h"
#include "os/files.h"

namespace tombolo::client {
namespace {

constexpr std::size_t kAll = 1'000'000;

class RemoteStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    auto engine = Engine::open(directory_->path() + "/test.db", {.durability = Durability::relaxed},
                               Environment::system());
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  void TearDown() override {
    engine_.reset();
    directory_.reset();
  }

  template <typename Work>
  auto write(Work&& work) {
    auto done = engine_->write(std::forward<Work>(work));
    EXPECT_TRUE(done) << done.error().message;
    return done;
  }
  RemoteEntry connect(const std::string& name) {
    const RemoteOptions options{.url = "ws://" + name, .name = name};
    return write([&](WriteSession& session) {
             return register_remote(session, options, RemoteKind::stream);
           })
        .value();
  }
  void create(const std::string& id, Object fields = {}) {
    fields.set("id", id);
    write([&](WriteSession& session) { return LocalWriter::of(session, "c")->create(fields); });
  }
  void bury_at(const RemoteEntry& remote, std::int64_t position) {
    write([&](WriteSession& session) { return bury(session, remote, position, "NO", "no"); });
  }
  Result<void> discard(std::int64_t letter) {
    return engine_->write(
        [&](WriteSession& session) { return discard_dead_letter(session, letter); });
  }
  template <typename Read>
  auto read(Read&& read) {
    auto reader = engine_->reader();
    return read((*reader)->access()).value();
  }
  std::vector<LoggedOperation> pending(const RemoteEntry& remote, std::size_t max_bytes = kAll) {
    return read([&](const ReadConnection& connection) {
      return read_pending(connection, remote.bit(), 0, kAll, max_bytes);
    });
  }
  std::vector<std::string> pending_records(const RemoteEntry& remote) {
    std::vector<std::string> records;
    for (const auto& one : pending(remote)) records.push_back(one.operation.record);
    return records;
  }
  std::vector<DeadLetter> letters() { return read(read_dead_letters); }
  std::string fingerprint(const RemoteEntry& remote) {
    return read(
        [&](const ReadConnection& connection) { return fingerprint_of(connection, remote); });
  }
  void acknowledge_all(const RemoteEntry& remote) {
    std::vector<std::int64_t> positions;
    for (const auto& one : pending(remote)) positions.push_back(one.position);
    write([&](WriteSession& session) { return acknowledge(session, remote.bit(), positions); });
  }

  std::optional<os::TemporaryDirectory> directory_;
  std::shared_ptr<Engine> engine_;
};

using Names = std::vector<std::string>;

TEST_F(RemoteStoreTest, ThePositionOfADiscardedOperationIsNeverGivenAgain) {
  const RemoteEntry first = connect("first");
  const RemoteEntry second = connect("second");
  create("given-up");
  const std::int64_t position = pending(first).at(0).position;
  bury_at(first, position);
  ASSERT_TRUE(discard(letters().at(0).id));
  create("kept");
  // The answer to what was under way to the other remote comes late.
  const std::int64_t late[] = {position};
  write([&](WriteSession& session) { return acknowledge(session, second.bit(), late); });
  EXPECT_EQ(pending_records(second), Names{"kept"});
  EXPECT_GT(pending(second).at(0).position, position);
}

TEST_F(RemoteStoreTest, ADiscardedOperationTakesTheLettersOfAllRemotesWithIt) {
  const RemoteEntry first = connect("first");
  const RemoteEntry second = connect("second");
  create("refused");
  const std::int64_t position = pending(first).at(0).position;
  bury_at(first, position);
  bury_at(second, position);
  ASSERT_EQ(letters().size(), 2u);
  ASSERT_TRUE(discard(letters().at(0).id));
  EXPECT_TRUE(letters().empty());
  EXPECT_EQ(read([&](const ReadConnection& connection) {
              return count_dead_letters(connection, second.key);
            }),
            0);
  EXPECT_EQ(fingerprint(first), std::string(32, '0'));
  EXPECT_EQ(fingerprint(second), std::string(32, '0'));
}

TEST_F(RemoteStoreTest, TheIdOfALetterIsNeverGivenAgain) {
  const RemoteEntry remote = connect("remote");
  create("a");
  create("b");
  bury_at(remote, pending(remote).at(0).position);
  const std::int64_t id = letters().at(0).id;
  ASSERT_TRUE(discard(id));
  bury_at(remote, pending(remote).at(0).position);
  EXPECT_EQ(discard(id).error().code, ErrorCode::not_found);
  EXPECT_EQ(letters().size(), 1u);
}

TEST_F(RemoteStoreTest, WhatAnotherRemoteHasAlreadyCannotBeDiscarded) {
  const RemoteEntry first = connect("first");
  const RemoteEntry second = connect("second");
  create("a");
  bury_at(first, pending(first).at(0).position);
  acknowledge_all(second);
  const auto refused = discard(letters().at(0).id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::precondition_failed);
  EXPECT_NE(refused.error().message.find("\"second\""), std::string::npos);
  EXPECT_EQ(letters().size(), 1u);
}

TEST_F(RemoteStoreTest, ALetterGoesWhenItsOperationIsPendingAgain) {
  const RemoteEntry remote = connect("remote");
  create("a");
  create("b");
  bury_at(remote, pending(remote).at(0).position);
  acknowledge_all(remote);
  EXPECT_EQ(letters().size(), 1u);
  // A new server in the place of the old one.
  write([&](WriteSession& session) { return make_pending_above(session, remote, {}); });
  EXPECT_EQ(pending_records(remote), (Names{"a", "b"}));
  EXPECT_TRUE(letters().empty());
  const std::string nothing(32, '0');
  EXPECT_EQ(fingerprint(remote), nothing);
  acknowledge_all(remote);
  EXPECT_NE(fingerprint(remote), nothing);
}

TEST_F(RemoteStoreTest, ALetterStaysWhenItsOperationIsNotPendingAgain) {
  const RemoteEntry remote = connect("remote");
  create("a");
  const LoggedOperation refused = pending(remote).at(0);
  bury_at(remote, refused.position);
  core::VersionVector known;
  core::observe(known, refused.operation.node, refused.operation.sequence_number);
  write([&](WriteSession& session) { return make_pending_above(session, remote, known); });
  EXPECT_EQ(letters().size(), 1u);
}

TEST_F(RemoteStoreTest, ALetterGoesWhenItsOperationComesFromThatRemote) {
  const RemoteEntry first = connect("first");
  const RemoteEntry second = connect("second");
  create("a");
  const LoggedOperation refused = pending(first).at(0);
  bury_at(first, refused.position);
  bury_at(second, refused.position);
  write([&](WriteSession& session) { return ingest(session, refused.operation, first.bit()); });
  ASSERT_EQ(letters().size(), 1u);
  EXPECT_EQ(letters().at(0).remote, "second");
  EXPECT_NE(fingerprint(first), fingerprint(second));
}

TEST_F(RemoteStoreTest, PendingOperationsAreReadUpToTheLimitOfBytes) {
  const RemoteEntry remote = connect("remote");
  for (int i = 0; i < 5; ++i) create(std::to_string(i), {{"text", std::string(1000, 'x')}});
  EXPECT_EQ(pending(remote).size(), 5u);
  EXPECT_EQ(pending(remote, 2500).size(), 2u);
  EXPECT_EQ(pending(remote, 1).size(), 1u) << "one that is larger than the limit alone";
}

TEST_F(RemoteStoreTest, AKintoRemoteTakesOnlyNamesThatAKintoServerTakes) {
  const auto name = [&](const std::string& collection) {
    const RemoteOptions options{.url = "http://x", .collections = {collection}};
    return engine_->write([&](WriteSession& session) {
      return register_remote(session, options, RemoteKind::kinto);
    });
  };
  EXPECT_EQ(name("a b").error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(name("a-b"));
}

}  // namespace
}  // namespace tombolo::client
