#include "os/files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace tombolo::os {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(directory_) << directory_.error().message; }
  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_->path())) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }

  Result<TemporaryDirectory> directory_ = TemporaryDirectory::make();
};

TEST_F(FilesTest, ReadsWhatWasWritten) {
  for (const std::string& text : {std::string(), std::string("a\0b\xFF\r\n", 6),
                                  std::string(64 * 1024, 'x'), std::string(200'001, 'y')}) {
    ASSERT_TRUE(write_file(path("file"), text));
    const auto read = read_file(path("file"));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(*read == text) << text.size();
  }
}

TEST_F(FilesTest, LeavesNothingBesideTheFile) {
  ASSERT_TRUE(write_file(path("file"), "one"));
  ASSERT_TRUE(write_file(path("file"), "two"));
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(FilesTest, ReplacesAFileWithoutTouchingTheOldOne) {
  ASSERT_TRUE(write_file(path("file"), "old"));
  std::ifstream reader(path("file"));
  ASSERT_TRUE(write_file(path("file"), "the new text"));
  const std::string seen{std::istreambuf_iterator<char>(reader), {}};
  EXPECT_EQ(seen, "old");
  EXPECT_EQ(read_file(path("file")).value(), "the new text");
}

TEST_F(FilesTest, KeepsTheModeOfWhatItReplaces) {
  ASSERT_TRUE(write_file(path("secret"), "one"));
  ASSERT_EQ(::chmod(path("secret").c_str(), 0600), 0);
  ASSERT_TRUE(write_file(path("secret"), "two"));
  struct stat about{};
  ASSERT_EQ(::stat(path("secret").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600U);
}

TEST_F(FilesTest, KeepsTheOldFileWhenTheNewOneCannotTakeItsPlace) {
  ASSERT_TRUE(make_directories(path("taken/inner")));
  const auto written = write_file(path("taken"), "text");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message,
              AllOf(HasSubstr("cannot replace " + path("taken")), HasSubstr("directory")));
  EXPECT_TRUE(path_exists(path("taken/inner")));
  EXPECT_THAT(names(), ElementsAre("taken"));
}

TEST_F(FilesTest, NamesThePathAndTheReason) {
  const auto missing = read_file(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message,
            "cannot read " + path("missing") + ": No such file or directory");

  const auto directory = read_file(directory_->path());
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::storage);
  EXPECT_THAT(directory.error().message, HasSubstr("Is a directory"));

  const auto written = write_file(path("no/such/file"), "text");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::not_found);
  EXPECT_THAT(written.error().message, HasSubstr(path("no/such/file")));
}

TEST_F(FilesTest, SaysThatItMayNotRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_TRUE(write_file(path("secret"), "text"));
  ASSERT_EQ(::chmod(path("secret").c_str(), 0), 0);
  EXPECT_EQ(read_file(path("secret")).error().code, ErrorCode::permission_denied);
}

TEST_F(FilesTest, SaysThatTheDiskIsFull) {
  if (!path_exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  // A link in the place where the new text is written first leads to a device without space.
  const std::string temporary = path("file") + ".new-" + std::to_string(::getpid());
  ASSERT_TRUE(write_file(path("file"), "old"));
  ASSERT_EQ(::symlink("/dev/full", temporary.c_str()), 0);
  const auto written = write_file(path("file"), "new");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::storage);
  EXPECT_THAT(written.error().message, HasSubstr("No space left"));
  EXPECT_EQ(read_file(path("file")).value(), "old");
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(FilesTest, RefusesAFileBeyondTheLimit) {
  ASSERT_TRUE(write_file(path("file"), std::string(1'000, 'x')));
  EXPECT_TRUE(read_file(path("file"), 1'000));
  const auto refused = read_file(path("file"), 999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(refused.error().message, path("file") + " is larger than 999 bytes");
  // One that never ends, too.
  EXPECT_EQ(read_file("/dev/zero", 1'000'000).error().code, ErrorCode::limit_exceeded);
}

TEST_F(FilesTest, ReadsStandardInput) {
  ASSERT_TRUE(write_file(path("input"), std::string(100'000, 'x')));
  const int kept = ::dup(STDIN_FILENO);
  ASSERT_NE(std::freopen(path("input").c_str(), "r", stdin), nullptr);
  const auto read = read_standard_input();
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
  const auto refused = read_standard_input(99'999);
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 100'000U);
  EXPECT_EQ(refused.error().message, "standard input is larger than 99999 bytes");
}

TEST_F(FilesTest, MakesDirectoriesWithTheirParentsAndAgain) {
  ASSERT_TRUE(make_directories(path("a/b/c")));
  EXPECT_TRUE(make_directories(path("a/b/c")));
  EXPECT_TRUE(path_exists(path("a/b/c")));
  ASSERT_TRUE(write_file(path("file"), "in the way"));
  const auto refused = make_directories(path("file/below"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(path("file/below") + ": Not a directory"));
}

TEST_F(FilesTest, RemovesAFileThatMayBeGone) {
  ASSERT_TRUE(write_file(path("file"), ""));
  EXPECT_TRUE(remove_file(path("file")));
  EXPECT_FALSE(path_exists(path("file")));
  EXPECT_TRUE(remove_file(path("file")));
  EXPECT_FALSE(remove_file(directory_->path()));
}

TEST(TemporaryDirectory, GoesWithAllThatIsInIt) {
  std::string gone;
  {
    auto directory = TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    gone = directory->path();
    ASSERT_TRUE(make_directories(gone + "/a/b"));
    ASSERT_TRUE(write_file(gone + "/a/b/file", "text"));
  }
  EXPECT_FALSE(path_exists(gone));
}

TEST(TemporaryDirectory, IsEachTimeAnotherAndCanBeMoved) {
  auto first = TemporaryDirectory::make();
  auto second = TemporaryDirectory::make();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->path(), second->path());
  const std::string path = first->path();
  {
    const TemporaryDirectory moved = std::move(*first);
    EXPECT_EQ(moved.path(), path);
    EXPECT_TRUE(path_exists(path));
  }
  EXPECT_FALSE(path_exists(path));
}

TEST(TemporaryDirectory, SaysWhereItCannotBeMade) {
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/no/such/place", 1);
  const auto refused = TemporaryDirectory::make();
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/no/such/place"));
}

}  // namespace
}  // namespace tombolo::os
