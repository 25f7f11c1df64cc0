// When a client may say that it is synced: what the server owes it for that, what it does when the
// proof does not come, and what it does with what can never be exchanged.
#include <gtest/gtest.h>

#include "sync/test_stream_pair.h"

namespace tombolo::sync {
namespace {

using testing::kNowMs;
using testing::make_operation;
using testing::MemoryClient;

class StreamProofTest : public testing::StreamPair {
 protected:
  SyncStatus status() { return derive_status(client_.facts()); }

  // As run(), frame by frame: whenever the client says synced, it holds what the server holds.
  void run_watched() {
    while (!client_.out.empty() || !server_->out.empty() || !server_->uploads.empty()) {
      for (const std::string& frame : std::exchange(client_.out, {})) {
        server_->receive(frame, server_now());
      }
      while (server_->commit()) server_->log_grew(server_now());
      for (const std::string& frame : std::exchange(server_->out, {})) {
        client_.session->text_received(frame, client_now());
        if (status() == SyncStatus::synced) {
          EXPECT_EQ(client_.ids(), log_.ids()) << "after " << frame.substr(0, 120);
        }
      }
    }
    EXPECT_EQ(client_.ids(), log_.ids());
    EXPECT_EQ(status(), SyncStatus::synced);
  }

  // To the server, as node "n".
  void upload(const std::string& message_id, const std::vector<core::Operation>& operations) {
    std::string frame = R"({"type":"operation-batch","messageId":")" + message_id +
                        R"(","isFinal":true,"batchIndex":0,"operations":[)";
    for (const core::Operation& operation : operations) {
      if (frame.back() != '[') frame += ',';
      frame += protocol::operation_json(operation);
    }
    server_->receive(frame + "]}", server_now());
  }
};

TEST_F(StreamProofTest, ALiveSeriesOfBatchesIsNotOverBeforeItsLast) {
  for (const bool keeps_fingerprint : {true, false}) {
    client_.keeps_fingerprint = keeps_fingerprint;
    options_.batch_operations = 3;
    connect();
    run_watched();
    store(40);
    server_->log_grew(server_now());
    run_watched();
    client_.session->closed();
  }
}

TEST_F(StreamProofTest, AnAnswerSaysWhatIsStillToCome) {
  for (const bool keeps_fingerprint : {true, false}) {
    client_.keeps_fingerprint = keeps_fingerprint;
    connect();
    run();
    store(5);  // and the feed has not told this session yet
    ASSERT_TRUE(client_.session->ask(client_now()));
    run_watched();
    client_.session->closed();
  }
}

TEST_F(StreamProofTest, WithoutAFingerprintOnesOwnUploadEndsSynced) {
  for (const bool sees_all : {true, false}) {
    sees_all_ = sees_all;
    client_.keeps_fingerprint = !sees_all;  // there is nothing to compare either way
    store(2);
    for (int write = 0; write < 5; ++write) client_.write(kNowMs, "w" + std::to_string(write));
    connect();
    run_watched();
    EXPECT_EQ(client_.watermark, log_.end());
    client_.write(kNowMs, "live");
    client_.session->pending_changed(client_now());
    run_watched();
    client_.session->closed();
  }
}

TEST_F(StreamProofTest, AnAnswerWaitsForWhatWasUploadedBefore) {
  connect();
  handshake(0);
  acknowledge(0);
  frames();
  upload("m1", {make_operation("n", 1, kNowMs, "x")});
  upload("m2", {});
  EXPECT_TRUE(frames().empty());
  server_->commit();
  server_->pump(server_now());
  const std::vector<Value> answers = frames();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["acknowledgedMessageId"].as_string(), "m1");
  EXPECT_EQ(answers[0]["serverMaxDeliverySequence"].as_integer(), 1);
  EXPECT_EQ(answers[1]["acknowledgedMessageId"].as_string(), "m2");
  EXPECT_EQ(answers[1]["serverMaxDeliverySequence"].as_integer(), 1);
  EXPECT_EQ(answers[1]["fingerprint"].as_string(), log_.proof().fingerprint);
  EXPECT_EQ(answers[2]["type"].as_string(), "operation-batch");
  EXPECT_EQ(answers[2]["operations"].size(), 0U) << "its own, which it has";
  EXPECT_EQ(answers[2]["isFinal"].as_bool(), true);
  EXPECT_EQ(answers[2]["maxDeliverySequence"].as_integer(), 1);
}

TEST_F(StreamProofTest, WhoHasEverythingIsAnsweredAndSentNothing) {
  store(3);
  connect();
  handshake(0);
  acknowledge(3);
  frames();
  upload("m", {});
  const std::vector<Value> answers = frames();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0]["acknowledgedMessageId"].as_string(), "m");
}

TEST_F(StreamProofTest, AClientOfTheOlderKindIsAnsweredAsEver) {
  connect();
  server_->receive(R"({"type":"handshake","messageId":"h","nodeId":"n","versionVector":{},)"
                   R"("schemaVersion":1})",
                   server_now());
  frames();
  upload("m", {make_operation("n", 1, kNowMs, "x")});
  while (server_->commit()) server_->log_grew(server_now());
  upload("m2", {});
  const std::vector<Value> answers = frames();
  ASSERT_EQ(answers.size(), 2U);
  for (const Value& answer : answers) {
    EXPECT_EQ(answer["type"].as_string(), "acknowledgment");
    EXPECT_EQ(answer.size(), 4U) << answer.to_json();
  }
}

TEST_F(StreamProofTest, ASeriesThatEndsInOnesOwnOperationsIsEnded) {
  options_.batch_operations = 1;  // and a page of the log has five
  connect();
  handshake(0);
  acknowledge(0);
  frames();
  store(5);
  const core::Operation own = make_operation("n", 1, kNowMs, "own");
  log_.append(own, protocol::operation_json(own));
  server_->log_grew(server_now());
  const std::vector<Value> batches = frames();
  ASSERT_EQ(batches.size(), 6U);
  EXPECT_EQ(batches[4]["isFinal"].as_bool(true), false);
  EXPECT_EQ(batches[5]["operations"].size(), 0U);
  EXPECT_EQ(batches[5]["isFinal"].as_bool(), true);
  EXPECT_EQ(batches[5]["maxDeliverySequence"].as_integer(), 6);
}

TEST_F(StreamProofTest, WhoMissesSomethingAsks) {
  connect();
  run();
  store(1);  // and nobody is told
  client_.write(kNowMs, "mine");
  client_.session->pending_changed(client_now());
  for (const std::string& frame : std::exchange(client_.out, {})) {
    server_->receive(frame, server_now());
  }
  server_->commit();
  run();
  EXPECT_EQ(status(), SyncStatus::syncing) << "the acknowledgment's proof shows more than is here";
  wait(500);
  wait(500);
  wait(500);
  EXPECT_EQ(client_.ids(), log_.ids());
  EXPECT_EQ(status(), SyncStatus::synced);
}

TEST_F(StreamProofTest, WhatCannotBeReadIsKeptAndNeverCalledSynced) {
  store(2);
  const core::Operation odd = make_operation("other", 3, kNowMs, "of a later version");
  const std::string body =
      R"({"id":")" + odd.id + R"(","collection":"todos","recordId":"r","type":"transpose"})";
  log_.append(odd, body);
  store(1, "third");
  connect();
  run();
  EXPECT_EQ(client_.watermark, 4);
  EXPECT_EQ(client_.log.size(), 3U);
  ASSERT_EQ(client_.unreadable.size(), 1U);
  EXPECT_EQ(client_.unreadable.at(odd.id), body);
  EXPECT_TRUE(client_.saw(ClientEvent::unreadable_operation));
  EXPECT_EQ(client_.times_started_over, 0);
  EXPECT_EQ(status(), SyncStatus::syncing);
}

TEST_F(StreamProofTest, AnOperationTooLargeToSendIsBuriedUnsent) {
  options_.max_operation_bytes = 1'000;
  client_.write(kNowMs, "small");
  client_.write(kNowMs, std::string(1'000, 'x'));
  client_.write(kNowMs, "small too");
  for (int write = 0; write < 4; ++write) client_.write(kNowMs, std::string(2'000, 'y'));
  client_.write(kNowMs, "last");
  connect();
  run();
  ASSERT_EQ(client_.buried.size(), 5U);
  EXPECT_EQ(client_.buried[0].code, "OPERATION_TOO_LARGE");
  EXPECT_NE(client_.buried[0].message.find("1000 may be sent"), std::string::npos)
      << "our words, not the server's: " << client_.buried[0].message;
  EXPECT_EQ(log_.end(), 3);
  EXPECT_EQ(status(), SyncStatus::synced);
}

TEST_F(StreamProofTest, AServerThatTakesMoreDoesNotMakeUsSendMore) {
  client_.max_operation_bytes = 1'000;
  client_.write(kNowMs, std::string(1'000, 'x'));
  connect();
  run();
  EXPECT_EQ(client_.buried.size(), 1U);
  EXPECT_EQ(log_.end(), 0);
}

TEST_F(StreamProofTest, RecoveringOnesOwnHistoryGoesOnWhereItWasCut) {
  for (int write = 0; write < 30; ++write) client_.write(kNowMs, "w" + std::to_string(write));
  connect();
  run();
  MemoryClient copy("node-a");  // of this database, from before most of it
  copy.watermark = 1;
  options_.batch_operations = 4;
  connect(copy);
  run_and_cut(copy, INT64_MAX);
  EXPECT_EQ(copy.times_started_over, 1);
  for (const std::int64_t reached : {4, 8, 12}) {
    connect(copy);
    run_and_cut(copy, reached);
    EXPECT_EQ(copy.watermark, reached);
  }
  connect(copy);
  run_and_cut(copy, INT64_MAX);
  EXPECT_EQ(copy.times_started_over, 1);
  EXPECT_EQ(copy.ids(), log_.ids());
}

TEST_F(StreamProofTest, ComparingEverythingAnewWaitsForItsTimeAndThenHappens) {
  knows_timelines_ = false;
  store(5);
  connect();
  run();
  client_.session->closed();
  log_.cut(2);
  store(6);
  client_.start_over_not_before_ms = 60'000;
  connect();
  run();
  EXPECT_TRUE(client_.saw(ClientEvent::diverged));
  EXPECT_EQ(client_.times_started_over, 0);
  EXPECT_EQ(status(), SyncStatus::syncing);
  wait(60'000);
  EXPECT_EQ(client_.times_started_over, 1);
  EXPECT_TRUE(client_.closed);
  connect();
  run();
  EXPECT_EQ(client_.ids(), log_.ids());
  EXPECT_EQ(status(), SyncStatus::synced);
}

}  // namespace
}  // namespace tombolo::sync
