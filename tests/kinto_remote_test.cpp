// The library's kinto remotes against the real server, through a proxy that meddles.
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <set>

#include "client/test_database.h"
#include "kinto/test_server.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/stream_logger.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

constexpr std::int64_t kPatienceMs = 20'000;

// Passes requests on. `meddle` may answer in the server's place, before or after the server saw the
// request.
class Proxy {
 public:
  enum class Fate { pass, lose_request, lose_answer };

  explicit Proxy(kinto_cases::TestServer& server) : server_(&server) {
    auto started = net::HttpServer::start(
        {},
        [this](net::HttpRequest&& request, net::HttpResponder responder) {
          handle(request, std::move(responder));
        },
        logger_);
    http_ = std::move(started.value());
  }
  ~Proxy() { http_->stop(0); }

  void lead_to(kinto_cases::TestServer& server) { server_ = &server; }
  void meddle(std::function<Fate(const net::HttpRequest&)> meddle) { meddle_ = std::move(meddle); }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(http_->port()); }
  int requests() const { return requests_; }

 private:
  void handle(const net::HttpRequest& request, net::HttpResponder responder) {
    ++requests_;
    const Fate fate = meddle_ ? meddle_(request) : Fate::pass;
    if (fate == Fate::lose_request) return responder.send({.status = 503});
    net::ClientRequest passed;
    passed.method = request.method_name();
    passed.url = server_.load()->origin() + std::string(request.target());
    passed.body = request.body;
    for (const char* name : {"Authorization", "If-Match", "If-None-Match", "Content-Type"}) {
      if (const auto value = request.headers.get(name)) passed.headers.add(name, *value);
    }
    const auto answer = server_.load()->send(std::move(passed));
    if (!answer || fate == Fate::lose_answer) return responder.send({.status = 503});
    net::HttpResponse response{.status = answer->status, .body = answer->body};
    for (const char* name : {"ETag", "Next-Page", "Content-Type", "Backoff"}) {
      if (const auto value = answer->headers.get(name)) response.headers.add(name, *value);
    }
    responder.send(std::move(response));
  }

  std::atomic<kinto_cases::TestServer*> server_;
  std::function<Fate(const net::HttpRequest&)> meddle_;
  std::atomic<int> requests_ = 0;
  os::SystemClock clock_;
  os::StreamLogger logger_{clock_, os::LogFormat::human, LogLevel::error};
  std::unique_ptr<net::HttpServer> http_;
};

class KintoRemoteTest : public testing::DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    other_.emplace(Database::open(path() + ".other", {.durability = Durability::relaxed}).value());
  }
  void TearDown() override {
    other_.reset();
    DatabaseFixture::TearDown();
  }
  Database& other() { return *other_; }

  Remote connect(Database& database, ConflictPolicy policy = ConflictPolicy::merge,
                 const std::string& user = "alice") {
    return database
        .connect({.url = proxy_.origin() + "/v1/buckets/main",
                  .name = "server",
                  .authentication = BasicCredentials{user, "secret"},
                  .collections = {"c"},
                  .conflict_policy = policy,
                  .automatic = false})
        .value();
  }
  // Exchanges whenever something is written here.
  Remote stay_connected(Database& database) {
    return database
        .connect({.url = proxy_.origin() + "/v1/buckets/main",
                  .name = "server",
                  .authentication = BasicCredentials{"alice", "secret"},
                  .collections = {"c"},
                  .poll_interval_ms = 0})
        .value();
  }
  // Exchanges once, as a device that comes online for a moment.
  static void sync(Remote remote) {
    const auto done = remote.wait_until_synced(kPatienceMs);
    EXPECT_TRUE(done) << done.error().message;
    const auto status = remote.status();
    ASSERT_TRUE(status);
    EXPECT_TRUE(status->synced);
    EXPECT_EQ(status->pending, 0);
    remote.disconnect();
  }
  void sync(Database& database, ConflictPolicy policy = ConflictPolicy::merge) {
    sync(connect(database, policy));
  }
  static Object contents(const Database& database) {
    Object all;
    const auto records = database.collection("c").order_by("id").all().value();
    for (const Record& record : records) all.set(record.id(), record.fields());
    return all;
  }
  // The records as the server lists them, without the tags.
  Object on_server(kinto_cases::TestServer& server) {
    const auto answer = send(server, "GET", "/records");
    Object all;
    const Value list = Value::parse(answer.body).value();
    for (const Value& record : *list["data"].if_array()) {
      Object fields = *record.if_object();
      const std::string id(record["id"].as_string());
      fields.erase("id");
      fields.erase("last_modified");
      all.set(id, fields);
    }
    return all;
  }
  Object on_server() { return on_server(server_); }
  net::ClientResponse send(kinto_cases::TestServer& server, const std::string& method,
                           const std::string& below, const std::string& body = "") {
    net::ClientRequest request{.method = method,
                               .url = server.origin() + "/v1/buckets/main/collections/c" + below,
                               .body = body};
    request.headers.add("Authorization", "Basic YWxpY2U6c2VjcmV0");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    return server.send(std::move(request)).value();
  }
  static void create(const Database& database, Object record) {
    ASSERT_TRUE(database.collection("c").create(std::move(record)));
  }
  // One record that both devices hold as the server does.
  void share(Object record) {
    create(db(), std::move(record));
    sync(db());
    sync(other());
  }
  // The server takes what is pending, and the device does not hear of it.
  void send_unanswered(Database& database) {
    std::atomic<bool> is_cut_off = false;
    proxy_.meddle([&](const net::HttpRequest& request) {
      if (is_cut_off) return Proxy::Fate::lose_request;
      is_cut_off = request.target().ends_with("/batch");
      return is_cut_off ? Proxy::Fate::lose_answer : Proxy::Fate::pass;
    });
    Remote remote = connect(database);
    EXPECT_FALSE(remote.wait_until_synced(300));
    remote.disconnect();
    proxy_.meddle({});
  }
  // By somebody who has seen it.
  void remove_elsewhere(const std::string& id) {
    sync(other());
    ASSERT_TRUE(other().collection("c").remove(id));
    sync(other());
  }
  static std::vector<Loss> losses(const Database& database) { return database.losses().value(); }

  kinto_cases::TestServer server_{{{"kinto.flush_enabled", "true"}}};
  Proxy proxy_{server_};
  std::optional<Database> other_;
};

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

// Three devices edit, delete and count while requests and answers get lost.
class KintoConvergenceTest : public KintoRemoteTest, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    KintoRemoteTest::SetUp();
    third_.emplace(Database::open(path() + ".third", {.durability = Durability::relaxed}).value());
  }
  void TearDown() override {
    third_.reset();
    KintoRemoteTest::TearDown();
  }
  std::uint32_t below(std::uint32_t bound) { return random_() % bound; }

  void create_or_not(Collection& collection, const std::string& id, const std::string& field) {
    if (!collection.create({{"id", id}, {field, ++written_}})) refused_.insert(written_);
  }
  // Every value is written once, so that wherever it goes it can be told.
  void edit(Database& database) {
    auto collection = database.collection("c");
    const std::string id = "r" + std::to_string(below(6));
    const std::string field = below(2) == 0 ? "x" : "y";
    if (const auto seen = collection.get(id)) account_for(seen->fields());
    switch (below(8)) {
      case 0:
        (void)collection.remove(id);
        return;
      case 1:
      case 2:
        create_or_not(collection, id, field);
        return;
      default:
        if (collection.patch(id, {{field, ++written_}})) return;
        refused_.insert(written_);
        create_or_not(collection, id, field);
    }
  }
  void try_to_sync(Database& database, ConflictPolicy policy) {
    Remote remote = connect(database, policy);
    (void)remote.wait_until_synced(150);
    const auto status = remote.status().value();
    remote.disconnect();
    EXPECT_FALSE(status.synced && status.pending > 0);
  }

  // Every number in it is on the server, or was seen by who wrote over it, or is in a ledger.
  void account_for(const Value& value) {
    if (value.is_number()) accounted_.insert(value.as_integer());
    if (const Object* object = value.if_object()) {
      for (const Member& member : *object) account_for(member.value);
    }
  }

  std::set<std::int64_t> accounted_;
  std::set<std::int64_t> refused_;  // what the device itself did not take
  std::mt19937 random_{static_cast<std::uint32_t>(GetParam())};
  std::int64_t written_ = 0;
  std::optional<Database> third_;
};

TEST_P(KintoConvergenceTest, AllDevicesEndEqualWhateverGetsLost) {
  const ConflictPolicy policies[] = {ConflictPolicy::merge, ConflictPolicy::server_wins,
                                     ConflictPolicy::client_wins, ConflictPolicy::last_writer_wins};
  std::vector<Database*> devices{&db(), &other(), &*third_};
  std::atomic<std::uint32_t> fate = static_cast<std::uint32_t>(GetParam());
  proxy_.meddle([&](const net::HttpRequest&) {
    const std::uint32_t now = fate = fate * 1'664'525U + 1'013'904'223U;
    if ((now >> 24) % 8 == 0) return Proxy::Fate::lose_request;
    return (now >> 24) % 8 == 1 ? Proxy::Fate::lose_answer : Proxy::Fate::pass;
  });
  for (int step = 0; step < 40; ++step) {
    Database& device = *devices[below(3)];
    for (std::uint32_t i = below(3) + 1; i > 0; --i) edit(device);
    if (below(2) == 0) try_to_sync(device, policies[below(4)]);
  }
  proxy_.meddle({});
  for (int round = 0; round < 2; ++round) {
    for (Database* device : devices) sync(*device, policies[below(4)]);
  }
  for (Database* device : devices) {
    EXPECT_EQ(contents(*device), on_server());
    EXPECT_EQ(device->status().value().pending, 0);
    EXPECT_TRUE(device->dead_letters().value().empty());
    account_for(contents(*device));
    for (const Loss& loss : losses(*device)) account_for(loss.losing_value.value_or(Value()));
  }
  for (std::int64_t value = 1; value <= written_; ++value) {
    if (!refused_.contains(value)) {
      EXPECT_TRUE(accounted_.contains(value)) << value << " was lost silently";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KintoConvergenceTest, ::testing::Range(1, 5));

}  // namespace
}  // namespace tombolo
