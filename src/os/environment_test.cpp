#include "os/environment.h"

#include <cstdlib>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tombolo::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Variables of this name's family are gone again after the test.
class EnvironmentTest : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& [name, value] : environment_with_prefix("TOMBOLO_TESTING_")) {
      ::unsetenv(name.c_str());
    }
  }
};

TEST_F(EnvironmentTest, TellsAnEmptyVariableFromNone) {
  EXPECT_EQ(environment_variable("TOMBOLO_TESTING_A"), std::nullopt);
  ::setenv("TOMBOLO_TESTING_A", "", 1);
  EXPECT_EQ(environment_variable("TOMBOLO_TESTING_A"), "");
  ::setenv("TOMBOLO_TESTING_A", "some = text", 1);
  EXPECT_EQ(environment_variable("TOMBOLO_TESTING_A"), "some = text");
}

TEST_F(EnvironmentTest, ListsAFamilySortedByName) {
  EXPECT_THAT(environment_with_prefix("TOMBOLO_TESTING_"), IsEmpty());
  ::setenv("TOMBOLO_TESTING_B", "2=two", 1);
  ::setenv("TOMBOLO_TESTING_A", "", 1);
  ::setenv("TOMBOLO_TESTIN", "of another family", 1);
  EXPECT_THAT(environment_with_prefix("TOMBOLO_TESTING_"),
              ElementsAre(Pair("TOMBOLO_TESTING_A", ""), Pair("TOMBOLO_TESTING_B", "2=two")));
  ::unsetenv("TOMBOLO_TESTIN");
}

TEST(Terminal, IsNoneWhereAFileIs) {
  const int file = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_FALSE(is_terminal(file));
  EXPECT_EQ(terminal_columns(file), 80);
  ::close(file);
  EXPECT_FALSE(is_terminal(-1));
}

TEST(Process, HasItsNumber) {
  EXPECT_EQ(process_id(), ::getpid());
}

TEST(Process, KnowsItsProgram) {
  EXPECT_TRUE(program_path().ends_with("/os_test")) << program_path();
}

}  // namespace
}  // namespace tombolo::os
