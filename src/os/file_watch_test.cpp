#include "os/file_watch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace tombolo::os {
namespace {

using Woken = FileWatch::Woken;

constexpr std::int64_t kLongMs = 60'000;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    std::string name = (std::filesystem::temp_directory_path() / "watch-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    path_ = directory_ / "file";
    write();
  }
  ~FileWatchTest() override { std::filesystem::remove_all(directory_); }

  void write() { std::ofstream(path_, std::ios::app) << "more"; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(FileWatchTest, TellsOfWhatIsWrittenOnce) {
  FileWatch watch(path());
  ASSERT_TRUE(watch.is_watching());
  EXPECT_EQ(watch.wait(0), Woken::late);
  write();
  write();
  EXPECT_EQ(watch.wait(kLongMs), Woken::written);
  EXPECT_EQ(watch.wait(0), Woken::late);
}

TEST_F(FileWatchTest, IsWokenByAWriteOfAnotherThread) {
  FileWatch watch(path());
  std::thread writer([this] { write(); });
  EXPECT_EQ(watch.wait(kLongMs), Woken::written);
  writer.join();
}

TEST_F(FileWatchTest, LeavesForTheNextWaitWhatIsWrittenDuringARest) {
  FileWatch watch(path());
  write();
  EXPECT_EQ(watch.rest(0), Woken::late);
  EXPECT_EQ(watch.wait(kLongMs), Woken::written);
}

TEST_F(FileWatchTest, IsWokenOnRequestAlsoBeforeItWaits) {
  FileWatch watch(path());
  watch.wake();
  EXPECT_EQ(watch.wait(kLongMs), Woken::asked);
  EXPECT_EQ(watch.wait(0), Woken::late);
  std::thread waker([&watch] { watch.wake(); });
  EXPECT_EQ(watch.rest(kLongMs), Woken::asked);
  waker.join();
}

TEST_F(FileWatchTest, GoesByTimeAloneWithoutTheFile) {
  FileWatch missing(path() + "-missing");
  EXPECT_FALSE(missing.is_watching());
  EXPECT_EQ(missing.wait(1), Woken::late);

  FileWatch removed(path());
  std::filesystem::remove(path());
  while (removed.is_watching()) EXPECT_EQ(removed.wait(kLongMs), Woken::written);
  EXPECT_EQ(removed.wait(1), Woken::late);
  removed.wake();
  EXPECT_EQ(removed.wait(kLongMs), Woken::asked);
}

}  // namespace
}  // namespace tombolo::os
