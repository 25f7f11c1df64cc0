// Two devices as processes (`tombolo shell`) around a real server.
#include <csignal>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "cli/json_program.h"
#include "os/files.h"

#include "tombolo/value.h"

namespace tombolo {
namespace {

using cli::JsonProgram;

class Shell : public ::testing::Test {
 protected:
  static constexpr std::int64_t kPatience_ms = 60'000;

  static JsonProgram program(const std::string& name, std::vector<std::string> words) {
    words.insert(words.begin(), TOMBOLO_PROGRAM);
    return JsonProgram::start(name, {.command = std::move(words)}).value();
  }
  JsonProgram device(const std::string& name) const {
    return program(name, {"shell", "--json", "--db", folder_.path() + "/" + name});
  }
  // Starts the server; on the same port when it ran before.
  void start_server() {
    server_ = program("server", {"serve", "--json", "--port", std::to_string(port_), "--database",
                                 folder_.path() + "/server.db", "--log-level", "error"});
    port_ = server_->read().value()["port"].as_integer();
    ASSERT_GT(port_, 0);
  }
  static os::ExitStatus stop(JsonProgram& program, int signal) {
    return program.process().stop(signal, kPatience_ms);
  }
  static int end_input(JsonProgram& program) {
    program.process().end_input();
    return program.process().wait_for_end(kPatience_ms).value().exit_code;
  }
  static Value ask(JsonProgram& device, Value request) {
    return device.answer_to(std::move(request)).value_or(Value());
  }
  Value connection() const {
    return {{"command", "connect"},
            {"url", "ws://127.0.0.1:" + std::to_string(port_) + "/v1/buckets/main/stream"},
            {"name", "server"}};
  }
  static void expect_done(const Value& answer) {
    EXPECT_TRUE(answer["ok"].as_bool()) << answer.to_json();
  }
  static Value record(JsonProgram& device, const char* id) {
    return ask(device, {{"command", "get"}, {"collection", "l"}, {"record_id", id}})["result"];
  }
  static Value patch(const char* id, Object fields) {
    return {{"command", "patch"},
            {"collection", "l"},
            {"record_id", id},
            {"fields", Value(std::move(fields))}};
  }
  static Value creation(const std::string& id) {
    return {{"command", "create"}, {"collection", "l"}, {"record", {{"id", id}, {"n", 1}}}};
  }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
  std::optional<JsonProgram> server_;
  std::int64_t port_ = 0;
};

TEST_F(Shell, AnswersGarbageWithErrorsAndGoesOn) {
  auto shell = device("a.db");
  for (const char* line :
       {"{", "[]", "5", "\"x\"", "{}", "{\"command\":5}", "\xff\xfe", "{\"command\":\"fly\"}",
        "{\"command\":\"get\"}", "{\"command\":\"create\",\"collection\":\"l\",\"record\":[]}",
        "{\"command\":\"query\",\"collection\":\"l\",\"limit\":\"many\"}",
        "{\"command\":\"connect\",\"url\":\"gopher://x\"}", "{\"command\":\"wait\"}",
        "{\"command\":\"transaction\"}"}) {
    ASSERT_TRUE(shell.process().write_line(line, kPatience_ms));
    const Value answer = shell.read().value();
    EXPECT_EQ(answer["ok"], Value(false)) << line;
    EXPECT_TRUE(answer["error"]["message"].is_string()) << line;
  }
  expect_done(ask(shell, creation("a")));
  EXPECT_EQ(record(shell, "a"), (Value{{"id", "a"}, {"n", 1}}));
  EXPECT_EQ(end_input(shell), 0);
}

TEST_F(Shell, WritesATransactionWholeOrNotAtAll) {
  auto shell = device("a.db");
  EXPECT_FALSE(ask(shell, {{"command", "transaction"},
                           {"steps", Array{creation("a"), patch("none", {})}}})["ok"]
                   .as_bool());
  EXPECT_EQ(record(shell, "a"), Value());
  expect_done(ask(shell, {{"command", "transaction"},
                          {"steps", Array{creation("a"), patch("a", {{"n", 2}})}}}));
  EXPECT_EQ(record(shell, "a")["n"], Value(2));
}

TEST_F(Shell, ReadsInATransactionWhatTheStepsBeforeWrote) {
  auto shell = device("a.db");
  const Value get = {{"command", "get"}, {"collection", "l"}, {"record_id", "a"}};
  const Value query = {
      {"command", "query"}, {"collection", "l"}, {"where", Array{"n>1"}}, {"count", true}};
  const Value answer =
      ask(shell, {{"command", "transaction"},
                  {"steps", Array{creation("a"), get, query, patch("a", {{"n", 2}}), get, query}}});
  expect_done(answer);
  EXPECT_EQ(answer["result"].at(1), (Value{{"id", "a"}, {"n", 1}}));
  EXPECT_EQ(answer["result"].at(2), (Value{{"count", 0}}));
  EXPECT_EQ(answer["result"].at(4), (Value{{"id", "a"}, {"n", 2}}));
  EXPECT_EQ(answer["result"].at(5), (Value{{"count", 1}}));
}

TEST_F(Shell, WritesNothingOfATransactionInWhichAReadFails) {
  auto shell = device("a.db");
  const Value missing = {{"command", "get"}, {"collection", "l"}, {"record_id", "b"}};
  const Value answer =
      ask(shell, {{"command", "transaction"}, {"steps", Array{creation("a"), missing}}});
  EXPECT_EQ(answer["error"]["code"], Value("not_found"));
  EXPECT_EQ(record(shell, "a"), Value());
}

TEST_F(Shell, KeepsWhatItAcknowledgedWhenItIsKilled) {
  auto shell = device("a.db");
  for (int number = 0; number < 20; ++number) {
    expect_done(ask(shell, creation("r" + std::to_string(number))));
  }
  ASSERT_TRUE(shell.process().write_line(creation("late").to_json(), kPatience_ms));
  stop(shell, SIGKILL);
  shell = device("a.db");
  const Value count = ask(shell, {{"command", "query"}, {"collection", "l"}, {"count", true}});
  EXPECT_GE(count["result"]["count"].as_integer(), 20);
}

TEST_F(Shell, BringsTwoDevicesTogetherThroughARestartOfTheServer) {
  start_server();
  auto a = device("a.db");
  auto b = device("b.db");
  for (JsonProgram* one : {&a, &b}) expect_done(ask(*one, connection()));
  const Value wait = {{"command", "wait"}, {"timeout_ms", 60'000}};
  expect_done(ask(a, creation("r")));
  expect_done(ask(a, wait));
  expect_done(ask(b, wait));
  EXPECT_EQ(record(b, "r"), record(a, "r"));

  stop(*server_, SIGKILL);
  expect_done(ask(a, patch("r", {{"from_a", 1}, {"both", "a"}})));
  expect_done(ask(b, patch("r", {{"from_b", 2}, {"both", "b"}})));
  start_server();
  for (JsonProgram* one : {&a, &b, &a}) expect_done(ask(*one, wait));

  EXPECT_EQ(record(a, "r"), record(b, "r"));
  EXPECT_EQ(record(a, "r")["from_b"], Value(2));
  EXPECT_EQ(record(b, "r")["from_a"], Value(1));
  const Value losses = ask(a, {{"command", "losses"}})["result"];
  EXPECT_EQ(losses.size(), 1U) << losses.to_json();
  EXPECT_EQ(losses.at(0)["field"], Value("both"));
  EXPECT_EQ(end_input(a), 0);
  EXPECT_EQ(stop(*server_, SIGTERM).exit_code, 0);
}

}  // namespace
}  // namespace tombolo
