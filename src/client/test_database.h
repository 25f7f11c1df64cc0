// For tests: a Database in a directory of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "os/files.h"

#include "tombolo/database.h"

namespace tombolo::testing {

class DatabaseFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
    open();
  }
  void TearDown() override {
    close();
    directory_.reset();
  }

  void open() {
    auto database =
        Database::open(path(), {.durability = Durability::relaxed, .watch_interval_ms = 5});
    ASSERT_TRUE(database) << database.error().message;
    database_.emplace(std::move(*database));
  }
  void close() { database_.reset(); }
  void reopen() {
    close();
    open();
  }
  std::string path() const { return directory_->path() + "/test.db"; }
  Database& db() { return *database_; }

 private:
  std::optional<os::TemporaryDirectory> directory_;
  std::optional<Database> database_;
};

// Two devices: db() and other().
class TwoDevicesFixture : public DatabaseFixture {
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

 private:
  std::optional<Database> other_;
};

// Whether the condition came true in time.
inline bool comes_true(const std::function<bool()>& condition, int timeout_ms = 20'000) {
  constexpr int kStepMs = 5;
  for (int waited_ms = 0; !condition(); waited_ms += kStepMs) {
    if (waited_ms >= timeout_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
  }
  return true;
}

// Something that one thread changes and another waits for.
template <typename T>
class Watched {
 public:
  void change(const std::function<void(T&)>& change) {
    const std::lock_guard guard(mutex_);
    change(value_);
    changed_.notify_all();
  }
  // Whether the condition came true in time.
  bool wait(const std::function<bool(const T&)>& condition, int timeout_ms = 10'000) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, std::chrono::milliseconds(timeout_ms),
                             [&] { return condition(value_); });
  }
  T get() {
    const std::lock_guard guard(mutex_);
    return value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

}  // namespace tombolo::testing
