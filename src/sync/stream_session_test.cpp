// Single rules of both ends of the protocol, one by one.
#include <gtest/gtest.h>

#include "sync/test_stream_pair.h"

namespace tombolo::sync {
namespace {

using testing::kNowMs;
using testing::make_operation;
using testing::MemoryClient;

class StreamSessionTest : public testing::StreamPair {
 protected:
  // The client finds out, and comes again.
  void connect_and_start_over() {
    connect();
    run();
    EXPECT_TRUE(client_.closed);
    connect();
    run();
  }

  // Each way alone, and what the server commits.
  void to_server() {
    for (const std::string& frame : std::exchange(client_.out, {})) {
      server_->receive(frame, server_now());
    }
  }
  void to_client() {
    for (const std::string& frame : std::exchange(server_->out, {})) {
      client_.session->text_received(frame, client_now());
    }
  }
  void connect_and_shake_hands() {
    connect();
    to_server();
    to_client();
  }
  // 6 operations, 3 in each.
  void put_two_batches_under_way() {
    for (int write = 0; write < 6; ++write) client_.write(kNowMs, "w" + std::to_string(write));
    connect_and_shake_hands();
    client_.session->upload_more(client_now());
    to_server();
  }
  std::int64_t pending() { return client_.facts().pending_operations; }
};

// Of 3 operations each.
TEST_F(StreamSessionTest, TwoBatchesAreUnderWaySoThatTheServerNeedNotWait) {
  for (int write = 0; write < 10; ++write) client_.write(kNowMs, "w" + std::to_string(write));
  connect_and_shake_hands();
  to_server();
  EXPECT_EQ(server_->uploads.size(), 1U);
  ASSERT_TRUE(client_.session->can_upload_more());
  client_.session->upload_more(client_now());
  EXPECT_FALSE(client_.session->can_upload_more());
  client_.session->upload_more(client_now());
  to_server();
  EXPECT_EQ(server_->uploads.size(), 2U);

  server_->commit();
  to_client();
  EXPECT_EQ(pending(), 7);
  EXPECT_TRUE(client_.session->has_batch_in_flight());
  client_.session->upload_more(client_now());
  to_server();
  EXPECT_EQ(server_->uploads.size(), 2U);

  server_->commit();
  server_->commit();
  to_client();
  EXPECT_EQ(pending(), 1);
  run();
  EXPECT_EQ(log_.end(), 10);
  EXPECT_EQ(derive_status(client_.facts()), SyncStatus::synced);
}

TEST_F(StreamSessionTest, NothingIsReadBehindABatchThatWasNotFull) {
  client_.write(kNowMs, "one");
  client_.write(kNowMs, "two");
  connect_and_shake_hands();
  EXPECT_TRUE(client_.session->has_batch_in_flight());
  EXPECT_FALSE(client_.session->can_upload_more());
}

TEST_F(StreamSessionTest, WhatIsRefusedOfTheSecondBatchIsBuriedAndTheFirstStaysUnderWay) {
  put_two_batches_under_way();
  server_->rejected_records["rec-5"] = "TITLE_BANNED";
  server_->commit();
  const auto first = std::exchange(server_->out, {});
  server_->commit();
  to_client();
  EXPECT_EQ(client_.buried.size(), 1U);
  EXPECT_TRUE(client_.session->has_batch_in_flight());
  EXPECT_EQ(pending(), 3);
  EXPECT_EQ(client_.reached.sequence, 5);
  server_->out = first;
  to_client();
  EXPECT_EQ(client_.reached.sequence, 5) << "a late acknowledgment takes nothing back";
  EXPECT_EQ(pending(), 0);
  EXPECT_FALSE(client_.session->has_batch_in_flight());
}

TEST_F(StreamSessionTest, BatchesThatWereLostWithTheirConnectionAreSentAgain) {
  for (int write = 0; write < 9; ++write) client_.write(kNowMs, "w" + std::to_string(write));
  connect_and_shake_hands();
  client_.session->upload_more(client_now());
  to_server();
  server_->commit();
  client_.session->closed();
  EXPECT_EQ(pending(), 9);
  connect();
  run();
  EXPECT_EQ(pending(), 0);
  EXPECT_EQ(log_.end(), 9);
  EXPECT_EQ(derive_status(client_.facts()), SyncStatus::synced);
}

TEST_F(StreamSessionTest, ASlowServerHasItsTimeForEachBatch) {
  put_two_batches_under_way();
  const auto commit_after = [&](std::int64_t seconds) {
    for (; seconds > 0; --seconds) {
      time_ms_ += 1'000;
      client_.session->heard(client_now());
      client_.session->tick(client_now());
      ASSERT_FALSE(client_.closed) << client_.close_reason;
    }
    server_->commit();
    to_client();
  };
  commit_after(20);
  commit_after(20);
  EXPECT_EQ(pending(), 0);
}

TEST_F(StreamSessionTest, NothingIsSentBesideALargeBatch) {
  for (int write = 0; write < 6; ++write) {
    client_.write(kNowMs, write < 3 ? std::string(400'000, 'x') : "small");
  }
  options_.max_operation_bytes = 1'000'000;
  connect_and_shake_hands();
  EXPECT_TRUE(client_.session->has_batch_in_flight());
  EXPECT_FALSE(client_.session->can_upload_more());
  run();
  EXPECT_EQ(pending(), 0);
}

TEST_F(StreamSessionTest, NobodyIsAskedWhileBatchesAreUnderWay) {
  put_two_batches_under_way();
  EXPECT_FALSE(client_.session->ask(client_now()));
  server_->commit();
  to_client();
  EXPECT_FALSE(client_.session->ask(client_now()));
  server_->commit();
  to_client();
  EXPECT_TRUE(client_.session->ask(client_now()));
}

TEST_F(StreamSessionTest, ALateAcknowledgmentIsNotTakenForAnotherConnections) {
  client_.write(kNowMs, "one");
  connect_and_shake_hands();
  client_.session->text_received(
      R"({"type":"acknowledgment","messageId":"x","acknowledgedMessageId":"node-a.0-1",)"
      R"("lastSequenceNumber":1})",
      client_now());
  EXPECT_EQ(client_.facts().pending_operations, 1);
  run();
  EXPECT_EQ(client_.facts().pending_operations, 0);
  EXPECT_EQ(log_.end(), 1);
}

TEST_F(StreamSessionTest, ARejectedOperationIsBuriedAndTheOthersOvertakeIt) {
  for (int write = 0; write < 5; ++write) client_.write(kNowMs, "w" + std::to_string(write));
  connect();
  server_->rejected_records["rec-2"] = "TITLE_BANNED";
  run();
  ASSERT_EQ(client_.buried.size(), 1U);
  EXPECT_EQ(client_.buried[0].code, "TITLE_BANNED");
  EXPECT_EQ(log_.end(), 4);
  EXPECT_EQ(derive_status(client_.facts()), SyncStatus::synced);
}

TEST_F(StreamSessionTest, AServerRestoredFromABackupGetsBackWhatItLost) {
  store(5);
  client_.write(kNowMs, "mine");
  connect();
  run();
  EXPECT_EQ(client_.watermark, 5);  // its own operation is left out, and nothing came after it
  client_.session->closed();
  connect();
  run();
  EXPECT_EQ(client_.watermark, 6);
  const std::set<std::string> everything = log_.ids();
  log_.cut(2);
  client_.session->closed();
  connect();
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::server_restored));
  EXPECT_TRUE(client_.closed);
  EXPECT_TRUE(client_.close_retry);
  connect();
  run();
  EXPECT_EQ(client_.times_started_over, 1);
  EXPECT_EQ(log_.ids(), everything);
  EXPECT_EQ(derive_status(client_.facts()), SyncStatus::synced);
}

// A client is told that the log is shorter than its watermark, and the server sends from there all
// the same. (A response names no handshake; here it is one of an earlier connection.) Whoever went
// back to 0 and stayed would wait for ever: every batch starts beyond it.
TEST_F(StreamSessionTest, AServerThatOnlySaysItWasRestoredKeepsNothingBack) {
  for (const bool keeps_fingerprint : {true, false}) {
    SCOPED_TRACE(keeps_fingerprint);
    log_ = {};
    MemoryClient client("node-a");
    client.keeps_fingerprint = keeps_fingerprint;
    connect(client);
    server_->receive(client.out.front(), server_now());
    const std::string earlier_response = server_->out.front();
    store(4);
    connect(client);
    run(client);
    client.session->closed();
    EXPECT_EQ(client.watermark, 4);
    store(2);
    connect(client);
    server_->receive(client.out.front(), server_now());
    client.out.clear();
    server_->out.front() = earlier_response;
    run(client);
    EXPECT_TRUE(client.saw(ClientEvent::server_restored));
    for (int second = 0; second < 60; ++second) {
      if (client.closed) connect(client);
      wait(client, 1'000);
    }
    EXPECT_EQ(client.ids(), log_.ids());
    EXPECT_EQ(derive_status(client.facts()), SyncStatus::synced);
  }
}

TEST_F(StreamSessionTest, NobodyStartsOverFromTheStart) {
  connect();
  client_.session->text_received(
      R"({"type":"handshake-response","messageId":"x","nodeId":"server","versionVector":{},)"
      R"("schemaVersion":1,"accepted":true,"serverMaxDeliverySequence":-1})",
      client_now());
  EXPECT_TRUE(client_.saw(ClientEvent::connected));
  EXPECT_EQ(client_.times_started_over, 0) << "it would connect and start over for ever";
  EXPECT_FALSE(client_.closed);
}

// By a client that may see a part of the log, and so has no proof to compare.
TEST_F(StreamSessionTest, AServerRestoredAndGrownAgainIsFoundOutByItsTimeline) {
  sees_all_ = false;
  store(3);
  connect();
  store(2);
  run();
  EXPECT_EQ(client_.watermark, 5);
  client_.session->closed();
  for (int restart = 0; restart < 3; ++restart) {
    log_.restart();
    if (restart > 0) store(1);
    connect();
    run();
    client_.session->closed();
    EXPECT_EQ(client_.watermark, 5 + restart);
    EXPECT_EQ(client_.times_started_over, 0) << "a restart loses nothing";
  }
  const std::set<std::string> everything = log_.ids();
  log_.cut(4);
  store(6, "third");  // longer than before, and the client would resume behind what it lacks
  connect();
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::server_restored));
  connect();
  run();
  EXPECT_EQ(client_.times_started_over, 1);
  EXPECT_EQ(client_.ids(), log_.ids());
  EXPECT_TRUE(std::ranges::includes(log_.ids(), everything)) << "it brought back what was lost";
  client_.session->closed();
  connect();
  run();
  EXPECT_EQ(client_.times_started_over, 1);
}

// Its watermark stays below its own operations, and is as good in the log that lost them.
TEST_F(StreamSessionTest, WhatAServerAcknowledgedAndLostIsSentAgain) {
  for (const int known : {0, 2}) {
    SCOPED_TRACE(known);
    log_ = {};
    sees_all_ = true;
    store(known);
    MemoryClient client("node-" + std::to_string(known));
    connect(client);
    run(client);
    client.session->closed();
    log_.restart();
    client.write(kNowMs, "mine");
    connect(client);
    run(client);
    EXPECT_EQ(client.watermark, known);
    EXPECT_EQ(client.facts().pending_operations, 0);
    client.session->closed();
    const std::set<std::string> everything = log_.ids();
    log_.cut(static_cast<std::size_t>(known));
    store(3, "third");
    sees_all_ = false;  // and there is no fingerprint to compare
    connect(client);
    run(client);
    EXPECT_TRUE(client.saw(ClientEvent::server_restored));
    connect(client);
    run(client);
    EXPECT_EQ(client.times_started_over, 1);
    EXPECT_TRUE(std::ranges::includes(log_.ids(), everything));
    EXPECT_EQ(client.ids(), log_.ids());
  }
}

TEST_F(StreamSessionTest, WhatIsKnownOfOneServerProvesNothingOfAnother) {
  store(3);
  connect();
  run();
  client_.session->closed();
  client_.server = "server";
  log_.cut(1);
  connect();
  server_->server_node = "another";
  run();
  EXPECT_EQ(client_.times_started_over, 0);
  client_.session->closed();
  connect();
  run();
  EXPECT_EQ(client_.times_started_over, 1);
}

// Where no fingerprint shows that it is missing, and its author may never come back.
TEST_F(StreamSessionTest, WhatOthersSentLateAndWasLostInARestoreIsBroughtBack) {
  sees_all_ = false;
  client_.keeps_fingerprint = false;
  for (const int number : {2, 1}) {
    const core::Operation operation = make_operation("other", number, kNowMs, "x");
    log_.append(operation, protocol::operation_json(operation));
  }
  connect();
  run();
  client_.session->closed();
  const std::set<std::string> everything = log_.ids();
  log_.cut(1);
  store(3, "third");
  connect_and_start_over();
  EXPECT_TRUE(std::ranges::includes(log_.ids(), everything));
}

// Refused at first, it came to the server after newer ones; a version vector does not show that it
// is missing.
TEST_F(StreamSessionTest, WhatCameLateAndWasLostInARestoreIsSentAgain) {
  sees_all_ = false;
  connect();
  server_->rejected_records["rec-1"] = "FORBIDDEN";
  client_.write(kNowMs, "late");
  client_.write(kNowMs, "early");
  run();
  ASSERT_EQ(client_.buried.size(), 1);
  client_.session->closed();
  client_.log[0].dead = false;
  client_.log[0].pending = true;
  connect();
  run();
  client_.session->closed();
  ASSERT_EQ(log_.end(), 2);
  const std::set<std::string> everything = log_.ids();
  log_.cut(1);
  store(3, "third");
  connect_and_start_over();
  EXPECT_EQ(client_.times_started_over, 1);
  EXPECT_TRUE(std::ranges::includes(log_.ids(), everything));
}

TEST_F(StreamSessionTest, AServerRestoredAndGrownAgainIsFoundOutByTheFingerprint) {
  knows_timelines_ = false;
  store(5);
  connect();
  run();
  client_.session->closed();
  const std::set<std::string> everything = log_.ids();
  log_.cut(2);
  store(6);  // longer than before, and the client would resume behind what it lacks
  connect();
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::diverged));
  EXPECT_TRUE(client_.closed);
  connect();
  run();
  EXPECT_EQ(client_.ids(), log_.ids());
  for (const std::string& id : everything) EXPECT_TRUE(log_.ids().contains(id));
  EXPECT_EQ(derive_status(client_.facts()), SyncStatus::synced);
}

TEST_F(StreamSessionTest, AFailedApplyIsNotAcknowledgedAndComesAgain) {
  store(1);
  connect();
  client_.apply_failure = Error{ErrorCode::storage, "disk full"};
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::apply_failed));
  EXPECT_EQ(client_.watermark, 0);
  client_.apply_failure.reset();
  time_ms_ += 2'000;
  server_->session.tick(server_now());
  server_->pump(server_now());
  run();
  EXPECT_EQ(client_.watermark, 1);
  EXPECT_EQ(client_.ids(), log_.ids());
}

TEST_F(StreamSessionTest, AClockAheadHoldsUploadsBackAndLosesNothing) {
  store(1);
  client_skew_ms_ = 90'000;
  client_.write(kNowMs + client_skew_ms_, "from the future");
  connect();
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::clock_skew));
  EXPECT_EQ(client_.session->block(), Block::clock);
  EXPECT_EQ(client_.watermark, 1) << "downloads go on";
  EXPECT_EQ(client_.facts().pending_operations, 1);
  EXPECT_EQ(log_.end(), 1);
}

TEST_F(StreamSessionTest, WhatAClockAheadHeldBackGoesOutInItsTimeWhenTheClockWasSetRight) {
  constexpr std::int64_t kAheadMs = 300'000;
  const std::int64_t due_ms = kAheadMs - StreamClientOptions().max_clock_ahead_ms;
  client_skew_ms_ = kAheadMs;
  client_.write(kNowMs + kAheadMs, "from the future");
  connect();
  run();
  EXPECT_EQ(client_.session->block(), Block::clock);
  client_skew_ms_ = 0;
  const int reads = client_.reads_of_pending;
  while (time_ms_ < due_ms - 1'000) wait(1'000);
  client_.write(kNowMs + time_ms_, "later than it in the log");
  client_.session->pending_changed(client_now());
  EXPECT_EQ(client_.reads_of_pending, reads) << "the log is read again when there is reason to";
  EXPECT_EQ(log_.end(), 0) << "the server would refuse it";
  EXPECT_EQ(client_.session->block(), Block::clock);
  for (int second = 0; second < 3; ++second) wait(1'000);
  EXPECT_EQ(log_.end(), 2);
  EXPECT_EQ(client_.session->block(), Block::none);
  EXPECT_EQ(client_.facts().pending_operations, 0);
}

TEST_F(StreamSessionTest, ARefusedTokenIsNotTriedAgain) {
  connect();
  server_->refusal = Error{ErrorCode::unauthenticated, "Authentication failed"};
  run();
  EXPECT_EQ(client_.session->block(), Block::authentication);
  EXPECT_TRUE(client_.closed);
  EXPECT_FALSE(client_.close_retry);
  EXPECT_EQ(server_->close_code, 1000);
}

TEST_F(StreamSessionTest, SilenceEndsTheConnection) {
  connect();
  time_ms_ += 15'000;
  client_.session->tick(client_now());
  EXPECT_TRUE(client_.closed);
  EXPECT_TRUE(client_.close_retry);
  time_ms_ += 15'000;
  server_->session.tick(server_now());
  EXPECT_EQ(server_->close_code, 1008);
}

// As when the server was killed while the line was cut: nobody says that the connection is over.
TEST_F(StreamSessionTest, ASilentServerIsAskedAndGivenUpWhileItOwesAnAnswer) {
  const auto pass = [&](std::int64_t by_ms) {
    for (const std::int64_t end_ms = time_ms_ + by_ms; time_ms_ < end_ms && !client_.closed;) {
      time_ms_ += 500;
      client_.session->tick(client_now());
    }
  };
  connect();  // the handshake goes unanswered
  pass(4'500);
  EXPECT_EQ(client_.pings, 1);
  pass(20'000);
  EXPECT_TRUE(client_.closed && client_.close_retry);
  EXPECT_LE(time_ms_, 11'000);

  connect();
  run();
  pass(600'000);
  EXPECT_EQ(client_.pings, 0) << "nothing is owed";
  EXPECT_FALSE(client_.closed);
  client_.write(kNowMs, "unanswered");
  client_.session->pending_changed(client_now());
  const std::int64_t sent_at_ms = time_ms_;
  pass(20'000);
  EXPECT_TRUE(client_.closed && client_.close_retry);
  EXPECT_LE(time_ms_ - sent_at_ms, 11'000);
}

TEST_F(StreamSessionTest, AServerThatAnswersPingsHasItsTimeToAcknowledge) {
  connect();
  run();
  client_.write(kNowMs, "slow");
  client_.session->pending_changed(client_now());
  const std::int64_t sent_at_ms = time_ms_;
  while (!client_.closed) {
    time_ms_ += 500;
    client_.session->tick(client_now());
    if (std::exchange(client_.pings, 0) > 0) client_.session->heard(client_now());
  }
  EXPECT_EQ(client_.close_reason, "no acknowledgment");
  EXPECT_EQ(time_ms_ - sent_at_ms, StreamClientOptions().acknowledgment_timeout_ms);
}

TEST_F(StreamSessionTest, AnUploadOverASlowLineIsNotGivenUp) {
  connect();
  run();
  client_.write(kNowMs, "large");
  client_.unacknowledged = 200;
  client_.session->pending_changed(client_now());
  for (; client_.unacknowledged > 0; --client_.unacknowledged) {
    time_ms_ += 500;
    client_.session->tick(client_now());
    ASSERT_FALSE(client_.closed) << client_.close_reason;
  }
  run();
  EXPECT_EQ(log_.end(), 1);
}

TEST_F(StreamSessionTest, ASlowReaderCostsItsPlaceInTheLogAndNoMemory) {
  options_.max_unacknowledged_bytes = 5'000;
  options_.batch_operations = 2;
  store(500);
  connect();
  handshake(0);
  std::size_t bytes = 0;
  for (const Value& frame : frames()) bytes += frame.to_json().size();
  EXPECT_LT(bytes, 12'000U);
  EXPECT_FALSE(server_->session.wanted());
  acknowledge(10);
  EXPECT_FALSE(frames().empty()) << "an acknowledgment makes room";
  server_->writable = false;
  acknowledge(20);
  EXPECT_TRUE(frames().empty());
  server_->writable = true;
  server_->pump(server_now());
  EXPECT_FALSE(frames().empty()) << "and so does a drained connection";
}

TEST_F(StreamSessionTest, SendsEachOperationOnceUntilAcknowledgmentsStayAway) {
  connect();
  handshake(0);
  frames();
  for (int relay = 0; relay < 20; ++relay) {
    store(1);
    server_->log_grew(server_now());
  }
  std::size_t sent = 0;
  for (const Value& frame : frames()) sent += frame["operations"].size();
  EXPECT_EQ(sent, 20U);
  time_ms_ += 2'000;
  server_->session.tick(server_now());
  server_->pump(server_now());
  const std::vector<Value> again = frames();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0]["baseDeliverySequence"].as_integer(-1), 0);
  EXPECT_EQ(again[0]["operations"].size(), 20U);
  time_ms_ += 2'000;
  server_->session.tick(server_now());
  server_->pump(server_now());
  EXPECT_TRUE(frames().empty()) << "the wait doubles";
}

TEST_F(StreamSessionTest, ReadsNoFurtherAheadThanItMayStore) {
  options_.max_uncommitted_bytes = 1'000;
  connect();
  handshake(0);
  for (int number = 1; number <= 4; ++number) {
    const core::Operation operation = make_operation("n", number, kNowMs, std::string(300, 'x'));
    server_->receive(R"({"type":"operation-batch","messageId":"m","isFinal":true,)"
                     R"("batchIndex":0,"operations":[)" +
                         protocol::operation_json(operation) + "]}",
                     server_now());
  }
  EXPECT_TRUE(server_->paused);
  while (server_->commit()) {
  }
  EXPECT_FALSE(server_->paused);
}

TEST_F(StreamSessionTest, ADuplicateHandshakeIsAnErrorAndNoMore) {
  connect();
  handshake(0);
  frames();
  handshake(0);
  EXPECT_EQ(frames().at(0)["code"].as_string(), "DUPLICATE_HANDSHAKE");
  EXPECT_EQ(server_->close_code, 0);
}

TEST_F(StreamSessionTest, RejectsAnOperationThatCannotBeReadByItsName) {
  connect();
  handshake(0);
  frames();
  server_->receive(R"({"type":"operation-batch","messageId":"m","isFinal":true,"batchIndex":0,)"
                   R"("operations":[{"id":"abc","collection":"c","recordId":"r","data":5}]})",
                   server_now());
  const std::vector<Value> answer = frames();
  ASSERT_EQ(answer.size(), 2U);
  EXPECT_EQ(answer[0]["operationId"].as_string(), "abc");
  EXPECT_EQ(answer[0]["code"].as_string(), "VALIDATION_ERROR");
  EXPECT_EQ(answer[1]["acknowledgedMessageId"].as_string(), "m");
}

TEST_F(StreamSessionTest, EndsTheSessionOnAnOperationWithoutAName) {
  connect();
  handshake(0);
  frames();
  server_->receive(R"({"type":"operation-batch","messageId":"m","isFinal":true,"batchIndex":0,)"
                   R"("operations":[{}]})",
                   server_now());
  EXPECT_EQ(frames().at(0)["code"].as_string(), "INVALID_MESSAGE");
  EXPECT_NE(server_->close_code, 0);
}

TEST(DownloadedBatch, GivesEveryOperationInOrderAndLeavesOutWhatCannotBeRead) {
  const core::Operation first = testing::make_operation("a", 3, 1'000, "x");
  const core::Operation second = testing::make_operation("b", 8, 2'000, "y");
  const std::string texts[] = {"{}", protocol::operation_json(first), "1",
                               protocol::operation_json(second), R"({"id":"z"})"};
  const std::vector<std::string_view> bodies(std::begin(texts), std::end(texts));
  DownloadedBatch batch(bodies);
  for (const core::Operation& expected : {first, second}) {
    const DownloadedOperation* given = batch.next();
    ASSERT_NE(given, nullptr);
    EXPECT_EQ(given->operation, expected);
    EXPECT_EQ(given->body, protocol::operation_json(expected));
  }
  EXPECT_EQ(batch.next(), nullptr);
  EXPECT_EQ(batch.operation_count, 2);
  EXPECT_EQ(batch.last_sequence_number, 8);
  ASSERT_EQ(batch.unreadable.size(), 3U);
  EXPECT_NE(batch.unreadable[0].reason.find("'id' is missing"), std::string::npos);
  EXPECT_EQ(batch.unreadable[2].id, "z");

  DownloadedBatch again(bodies);
  again.next();
  again.next();
  again.put_aside("no");
  EXPECT_EQ(again.next()->operation, first);
  EXPECT_EQ(again.next(), nullptr);
  EXPECT_EQ(again.last_sequence_number, 3);
  ASSERT_EQ(again.unreadable.size(), 4U);
  EXPECT_EQ(again.unreadable[2].id, second.id);
  EXPECT_EQ(again.unreadable[2].reason, "no");
}

}  // namespace
}  // namespace tombolo::sync
