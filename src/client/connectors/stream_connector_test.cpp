#include "client/connectors/stream_connector.h"

#include <gtest/gtest.h>
#include <random>

#include "client/test_database.h"
#include "client/test_stream_server.h"
#include "protocol/operation_json.h"
#include "store/statement.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

constexpr std::int64_t kPatienceMs = 20'000;

class StreamConnectorTest : public testing::TwoDevicesFixture {
 protected:
  Remote connect(Database& database) {
    return database.connect({.url = server_.url(), .name = "server"}).value();
  }
  void sync(Remote& remote) {
    const auto done = remote.wait_until_synced(kPatienceMs);
    EXPECT_TRUE(done) << done.error().message;
  }
  static Object contents(const Database& database, const std::string& collection) {
    Object all;
    const auto records = database.collection(collection).order_by("id").all().value();
    for (const Record& record : records) all.set(record.id(), record.fields());
    return all;
  }

  // Another device commits them at once, in collection "c" or another.
  void store(int count, const std::string& collection = "c") {
    for (int at = 0; at < count; ++at) {
      core::Operation operation = another_devices(collection);
      const std::string body = protocol::operation_json(operation);
      server_.store(operation, body);
    }
  }
  core::Operation another_devices(const std::string& collection) {
    const std::int64_t number = ++stored_;
    core::Operation operation;
    operation.node = "another-device";
    operation.collection = collection;
    operation.record = "record-" + std::to_string(number);
    operation.data = Object{{"n", number}};
    operation.timestamp = {1'700'000'000'000 + number, 0, operation.node};
    operation.sequence_number = number;
    operation.id = core::operation_id(operation).value();
    return operation;
  }

  testing::StreamServer server_;
  std::int64_t stored_ = 0;
};

TEST_F(StreamConnectorTest, TwoDevicesExchangeWhatTheyDidOfflineAndThenLive) {
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}, {"x", 1}}));
  ASSERT_TRUE(other().collection("c").create({{"id", "b"}, {"x", 2}}));
  EXPECT_EQ(db().status().value().pending, 0);
  Remote mine = connect(db());
  Remote theirs = connect(other());
  sync(mine);
  sync(theirs);
  sync(mine);
  EXPECT_EQ(contents(db(), "c").size(), 2u);
  EXPECT_EQ(contents(db(), "c"), contents(other(), "c"));
  EXPECT_TRUE(mine.status().value().synced);
  EXPECT_EQ(mine.status().value().pending, 0);

  testing::Watched<int> seen;
  auto live = other().collection("c").where("id", "live").observe([&](const Changes& changes) {
    seen.change([&](int& count) { count += static_cast<int>(changes.entered.size()); });
  });
  ASSERT_TRUE(db().collection("c").create({{"id", "live"}}));
  EXPECT_TRUE(seen.wait([](int count) { return count == 1; }));
}

TEST_F(StreamConnectorTest, FieldsMergeAndWhatLosesCanBeRestored) {
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}, {"x", 1}, {"y", 1}}));
  Remote mine = connect(db());
  Remote theirs = connect(other());
  sync(mine);
  sync(theirs);
  mine.disconnect();
  theirs.disconnect();
  ASSERT_TRUE(db().collection("c").patch("a", {{"x", 10}, {"y", 10}}));
  ASSERT_TRUE(other().collection("c").patch("a", {{"y", 20}}));
  EXPECT_EQ(db().status().value().pending, 1);
  mine = connect(db());
  sync(mine);
  theirs = connect(other());
  sync(theirs);
  sync(mine);
  EXPECT_EQ(contents(db(), "c"), contents(other(), "c"));
  EXPECT_EQ(db().collection("c").get("a").value().fields(), (Object{{"x", 10}, {"y", 20}}));
  const auto losses = db().losses().value();
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses[0].field, "y");
  EXPECT_EQ(losses[0].losing_value, Value(10));
  ASSERT_TRUE(db().restore_loss(losses[0].id));
  EXPECT_TRUE(db().losses().value().empty());
  sync(mine);
  sync(theirs);
  EXPECT_EQ(other().collection("c").get("a").value()["y"], 10);
}

TEST_F(StreamConnectorTest, CountersAddUp) {
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}, {"n", 0}}));
  Remote mine = connect(db());
  Remote theirs = connect(other());
  sync(mine);
  sync(theirs);
  mine.disconnect();
  theirs.disconnect();
  ASSERT_TRUE(db().collection("c").increment("a", "n", 2));
  ASSERT_TRUE(other().collection("c").increment("a", "n", 3));
  mine = connect(db());
  theirs = connect(other());
  sync(mine);
  sync(theirs);
  sync(mine);
  EXPECT_EQ(db().collection("c").get("a").value()["n"], 5);
  EXPECT_EQ(other().collection("c").get("a").value()["n"], 5);
}

TEST_F(StreamConnectorTest, WhatTheServerRefusesBecomesADeadLetterAndTheRestGoesOn) {
  server_.refuse("bad");
  ASSERT_TRUE(db().collection("bad").create({{"id", "x"}}));
  ASSERT_TRUE(db().collection("good").create({{"id", "y"}}));
  Remote mine = connect(db());
  sync(mine);
  EXPECT_EQ(server_.operations(), 1u);
  const auto letters = db().dead_letters().value();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].record, "x");
  EXPECT_EQ(letters[0].code, "VALIDATION_ERROR");
  EXPECT_EQ(mine.status().value().dead_letters, 1);
  server_.refuse("");
  ASSERT_TRUE(db().retry_dead_letter(letters[0].id));
  sync(mine);
  EXPECT_EQ(server_.operations(), 2u);
  EXPECT_TRUE(db().dead_letters().value().empty());
}

TEST_F(StreamConnectorTest, ADeadLetterThatIsTriedAgainIsSentOnTheConnectionThatStands) {
  server_.refuse("bad");
  ASSERT_TRUE(db().collection("bad").create({{"id", "x"}}));
  ASSERT_TRUE(db().collection("good").create({{"id", "y"}}));
  Remote mine = connect(db());
  sync(mine);
  server_.refuse("");
  ASSERT_TRUE(db().retry_dead_letter(db().dead_letters().value()[0].id));
  EXPECT_TRUE(testing::comes_true([this] { return server_.operations() == 2; }));
  EXPECT_TRUE(testing::comes_true([&mine] { return mine.status().value().synced; }));
}

TEST_F(StreamConnectorTest, WhatAnotherProcessWritesIsSentByTheOneThatIsConnected) {
  Remote mine = connect(db());
  sync(mine);
  const Database another = Database::open(path(), {.durability = Durability::relaxed}).value();
  for (std::size_t count = 1; count <= 3; ++count) {
    ASSERT_TRUE(another.collection("c").create({{"n", static_cast<std::int64_t>(count)}}));
    EXPECT_TRUE(testing::comes_true([&] { return server_.operations() == count; }));
    EXPECT_TRUE(testing::comes_true([&mine] { return mine.status().value().synced; }));
  }
}

TEST_F(StreamConnectorTest, DiscardingADeadLetterTakesTheChangeBack) {
  server_.refuse("bad");
  ASSERT_TRUE(db().collection("bad").create({{"id", "x"}}));
  Remote mine = connect(db());
  sync(mine);
  ASSERT_TRUE(db().discard_dead_letter(db().dead_letters().value()[0].id));
  EXPECT_EQ(db().collection("bad").count().value(), 0);
  EXPECT_EQ(db().status().value().operations, 0);
}

TEST_F(StreamConnectorTest, ARestartedServerIsFoundAgain) {
  Remote mine = connect(db());
  sync(mine);
  const std::uint16_t port = server_.port();
  server_.stop();
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}}));
  EXPECT_EQ(mine.status().value().pending, 1);
  EXPECT_FALSE(mine.status().value().synced);
  server_.start(port);
  sync(mine);
  EXPECT_EQ(server_.operations(), 1u);
}

TEST_F(StreamConnectorTest, AnEmptyServerInItsPlaceGetsEverything) {
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}}));
  Remote mine = connect(db());
  sync(mine);
  mine.disconnect();
  server_.forget_everything("server-2");
  mine = connect(db());
  sync(mine);
  EXPECT_EQ(server_.operations(), 1u);
  EXPECT_EQ(contents(db(), "c").size(), 1u);
}

TEST_F(StreamConnectorTest, TheFirstServerGetsWhatWasWrittenWhileAnotherStoodInItsPlace) {
  testing::StreamServer another;
  another.forget_everything("server-2");
  ASSERT_TRUE(db().collection("c").create({{"id", "a"}}));
  Remote remote = connect(db());
  sync(remote);
  remote.disconnect();
  remote = db().connect({.url = another.url(), .name = "server"}).value();
  ASSERT_TRUE(db().collection("c").create({{"id", "b"}}));
  sync(remote);
  EXPECT_EQ(another.operations(), 2u);
  remote.disconnect();
  remote = connect(db());
  sync(remote);
  EXPECT_EQ(server_.operations(), 2u);
}

TEST_F(StreamConnectorTest, SyncedMeansEverythingThatTheServerHadThen) {
  sync::StreamServerOptions options;
  options.batch_operations = 10;
  options.max_unacknowledged_bytes = 4'000;
  server_.set_options(options);
  for (const bool with_collections : {false, true}) {
    RemoteOptions remote{.url = server_.url(), .name = with_collections ? "part" : "all"};
    if (with_collections) remote.collections = {"c"};
    Remote mine = db().connect(remote).value();
    for (int round = 0; round < 5; ++round) {
      store(300);
      if (round % 2 == 0) server_.announce();
      ASSERT_TRUE(db().collection("c").create({{"mine", round}}));
      sync(mine);
      const auto here = static_cast<std::size_t>(db().collection("c").count().value());
      EXPECT_EQ(here, server_.operations());
    }
    mine.disconnect();
  }
}

TEST_F(StreamConnectorTest, ARemoteOfSomeCollectionsIsSyncedAfterItsOwnUpload) {
  for (const bool gives_proof : {true, false}) {
    if (!gives_proof) server_.give_no_proof();
    Remote mine =
        db().connect({.url = server_.url(), .name = "part", .collections = {"c"}}).value();
    ASSERT_TRUE(db().collection("c").create({{"x", 1}}));
    ASSERT_TRUE(db().collection("elsewhere").create({{"x", 1}}));
    sync(mine);
    EXPECT_TRUE(mine.status().value().synced);
    EXPECT_EQ(server_.operations(), gives_proof ? 1u : 4u);
    store(1, "not wanted");
    ASSERT_TRUE(db().collection("c").create({{"x", 2}}));
    sync(mine);
    mine.disconnect();
  }
  EXPECT_EQ(db().collection("not wanted").count().value(), 0);
}

TEST_F(StreamConnectorTest, WhatCannotBeReadIsKeptAndReadWhenItCanBe) {
  const core::Operation later = another_devices("c");
  const std::string body = protocol::operation_json(later);
  std::string unknown = body;
  unknown.replace(unknown.find("insert"), 6, "upsert");
  core::Operation refused = another_devices("c");
  refused.timestamp.wall_ms = 999'999'999'999'999;  // beyond what the log can keep
  refused.id = core::operation_id(refused).value();
  server_.store(later, unknown);
  server_.store(refused, protocol::operation_json(refused));
  store(1);
  Remote mine = connect(db());
  const auto done = mine.wait_until_synced(kPatienceMs);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unsupported) << done.error().message;
  EXPECT_EQ(mine.status().value().unreadable, 2);
  EXPECT_FALSE(mine.status().value().synced);
  EXPECT_EQ(db().status().value().remotes.at(0).unreadable, 2);
  EXPECT_EQ(db().collection("c").count().value(), 1) << "what came after it is here";

  ASSERT_TRUE(db().collection("c").create({{"id", "mine"}}));
  EXPECT_FALSE(mine.wait_until_synced(kPatienceMs));
  EXPECT_EQ(server_.operations(), 4u) << "and uploads go on";
  mine.disconnect();
  {
    auto file = store::Connection::open(path(), {}).value();
    auto mend = store::Statement::prepare(
        file, "UPDATE unreadable_operations SET body = ?2 WHERE operation_id = ?1");
    ASSERT_TRUE(mend->run(later.id, body));
  }
  mine = connect(db());
  EXPECT_FALSE(mine.wait_until_synced(kPatienceMs));
  EXPECT_EQ(mine.status().value().unreadable, 1);
  EXPECT_TRUE(db().collection("c").get(later.record));
  mine.disconnect();
  ASSERT_TRUE(db().forget_remote("server"));
  EXPECT_EQ(contents(db(), "c").size(), 3u);
}

TEST_F(StreamConnectorTest, AChangeTooLargeToSendIsADeadLetterAndTheRestGoesOn) {
  ASSERT_TRUE(db().collection("c").create({{"id", "large"}, {"x", std::string(9'000'000, 'x')}}));
  ASSERT_TRUE(db().collection("c").create({{"id", "small"}}));
  Remote mine = connect(db());
  sync(mine);
  EXPECT_EQ(server_.operations(), 1u);
  const auto letters = db().dead_letters().value();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].record, "large");
  EXPECT_EQ(letters[0].code, "OPERATION_TOO_LARGE");
}

TEST_F(StreamConnectorTest, AWrongTokenStopsTheRemoteAndSaysWhy) {
  server_.require_token("right");
  Remote wrong =
      db().connect({.url = server_.url(), .name = "w", .authentication = Token{"wrong"}}).value();
  EXPECT_EQ(wrong.wait_until_synced(kPatienceMs).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(wrong.status().value().state, RemoteState::stopped);
  wrong.disconnect();
  Remote right =
      db().connect({.url = server_.url(), .name = "w", .authentication = Token{"right"}}).value();
  sync(right);
}

TEST_F(StreamConnectorTest, WhoAsksAgainAfterARefusalGetsANewAnswer) {
  server_.require_token("right");
  Remote remote =
      db().connect({.url = server_.url(), .name = "w", .authentication = Token{"wrong"}}).value();
  EXPECT_EQ(remote.wait_until_synced(kPatienceMs).error().code, ErrorCode::unauthenticated);
  server_.require_token("wrong");
  sync(remote);
}

TEST_F(StreamConnectorTest, AUserAndAPasswordAreRefusedAndNotLeftOut) {
  const BasicCredentials basic{"alice", "secret"};
  const auto refused = db().connect({.url = server_.url(), .authentication = basic});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);

  Remote asked =
      db().connect({.url = server_.url(), .authentication = [basic] { return basic; }}).value();
  EXPECT_EQ(asked.wait_until_synced(kPatienceMs).error().code, ErrorCode::invalid_argument);
}

// A remote whose network thread asks for credentials, says so, and then does `work`.
struct Asked {
  RemoteOptions options(const std::string& url, std::function<void()> work) {
    return {.url = url,
            .name = "server",
            .authentication =
                [this, work = std::move(work)] {
                  asked.change([](bool& now) { now = true; });
                  work();
                  done.change([](bool& now) { now = true; });
                  return std::variant<NoAuthentication, Token, BasicCredentials>();
                },
            .automatic = false};
  }
  testing::Watched<bool> asked;
  testing::Watched<bool> done;
};
bool is_true(bool value) {
  return value;
}

TEST_F(StreamConnectorTest, DisconnectingInATransactionDoesNotWaitForWhoWaitsForTheTransaction) {
  Asked asked;
  Remote remote =
      db().connect(asked.options(server_.url(),
                                 [&] { EXPECT_TRUE(db().collection("c").put("theirs", {})); }))
          .value();
  Transaction transaction = db().begin().value();
  remote.sync_now();
  ASSERT_TRUE(asked.asked.wait(is_true));
  EXPECT_EQ(remote.wait_until_synced(kPatienceMs).error().code, ErrorCode::precondition_failed);
  remote.disconnect();
  EXPECT_EQ(remote.status().value().state, RemoteState::offline);
  ASSERT_TRUE(transaction.collection("c").put("mine", {}));
  ASSERT_TRUE(transaction.commit());
  EXPECT_TRUE(asked.done.wait(is_true));
  EXPECT_EQ(contents(db(), "c").size(), 2u);
}

TEST_F(StreamConnectorTest, ClosingInATransactionLetsTheTransactionEnd) {
  Asked asked;
  Remote remote =
      db().connect(asked.options(server_.url(),
                                 [&] {
                                   EXPECT_EQ(db().collection("c").put("theirs", {}).error().code,
                                             ErrorCode::precondition_failed);
                                 }))
          .value();
  {
    Transaction transaction = db().begin().value();
    remote.sync_now();
    ASSERT_TRUE(asked.asked.wait(is_true));
    ASSERT_TRUE(transaction.collection("c").put("mine", {}));
    db().close();
    EXPECT_TRUE(asked.done.wait(is_true));
    EXPECT_EQ(db().collection("c").put("later", {}).error().code, ErrorCode::precondition_failed);
    EXPECT_TRUE(transaction.commit());
  }
  reopen();
  EXPECT_TRUE(contents(db(), "c").contains("mine"));
}

TEST_F(StreamConnectorTest, ACallbackOnTheNetworkThreadMayDisconnectButNotWait) {
  Asked asked;
  std::optional<Remote> remote;
  testing::Watched<bool> ready;
  remote =
      db().connect(asked.options(server_.url(),
                                 [&] {
                                   ASSERT_TRUE(ready.wait(is_true));
                                   EXPECT_EQ(remote->wait_until_synced(kPatienceMs).error().code,
                                             ErrorCode::precondition_failed);
                                   remote->disconnect();
                                 }))
          .value();
  ready.change([](bool& now) { now = true; });
  EXPECT_EQ(remote->wait_until_synced(kPatienceMs).error().code, ErrorCode::cancelled);
  EXPECT_TRUE(asked.done.wait(is_true));
  Remote again = connect(db());
  sync(again);
}

TEST_F(StreamConnectorTest, OneProcessSyncsARemoteAndTheNextTakesOver) {
  Database second = Database::open(path()).value();
  Remote mine = connect(db());
  sync(mine);
  Remote standby = connect(second);
  EXPECT_EQ(standby.wait_until_synced(200).error().code, ErrorCode::timeout);
  EXPECT_EQ(standby.status().value().state, RemoteState::standby);
  mine.disconnect();
  sync(standby);
}

TEST_F(StreamConnectorTest, ConnectingRefusesWhatCannotWork) {
  EXPECT_EQ(db().connect({.url = "ftp://x"}).error().code, ErrorCode::invalid_argument);
  Remote mine = connect(db());
  EXPECT_EQ(db().connect({.url = server_.url(), .name = "server"}).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(db().forget_remote("server").error().code, ErrorCode::precondition_failed);
  mine.disconnect();
  EXPECT_TRUE(db().forget_remote("server"));
  EXPECT_EQ(db().forget_remote("server").error().code, ErrorCode::not_found);
}

TEST_F(StreamConnectorTest, RandomEditsOnTwoDevicesConverge) {
  std::mt19937 random(20260301);
  Remote mine = connect(db());
  Remote theirs = connect(other());
  for (int round = 0; round < 6; ++round) {
    for (int step = 0; step < 40; ++step) {
      Database& device = random() % 2 == 0 ? db() : other();
      Collection c = device.collection("c");
      const std::string id = std::to_string(random() % 6);
      const std::string field = std::string(1, static_cast<char>('a' + random() % 3));
      const int value = static_cast<int>(random() % 100);
      switch (random() % 5) {
        case 0:
          (void)c.put(id, {{field, value}});
          break;
        case 1:
          (void)c.remove(id);
          break;
        case 2:
          (void)c.increment(id, "n", value);
          break;
        case 3:
          (void)c.remove_fields(id, {field});
          break;
        default:
          (void)c.patch(id, {{field, value}});
      }
      if (random() % 50 == 0) {
        theirs.disconnect();
        theirs = connect(other());
      }
    }
    sync(mine);
    sync(theirs);
    sync(mine);
    ASSERT_EQ(contents(db(), "c"), contents(other(), "c")) << "round " << round;
    EXPECT_TRUE(mine.status().value().synced);
  }
}

}  // namespace
}  // namespace tombolo
