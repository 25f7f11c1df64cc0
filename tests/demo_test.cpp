// `tombolo demo` as a stranger runs it: it convinces, it can fail, and it leaves nothing behind.
#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "os/child_process.h"
#include "os/files.h"

#include "tombolo/value.h"

namespace tombolo {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr std::int64_t kPatience_ms = 300'000;
constexpr int kSkipped = 77;

// With one space for any run of spaces and ends of lines.
std::string spaced(const std::string& text) {
  std::string one;
  for (const char character : text) {
    const bool is_space = character == ' ' || character == '\n';
    if (!is_space || !one.ends_with(' ')) one += is_space ? ' ' : character;
  }
  return one;
}

class Demo : public testing::Test {
 protected:
  struct Outcome {
    os::ExitStatus status;
    std::string output;
    std::string errors;
  };

  std::string in_folder(const std::string& name) const { return folder_.path() + "/" + name; }

  os::ChildProcess start(std::vector<std::string> command,
                         const std::optional<std::string>& path = std::nullopt) const {
    os::ChildOptions options = {.command = std::move(command),
                                .environment = {{"TMPDIR", in_folder("temporary")}},
                                .error_file = in_folder("errors")};
    if (path) options.environment.emplace_back("PATH", *path);
    return os::ChildProcess::start(options).value();
  }
  Outcome end_of(os::ChildProcess& child) const {
    Outcome outcome;
    outcome.output = child.read_rest(kPatience_ms).value_or("(no end)");
    outcome.status = child.wait_for_end(kPatience_ms).value();
    outcome.errors = os::read_file(in_folder("errors")).value_or("");
    return outcome;
  }
  // With the npm packages installed.
  Outcome play(std::vector<std::string> options) const {
    options.insert(options.begin(), {TOMBOLO_RUN_DEMO, TOMBOLO_PROGRAM});
    auto child = start(options);
    return end_of(child);
  }
  Outcome run(std::vector<std::string> options) const {
    options.insert(options.begin(), {TOMBOLO_PROGRAM, "demo"});
    auto child = start(options);
    return end_of(child);
  }

  // A kinto.js client whose `device.mjs` is this script.
  std::string false_client(const std::string& script) const {
    std::string folder = in_folder("client");
    for (const char* name : {"kinto", "fake-indexeddb"}) {
      EXPECT_TRUE(os::make_directories(folder + "/node_modules/" + name));
    }
    EXPECT_TRUE(
        os::write_file(folder + "/node_modules/kinto/package.json", R"({"version":"0.0.0"})"));
    EXPECT_TRUE(os::write_file(folder + "/device.mjs", script));
    return folder;
  }

  void SetUp() override { ASSERT_TRUE(os::make_directories(in_folder("temporary"))); }
  void TearDown() override {
    EXPECT_TRUE(std::filesystem::is_empty(in_folder("temporary"))) << "something is left";
  }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
};

// The answers of a client that holds nothing.
constexpr const char* kEmptyClient = R"(
import { createInterface } from "node:readline";
const results = { sync: { published: 0, received: 0 }, list: [], status: { pending: 0 } };
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line);
  console.log(JSON.stringify({ id, ok: true, result: results[command] ?? null }));
}
)";

TEST_F(Demo, TellsTheWholeStoryToAPerson) {
  const Outcome outcome = play({"--fast"});
  if (outcome.status.exit_code == kSkipped) GTEST_SKIP() << outcome.errors;
  EXPECT_EQ(outcome.status.exit_code, 0) << outcome.errors << outcome.output;
  for (const char* part :
       {"All four hold the same 7,", "kill -9",
        "device A   $ tombolo patch languages lld speakers=31000",
        "Friulian   speakers       420000     600000    -         different",
        "device B   says: synced, nothing pending",
        "Friulian   speakers       600000     600000     600000     600000     equal",
        "Dalmatian  extinct_since  (removed)  (removed)  (removed)  (removed)  equal",
        "Equal, in every field of 7,",
        "Friulian   speakers 420000, by device A, lost to 600000, by device B.",
        "the later one stays (last-writer-wins).",
        "as device B had it, lost to device A's removal.", "the later one stays (delete-wins)."}) {
    EXPECT_THAT(spaced(outcome.output), HasSubstr(spaced(part)));
  }
  EXPECT_THAT(outcome.output, Not(HasSubstr("\033"))) << "colours are for terminals";
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = outcome.output.find('\n', begin);
    EXPECT_LE(outcome.output.substr(begin, end - begin).size(), 80U);
  }
}

TEST_F(Demo, TellsProgramsTheResultAndKeepsTheDatabases) {
  const Outcome outcome = play({"--json", "--keep", in_folder("kept")});
  if (outcome.status.exit_code == kSkipped) GTEST_SKIP() << outcome.errors;
  EXPECT_EQ(outcome.status.exit_code, 0) << outcome.errors;
  const Value result = Value::parse(outcome.output).value_or(Value());
  EXPECT_EQ(result["equal"], Value(true)) << outcome.output;
  EXPECT_GT(result["records"].as_integer(), 7'000);
  ASSERT_EQ(result["views"].size(), 4U);
  for (std::size_t index = 0; index < 4; ++index) {
    EXPECT_EQ(result["views"].at(index)["records"], result["records"]);
    EXPECT_EQ(result["views"].at(index)["fingerprint"], result["views"].at(0)["fingerprint"]);
  }
  EXPECT_EQ(result["differences"].size(), 0U);
  for (const char* device : {"device A", "device B"}) {
    const Value& losses = result["losses"][device];
    ASSERT_EQ(losses.size(), 2U);
    EXPECT_THAT((std::vector{losses.at(0)["rule"], losses.at(1)["rule"]}),
                UnorderedElementsAre(Value("last-writer-wins"), Value("delete-wins")));
  }
  for (const char* name : {"server.db", "device-a.db", "device-b.db"}) {
    EXPECT_TRUE(os::path_exists(in_folder("kept/") + name)) << name;
  }
  const Outcome again =
      run({"--keep", in_folder("kept"), "--kinto-js", false_client(kEmptyClient)});
  EXPECT_EQ(again.status.exit_code, 1);
  EXPECT_THAT(again.errors, HasSubstr("name another folder"));
}

TEST_F(Demo, FailsWhenNotAllSeeTheSame) {
  const Outcome outcome = run({"--fast", "--kinto-js", false_client(kEmptyClient)});
  if (outcome.errors.find("Node.js") != std::string::npos) GTEST_SKIP() << outcome.errors;
  EXPECT_EQ(outcome.status.exit_code, 1);
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("not all have the same"),
                                    HasSubstr("device A has the record aaa, kinto.js has not"),
                                    HasSubstr("other differences")));
}

TEST_F(Demo, NamesThePlayerThatFailsAndWhatItComplainedAbout) {
  const Outcome outcome = run({"--fast", "--json", "--kinto-js",
                               false_client("console.error('no idea'); process.exit(3)")});
  const Value error = Value::parse(outcome.errors).value_or(Value())["error"];
  if (error["message"].as_string().find("Node.js") != std::string::npos) GTEST_SKIP();
  EXPECT_EQ(outcome.status.exit_code, 1);
  EXPECT_THAT(std::string(error["message"].as_string()),
              AllOf(HasSubstr("kinto.js"), HasSubstr("no idea")));
  EXPECT_THAT(outcome.output, IsEmpty());
}

TEST_F(Demo, SaysWhatIsMissingAndHowToGetIt) {
  auto without_node = start({TOMBOLO_PROGRAM, "demo"}, in_folder(""));
  EXPECT_THAT(end_of(without_node).errors, AllOf(HasSubstr("Node.js"), HasSubstr("make demo")));
  const Outcome without_packages = run({"--kinto-js", in_folder("none")});
  EXPECT_EQ(without_packages.status.exit_code, 1);
  EXPECT_THAT(without_packages.errors, AllOf(HasSubstr("make demo"), HasSubstr("not set up")));
}

TEST_F(Demo, StopsWhenItIsTold) {
  // A client that never answers: the demo hangs on it until the signal comes.
  auto child = start({TOMBOLO_PROGRAM, "demo", "--kinto-js",
                      false_client("process.stdin.resume(); setInterval(() => {}, 1000)")});
  while (true) {
    const auto line = child.read_line(kPatience_ms).value();
    if (!line) GTEST_SKIP() << os::read_file(in_folder("errors")).value_or("");
    if (line->find("languages.sync()") != std::string::npos) break;
  }
  child.send_signal(SIGTERM);
  const Outcome outcome = end_of(child);
  EXPECT_EQ(outcome.status.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("stopped"));
}

}  // namespace
}  // namespace tombolo
