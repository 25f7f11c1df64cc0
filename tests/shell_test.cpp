// Two devices as processes (`tombolo shell`) around a real server.
#include <cstdio>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "os/files.h"

#include "tombolo/value.h"

namespace tombolo {
namespace {

// A child process of ours, with pipes to its input and from its output.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    int to_child[2];
    int from_child[2];
    if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) std::abort();
    words.insert(words.begin(), TOMBOLO_PROGRAM);
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) {
      dup2(to_child[0], 0);
      dup2(from_child[1], 1);
      execv(pointers[0], pointers.data());
      _exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = fdopen(to_child[1], "w");
    output_ = fdopen(from_child[0], "r");
  }
  ~Program() {
    if (process_ > 0) stop(SIGKILL);
    fclose(input_);
    fclose(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void write_line(const std::string& line) {
    fputs((line + "\n").c_str(), input_);
    fflush(input_);
  }

  // The next line as JSON; null at the end of the output.
  Value read_line() {
    std::string line;
    for (int byte = fgetc(output_); byte != EOF && byte != '\n'; byte = fgetc(output_)) {
      line += static_cast<char>(byte);
    }
    return Value::parse(line).value_or(Value());
  }

  // Sends a request; its answer, past events.
  Value ask(Value request) {
    request["id"] = ++last_id_;
    write_line(request.to_json());
    while (true) {
      Value line = read_line();
      if (line.is_null() || line["id"] == Value(last_id_)) return line;
    }
  }

  int stop(int signal) {
    kill(process_, signal);
    return wait_for_end();
  }
  int wait_for_end() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int end_input() {
    fclose(input_);
    input_ = fopen("/dev/null", "w");
    return wait_for_end();
  }

 private:
  pid_t process_ = -1;
  FILE* input_ = nullptr;
  FILE* output_ = nullptr;
  std::int64_t last_id_ = 0;
};

class Shell : public ::testing::Test {
 protected:
  Shell() { signal(SIGPIPE, SIG_IGN); }

  std::unique_ptr<Program> device(const std::string& name) const {
    return std::make_unique<Program>(
        std::vector<std::string>{"shell", "--json", "--db", folder_.path() + "/" + name});
  }
  // Starts the server; on the same port when it ran before.
  void start_server() {
    server_ = std::make_unique<Program>(
        std::vector<std::string>{"serve", "--json", "--port", std::to_string(port_), "--database",
                                 folder_.path() + "/server.db", "--log-level", "error"});
    port_ = server_->read_line()["port"].as_integer();
    ASSERT_GT(port_, 0);
  }
  Value connection() const {
    return {{"command", "connect"},
            {"url", "ws://127.0.0.1:" + std::to_string(port_) + "/v1/buckets/main/stream"},
            {"name", "server"}};
  }
  static void expect_done(const Value& answer) {
    EXPECT_TRUE(answer["ok"].as_bool()) << answer.to_json();
  }
  static Value record(Program& device, const char* id) {
    return device.ask({{"command", "get"}, {"collection", "l"}, {"record_id", id}})["result"];
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
  std::unique_ptr<Program> server_;
  std::int64_t port_ = 0;
};

TEST_F(Shell, AnswersGarbageWithErrorsAndGoesOn) {
  const auto shell = device("a.db");
  for (const char* line :
       {"{", "[]", "5", "\"x\"", "{}", "{\"command\":5}", "\xff\xfe", "{\"command\":\"fly\"}",
        "{\"command\":\"get\"}", "{\"command\":\"create\",\"collection\":\"l\",\"record\":[]}",
        "{\"command\":\"query\",\"collection\":\"l\",\"limit\":\"many\"}",
        "{\"command\":\"connect\",\"url\":\"gopher://x\"}", "{\"command\":\"wait\"}",
        "{\"command\":\"transaction\"}"}) {
    shell->write_line(line);
    const Value answer = shell->read_line();
    EXPECT_EQ(answer["ok"], Value(false)) << line;
    EXPECT_TRUE(answer["error"]["message"].is_string()) << line;
  }
  expect_done(shell->ask(creation("a")));
  EXPECT_EQ(record(*shell, "a"), (Value{{"id", "a"}, {"n", 1}}));
  EXPECT_EQ(shell->end_input(), 0);
}

TEST_F(Shell, WritesATransactionWholeOrNotAtAll) {
  const auto shell = device("a.db");
  EXPECT_FALSE(shell
                   ->ask({{"command", "transaction"},
                          {"writes", Array{creation("a"), patch("none", {})}}})["ok"]
                   .as_bool());
  EXPECT_EQ(record(*shell, "a"), Value());
  expect_done(shell->ask(
      {{"command", "transaction"}, {"writes", Array{creation("a"), patch("a", {{"n", 2}})}}}));
  EXPECT_EQ(record(*shell, "a")["n"], Value(2));
}

TEST_F(Shell, KeepsWhatItAcknowledgedWhenItIsKilled) {
  auto shell = device("a.db");
  for (int number = 0; number < 20; ++number) {
    expect_done(shell->ask(creation("r" + std::to_string(number))));
  }
  shell->write_line(creation("late").to_json());
  shell->stop(SIGKILL);
  shell = device("a.db");
  const Value count = shell->ask({{"command", "query"}, {"collection", "l"}, {"count", true}});
  EXPECT_GE(count["result"]["count"].as_integer(), 20);
}

TEST_F(Shell, BringsTwoDevicesTogetherThroughARestartOfTheServer) {
  start_server();
  const auto a = device("a.db");
  const auto b = device("b.db");
  for (Program* one : {a.get(), b.get()}) expect_done(one->ask(connection()));
  const Value wait = {{"command", "wait"}, {"timeout_ms", 60'000}};
  expect_done(a->ask(creation("r")));
  expect_done(a->ask(wait));
  expect_done(b->ask(wait));
  EXPECT_EQ(record(*b, "r"), record(*a, "r"));

  server_->stop(SIGKILL);
  expect_done(a->ask(patch("r", {{"from_a", 1}, {"both", "a"}})));
  expect_done(b->ask(patch("r", {{"from_b", 2}, {"both", "b"}})));
  start_server();
  for (Program* one : {a.get(), b.get(), a.get()}) expect_done(one->ask(wait));

  EXPECT_EQ(record(*a, "r"), record(*b, "r"));
  EXPECT_EQ(record(*a, "r")["from_b"], Value(2));
  EXPECT_EQ(record(*b, "r")["from_a"], Value(1));
  const Value losses = a->ask({{"command", "losses"}})["result"];
  EXPECT_EQ(losses.size(), 1U) << losses.to_json();
  EXPECT_EQ(losses.at(0)["field"], Value("both"));
  EXPECT_EQ(a->end_input(), 0);
  EXPECT_EQ(server_->stop(SIGTERM), 0);
}

}  // namespace
}  // namespace tombolo
