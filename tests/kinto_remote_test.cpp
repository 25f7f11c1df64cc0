// The library's kinto remotes against the real server, through a proxy that meddles.
#include <atomic>
#include <random>

#include "kinto_remote_fixture.h"

namespace tombolo {
namespace {

using testing::kPatienceMs;
using testing::Proxy;

class KintoRemoteTest : public testing::KintoRemote {};

TEST_F(KintoRemoteTest, WhatAnotherProcessWritesIsSentByTheOneThatIsConnected) {
  Remote mine = stay_connected(db());
  EXPECT_TRUE(mine.wait_until_synced(kPatienceMs));
  const Database another = Database::open(path(), {.durability = Durability::relaxed}).value();
  for (const char* id : {"a", "b"}) {
    create(another, {{"id", id}});
    EXPECT_TRUE(testing::comes_true([&] { return mine.status().value().pending == 0; }));
    EXPECT_TRUE(on_server().contains(id));
  }
  // What the exchange itself commits makes no further one necessary.
  EXPECT_TRUE(testing::comes_true([&] { return mine.status().value().synced; }));
  const int requests = proxy_.requests();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(proxy_.requests(), requests);
}

TEST_F(KintoRemoteTest, ADeadLetterThatAnotherProcessTriesAgainIsSentAgain) {
  create(db(), {{"id", "not a Kinto id!"}});
  Remote mine = stay_connected(db());
  const auto is_buried = [this] { return db().dead_letters().value().size() == 1; };
  EXPECT_TRUE(testing::comes_true(is_buried));
  EXPECT_TRUE(testing::comes_true([&] { return mine.status().value().synced; }));
  const int requests = proxy_.requests();
  const Database another = Database::open(path(), {.durability = Durability::relaxed}).value();
  ASSERT_TRUE(another.retry_dead_letter(db().dead_letters().value()[0].id));
  EXPECT_TRUE(testing::comes_true([&] { return proxy_.requests() > requests; }));
  EXPECT_TRUE(testing::comes_true(is_buried));
}

TEST_F(KintoRemoteTest, WhoGoesOnWritingDoesNotPutOffTheExchange) {
  Remote mine = stay_connected(db());
  EXPECT_TRUE(mine.wait_until_synced(kPatienceMs));
  const int requests = proxy_.requests();
  EXPECT_TRUE(testing::comes_true([&] {
    create(db(), {{"n", 1}});
    return proxy_.requests() > requests;
  }));
}

TEST_F(KintoRemoteTest, TwoDevicesExchangeThroughAServerThatOnlyKnowsKinto) {
  for (int i = 0; i < 60; ++i) create(db(), {{"id", "r" + std::to_string(i)}, {"x", i}});
  create(other(), {{"id", "theirs"}, {"x", Value()}});
  sync(db());
  sync(other());
  sync(db());
  EXPECT_EQ(contents(db()).size(), 61u);
  EXPECT_EQ(contents(db()), contents(other()));
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_TRUE(losses(db()).empty());
  EXPECT_TRUE(losses(other()).empty());
  const int before = proxy_.requests();
  sync(db());
  EXPECT_EQ(proxy_.requests() - before, 2) << "the hello, and that nothing has changed";
}

TEST_F(KintoRemoteTest, ChangesOfDifferentFieldsBothStay) {
  share({{"id", "r"}, {"x", 1}, {"y", 1}});
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", 2}}));
  ASSERT_TRUE(other().collection("c").patch("r", {{"y", 3}}));
  sync(db());
  sync(other());
  sync(db());
  const Object both{{"r", Object{{"x", 2}, {"y", 3}}}};
  EXPECT_EQ(contents(db()), both);
  EXPECT_EQ(contents(other()), both);
  EXPECT_EQ(on_server(), both);
  EXPECT_TRUE(losses(other()).empty());
}

TEST_F(KintoRemoteTest, OfOneFieldTheLaterPushStaysAndTheLoserIsInTheLedger) {
  share({{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", "first"}}));
  ASSERT_TRUE(other().collection("c").patch("r", {{"x", "second"}}));
  sync(db());
  sync(other());
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", "second"}}}}));
  EXPECT_EQ(contents(db()), on_server());
  ASSERT_EQ(losses(other()).size(), 1u);
  EXPECT_EQ(losses(other())[0].field, "x");
  EXPECT_EQ(losses(other())[0].losing_value, Value("first"));
  EXPECT_EQ(losses(other())[0].winning_value, Value("second"));
}

TEST_F(KintoRemoteTest, CountersOfTwoDevicesAddUp) {
  share({{"id", "r"}, {"n", 10}});
  ASSERT_TRUE(db().collection("c").increment("r", "n", 1));
  ASSERT_TRUE(other().collection("c").increment("r", "n", 2));
  sync(db());
  sync(other());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"n", 13}}}}));
}

TEST_F(KintoRemoteTest, TheServersRecordWinsWhereThatIsThePolicy) {
  share({{"id", "r"}, {"x", 1}, {"y", 1}});
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", 2}}));
  ASSERT_TRUE(other().collection("c").patch("r", {{"y", 3}}));
  sync(db());
  sync(other(), ConflictPolicy::server_wins);
  EXPECT_EQ(contents(other()), (Object{{"r", Object{{"x", 2}, {"y", 1}}}}));
  EXPECT_EQ(contents(other()), on_server());
  const auto lost = losses(other());
  ASSERT_EQ(lost.size(), 2u) << "x and y differ from what the device showed";
  EXPECT_EQ(lost[1].field, "y");
  EXPECT_EQ(lost[1].losing_value, Value(3));
  EXPECT_EQ(lost[1].rule, "server-wins");
  ASSERT_TRUE(other().restore_loss(lost[1].id));
  sync(other(), ConflictPolicy::server_wins);
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 2}, {"y", 3}}}}));
}

TEST_F(KintoRemoteTest, OurRecordWinsWhereThatIsThePolicy) {
  share({{"id", "r"}, {"x", 1}, {"y", 1}});
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", 2}}));
  ASSERT_TRUE(other().collection("c").patch("r", {{"y", 3}}));
  sync(db());
  sync(other(), ConflictPolicy::client_wins);
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 1}, {"y", 3}}}}));
  const auto lost = losses(other());
  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(lost[0].losing_value, Value(2));
  EXPECT_EQ(lost[0].rule, "client-wins");
}

TEST_F(KintoRemoteTest, TheLaterRecordWinsWhereThatIsThePolicy) {
  share({{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(other().collection("c").patch("r", {{"x", "early"}}));
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", "late"}}));
  sync(db());
  sync(other(), ConflictPolicy::last_writer_wins);
  EXPECT_EQ(contents(other()), (Object{{"r", Object{{"x", "late"}}}}));
  ASSERT_EQ(losses(other()).size(), 1u);
  EXPECT_EQ(losses(other())[0].losing_value, Value("early"));
}

TEST_F(KintoRemoteTest, ADeleteAndAnEditMeetTheSameWayOnBothSides) {
  share({{"id", "edited-later"}, {"x", 1}});
  create(db(), {{"id", "deleted-later"}, {"x", 1}});
  sync(db());
  sync(other());
  ASSERT_TRUE(db().collection("c").remove("edited-later"));
  ASSERT_TRUE(db().collection("c").patch("deleted-later", {{"x", 5}}));
  ASSERT_TRUE(other().collection("c").patch("edited-later", {{"x", 2}}));
  ASSERT_TRUE(other().collection("c").remove("deleted-later"));
  sync(db());
  sync(other());
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"edited-later", Object{{"x", 2}}}}));
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_EQ(contents(other()), on_server());
  ASSERT_EQ(losses(other()).size(), 2u);
}

// An older change of somebody who comes late may leave a record as it is, under a new version.
TEST_F(KintoRemoteTest, AVersionThatChangedNothingStandsInNobodysWay) {
  for (const auto policy : {ConflictPolicy::merge, ConflictPolicy::server_wins}) {
    share({{"id", "removed"}, {"x", 1}});
    share({{"id", "edited"}, {"x", 1}});
    ASSERT_TRUE(db().collection("c").remove("removed"));
    ASSERT_TRUE(db().collection("c").patch("edited", {{"x", 2}}));
    for (const std::string id : {"removed", "edited"}) {
      ASSERT_EQ(send(server_, "PUT", "/records/" + id, R"({"data":{"x":1}})").status, 200);
    }
    sync(db(), policy);
    EXPECT_EQ(on_server(), (Object{{"edited", Object{{"x", 2}}}}));
    EXPECT_EQ(contents(db()), on_server());
    EXPECT_TRUE(losses(db()).empty());
    ASSERT_TRUE(db().collection("c").remove("edited"));
    sync(db());
  }
}

TEST_F(KintoRemoteTest, AWriteWhoseAnswerWasLostIsNotMadeTwice) {
  share({{"id", "r"}, {"n", 10}});
  ASSERT_TRUE(db().collection("c").increment("r", "n", 1));
  create(db(), {{"id", "new"}, {"x", 1}});
  std::atomic<bool> lose = true;
  proxy_.meddle([&](const net::HttpRequest& request) {
    const bool batch = request.target().ends_with("/batch");
    return batch && lose.exchange(false) ? Proxy::Fate::lose_answer : Proxy::Fate::pass;
  });
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"new", Object{{"x", 1}}}, {"r", Object{{"n", 11}}}}));
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_TRUE(losses(db()).empty());
}

TEST_F(KintoRemoteTest, ANewRecordWhoseAnswerWasLostAndThatSomebodyRemovedStaysRemoved) {
  share({{"id", "r"}, {"n", 10}});
  create(db(), {{"id", "new"}, {"x", 1}});
  send_unanswered(db());
  remove_elsewhere("new");
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"n", 10}}}}));
  EXPECT_EQ(contents(db()), on_server());
  ASSERT_EQ(losses(db()).size(), 1u);
  EXPECT_EQ(losses(db())[0].rule, "delete-wins");
  EXPECT_EQ(losses(db())[0].losing_value, (Value(Object{{"x", 1}})));
}

TEST_F(KintoRemoteTest, SoDoesOneThatWasMadeAnewAfterARemoval) {
  share({{"id", "r"}, {"x", 0}});
  ASSERT_TRUE(db().collection("c").remove("r"));
  sync(db());
  sync(other());
  create(db(), {{"id", "r"}, {"x", 1}});
  send_unanswered(db());
  remove_elsewhere("r");
  sync(db());
  EXPECT_EQ(on_server(), Object{});
  EXPECT_EQ(contents(db()), on_server());
}

TEST_F(KintoRemoteTest, AnEditOfARecordThatWasRemovedUnansweredBringsItBackWhole) {
  share({{"id", "r"}, {"n", 10}});
  create(db(), {{"id", "new"}, {"a", 1}, {"b", 1}});
  send_unanswered(db());
  remove_elsewhere("new");
  ASSERT_TRUE(db().collection("c").patch("new", {{"b", 2}}));
  sync(db());
  EXPECT_EQ(*on_server().find("new"), (Value(Object{{"a", 1}, {"b", 2}})));
  EXPECT_EQ(contents(db()), on_server());
}

TEST_F(KintoRemoteTest, AnExchangeThatIsCutAtEveryRequestComesToItsEnd) {
  for (int i = 0; i < 80; ++i) create(db(), {{"id", "r" + std::to_string(i)}, {"x", i}});
  for (int i = 0; i < 5; ++i) create(other(), {{"id", "o" + std::to_string(i)}, {"x", i}});
  sync(other());
  for (int cut = 1; cut < 14; ++cut) {
    std::atomic<int> left = cut;
    proxy_.meddle([&](const net::HttpRequest&) {
      if (--left > 0) return Proxy::Fate::pass;
      return cut % 2 == 0 ? Proxy::Fate::lose_answer : Proxy::Fate::lose_request;
    });
    Remote remote = connect(db());
    (void)remote.wait_until_synced(200);
    const bool claims = remote.status().value().synced;
    EXPECT_TRUE(!claims || contents(db()) == on_server());
    remote.disconnect();
  }
  proxy_.meddle({});
  sync(db());
  sync(other());
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_EQ(contents(other()), on_server());
  EXPECT_EQ(on_server().size(), 85u);
}

TEST_F(KintoRemoteTest, AWriteThatIsRefusedBecomesADeadLetterAndBlocksNobody) {
  create(db(), {{"id", "not a Kinto id!"}, {"x", 1}});
  create(db(), {{"id", "good"}, {"x", 1}});
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"good", Object{{"x", 1}}}}));
  const auto letters = db().dead_letters().value();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].record, "not a Kinto id!");
  EXPECT_EQ(letters[0].code, "HTTP_400");
  EXPECT_EQ(contents(db()).size(), 2u) << "the device keeps what it wrote";
  ASSERT_TRUE(db().discard_dead_letter(letters[0].id));
  EXPECT_EQ(contents(db()), on_server());
}

TEST_F(KintoRemoteTest, AServerThatLostEverythingGetsItAllBack) {
  share({{"id", "r"}, {"x", 1}});
  create(other(), {{"id", "s"}, {"x", 2}});
  sync(other());
  sync(db());
  ASSERT_EQ(send(server_, "DELETE", "").status, 200) << "the collection, without tombstones";
  ASSERT_EQ(send(server_, "PUT", "", "{}").status, 201);
  sync(db());
  EXPECT_EQ(on_server(), contents(db()));
  EXPECT_EQ(on_server().size(), 2u);
  sync(other());
  EXPECT_EQ(contents(other()), on_server());
}

TEST_F(KintoRemoteTest, AnotherServerBehindTheNameGetsWhatTheFirstOneHad) {
  share({{"id", "r"}, {"x", 1}});
  kinto_cases::TestServer second;
  const auto remote = db().connect({.url = second.origin() + "/v1/buckets/main",
                                    .name = "server",
                                    .authentication = BasicCredentials{"alice", "secret"},
                                    .collections = {"c"},
                                    .automatic = false});
  ASSERT_TRUE(remote) << remote.error().message;
  sync(*remote);
  EXPECT_EQ(on_server(second), (Object{{"r", Object{{"x", 1}}}}));
}

TEST_F(KintoRemoteTest, AForgottenRemoteLeavesTheRecordsAsOurOwn) {
  share({{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(other().forget_remote("server"));
  EXPECT_EQ(contents(other()), (Object{{"r", Object{{"x", 1}}}}));
  EXPECT_EQ(other().status().value().pending, 0);
  ASSERT_TRUE(other().collection("c").patch("r", {{"y", 2}}));
  EXPECT_EQ(contents(other()), (Object{{"r", Object{{"x", 1}, {"y", 2}}}}));
  EXPECT_EQ(other().operations(10, "c", "r").value().size(), 2u);
  sync(other());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 1}, {"y", 2}}}}));
}

TEST_F(KintoRemoteTest, LocalWritesGoUpByThemselvesAndPollsBringNews) {
  const auto options = [&] {
    return RemoteOptions{.url = proxy_.origin() + "/v1/buckets/main",
                         .name = "server",
                         .authentication = BasicCredentials{"alice", "secret"},
                         .poll_interval_ms = 50};
  };
  Remote mine = db().connect(options()).value();
  create(db(), {{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(mine.wait_until_synced(kPatienceMs));
  Remote theirs = other().connect(options()).value();
  ASSERT_TRUE(theirs.wait_until_synced(kPatienceMs));
  testing::Watched<int> seen;
  auto live = other().collection("c").where("x", 2).observe([&](const Changes& changes) {
    seen.change([&](int& count) { count += static_cast<int>(changes.entered.size()); });
  });
  ASSERT_TRUE(live);
  ASSERT_TRUE(db().collection("c").patch("r", {{"x", 2}}));
  EXPECT_TRUE(seen.wait([](int count) { return count > 0; }, kPatienceMs));
}

TEST_F(KintoRemoteTest, WrongCredentialsAndWrongUrlsStopTheRemoteWithAReason) {
  server_.send({.method = "GET", .url = server_.origin() + "/v1/"}).value();
  Remote stranger = db().connect({.url = proxy_.origin() + "/v1/buckets/default",
                                  .name = "nobody",
                                  .collections = {"d"},
                                  .automatic = false})
                        .value();
  const auto refused = stranger.wait_until_synced(kPatienceMs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unauthenticated) << refused.error().message;
  EXPECT_EQ(stranger.status().value().state, RemoteState::stopped);

  Remote lost = db().connect({.url = proxy_.origin() + "/elsewhere",
                              .name = "lost",
                              .collections = {"e"},
                              .automatic = false})
                    .value();
  const auto wrong = lost.wait_until_synced(kPatienceMs);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::unsupported) << wrong.error().message;

  const auto broken = db().connect({.url = "http://host/v1/buckets/a/collections/b"});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::invalid_argument);
}

TEST_F(KintoRemoteTest, EqualIncrementsThatRaceBothCount) {
  share({{"id", "r"}, {"n", 10}});
  ASSERT_TRUE(db().collection("c").increment("r", "n", 1));
  std::atomic<bool> first = true;
  proxy_.meddle([&](const net::HttpRequest& request) {
    if (request.target().ends_with("/batch") && first.exchange(false)) {
      (void)send(server_, "PUT", "/records/r", R"({"data":{"n":11}})");
    }
    return Proxy::Fate::pass;
  });
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"n", 12}}}}));
}

TEST_F(KintoRemoteTest, WhatOthersWriteRightAfterTheFirstPushStays) {
  create(db(), {{"id", "r"}, {"x", 1}});
  std::atomic<bool> pushed = false;
  std::atomic<bool> wrote = false;
  proxy_.meddle([&](const net::HttpRequest& request) {
    if (request.target().ends_with("/batch")) {
      pushed = true;
    } else if (pushed && !wrote.exchange(true)) {
      (void)send(server_, "PUT", "/records/r", R"({"data":{"x":2}})");
    }
    return Proxy::Fate::pass;
  });
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 2}}}}));
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_TRUE(losses(db()).empty());
}

TEST_F(KintoRemoteTest, FieldsThatAreTheServersAreInTheLedgerAndOneCalledDeletedDeletesNothing) {
  create(db(), {{"id", "r"}, {"x", 1}, {"last_modified", 5}, {"deleted", true}});
  sync(db());
  sync(other());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 1}, {"deleted", true}}}}));
  EXPECT_EQ(contents(db()), on_server());
  EXPECT_EQ(contents(other()), on_server());
  ASSERT_EQ(losses(db()).size(), 1u);
  EXPECT_EQ(losses(db())[0].field, "last_modified");
  EXPECT_EQ(losses(db())[0].losing_value, Value(5));
}

TEST_F(KintoRemoteTest, ADeleteThatWasNotPushedOutlivesItsRemote) {
  share({{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(db().collection("c").remove("r"));
  ASSERT_TRUE(db().forget_remote("server"));
  sync(db());
  EXPECT_TRUE(contents(db()).empty());
  EXPECT_TRUE(on_server().empty());
}

TEST_F(KintoRemoteTest, ACollectionThatWasDeletedOnTheServerIsGivenBack) {
  share({{"id", "r"}, {"x", 1}});
  ASSERT_EQ(send(server_, "DELETE", "").status, 200);
  sync(db());
  EXPECT_EQ(on_server(), (Object{{"r", Object{{"x", 1}}}}));
}

TEST_F(KintoRemoteTest, IdsThatLookLikeTheBatchEndpointAreWritten) {
  create(db(), {{"id", "batch-1"}, {"x", 1}});
  sync(db());
  EXPECT_EQ(on_server(), contents(db()));
  EXPECT_EQ(on_server().size(), 1u);
}

TEST_F(KintoRemoteTest, ARemoteThatWasForgottenElsewhereWritesNothingAnyMore) {
  share({{"id", "r"}, {"x", 1}});
  Remote remote = connect(db());
  {
    auto same_file = Database::open(path());
    ASSERT_TRUE(same_file);
    ASSERT_TRUE(same_file->forget_remote("server"));
  }
  const auto done = remote.wait_until_synced(kPatienceMs);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::invalid_argument) << done.error().message;
}

TEST_F(KintoRemoteTest, WhatAStreamRemoteTakesIsNoLongerPendingForTheOneThatTakesAll) {
  Remote all = db().connect({.url = proxy_.origin() + "/v1/buckets/main",
                             .name = "all",
                             .authentication = BasicCredentials{"alice", "secret"},
                             .automatic = false})
                   .value();
  create(db(), {{"id", "r"}, {"x", 1}});
  ASSERT_TRUE(db().collection("d").create({{"id", "s"}}));
  Remote stream = db().connect({.url = "ws://127.0.0.1:1/stream",
                                .name = "stream",
                                .collections = {"c"},
                                .automatic = false})
                      .value();
  const auto done = all.wait_until_synced(kPatienceMs);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(all.status().value().pending, 0);
  EXPECT_EQ(stream.status().value().pending, 1);
  EXPECT_EQ(db().operations(10, "c", "r").value().size(), 1u) << "the stream remote needs it";
}

}  // namespace
}  // namespace tombolo
