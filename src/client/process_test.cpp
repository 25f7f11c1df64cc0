// Several processes on one file, and processes that die while they write.
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/test_database.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

// A child process that runs `work` with the writing end of a pipe; the parent reads the other one.
class Child {
 public:
  explicit Child(const std::function<void(int)>& work) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends[0]);
      work(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Child() { ::close(output_); }

  // Numbers that the child wrote, until there are `count` of them or it has ended.
  std::vector<int> read(std::size_t count) {
    std::vector<int> numbers;
    int number = 0;
    while (numbers.size() < count && ::read(output_, &number, sizeof number) == sizeof number) {
      numbers.push_back(number);
    }
    return numbers;
  }
  void kill() { ::kill(process_, SIGKILL); }
  int wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return status;
  }

 private:
  pid_t process_ = 0;
  int output_ = -1;
};

class ProcessTest : public testing::DatabaseFixture {
 protected:
  // The children open the file themselves: a SQLite connection must not cross a fork.
  void SetUp() override {
    DatabaseFixture::SetUp();
    ASSERT_TRUE(db().collection("c").create({{"id", "counter"}, {"n", 0}}));
    db().close();
  }
};

TEST_F(ProcessTest, ProcessesTakeTurnsAtOneFile) {
  constexpr int kProcesses = 3;
  constexpr int kIncrements = 40;
  {
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < kProcesses; ++i) {
      children.push_back(std::make_unique<Child>([this](int) {
        auto mine =
            Database::open(path(), {.durability = Durability::relaxed, .busy_timeout_ms = 60'000});
        if (!mine) ::_exit(2);
        for (int step = 0; step < kIncrements; ++step) {
          if (!mine->collection("c").increment("counter", "n")) ::_exit(3);
        }
      }));
    }
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
  }
  reopen();
  EXPECT_EQ(db().collection("c").get("counter").value()["n"], kProcesses * kIncrements);
  EXPECT_EQ(db().status().value().operations, kProcesses * kIncrements + 1);
}

TEST_F(ProcessTest, AProcessThatIsKilledLosesNothingThatItCommitted) {
  constexpr int kRounds = 8;
  int next = 0;
  for (int round = 0; round < kRounds; ++round) {
    const int first = next;
    Child child([this, first](int output) {
      auto mine = Database::open(path());
      if (!mine) ::_exit(2);
      for (int number = first;; ++number) {
        const auto done = mine->transaction([&](Transaction& transaction) -> Result<void> {
          Collection c = transaction.collection("c");
          if (auto made = c.create({{"id", std::to_string(number)}}); !made) return fail(made);
          return c.increment("counter", "n");
        });
        if (!done || ::write(output, &number, sizeof number) != sizeof number) ::_exit(3);
      }
    });
    const std::vector<int> committed = child.read(static_cast<std::size_t>(5 + 3 * round));
    ASSERT_FALSE(committed.empty());
    child.kill();
    child.wait();

    reopen();
    for (const int number : committed) {
      EXPECT_TRUE(db().collection("c").contains(std::to_string(number)).value()) << number;
    }
    // Each transaction is there whole: as many records as the counter says, two operations each.
    const std::int64_t records = db().collection("c").count().value() - 1;
    EXPECT_EQ(db().collection("c").get("counter").value()["n"], records);
    EXPECT_EQ(db().status().value().operations, 1 + 2 * records);
    next = static_cast<int>(records);
    db().close();
  }
}

TEST_F(ProcessTest, ALiveQuerySeesWhatAnotherProcessWrites) {
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  Child child([this, &gate](int) {
    char go = 0;
    if (::read(gate[0], &go, 1) != 1) ::_exit(2);
    auto mine = Database::open(path());
    if (!mine || !mine->collection("c").create({{"id", "new"}})) ::_exit(3);
  });
  reopen();
  testing::Watched<std::vector<std::string>> entered;
  auto live = db().collection("c").query().observe([&](const Changes& changes) {
    entered.change([&](auto& ids) {
      for (const Record& record : changes.entered) ids.push_back(record.id());
    });
  });
  ASSERT_TRUE(entered.wait([](const auto& ids) { return ids.size() == 1; }));
  ASSERT_EQ(::write(gate[1], "g", 1), 1);
  EXPECT_TRUE(entered.wait([](const auto& ids) { return ids.size() == 2; }));
  EXPECT_EQ(entered.get().back(), "new");
  EXPECT_EQ(child.wait(), 0);
  ::close(gate[0]);
  ::close(gate[1]);
}

}  // namespace
}  // namespace tombolo
