#include "os/file_lock.h"

#include <gtest/gtest.h>
#include <optional>

#include "os/files.h"

namespace tombolo::os {
namespace {

TEST(FileLock, IsHeldByOneAtATimeAndEndsWithItsHolder) {
  const Result<TemporaryDirectory> directory = TemporaryDirectory::make();
  ASSERT_TRUE(directory);
  const std::string path = directory->path() + "/x.lock";
  std::optional<Result<FileLock>> first = FileLock::acquire(path);
  ASSERT_TRUE(first->has_value());
  const Result<FileLock> second = FileLock::acquire(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  first.reset();
  EXPECT_TRUE(FileLock::acquire(path));
}

TEST(FileLock, SaysWhyItsFileCannotBeMade) {
  const Result<FileLock> lock = FileLock::acquire("/no/such/directory/x.lock");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, ErrorCode::storage);
  EXPECT_NE(lock.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::os
