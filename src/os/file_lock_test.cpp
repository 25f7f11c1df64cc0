#include "os/file_lock.h"

#include <gtest/gtest.h>

#include "os/files.h"

namespace tombolo::os {
namespace {

TEST(FileLock, OneHolderAtATime) {
  const auto directory = TemporaryDirectory::make();
  const std::string path = directory->path() + "/lock";
  {
    auto first = FileLock::try_take(path);
    ASSERT_TRUE(first && *first);
    EXPECT_FALSE(FileLock::try_take(path).value().has_value());
    FileLock moved = std::move(**first);
    EXPECT_FALSE(FileLock::try_take(path).value().has_value());
  }
  EXPECT_TRUE(FileLock::try_take(path).value().has_value());
  EXPECT_EQ(FileLock::try_take(directory->path() + "/none/lock").error().code, ErrorCode::storage);
}

}  // namespace
}  // namespace tombolo::os
