// The real server, killed at random moments while several clients write. Whatever it acknowledged
// is there after each restart, the timestamps of the list are distinct and increase, and the log
// has no gap.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "net/testing_socket.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/files.h"
#include "server/storage/sqlite_storage.h"
#include "server/storage/storage.h"
#include "server_process.h"

#include "tombolo/value.h"

namespace tombolo {
namespace {

constexpr int kRounds = 20;
constexpr int kWriters = 4;
constexpr int kLongestRoundMs = 400;

// "a:b" in base64.
constexpr const char* kAuthorization = "Authorization: Basic YTpi\r\n";

std::string request(const std::string& method, const std::string& path, const std::string& body) {
  return method + " /v1" + path + " HTTP/1.1\r\nHost: x\r\n" + kAuthorization +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

class KillServerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<os::TemporaryDirectory> directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_ = std::make_unique<os::TemporaryDirectory>(std::move(*directory));
    database_ = directory_->path() + "/server.db";
  }

  static void make_parents(std::uint16_t port) {
    net::TestingSocket socket(port);
    for (const std::string path : {"/buckets/b", "/buckets/b/collections/c"}) {
      ASSERT_TRUE(socket.send(request("PUT", path, "{}")));
      const std::string answer = socket.read_response();
      ASSERT_TRUE(answer.starts_with("HTTP/1.1 20")) << answer;
    }
  }

  // Puts records one after the other until the server is gone; counts each that was acknowledged.
  void write(std::uint16_t port, int writer, int round) {
    net::TestingSocket socket(port);
    if (!socket.is_connected()) return;
    for (int i = 0;; ++i) {
      // Half of the writes go to records that exist.
      const std::string id = "w" + std::to_string(writer) + "-" +
                             std::to_string(i % 2 == 0 ? i : 1000000 + round * 1000 + i);
      const std::string value = std::to_string(round) + "." + std::to_string(i);
      const std::string body = R"({"data":{"value":")" + value + R"("}})";
      {
        const std::lock_guard lock(mutex_);
        in_doubt_[id] = value;
      }
      if (!socket.send(request("PUT", "/buckets/b/collections/c/records/" + id, body))) return;
      const std::string answer = socket.read_response();
      if (!answer.starts_with("HTTP/1.1 20") || !answer.ends_with("}}")) return;
      const std::lock_guard lock(mutex_);
      acknowledged_[id] = value;
      in_doubt_.erase(id);
      ++count_;
    }
  }

  void check_file() {
    const os::SystemClock clock;
    os::SystemRandom random;
    server::SqliteStorageOptions options;
    options.path = database_;
    auto storage = server::open_sqlite_storage(options, clock, random);
    ASSERT_TRUE(storage) << storage.error().message;
    auto reader = (*storage)->open_reader();
    ASSERT_TRUE(reader);
    auto snapshot = (*reader)->begin();
    ASSERT_TRUE(snapshot);
    check_records(**snapshot);
    check_log(**snapshot);
  }

  void check_records(server::ReadTransaction& snapshot) {
    server::ListQuery query;
    query.list = server::ListPath::records("b", "c");
    query.sort = {{"last_modified", false}};
    std::map<std::string, std::string> stored;
    std::int64_t newest = 0;
    ASSERT_TRUE(snapshot.list(query, [&](const server::ObjectView& object) {
      EXPECT_GT(object.last_modified, newest) << "two writes share a timestamp";
      newest = object.last_modified;
      stored[std::string(object.id)] = Value::parse(object.data).value()["value"].as_string();
      return true;
    }));
    EXPECT_GE(snapshot.list_timestamp(query.list).value(), newest);
    for (const auto& [id, value] : acknowledged_) {
      const auto doubt = in_doubt_.find(id);
      const bool is_doubted = doubt != in_doubt_.end() && stored[id] == doubt->second;
      EXPECT_TRUE(stored[id] == value || is_doubted)
          << id << " was acknowledged with " << value << " and holds " << stored[id];
    }
    // What was in doubt is settled: the next round builds on it.
    for (const auto& [id, value] : in_doubt_) {
      if (const auto found = stored.find(id); found != stored.end()) {
        acknowledged_[id] = found->second;
      }
    }
    in_doubt_.clear();
  }

  void check_log(server::ReadTransaction& snapshot) {
    std::int64_t expected = 0;
    ASSERT_TRUE(snapshot.operations_after("b", 0, std::int64_t{1} << 30,
                                          [&](const server::LoggedOperation& operation) {
                                            EXPECT_EQ(operation.delivery_sequence, ++expected);
                                            return operation.delivery_sequence == expected;
                                          }));
    EXPECT_EQ(snapshot.bucket_log("b").value().delivery_sequence, expected);
    EXPECT_GE(expected, count_);
  }

  std::unique_ptr<os::TemporaryDirectory> directory_;
  std::string database_;
  std::mutex mutex_;
  std::map<std::string, std::string> acknowledged_;  // id -> value
  std::map<std::string, std::string> in_doubt_;      // sent, no answer yet
  std::int64_t count_ = 0;
};

TEST_F(KillServerTest, LosesNothingThatItAcknowledged) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    ServerProcess server(database_);
    ASSERT_NE(server.port(), 0) << "the server did not start in round " << round;
    if (round == 0) make_parents(server.port());
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back(
          [this, writer, round, port = server.port()] { write(port, writer, round); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % kLongestRoundMs));
    server.end(SIGKILL);
    for (std::thread& writer : writers) writer.join();
    check_file();
  }
  EXPECT_GT(count_, kRounds) << "too few writes to prove anything";
}

TEST_F(KillServerTest, AskedToStopItAnswersWhatItTookAndExitsWithZero) {
  ServerProcess server(database_);
  ASSERT_NE(server.port(), 0);
  make_parents(server.port());
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer, port = server.port()] { write(port, writer, 0); });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(server.end(SIGTERM), 0);
  for (std::thread& writer : writers) writer.join();
  check_file();
}

TEST_F(KillServerTest, ASecondServerOnTheSameFileRefusesToStart) {
  ServerProcess first(database_);
  ASSERT_NE(first.port(), 0);
  ServerProcess second(database_);
  EXPECT_EQ(second.port(), 0);
  EXPECT_EQ(second.end(SIGTERM), 1);
}

}  // namespace
}  // namespace tombolo
