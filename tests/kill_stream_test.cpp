// The real server, killed at random moments while two devices write and exchange with it. What it
// acknowledged to a device is in its log after every kill; a device that says synced holds what the
// server holds; and in the end both hold everything that either wrote, once.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "os/clock.h"
#include "os/entropy.h"
#include "os/files.h"
#include "protocol/operation_json.h"
#include "server/storage/sqlite_storage.h"
#include "server/storage/storage.h"
#include "server_process.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

constexpr int kRounds = 24;
constexpr int kQuietEvery = 4;  // rounds: then nobody writes while it is killed
constexpr int kLongestRoundMs = 400;
constexpr std::int64_t kPatienceMs = 60'000;
constexpr std::int64_t kAllOperations = 1'000'000;

// A device: a database that is written to, and its remote.
class Device {
 public:
  Device(std::string path, std::string name)
      : name_(std::move(name)), database_(Database::open(path).value()) {}

  void connect(std::uint16_t port) {
    const std::string url = "ws://127.0.0.1:" + std::to_string(port) + "/v1/buckets/main/stream";
    remote_ = database_.connect({.url = url, .name = "server"}).value();
  }
  Remote& remote() { return *remote_; }
  Collection records() { return database_.collection("c"); }
  std::int64_t increments() const { return increments_; }
  std::int64_t created() const { return created_; }

  // Writes until told to stop.
  void write(const std::atomic<bool>& go_on, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (go_on) {
      Collection c = records();
      const std::string shared = "shared-" + std::to_string(random() % 8);
      const auto number = static_cast<std::int64_t>(random() % 1000);
      switch (random() % 4) {
        case 0:
          if (c.create({{"id", name_ + "-" + std::to_string(created_)}, {"n", number}})) ++created_;
          break;
        case 1:
          (void)c.put(shared, {{"by", name_}, {"n", number}});
          break;
        case 2:
          (void)c.remove(shared);
          break;
        default:
          if (c.increment("total", "n", 1)) ++increments_;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    }
  }

  // The ids of what it holds: everything, or what no remote lacks.
  std::set<std::string> operations(bool with_pending) const {
    std::set<std::string> ids;
    const std::vector<OperationInfo> all = database_.operations(kAllOperations).value();
    for (const OperationInfo& operation : all) {
      if (with_pending || !operation.pending) ids.insert(operation.id);
    }
    return ids;
  }
  Object contents() {
    Object all;
    const auto records = this->records().order_by("id").all().value();
    for (const Record& record : records) all.set(record.id(), record.fields());
    return all;
  }
  // How many letters and unreadable operations there are: there must be none.
  std::int64_t troubles() const {
    const auto status = database_.status().value();
    return status.dead_letters + status.remotes.at(0).unreadable;
  }

 private:
  const std::string name_;
  Database database_;
  std::optional<Remote> remote_;
  std::int64_t increments_ = 0;
  std::int64_t created_ = 0;
};

class KillStreamTest : public testing::Test {
 protected:
  void start_server() {
    server_ = std::make_unique<ServerProcess>(database_, port_);
    ASSERT_NE(server_->port(), 0) << "the server did not start";
    port_ = server_->port();
  }

  static void sync(Device& device) {
    const auto done = device.remote().wait_until_synced(kPatienceMs);
    ASSERT_TRUE(done) << done.error().message;
  }
  void sync_both() {
    sync(a_);
    sync(b_);
    sync(a_);
  }

  // The ids of the server's log, from its file: it must not be running.
  std::set<std::string> server_log() const {
    const os::SystemClock clock;
    os::SystemRandom random;
    server::SqliteStorageOptions options;
    options.path = database_;
    auto storage = server::open_sqlite_storage(options, clock, random).value();
    auto reader = storage->open_reader().value();
    auto snapshot = reader->begin().value();
    std::set<std::string> ids;
    EXPECT_TRUE(snapshot->operations_after(
        "main", 0, kAllOperations, [&](const server::LoggedOperation& operation) {
          const auto read = protocol::parse_operation_json(operation.body);
          EXPECT_TRUE(ids.insert(read.value().id).second) << "twice in the log";
          return true;
        }));
    return ids;
  }

  static void expect_held(const std::set<std::string>& log, const Device& device) {
    for (const std::string& id : device.operations(false)) {
      ASSERT_TRUE(log.contains(id)) << "operation " << id << " was acknowledged and is not there";
    }
  }

  // Both write while the server is killed.
  void busy_round(std::mt19937_64& random) {
    start_server();
    std::atomic<bool> go_on = true;
    std::vector<std::thread> writers;
    for (Device* device : {&a_, &b_}) {
      writers.emplace_back([&, device, seed = random()] { device->write(go_on, seed); });
      device->remote().sync_now();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % kLongestRoundMs));
    server_->end(SIGKILL);
    go_on = false;
    for (std::thread& writer : writers) writer.join();
    const std::set<std::string> log = server_log();
    expect_held(log, a_);
    expect_held(log, b_);
  }

  // Nobody writes; the server is killed when both say that they are synced.
  void quiet_round() {
    start_server();
    sync_both();
    for (Device* device : {&a_, &b_}) EXPECT_TRUE(device->remote().status().value().synced);
    server_->end(SIGKILL);
    const std::set<std::string> log = server_log();
    EXPECT_EQ(a_.operations(true), log);
    EXPECT_EQ(b_.operations(true), log);
  }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::make().value();
  std::string database_ = directory_.path() + "/server.db";
  std::uint16_t port_ = 0;
  std::unique_ptr<ServerProcess> server_;
  Device a_{directory_.path() + "/a.db", "a"};
  Device b_{directory_.path() + "/b.db", "b"};
};

TEST_F(KillStreamTest, LosesNothingAndIsSyncedOnlyWhenItIs) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  start_server();
  a_.connect(port_);
  b_.connect(port_);
  ASSERT_TRUE(a_.records().create({{"id", "total"}, {"n", 0}}));
  sync_both();
  server_->end(SIGKILL);
  for (int round = 1; round <= kRounds && !HasFailure(); ++round) {
    if (round % kQuietEvery == 0) {
      quiet_round();
    } else {
      busy_round(random);
    }
  }
  quiet_round();
  EXPECT_EQ(a_.contents(), b_.contents());
  EXPECT_EQ(a_.troubles() + b_.troubles(), 0);
  EXPECT_EQ(a_.records().get("total").value()["n"], a_.increments() + b_.increments());
  EXPECT_GT(a_.created() + b_.created(), kRounds) << "too few writes to prove anything";
  std::int64_t records = 0;
  const Object contents = a_.contents();
  for (const Member& member : contents) {
    if (member.key.starts_with("a-") || member.key.starts_with("b-")) ++records;
  }
  EXPECT_EQ(records, a_.created() + b_.created());
}

}  // namespace
}  // namespace tombolo
