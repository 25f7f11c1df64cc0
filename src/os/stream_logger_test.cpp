#include "os/stream_logger.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/json.h"
#include "os/files.h"

namespace tombolo::os {
namespace {

constexpr std::int64_t kNoonMs = 1'772'366'400'123;  // 2026-03-01T12:00:00.123Z

class StandingClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return kNoonMs; }
  std::int64_t monotonic_ms() const override { return 0; }
};

std::string human(const Object& fields) {
  return format_log_line(LogFormat::human, kNoonMs, LogLevel::info, "event", fields);
}

TEST(LogLine, IsReadByPeople) {
  EXPECT_EQ(format_log_line(LogFormat::human, kNoonMs, LogLevel::info, "server_started",
                            {{"port", 8888}}),
            "2026-03-01T12:00:00.123Z info    server_started port=8888");
  EXPECT_EQ(format_log_line(LogFormat::human, 0, LogLevel::warning, "late", {}),
            "1970-01-01T00:00:00.000Z warning late");
}

TEST(LogLine, IsReadByMachines) {
  EXPECT_EQ(
      format_log_line(LogFormat::json, kNoonMs, LogLevel::error, "failed", {{"path", "/a b"}}),
      R"({"time":"2026-03-01T12:00:00.123Z","level":"error","event":"failed","path":"/a b"})");
}

TEST(LogLine, QuotesWhatCouldBeMisread) {
  EXPECT_TRUE(human({{"a", "bare-text/1.0?x"}}).ends_with(" a=bare-text/1.0?x"));
  EXPECT_TRUE(human({{"a", ""}}).ends_with(R"( a="")"));
  EXPECT_TRUE(human({{"a", "two words"}}).ends_with(R"( a="two words")"));
  EXPECT_TRUE(human({{"a", "b=c"}}).ends_with(R"( a="b=c")"));
  EXPECT_TRUE(human({{"a", R"(say "hi")"}}).ends_with(R"( a="say \"hi\"")"));
}

TEST(LogLine, CannotBeForgedByAValue) {
  const std::string forged = "x\n2026-03-01T12:00:00.123Z error   forged\r\t\x1B[2J";
  const std::string nul("a\0b", 3);
  for (const LogFormat format : {LogFormat::human, LogFormat::json}) {
    const std::string line =
        format_log_line(format, kNoonMs, LogLevel::info, "event", {{"path", forged}, {"nul", nul}});
    EXPECT_TRUE(std::ranges::none_of(line, [](char letter) {
      return static_cast<unsigned char>(letter) < ' ';
    })) << line;
  }
}

TEST(LogLine, StaysJsonWithHostileValues) {
  const Object hostile = {{"quote", "\"},{\"level\":\"error\""}, {"back", "\\"}, {"line", "a\nb"}};
  const auto parsed =
      parse_json(format_log_line(LogFormat::json, kNoonMs, LogLevel::info, "event", hostile));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const Object& line = *parsed->if_object();
  EXPECT_EQ(line.size(), 6U);
  for (const auto& [name, value] : hostile) {
    ASSERT_NE(line.find(name), nullptr);
    EXPECT_EQ(*line.find(name), value);
  }
}

class StreamLoggerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(directory_);
    descriptor_ = ::open(path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(descriptor_, 0);
  }
  void TearDown() override { ::close(descriptor_); }
  std::string path() const { return directory_->path() + "/log"; }

  Result<TemporaryDirectory> directory_ = TemporaryDirectory::make();
  StandingClock clock_;
  int descriptor_ = -1;
};

TEST_F(StreamLoggerTest, WritesWhatIsImportantEnough) {
  StreamLogger logger(clock_, LogFormat::human, LogLevel::warning, descriptor_);
  EXPECT_FALSE(logger.enabled(LogLevel::info));
  logger.log(LogLevel::debug, "a", {});
  logger.log(LogLevel::info, "b", {});
  logger.log(LogLevel::warning, "c", {});
  logger.log(LogLevel::error, "d", {});
  EXPECT_EQ(read_file(path()).value(),
            "2026-03-01T12:00:00.123Z warning c\n2026-03-01T12:00:00.123Z error   d\n");
}

TEST_F(StreamLoggerTest, KeepsTheLinesOfThreadsApart) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  StreamLogger logger(clock_, LogFormat::json, LogLevel::info, descriptor_);
  std::vector<std::thread> threads;
  for (int index = 0; index < kThreads; ++index) {
    threads.emplace_back([&logger] {
      const Object fields = {{"text", std::string(500, 'x')}};
      for (int line = 0; line < kLines; ++line) logger.log(LogLevel::info, "event", fields);
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string log = read_file(path()).value();
  const std::string line = format_log_line(LogFormat::json, kNoonMs, LogLevel::info, "event",
                                           {{"text", std::string(500, 'x')}}) +
                           '\n';
  std::string expected;
  for (int count = 0; count < kThreads * kLines; ++count) expected += line;
  EXPECT_TRUE(log == expected);
}

TEST_F(StreamLoggerTest, OutlivesAStreamThatNobodyTakes) {
  StreamLogger logger(clock_, LogFormat::human, LogLevel::info, -1);
  logger.log(LogLevel::error, "unheard", {});
}

}  // namespace
}  // namespace tombolo::os
