// Our server session against recorded sessions of the original (tests/data/kora/transcripts, where
// a README lists what we do otherwise and why).
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "sync/test_stream_peers.h"

namespace tombolo::sync {
namespace {

using testing::MemoryLog;
using testing::ServerEnd;

constexpr std::int64_t kStartMs = 1'700'000'000'000;

const Array& elements(const Value& value) {
  static const Array none;
  return value.if_array() != nullptr ? *value.if_array() : none;
}

// What is not compared: identities, times, and our extensions.
Value comparable(Value frame) {
  Object& members = *frame.if_object();
  for (const char* key : {"messageId", "serverTime", "fingerprint", "fingerprintSequence",
                          "maxOperationBytes", "selectedWireFormat", "timeline", "nextTimeline"}) {
    members.erase(key);
  }
  if (frame["type"].as_string() == "acknowledgment") members.erase("serverMaxDeliverySequence");
  if (frame["type"].as_string() == "handshake-response") members.erase("nodeId");
  return frame;
}

class Replay {
 public:
  explicit Replay(const std::string& name) {
    std::ifstream file(std::string(TOMBOLO_TEST_DATA) + "/kora/transcripts/" + name + ".json");
    std::stringstream text;
    text << file.rdbuf();
    transcript_ = Value::parse(text.str()).value();
  }

  StreamServerOptions options;
  std::map<std::string, std::string> rejected_records;
  std::string rejection_message;
  std::optional<Error> refusal;

  // Puts the recorded operations that no recorded client brought into the log, in the order of
  // their numbers, before anybody comes.
  void preload() {
    std::map<std::int64_t, Value> operations;
    for (const Value& event : elements(transcript_["events"])) {
      if (event["dir"].as_string() != "server->client") continue;
      for (const Value& wire : elements(event["frame"]["operations"])) {
        operations[wire["sequenceNumber"].as_integer()] = wire;
      }
    }
    for (const auto& [number, wire] : operations) {
      log_.append(protocol::parse_operation_json(wire.to_json()).value(), wire.to_json());
    }
  }

  void run() {
    for (const Value& event : elements(transcript_["events"])) {
      now_ms_ = event["t"].as_integer();
      tick();
      const std::int64_t connection = event["conn"].as_integer();
      if (event["event"].as_string() == "open") open(connection);
      if (event["event"].as_string().ends_with("closed")) ends_.at(connection)->session.closed();
      if (event["dir"].as_string() == "client->server") receive(connection, event["frame"]);
      if (event["dir"].as_string() == "server->client") expect(connection, event["frame"]);
    }
    tick();
  }

  void compare() {
    run();
    for (const auto& [connection, frames] : expected_) {
      const std::vector<Value> sent = this->sent(connection);
      ASSERT_EQ(sent.size(), frames.size()) << "connection " << connection << ": " << list(sent);
      for (std::size_t at = 0; at < frames.size(); ++at) {
        EXPECT_EQ(sent[at], frames[at]) << "connection " << connection << ", frame " << at << "\n"
                                        << sent[at].to_json() << "\nrecorded\n"
                                        << frames[at].to_json();
      }
    }
  }

  std::vector<Value> sent(std::int64_t connection) {
    std::vector<Value> frames;
    for (const std::string& frame : ends_.at(connection)->out) {
      frames.push_back(comparable(Value::parse(frame).value()));
    }
    return frames;
  }
  const ServerEnd& end(std::int64_t connection) { return *ends_.at(connection); }

 private:
  static std::string list(const std::vector<Value>& frames) {
    std::string text;
    for (const Value& frame : frames) text += "\n" + frame.to_json().substr(0, 300);
    return text;
  }

  StreamServerSession::Now now() const { return {now_ms_, kStartMs + now_ms_}; }

  void open(std::int64_t connection) {
    StreamServerOptions own = options;
    own.tag = "server-" + std::to_string(connection);
    own.view_tag = "view";
    ends_[connection] = std::make_unique<ServerEnd>(log_, std::move(own), now());
    ends_[connection]->rejected_records = rejected_records;
    ends_[connection]->rejection_message = rejection_message;
    ends_[connection]->refusal = refusal;
  }

  void tick() {
    for (auto& [connection, end] : ends_) {
      end->session.tick(now());
      end->pump(now());
    }
  }

  void receive(std::int64_t connection, const Value& frame) {
    ServerEnd& end = *ends_.at(connection);
    if (end.close_code != 0) return;
    end.receive(frame.to_json(), now());
    while (end.commit()) {
    }
    for (auto& [other, peer] : ends_) peer->log_grew(now());
  }

  // Operations that no recorded client brought were there before, or came from elsewhere.
  void expect(std::int64_t connection, const Value& frame) {
    bool grew = false;
    for (const Value& wire : elements(frame["operations"])) {
      const core::Operation operation = protocol::parse_operation_json(wire.to_json()).value();
      grew |= log_.append(operation, wire.to_json());
    }
    if (grew) {
      for (auto& [other, peer] : ends_) peer->log_grew(now());
    }
    expected_[connection].push_back(comparable(frame));
  }

  Value transcript_;
  MemoryLog log_;
  std::int64_t now_ms_ = 0;
  std::map<std::int64_t, std::unique_ptr<ServerEnd>> ends_;
  std::map<std::int64_t, std::vector<Value>> expected_;
};

TEST(StreamTranscript, EmptyHandshake) {
  Replay("01-empty-handshake").compare();
}

TEST(StreamTranscript, UploadAndInitialSync) {
  Replay("02-upload-and-initial-sync").compare();
}

TEST(StreamTranscript, StreamingBothWays) {
  Replay("03-streaming-both-ways").compare();
}

TEST(StreamTranscript, OfflineDeltaAndResume) {
  Replay("04-offline-delta-and-resume").compare();
}

TEST(StreamTranscript, MultiBatch) {
  Replay replay("05-multi-batch");
  replay.options.batch_operations = 7;
  replay.compare();
}

TEST(StreamTranscript, LegacyDeltaClient) {
  Replay replay("06-legacy-delta-client");
  replay.preload();
  replay.compare();
}

TEST(StreamTranscript, RetransmitUntilAcknowledged) {
  Replay replay("07-retransmit-until-ack");
  replay.options.resend_after_ms = 1'700;  // the original's tick does not wait its full time
  replay.compare();
}

TEST(StreamTranscript, AuthenticationFailed) {
  Replay replay("10-auth-failed");
  replay.refusal = Error{ErrorCode::unauthenticated, "Authentication failed"};
  replay.compare();
  EXPECT_EQ(replay.end(1).close_code, 1000);
  EXPECT_EQ(replay.end(1).close_reason, "authentication failed");
}

TEST(StreamTranscript, SchemaMismatch) {
  Replay replay("11-schema-mismatch");
  replay.options.schema_version = 3;
  replay.options.min_schema_version = 2;
  replay.options.max_schema_version = 3;
  replay.compare();
  EXPECT_EQ(replay.end(1).close_code, 1000);
  EXPECT_EQ(replay.end(1).close_reason, "schema version mismatch");
}

TEST(StreamTranscript, OperationRejected) {
  Replay replay("12-operation-rejected");
  replay.rejected_records["018bcfe5-c812-7815-99e4-0578e33e78fe"] = "TITLE_BANNED";
  replay.rejection_message = "title not allowed";
  replay.compare();
}

TEST(StreamTranscript, UnknownAndInvalid) {
  Replay("14-unknown-and-invalid").compare();
}

TEST(StreamTranscript, ErrorsAndLimits) {
  Replay replay("13-errors-limits");
  replay.options.max_operation_bytes = 2'000;
  replay.options.operations_per_minute = 5;
  replay.run();
  const std::vector<Value> sent = replay.sent(1);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[2]["type"].as_string(), "error");
  EXPECT_EQ(sent[2]["code"].as_string(), "INVALID_TIMESTAMP");
  EXPECT_EQ(sent[2]["message"].as_string(),
            "Operation \"04591213b46820f3bff7cde4250e963bfd28579ddec04f84415992754ee92fbb\" "
            "timestamp is too far in the future");
  EXPECT_EQ(replay.end(1).close_code, 1008);
}

}  // namespace
}  // namespace tombolo::sync
