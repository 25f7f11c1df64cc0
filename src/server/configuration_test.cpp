#include "server/configuration.h"

#include <gtest/gtest.h>
#include <string>

#include "os/files.h"

namespace tombolo::server {
namespace {

std::string error_of(std::string_view toml) {
  Configuration configuration;
  const Result<void> done = apply_toml(configuration, toml, "t.toml");
  return done ? "" : done.error().message;
}

TEST(Configuration, TheFileInPackagingIsTheDefaults) {
  const Result<std::string> text = os::read_file(TOMBOLO_TEST_DATA "/../../packaging/tombolo.toml");
  ASSERT_TRUE(text) << text.error().message;
  Configuration read;
  const Result<void> done = apply_toml(read, *text, "tombolo.toml");
  ASSERT_TRUE(done) << done.error().message;
  const Configuration defaults;
  EXPECT_EQ(read.server.port, defaults.server.port);
  EXPECT_EQ(read.limits.body_bytes, defaults.limits.body_bytes);
  EXPECT_EQ(read.limits.message_bytes, defaults.limits.message_bytes);
  EXPECT_EQ(read.kinto.principals, defaults.kinto.principals);
  EXPECT_EQ(read.kinto.cors_origins, defaults.kinto.cors_origins);
  EXPECT_EQ(read.stream.max_operation_bytes, defaults.stream.max_operation_bytes);
  EXPECT_EQ(read.stream.max_nodes_per_bucket, defaults.stream.max_nodes_per_bucket);
  EXPECT_EQ(read.stream.max_new_nodes_per_session, defaults.stream.max_new_nodes_per_session);
  EXPECT_EQ(read.stream.max_uncommitted_operations, defaults.stream.max_uncommitted_operations);
  EXPECT_EQ(read.stream.operations_per_second, defaults.stream.operations_per_second);
  EXPECT_EQ(read.stream.operations_burst, defaults.stream.operations_burst);
}

TEST(Configuration, TheEnvironmentOverridesTheFileAndFlagsBoth) {
  Configuration configuration;
  ASSERT_TRUE(apply_toml(configuration, "[server]\nport = 1\nio_threads = 3\n", "t.toml"));
  ASSERT_TRUE(apply_environment(configuration,
                                {{"TOMBOLO_SERVER_PORT", "2"},
                                 {"TOMBOLO_CONFIG", "x"},
                                 {"TOMBOLO_STREAM_TOKENS", "t1=alice, t2=bob"},
                                 {"TOMBOLO_KINTO_PRINCIPALS_BUCKET_CREATE", "system.Everyone"}}));
  EXPECT_EQ(configuration.server.port, 2);
  ASSERT_TRUE(apply_setting(configuration, "server.port", "3", "--port"));
  EXPECT_EQ(configuration.server.port, 3);
  EXPECT_EQ(configuration.server.io_threads, 3);
  EXPECT_EQ(configuration.stream.tokens.at("t2"), "bob");
  EXPECT_EQ(configuration.kinto.principals.at("bucket_create_principals"),
            std::vector<std::string>{"system.Everyone"});
}

TEST(Configuration, ErrorsNameTheLineAndWhatIsExpected) {
  EXPECT_EQ(error_of("[server]\n\nprot = 1\n"), "t.toml:3: there is no setting \"server.prot\"");
  EXPECT_EQ(error_of("[server]\nport = \"x\"\n"),
            "t.toml:2: server.port must be an integer from 0 to 65535");
  EXPECT_EQ(error_of("[server]\nport = 70000\n"),
            "t.toml:2: server.port must be an integer from 0 to 65535");
  EXPECT_EQ(error_of("[kinto]\nreadonly = 1\n"), "t.toml:2: kinto.readonly must be true or false");
  EXPECT_EQ(error_of("[log]\nlevel = \"loud\"\n"),
            "t.toml:2: log.level must be one of: debug info warning error");
  EXPECT_EQ(error_of("server = 1\n"), "t.toml:1: server is a section: write [server]");
  EXPECT_TRUE(error_of("[server\n").starts_with("t.toml:1: "));
  EXPECT_EQ(error_of("[stream]\ntokens = 3\n"),
            "t.toml:2: stream.tokens must be a table of token = \"user\"");
  EXPECT_EQ(error_of("[stream]\noperations_burst = 0\n"),
            "t.toml:2: stream.operations_burst must be an integer from 1 to 10000000");
  Configuration configuration;
  EXPECT_FALSE(apply_environment(configuration, {{"TOMBOLO_SERVER_PROT", "1"}}));
  EXPECT_FALSE(apply_setting(configuration, "stream.tokens", "alice", "--set"));
}

}  // namespace
}  // namespace tombolo::server
