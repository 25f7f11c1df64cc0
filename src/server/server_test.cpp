#include "server/server.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "base/random.h"
#include "net/testing_socket.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/files.h"
#include "store/connection.h"

namespace tombolo::server {
namespace {

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<os::TemporaryDirectory> directory = os::TemporaryDirectory::make();
    ASSERT_TRUE(directory);
    directory_.emplace(std::move(*directory));
  }
  Configuration configuration(const std::string& file) const {
    Configuration settings;
    settings.database.path = directory_->path() + "/" + file;
    settings.server.port = 0;
    return settings;
  }
  Result<std::unique_ptr<Server>> start(const Configuration& settings) {
    return Server::start(settings, clock_, random_, logger_);
  }
  Error refusal(const Configuration& settings) {
    const Result<std::unique_ptr<Server>> server = start(settings);
    return server ? Error{ErrorCode::internal, "it started"} : server.error();
  }

  os::SystemClock clock_;
  os::SystemRandom random_;
  NullLogger logger_;
  std::optional<os::TemporaryDirectory> directory_;
};

TEST_F(ServerTest, AnswersAndStops) {
  const Result<std::unique_ptr<Server>> server = start(configuration("a.db"));
  ASSERT_TRUE(server) << server.error().message;
  net::TestingSocket socket((*server)->port());
  ASSERT_TRUE(socket.send("GET /v1/ HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 200"));
  (*server)->stop();
  EXPECT_TRUE(socket.is_ended());
  EXPECT_FALSE(net::TestingSocket((*server)->port()).is_connected());
}

TEST_F(ServerTest, SaysThatThePortIsTaken) {
  const Result<std::unique_ptr<Server>> first = start(configuration("a.db"));
  ASSERT_TRUE(first);
  Configuration second = configuration("b.db");
  second.server.port = (*first)->port();
  EXPECT_NE(refusal(second).message.find("another program listens there"), std::string::npos);
}

TEST_F(ServerTest, SaysThatAnotherServerHasTheFile) {
  const Result<std::unique_ptr<Server>> first = start(configuration("a.db"));
  ASSERT_TRUE(first);
  const Error error = refusal(configuration("a.db"));
  EXPECT_EQ(error.code, ErrorCode::busy);
  EXPECT_NE(error.message.find("another tombolo server has the database"), std::string::npos);
}

TEST_F(ServerTest, RefusesFilesThatAreNotItsOwn) {
  const Configuration text = configuration("text.db");
  ASSERT_TRUE(os::write_file(text.database.path, std::string(10'000, 'x')));
  EXPECT_EQ(refusal(text).code, ErrorCode::corrupt);

  const Configuration foreign = configuration("foreign.db");
  {
    Result<store::Connection> connection = store::Connection::open(foreign.database.path);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->set_application_id(1234));
    ASSERT_TRUE(connection->execute("CREATE TABLE t(a)"));
  }
  EXPECT_EQ(refusal(foreign).code, ErrorCode::corrupt);
}

TEST_F(ServerTest, RefusesAFileOfANewerVersion) {
  const Configuration settings = configuration("a.db");
  ASSERT_TRUE(start(settings));
  {
    Result<store::Connection> connection = store::Connection::open(settings.database.path);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->set_user_version(999));
  }
  EXPECT_EQ(refusal(settings).code, ErrorCode::unsupported);
}

TEST_F(ServerTest, SaysThatTheDirectoryIsNotThere) {
  const Error error = refusal(configuration("no/such/a.db"));
  EXPECT_EQ(error.code, ErrorCode::storage);
  EXPECT_NE(error.message.find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::server
