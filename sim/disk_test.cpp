#include "sim/disk.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <vector>

#include "sim/virtual_clock.h"
#include "store/connection.h"
#include "store/statement.h"
#include "store/transaction.h"

namespace tombolo::sim {
namespace {

constexpr int kMake = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
constexpr int kMakeLog = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;

// A file of a disk, as SQLite uses it.
class RawFile {
 public:
  RawFile(const Disk& disk, const char* name, int flags = kMake)
      : vfs_(sqlite3_vfs_find(disk.vfs().c_str())),
        memory_(std::make_unique<std::max_align_t[]>(static_cast<std::size_t>(vfs_->szOsFile))) {
    code_ = vfs_->xOpen(vfs_, name, file(), flags, nullptr);
  }
  ~RawFile() {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  int open_code() const { return code_; }
  int write(const std::string& bytes, sqlite3_int64 at = 0) {
    return file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), at);
  }
  int truncate(sqlite3_int64 size) { return file()->pMethods->xTruncate(file(), size); }
  int sync() { return file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL); }
  int read(sqlite3_int64 at = 0) {
    char byte = 0;
    return file()->pMethods->xRead(file(), &byte, 1, at);
  }
  int lock(int level) { return file()->pMethods->xLock(file(), level); }
  int unlock(int level) { return file()->pMethods->xUnlock(file(), level); }

 private:
  sqlite3_file* file() const { return reinterpret_cast<sqlite3_file*>(memory_.get()); }
  sqlite3_vfs* vfs_;
  std::unique_ptr<std::max_align_t[]> memory_;
  int code_;
};

struct Device {
  explicit Device(std::uint64_t seed) : disk("sim-disk-test", seed, time, clock) {}
  // Makes a file that is there for certain.
  void make(const char* name, const std::string& bytes) {
    RawFile file(disk, name, kMakeLog);
    file.write(bytes);
    file.sync();
  }
  VirtualTime time;
  VirtualClock clock{time};
  Disk disk;
};

TEST(SimulatedDisk, KeepsWhatWasSynced) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "synced");
    RawFile file(device.disk, "a");
    file.write("!", 6);
    device.disk.crash();
    EXPECT_TRUE(device.disk.contents("a").value_or("").starts_with("synced")) << seed;
  }
}

TEST(SimulatedDisk, MayLoseWhatWasNot) {
  int kept = 0;
  int lost = 0;
  int cut_kept = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "old");
    device.make("b", "old");
    RawFile written(device.disk, "a");
    written.write("new");
    RawFile cut(device.disk, "b");
    cut.truncate(1);
    device.disk.crash();
    ++(device.disk.contents("a") == "new" ? kept : lost);
    if (device.disk.contents("b") == "o") ++cut_kept;
  }
  EXPECT_GT(kept, 5);
  EXPECT_GT(lost, 5);
  EXPECT_GT(cut_kept, 5);
  EXPECT_LT(cut_kept, 45);
}

TEST(SimulatedDisk, LosesALaterWriteAndKeepsAnEarlierOneAndTheOtherWayRound) {
  bool first_only = false;
  bool second_only = false;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Device device(seed);
    device.make("a", "--");
    RawFile file(device.disk, "a");
    file.write("1", 0);
    file.write("2", 1);
    device.disk.crash();
    first_only |= device.disk.contents("a") == "1-";
    second_only |= device.disk.contents("a") == "-2";
  }
  EXPECT_TRUE(first_only);
  EXPECT_TRUE(second_only);
}

TEST(SimulatedDisk, TearsWritesAtSectors) {
  int torn = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", std::string(4 * kSectorBytes, 'o'));
    RawFile file(device.disk, "a");
    file.write(std::string(4 * kSectorBytes, 'n'));
    device.disk.crash();
    const std::string after = device.disk.contents("a").value_or("");
    ASSERT_EQ(after.size(), 4 * kSectorBytes);
    for (std::size_t at = 0; at < after.size(); ++at) {
      ASSERT_EQ(after[at], after[at - at % kSectorBytes]) << "a sector is whole";
    }
    const bool mixed = after.find('n') != std::string::npos && after.find('o') != std::string::npos;
    if (mixed) ++torn;
  }
  EXPECT_GT(torn, 3);
}

TEST(SimulatedDisk, MayLoseANewFileUntilItsDirectoryIsSynced) {
  int there = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    RawFile file(device.disk, "folder/data");
    file.write("x");
    file.sync();
    device.disk.crash();
    if (!device.disk.files().empty()) ++there;
  }
  EXPECT_GT(there, 5);
  EXPECT_LT(there, 45);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    RawFile file(device.disk, "folder/data");
    RawFile elsewhere(device.disk, "other/data");
    device.make("folder/log", "");
    device.disk.crash();
    EXPECT_TRUE(device.disk.contents("folder/data")) << "the new log synced the folder of both";
  }
}

TEST(SimulatedDisk, MayBringBackADeletedFileUntilItsDirectoryIsSynced) {
  for (const int synced : {0, 1}) {
    int back = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      Device device(seed);
      device.make("a", "x");
      sqlite3_vfs* const vfs = sqlite3_vfs_find(device.disk.vfs().c_str());
      ASSERT_EQ(vfs->xDelete(vfs, "a", synced), SQLITE_OK);
      EXPECT_FALSE(device.disk.contents("a"));
      EXPECT_EQ(vfs->xDelete(vfs, "a", synced), SQLITE_IOERR_DELETE_NOENT);
      device.disk.crash();
      if (device.disk.contents("a")) ++back;
    }
    EXPECT_EQ(back > 5, synced == 0);
    EXPECT_EQ(back == 0, synced == 1);
  }
}

TEST(SimulatedDisk, RefusesEverythingFromThePowerCutOn) {
  Device device(1);
  device.make("a", "x");
  RawFile file(device.disk, "a");
  device.disk.cut_power_at(2);
  EXPECT_EQ(file.write("y"), SQLITE_OK);
  EXPECT_TRUE(device.disk.powered());
  EXPECT_NE(file.write("z"), SQLITE_OK);
  EXPECT_FALSE(device.disk.powered());
  EXPECT_NE(file.read(), SQLITE_OK);
  EXPECT_NE(file.sync(), SQLITE_OK);
  EXPECT_NE(RawFile(device.disk, "a").open_code(), SQLITE_OK);
  device.disk.crash();
  EXPECT_NE(file.write("old handle"), SQLITE_OK);
  EXPECT_NE(file.read(), SQLITE_OK);
  RawFile again(device.disk, "a");
  EXPECT_EQ(again.open_code(), SQLITE_OK);
  EXPECT_EQ(again.write("w"), SQLITE_OK);
  EXPECT_EQ(again.sync(), SQLITE_OK);
  EXPECT_EQ(device.disk.contents("a"), "w");
}

TEST(SimulatedDisk, FailsTheNthOperationOnce) {
  Device device(1);
  device.make("a", "x");
  RawFile file(device.disk, "a");
  device.disk.fail_at(2, DiskFault::io_error);
  EXPECT_EQ(file.write("1"), SQLITE_OK);
  EXPECT_EQ(file.write("2"), SQLITE_IOERR_WRITE);
  EXPECT_EQ(file.write("3"), SQLITE_OK);
  device.disk.fail_at(1, DiskFault::full);
  EXPECT_EQ(file.write("4"), SQLITE_FULL);
  EXPECT_EQ(device.disk.contents("a"), "3");
  device.disk.fail_at(1, DiskFault::full);
  EXPECT_EQ(file.sync(), SQLITE_OK) << "needs no space";
  EXPECT_EQ(device.disk.counts().faults, 2);
}

TEST(SimulatedDisk, FailsAsOftenAsItIsTold) {
  Device device(1);
  device.make("a", "x");
  RawFile file(device.disk, "a");
  device.disk.set_fault_rates({.read_error = 100'000, .write_error = 100'000, .full = 100'000});
  int errors = 0;
  int full = 0;
  int unread = 0;
  for (int count = 0; count < 1000; ++count) {
    const int code = file.write("y");
    if (code == SQLITE_IOERR_WRITE) ++errors;
    if (code == SQLITE_FULL) ++full;
    if (file.read() == SQLITE_IOERR_READ) ++unread;
  }
  for (const int times : {errors, full, unread}) {
    EXPECT_GT(times, 50);
    EXPECT_LT(times, 200);
  }
}

TEST(SimulatedDisk, AFailedSyncMayLoseWhatALaterOneSeemsToSave) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "o");
    RawFile file(device.disk, "a");
    file.write("n");
    device.disk.fail_at(1, DiskFault::io_error);
    EXPECT_EQ(file.sync(), SQLITE_IOERR_FSYNC);
    EXPECT_EQ(file.sync(), SQLITE_OK);
    device.disk.crash();
    if (device.disk.contents("a") == "o") ++lost;
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 45);
}

TEST(SimulatedDisk, KeepsEverythingWhenTheProgramIsStartedAnew) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "old!");
    RawFile written(device.disk, "a");
    EXPECT_EQ(written.write("new"), SQLITE_OK);
    RawFile made(device.disk, "folder/b");
    EXPECT_EQ(made.write("x"), SQLITE_OK);
    EXPECT_EQ(made.truncate(0), SQLITE_OK);
    device.make("c", "x");
    sqlite3_vfs* const vfs = sqlite3_vfs_find(device.disk.vfs().c_str());
    ASSERT_EQ(vfs->xDelete(vfs, "c", 0), SQLITE_OK);
    device.disk.restart();
    EXPECT_EQ(device.disk.contents("a"), "new!");
    EXPECT_EQ(device.disk.contents("folder/b"), "");
    EXPECT_EQ(device.disk.files().size(), 2U);
  }
}

TEST(SimulatedDisk, KnowsWhatIsNotOnThePlattersThroughRestarts) {
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "o");
    RawFile file(device.disk, "a");
    file.write("n");
    device.disk.restart();
    device.disk.crash();
    if (device.disk.contents("a") == "n") ++kept;
  }
  EXPECT_GT(kept, 5);
  EXPECT_LT(kept, 45);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Device device(seed);
    device.make("a", "o");
    RawFile file(device.disk, "a");
    file.write("n");
    device.disk.restart();
    RawFile again(device.disk, "a");
    EXPECT_EQ(again.sync(), SQLITE_OK);
    device.disk.crash();
    EXPECT_EQ(device.disk.contents("a"), "n") << "whoever syncs a file syncs what others wrote";
  }
}

TEST(SimulatedDisk, TakesItsHandlesAndLocksFromAProgramThatDied) {
  Device device(1);
  device.make("a", "x");
  RawFile old(device.disk, "a");
  ASSERT_EQ(old.lock(SQLITE_LOCK_SHARED), SQLITE_OK);
  ASSERT_EQ(old.lock(SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
  RawFile waiting(device.disk, "a");
  EXPECT_EQ(waiting.lock(SQLITE_LOCK_SHARED), SQLITE_BUSY);
  device.disk.restart();
  EXPECT_TRUE(device.disk.powered());
  EXPECT_NE(old.write("y"), SQLITE_OK);
  EXPECT_NE(old.sync(), SQLITE_OK);
  EXPECT_NE(old.read(), SQLITE_OK);
  EXPECT_EQ(device.disk.contents("a"), "x");
  RawFile next(device.disk, "a");
  EXPECT_EQ(next.lock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(next.lock(SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
  (void)old.unlock(SQLITE_LOCK_NONE);
  RawFile other(device.disk, "a");
  EXPECT_EQ(other.lock(SQLITE_LOCK_SHARED), SQLITE_BUSY) << "the dead release nothing of others'";
  EXPECT_EQ(next.write("z"), SQLITE_OK);
  EXPECT_EQ(device.disk.contents("a"), "z");
  EXPECT_EQ(device.disk.counts().restarts, 1);
}

TEST(SimulatedDisk, LocksAsSqliteAsks) {
  Device device(1);
  device.make("a", "x");
  RawFile one(device.disk, "a");
  RawFile two(device.disk, "a");
  RawFile three(device.disk, "a");
  EXPECT_EQ(one.lock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(two.lock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(one.lock(SQLITE_LOCK_RESERVED), SQLITE_OK);
  EXPECT_EQ(two.lock(SQLITE_LOCK_RESERVED), SQLITE_BUSY);
  EXPECT_EQ(one.lock(SQLITE_LOCK_EXCLUSIVE), SQLITE_BUSY);
  EXPECT_EQ(three.lock(SQLITE_LOCK_SHARED), SQLITE_BUSY) << "one waits for its turn";
  EXPECT_EQ(two.unlock(SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_EQ(one.lock(SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
  EXPECT_EQ(two.lock(SQLITE_LOCK_SHARED), SQLITE_BUSY);
  EXPECT_EQ(one.unlock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(three.lock(SQLITE_LOCK_SHARED), SQLITE_OK);
}

// Every byte that a database leaves after some crashes, and what became of the writes.
std::string story_of(std::uint64_t seed) {
  seed_sqlite(seed);
  Device device(seed);
  std::string story;
  for (int life = 0; life < 5; ++life) {
    device.disk.cut_power_at(20 + life * 17);
    {
      auto opened = store::Connection::open("db", {.vfs = device.disk.vfs()});
      for (int count = 0; opened && device.disk.powered() && count < 1000; ++count) {
        (void)opened->execute(
            "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES "
            "(hex(randomblob(2000)) || strftime('%s', 'now'))");
      }
    }
    device.disk.crash();
    for (const std::string& name : device.disk.files()) {
      story += name + ":" + device.disk.contents(name).value_or("") + "\n";
    }
  }
  const DiskCounts counts = device.disk.counts();
  for (const std::int64_t count : {counts.operations, counts.kept, counts.dropped, counts.torn}) {
    story += std::to_string(count) + " ";
  }
  return story;
}

TEST(SimulatedDisk, DoesTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_TRUE(story_of(seed) == story_of(seed)) << seed;
  }
  EXPECT_FALSE(story_of(1) == story_of(2));
}

TEST(SimulatedDisk, CarriesDatabasesThatSeveralConnectionsShare) {
  Device device(1);
  VirtualTime other_time;
  Disk other("sim-disk-test-2", 1, other_time, device.clock);
  auto writer = store::Connection::open("db", {.vfs = device.disk.vfs()}).value();
  ASSERT_TRUE(writer.execute("CREATE TABLE t(x); INSERT INTO t VALUES (1)"));
  auto reader =
      store::Connection::open("db", {.mode = store::OpenMode::read_only, .vfs = device.disk.vfs()});
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE(reader->execute("BEGIN; SELECT count(*) FROM t"));
  ASSERT_TRUE(writer.execute("INSERT INTO t VALUES (2)"));
  auto select = store::Statement::prepare(*reader, "SELECT count(*) FROM t").value();
  const auto count = [&] {
    return select.query_one([](const store::Row& row) { return row.int64(0); }).value();
  };
  EXPECT_EQ(count(), 1) << "its snapshot";
  ASSERT_TRUE(reader->execute("COMMIT"));
  EXPECT_EQ(count(), 2);
  auto second = store::Connection::open("db", {.vfs = device.disk.vfs()}).value();
  ASSERT_TRUE(second.execute("BEGIN IMMEDIATE"));
  EXPECT_EQ(writer.execute("INSERT INTO t VALUES (3)").error().code, ErrorCode::busy);
  EXPECT_GE(device.time.microseconds(), 5'000'000) << "it waited, in the time of its world";
  EXPECT_TRUE(other.files().empty());
}

}  // namespace
}  // namespace tombolo::sim
