// The stream door of a real server over loopback WebSockets, beside the Kinto door.
#include "server/doors/stream/stream_door.h"

#include "server/doors/stream/stream_door_for_test.h"

namespace tombolo::server {
namespace {

TEST_F(StreamDoorTest, RelaysLiveBetweenTwoClients) {
  start();
  const auto ann = connect();
  const auto bob = connect("/v1/buckets/main/stream");
  ASSERT_TRUE(ann->is_open() && bob->is_open());
  ann->send(handshake("ann", 0));
  bob->send(handshake("bob", 0));
  EXPECT_TRUE(ann->next("handshake-response")["accepted"].as_bool());
  EXPECT_TRUE(bob->next("handshake-response")["accepted"].as_bool());
  bob->send(acknowledgment(bob->next("operation-batch")));
  ann->send(acknowledgment(ann->next("operation-batch")));

  const core::Operation operation = insert("ann", 1, {{"title", "shore"}});
  ann->send(batch("m1", {operation}));
  const Value done = ann->next("acknowledgment");
  EXPECT_EQ(done["acknowledgedMessageId"].as_string(), "m1");
  EXPECT_EQ(done["fingerprint"].as_string(), operation.id.substr(0, 32));
  const Value relayed = bob->next_operations();
  EXPECT_EQ(relayed["operations"].at(0).to_json(), protocol::operation_json(operation));
  EXPECT_EQ(relayed["baseDeliverySequence"].as_integer(-1), 0);
  EXPECT_EQ(relayed["maxDeliverySequence"].as_integer(), 1);
  EXPECT_EQ(relayed["fingerprint"].as_string(), operation.id.substr(0, 32));
}

TEST_F(StreamDoorTest, AnswersAnEmptyBatchWithHowFarTheLogIs) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  EXPECT_EQ(ann->next("handshake-response")["maxOperationBytes"].as_integer(), 262'144);
  ann->send(acknowledgment(ann->next("operation-batch")));
  const core::Operation operation = insert("ann", 1, {{"title", "shore"}});
  ann->send(batch("m1", {operation}));
  ann->send(batch("m2", {}));
  for (const char* id : {"m1", "m2"}) {
    const Value answer = ann->next("acknowledgment");
    EXPECT_EQ(answer["acknowledgedMessageId"].as_string(), id);
    EXPECT_EQ(answer["serverMaxDeliverySequence"].as_integer(), 1);
    EXPECT_EQ(answer["fingerprint"].as_string(), operation.id.substr(0, 32));
  }
  const Value last = ann->next("operation-batch");
  EXPECT_EQ(last["operations"].size(), 0U);
  EXPECT_TRUE(last["isFinal"].as_bool());
  EXPECT_EQ(last["maxDeliverySequence"].as_integer(), 1);
}

TEST_F(StreamDoorTest, ShowsWhatKintoWrote) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("operation-batch");
  // The bucket of open access takes writes from everybody.
  ann->send(batch("m0", {insert("ann", 1, {{"title", "first"}})}));
  ann->next("acknowledgment");
  const Value written = http("PUT", "/v1/buckets/main/collections/todos/records/rec-kinto",
                             {{"data", {{"title", "from kinto"}}}});
  EXPECT_EQ(written["data"]["title"].as_string(), "from kinto") << written.to_json();
  const Value relayed = ann->next_operations();
  EXPECT_EQ(relayed["operations"].at(0)["recordId"].as_string(), "rec-kinto");
  EXPECT_EQ(relayed["operations"].at(0)["data"]["title"].as_string(), "from kinto");
}

TEST_F(StreamDoorTest, IsSeenByKinto) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->send("");
  EXPECT_EQ(ann->wait_for_close(), 1007);
  const auto again = connect();
  again->send(handshake("ann", 0));
  again->next("handshake-response");
  again->send(batch("m", {insert("ann", 5, {{"title", "from the stream"}})}));
  again->next("acknowledgment");
  const Value record = http("GET", "/v1/buckets/main/collections/todos/records/rec-5");
  EXPECT_EQ(record["data"]["title"].as_string(), "from the stream") << record.to_json();
}

TEST_F(StreamDoorTest, SendsAgainWhenTheAcknowledgmentIsLost) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(batch("m1", {insert("ann", 1, {{"n", 1}})}));
  ann->next("acknowledgment");
  ann->send(batch("m2", {insert("ann", 1, {{"n", 1}}), insert("ann", 2, {{"n", 2}})}));
  EXPECT_EQ(ann->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m2");

  const auto bob = connect();
  bob->send(handshake("bob", 0));
  const Value first = bob->next_operations();
  const Value second = bob->next_operations();  // not acknowledged: it comes again
  EXPECT_EQ(first["operations"], second["operations"]);
  bob->send(acknowledgment(second));
  const auto later = connect();
  later->send(handshake("bob", second["maxDeliverySequence"].as_integer()));
  EXPECT_EQ(later->next("operation-batch")["operations"].size(), 0U);
}

TEST_F(StreamDoorTest, ALargeBatchIsAcknowledgedOnceAndInItsOrder) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  std::vector<core::Operation> many;
  for (int number = 1; number <= 1001; ++number) {
    many.push_back(insert("ann", number, {{"n", number}}));
  }
  ann->send(batch("large", many));
  ann->send(batch("small", {insert("ann", 1002, {{"n", 1002}})}));
  const Value large = ann->next("acknowledgment");
  EXPECT_EQ(large["acknowledgedMessageId"].as_string(), "large");
  EXPECT_EQ(large["lastSequenceNumber"].as_integer(), 1001);
  EXPECT_EQ(ann->next("acknowledgment")["acknowledgedMessageId"].as_string(), "small");
  const Value last = http("GET", "/v1/buckets/main/collections/todos/records?_limit=1&_sort=-n");
  EXPECT_EQ(last["data"].at(0)["n"].as_integer(), 1002);
}

TEST_F(StreamDoorTest, DeletingALargeCollectionReachesTheClientsBeforeItIsMadeAnew) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  std::vector<core::Operation> many;
  for (int number = 1; number <= 501; ++number) {
    many.push_back(insert("ann", number, {{"n", number}}));
  }
  ann->send(batch("m", many));
  ann->next("acknowledgment");
  const std::string collection = "/v1/buckets/main/collections/todos";
  const Value answer = http("DELETE", collection);
  EXPECT_TRUE(answer["data"]["deleted"].as_bool()) << answer.to_json();
  EXPECT_EQ(http("GET", collection)["code"].as_integer(), 404);
  EXPECT_EQ(http("PUT", collection)["data"]["id"].as_string(), "todos");
  EXPECT_EQ(http("GET", collection + "/records")["data"].size(), 0U);
  std::size_t deletes = 0;
  while (deletes < 501) {
    const Value operations = ann->next_operations();
    ASSERT_FALSE(operations.is_null());
    ann->send(acknowledgment(operations));
    for (const Value& operation : *operations["operations"].if_array()) {
      EXPECT_EQ(operation["type"].as_string(), "delete");
      ++deletes;
    }
  }
}

TEST_F(StreamDoorTest, RejectsWhatBreaksTheSchemaOfTheCollection) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(batch("m0", {insert("ann", 1, {{"title", 1}})}));  // no schema yet
  ann->next("acknowledgment");
  http("PUT", "/v1/buckets/main/collections/todos",
       {{"data", {{"schema", {{"properties", {{"title", {{"type", "string"}}}}}}}}}});
  const core::Operation wrong = insert("ann", 2, {{"title", 2}});
  ann->send(batch("m1", {wrong, insert("ann", 3, {{"title", "three"}})}));
  const Value rejected = ann->next("operation-rejected");
  EXPECT_EQ(rejected["operationId"].as_string(), wrong.id);
  EXPECT_EQ(rejected["code"].as_string(), "VALIDATION_ERROR");
  EXPECT_EQ(rejected["message"].as_string(),
            R"(field "title" of collection "todos" must be a string, not a number)");
  EXPECT_FALSE(rejected["retriable"].as_bool(true));
  EXPECT_EQ(ann->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m1");
}

TEST_F(StreamDoorTest, AsksForATokenWhenAccessIsNotOpen) {
  Configuration configuration;
  configuration.stream.open_access = false;
  configuration.stream.tokens = {{"secret", "alice"}, {"other", "bob"}};
  start(std::move(configuration));
  for (const char* token : {"", "wrong"}) {
    const auto stranger = connect();
    stranger->send(handshake("x", 0, token));
    EXPECT_EQ(stranger->next("error")["code"].as_string(), "AUTH_FAILED");
    EXPECT_EQ(stranger->wait_for_close(), 1000);
  }
  const auto alice = connect();
  alice->send(handshake("alice", 0, "secret"));
  EXPECT_TRUE(alice->next("handshake-response")["accepted"].as_bool());
  alice->send(batch("m", {insert("alice", 1, {{"n", 1}})}));
  EXPECT_EQ(alice->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m");
  const auto bob = connect();
  bob->send(handshake("bob", 0, "other"));
  EXPECT_EQ(bob->next_operations()["operations"].size(), 1U);
}

TEST_F(StreamDoorTest, TurnsAwayWhoMayNotReadTheBucket) {
  Configuration configuration;
  configuration.stream.tokens = {{"a", "alice"}, {"b", "bob"}};
  start(std::move(configuration));
  const auto alice = connect("/v1/buckets/private/stream");
  alice->send(handshake("alice", 0, "a"));
  alice->next("handshake-response");
  alice->send(batch("m", {insert("alice", 1, {{"n", 1}})}));
  EXPECT_EQ(alice->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m");
  const auto anonymous = connect("/v1/buckets/private/stream");
  anonymous->send(handshake("x", 0));
  EXPECT_EQ(anonymous->next("error")["code"].as_string(), "AUTH_FAILED");
}

TEST_F(StreamDoorTest, ShowsABucketMadeAnewWithoutWhatItWas) {
  Configuration configuration;
  configuration.stream.tokens = {{"a", "alice"}, {"b", "bob"}};
  start(std::move(configuration));
  const std::string path = "/v1/buckets/private/stream";
  const core::Operation secret = insert("alice", 1, {{"secret", 1}});
  {
    const auto alice = connect(path);
    alice->send(handshake("alice", 0, "a"));
    alice->next("handshake-response");
    alice->send(batch("m", {secret}));
    alice->next("acknowledgment");
  }
  http("DELETE", "/v1/buckets/private", {}, "Bearer a");

  const auto bob = connect(path);
  bob->send(handshake("bob", 0, "b"));
  const Value welcome = bob->next("handshake-response");
  EXPECT_EQ(welcome["fingerprint"].as_string(), std::string(32, '0'));
  EXPECT_EQ(bob->next("operation-batch")["operations"].size(), 0U);
  const core::Operation own = insert("bob", 2, {{"n", 2}});
  bob->send(batch("m", {own}));
  EXPECT_EQ(bob->next("acknowledgment")["fingerprint"].as_string(), own.id.substr(0, 32));
  const auto second = connect(path);
  second->send(handshake("bob 2", 0, "b"));
  const Value seen = second->next_operations();
  ASSERT_EQ(seen["operations"].size(), 1U);
  EXPECT_EQ(seen["operations"].at(0)["id"].as_string(), own.id);
  EXPECT_EQ(seen["fingerprint"].as_string(), own.id.substr(0, 32));

  // The device that knew the bucket learns of the deletion, and of nothing else.
  const auto alice = connect(path);
  alice->send(handshake("alice", 1, "a"));
  const Value rest = alice->next_operations();
  ASSERT_EQ(rest["operations"].size(), 1U);
  EXPECT_EQ(rest["operations"].at(0)["type"].as_string(), "delete");
  EXPECT_EQ(rest["operations"].at(0)["previousData"]["secret"].as_integer(), 1);

  // It cannot bring the old record into the new bucket, nor take it from there.
  const auto thief = connect(path);
  thief->send(handshake("thief", 0, "b"));
  thief->next("handshake-response");
  core::Operation update = insert("thief", 1, {{"n", 1}});
  update.type = core::OperationType::update;
  update.previous_data = Object();
  update.id = *core::operation_id(update);
  thief->send(batch("t", {update}));
  EXPECT_EQ(thief->next("operation-rejected")["operationId"].as_string(), update.id);
}

TEST_F(StreamDoorTest, EndsWhatAReaderMayNotReadAnyMore) {
  Configuration configuration;
  configuration.stream.tokens = {{"a", "alice"}, {"b", "bob"}};
  start(std::move(configuration));
  const auto alice = connect("/v1/buckets/private/stream");
  alice->send(handshake("alice", 0, "a"));
  alice->next("handshake-response");
  alice->send(batch("m", {insert("alice", 1, {{"n", 1}})}));
  alice->next("acknowledgment");
  http("DELETE", "/v1/buckets/private", {}, "Bearer a");
  http("PUT", "/v1/buckets/private", {}, "Bearer b");
  EXPECT_NE(alice->wait_for_close(), 0);
}

TEST_F(StreamDoorTest, ClosesTheDefaultBucketWithTheSettings) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(batch("m", {insert("ann", 1, {{"n", 1}})}));
  ann->next("acknowledgment");
  const std::string record = "/v1/buckets/main/collections/todos/records/rec-1";
  EXPECT_EQ(http("PUT", record, {{"data", {{"n", 2}}}})["data"]["n"].as_integer(), 2);
  server_->stop();
  server_.reset();

  Configuration closed;
  closed.stream.open_access = false;
  closed.stream.tokens = {{"a", "alice"}};
  start(std::move(closed));
  EXPECT_EQ(http("PUT", record, {{"data", {{"n", 3}}}})["code"].as_integer(), 403);
  EXPECT_EQ(http("PUT", "/v1/buckets/main/collections/other")["code"].as_integer(), 403);
  const auto alice = connect();
  alice->send(handshake("alice", 0, "a"));
  EXPECT_EQ(alice->next_operations()["operations"].size(), 2U);
  alice->send(batch("m", {insert("alice", 2, {{"n", 1}})}));
  EXPECT_EQ(alice->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m");
}

TEST_F(StreamDoorTest, TakesDefaultForTheUsersOwnBucket) {
  Configuration configuration;
  configuration.stream.tokens = {{"a", "alice"}};
  configuration.kinto.principals.clear();  // nobody may create buckets
  start(std::move(configuration));
  const auto alice = connect("/v1/buckets/default/stream");
  alice->send(handshake("alice", 0, "a"));
  alice->next("handshake-response");
  alice->send(batch("m", {insert("alice", 1, {{"n", 7}})}));
  EXPECT_EQ(alice->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m");
  const std::string records = "/v1/buckets/default/collections/todos/records/";
  EXPECT_EQ(http("GET", records + "rec-1", {}, "Bearer a")["data"]["n"].as_integer(), 7);
  http("PUT", records + "rec-2", {{"data", {{"n", 8}}}}, "Bearer a");
  EXPECT_EQ(alice->next_operations()["operations"].at(0)["recordId"].as_string(), "rec-2");
  const auto anonymous = connect("/v1/buckets/default/stream");
  anonymous->send(handshake("x", 0));
  EXPECT_EQ(anonymous->next("error")["code"].as_string(), "AUTH_FAILED");
}

TEST_F(StreamDoorTest, BelievesNobodyAboutTheNumbersOfOthers) {
  Configuration configuration;
  configuration.stream.tokens = {{"a", "alice"}, {"m", "mallory"}};
  start(std::move(configuration));
  const auto mallory = connect();
  mallory->send(handshake("mallory", 0, "m"));
  const std::string server_node = mallory->next("handshake-response")["nodeId"].as_string().data();
  const std::int64_t huge = std::int64_t{1} << 50;
  core::Operation as_ann = insert("ann", 1, {{"n", 1}});
  as_ann.sequence_number = huge;
  core::Operation as_server = insert(server_node, 2, {{"n", 2}});
  as_server.sequence_number = huge;
  mallory->send(batch("m", {as_ann, as_server}));
  const Value rejected = mallory->next("operation-rejected");
  EXPECT_EQ(rejected["operationId"].as_string(), as_server.id);
  EXPECT_EQ(rejected["code"].as_string(), "VALIDATION_ERROR");
  mallory->next("acknowledgment");
  const auto second = connect();
  second->send(handshake("ann", 0, "m"));
  second->next("handshake-response");
  second->send(batch("m", {as_ann}));  // known already: also from its own node it changes nothing
  second->next("acknowledgment");

  const auto first_number = [&](const std::string& node, const std::string& token) {
    const auto socket = connect();
    socket->send(handshake(node, 0, token));
    return socket->next("handshake-response")["versionVector"][node].as_integer(-1);
  };
  EXPECT_EQ(first_number("ann", "a"), -1);
  const auto ann = connect();
  ann->send(handshake("ann", 0, "a"));
  EXPECT_EQ(ann->next_operations()["operations"].size(), 1U);
  ann->send(batch("a", {insert("ann", 3, {{"n", 3}})}));
  ann->next("acknowledgment");
  EXPECT_EQ(first_number("ann", "a"), 3);
  EXPECT_EQ(first_number("ann", "m"), -1) << "it is another user's";
  // The server counts on by itself.
  http("PUT", "/v1/buckets/main/collections/todos/records/rec-9", {{"data", {{"n", 9}}}});
  EXPECT_EQ(ann->next_operations()["operations"].at(0)["sequenceNumber"].as_integer(), 1);
}

TEST_F(StreamDoorTest, GetsItsOwnOperationsBackAfterARestore) {
  start();
  const std::string records = "/v1/buckets/main/collections/todos/records/";
  const auto write = [&](const std::string& id) {
    return http("PUT", records + id, {{"data", {{"n", 1}}}})["data"]["n"].as_integer(-1);
  };
  {
    const auto ann = connect();
    ann->send(handshake("ann", 0));
    ann->next("handshake-response");
    ann->send(batch("m", {insert("ann", 1, {{"n", 1}})}));
    ann->next("acknowledgment");
  }
  EXPECT_EQ(write("first"), 1);
  server_->stop();
  server_.reset();
  const std::string path = directory_.path() + "/tombolo.db";
  const std::string backup = os::read_file(path).value();
  start();
  EXPECT_EQ(write("second"), 1);
  std::string lost;
  {
    const auto ann = connect();
    ann->send(handshake("ann", 2));
    lost = ann->next_operations()["operations"].at(0).to_json();
  }
  server_->stop();
  server_.reset();
  ASSERT_TRUE(os::write_file(path, backup));
  start();
  EXPECT_EQ(http("GET", records + "second")["code"].as_integer(), 404);
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(R"({"type":"operation-batch","messageId":"m","isFinal":true,"batchIndex":0,)"
            R"("operations":[)" +
            lost + "]}");
  ann->next("acknowledgment");
  EXPECT_EQ(http("GET", records + "second")["data"]["n"].as_integer(), 1);
}

TEST_F(StreamDoorTest, TellsOfTheNodesThatTheClientNamesOnly) {
  start();
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(batch("m", {insert("ann", 4, {{"n", 1}})}));
  ann->next("acknowledgment");
  const auto bob = connect();
  bob->send(handshake("bob", 0));
  EXPECT_EQ(bob->next("handshake-response")["versionVector"].size(), 0U);
  const auto knowing = connect();
  Value hello = Value::parse(handshake("bob", 0)).value();
  hello["versionVector"] = Value{{"ann", 1}, {"nobody", 1}};
  knowing->send(hello.to_json());
  EXPECT_EQ(knowing->next("handshake-response")["versionVector"], (Value{{"ann", 4}}));
}

TEST_F(StreamDoorTest, BoundsTheNodesThatWriteInABucket) {
  Configuration configuration;
  configuration.stream.max_nodes_per_bucket = 3;
  configuration.stream.max_new_nodes_per_session = 2;
  start(std::move(configuration));
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  ann->send(batch("m", {insert("n1", 1, {{"n", 1}}), insert("n2", 2, {{"n", 1}}),
                        insert("n1", 3, {{"n", 1}}), insert("n3", 4, {{"n", 1}})}));
  const Value for_now = ann->next("operation-rejected");
  EXPECT_EQ(for_now["recordId"].as_string(), "rec-4");
  EXPECT_EQ(for_now["code"].as_string(), "RATE_LIMIT");
  EXPECT_TRUE(for_now["retriable"].as_bool());
  ann->next("acknowledgment");
  const auto bob = connect();
  bob->send(handshake("bob", 0));
  bob->next("handshake-response");
  bob->send(batch("m", {insert("n3", 5, {{"n", 1}}), insert("n4", 6, {{"n", 1}}),
                        insert("n2", 7, {{"n", 1}})}));
  const Value for_good = bob->next("operation-rejected");
  EXPECT_EQ(for_good["recordId"].as_string(), "rec-6");
  EXPECT_EQ(for_good["code"].as_string(), "TOO_MANY_NODES");
  EXPECT_FALSE(for_good["retriable"].as_bool(true));
  bob->next("acknowledgment");
}

TEST_F(StreamDoorTest, ReadsAClientThatSendsTooMuchMoreSlowly) {
  Configuration configuration;
  configuration.stream.max_uncommitted_operations = 1;
  configuration.stream.operations_per_second = 1000;
  configuration.stream.operations_burst = 10;
  start(std::move(configuration));
  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  for (int number = 0; number < 30; ++number) {
    ann->send(batch("m" + std::to_string(number), {insert("ann", 2 * number + 1, {{"n", 1}}),
                                                   insert("ann", 2 * number + 2, {{"n", 1}})}));
  }
  for (int number = 0; number < 30; ++number) {
    EXPECT_EQ(ann->next("acknowledgment")["acknowledgedMessageId"].as_string(),
              "m" + std::to_string(number));
  }
}

TEST_F(StreamDoorTest, StaysHealthyUnderHostileFrames) {
  start();
  const std::pair<const char*, std::uint16_t> hostile[] = {
      {"not json", 1007},
      {R"({"type":"operation-batch","messageId":"m"})", 1002},
      {R"({"type":"operation-batch","messageId":"m","operations":[],"isFinal":true,)"
       R"("batchIndex":0})",
       1002},
      {R"({"type":"handshake","messageId":"m","nodeId":"","versionVector":{},"schemaVersion":1})",
       1002}};
  for (const auto& [frame, code] : hostile) {
    const auto socket = connect();
    socket->send(frame);
    EXPECT_EQ(socket->next("error")["retriable"].as_bool(true), false) << frame;
    EXPECT_EQ(socket->wait_for_close(), code) << frame;
  }
  const auto binary = connect();
  binary->send_binary("\x01\x02");
  EXPECT_EQ(binary->wait_for_close(), 1003);

  const auto ann = connect();
  ann->send(handshake("ann", 0));
  ann->next("handshake-response");
  core::Operation forged = insert("ann", 1, {{"n", 1}});
  forged.data->set("n", 2);
  core::Operation large = insert("ann", 2, {{"text", std::string(300'000, 'x')}});
  ann->send(batch("m", {forged, large, insert("ann", 3, {{"n", 3}})}));
  EXPECT_EQ(ann->next("operation-rejected")["code"].as_string(), "VALIDATION_ERROR");
  EXPECT_EQ(ann->next("operation-rejected")["code"].as_string(), "OPERATION_TOO_LARGE");
  EXPECT_EQ(ann->next("acknowledgment")["acknowledgedMessageId"].as_string(), "m");
}

}  // namespace
}  // namespace tombolo::server
