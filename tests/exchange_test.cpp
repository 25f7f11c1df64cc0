// The commands that exchange and watch, as processes: sync, losses, watch.
#include <csignal>
#include <gmock/gmock.h>
#include <optional>

#include "command_line.h"

namespace tombolo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Exchange : public CommandLine {
 protected:
  // On the same port when it ran before.
  void start_server(const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = {"serve",       "--json",
                                      "--port",      std::to_string(port_),
                                      "--database",  in_folder("server.db"),
                                      "--log-level", "error"};
    words.insert(words.end(), options.begin(), options.end());
    server_ = start(words);
    port_ = json(server_->read_line(kPatience_ms).value().value_or(""))["port"].as_integer();
    ASSERT_GT(port_, 0);
  }
  void stop_server() { EXPECT_EQ(server_->stop(SIGTERM, kPatience_ms).exit_code, 0); }
  std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(port_) + "/v1/buckets/main/stream";
  }

  // A command on the database of device "a" or "b".
  Outcome on(const std::string& device, std::vector<std::string> words) const {
    words.insert(words.end(), {"--db", in_folder(device)});
    return run(words);
  }
  std::string answer_on(const std::string& device, std::vector<std::string> words) const {
    words.insert(words.end(), {"--db", in_folder(device)});
    return answer(words);
  }

  // Both wrote the field of one record without knowing of each other, "b" later.
  void make_conflict() {
    start_server();
    answer_on("a", {"create", "l", "id=r", "n=1"});
    for (const char* device : {"a", "b"}) answer_on(device, {"sync", url()});
    answer_on("a", {"patch", "l", "r", "n=2"});
    answer_on("b", {"patch", "l", "r", "n=3"});
    for (const char* device : {"a", "b", "a"}) answer_on(device, {"sync"});
  }

  std::optional<os::ChildProcess> server_;
  std::int64_t port_ = 0;
};

TEST_F(Exchange, RemembersWhichCollectionsARemoteHas) {
  start_server();
  answer_on("a", {"create", "shared", "id=s"});
  answer_on("a", {"create", "private", "id=p"});
  answer_on("a", {"sync", url(), "--collection", "shared"});
  answer_on("a", {"create", "shared", "id=t"});
  answer_on("a", {"sync"});
  answer_on("a", {"sync", url()});
  answer_on("b", {"sync", url()});
  EXPECT_EQ(answer_on("b", {"query", "shared", "--count"}), "2");
  EXPECT_EQ(on("b", {"query", "private", "--count"}).output, "0\n");
  EXPECT_NE(on("a", {"sync", url(), "--collection", "private"}).exit_code, 0);
}

TEST_F(Exchange, BringsTwoDatabasesTogetherThroughAServer) {
  start_server();
  answer_on("a", {"create", "l", "id=from-a"});
  EXPECT_EQ(answer_on("a", {"sync", url()}),
            "synced with " + url() + ": sent 1, received 0 operations");
  const Outcome first = on("b", {"sync", url()});
  EXPECT_EQ(first.output, "synced with " + url() + ": sent 0, received 1 operation\n");
  EXPECT_THAT(first.errors, HasSubstr("made the database"));
  answer_on("b", {"create", "l", "id=from-b"});
  // The databases remember where they were.
  for (const char* device : {"b", "a"}) answer_on(device, {"sync"});
  for (const char* device : {"a", "b"}) {
    EXPECT_EQ(answer_on(device, {"query", "l", "--order", "id"}),
              "{\"id\":\"from-a\"}\n{\"id\":\"from-b\"}");
    EXPECT_THAT(answer_on(device, {"status"}), HasSubstr("pending       0\n"));
  }
}

TEST_F(Exchange, TellsProgramsInJson) {
  start_server();
  answer_on("a", {"create", "l", "id=r"});
  const Value status = json(answer_on("a", {"sync", url(), "--name", "main", "--json"}));
  EXPECT_EQ(status["name"], Value("main"));
  EXPECT_EQ(status["url"], Value(url()));
  EXPECT_EQ(status["synced"], Value(true));
  EXPECT_EQ(status["pending"], Value(0));
  EXPECT_EQ(status["sent_operations"], Value(1));
  EXPECT_EQ(status["new_losses"], Value(0));
  const Value known = json(answer_on("a", {"status", "--json"}));
  EXPECT_EQ(known["remotes"].at(0)["name"], Value("main"));
}

TEST_F(Exchange, RefusesUrlsThatMakeNoSenseBeforeItMakesADatabase) {
  for (const char* bad : {"gopher://x", "ws://", "hello", "ws://user:secret@host/"}) {
    const Outcome outcome = on("a", {"sync", bad});
    EXPECT_EQ(outcome.exit_code, 2) << bad;
    EXPECT_THAT(outcome.errors, HasSubstr("URL")) << bad;
    EXPECT_THAT(outcome.errors, Not(HasSubstr("secret")));
  }
  EXPECT_EQ(json(on("a", {"sync", "hello", "--json"}).errors)["error"]["code"], Value("usage"));
  EXPECT_FALSE(os::path_exists(in_folder("a")));
  EXPECT_THAT(on("a", {"sync"}).errors, HasSubstr("there is no database"));
  answer_on("a", {"create", "l"});
  EXPECT_THAT(on("a", {"sync"}).errors, HasSubstr("knows no such remote yet"));
}

TEST_F(Exchange, SaysThatAServerIsNotThereAndKeepsWhatIsPending) {
  start_server();
  answer_on("a", {"create", "l", "id=r"});
  answer_on("a", {"sync", url()});
  stop_server();
  answer_on("a", {"patch", "l", "r", "n=1"});
  const Outcome text = on("a", {"sync"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.output, IsEmpty());
  EXPECT_THAT(text.errors, AllOf(HasSubstr("Connection refused"),
                                 HasSubstr("1 operation stays pending for " + url())));
  const Value error = json(on("a", {"sync", "--json"}).errors)["error"];
  EXPECT_EQ(error["code"], Value("unavailable"));
  start_server();
  EXPECT_THAT(answer_on("a", {"sync"}), HasSubstr("sent 1,"));
}

TEST_F(Exchange, ForgetsARemoteThatItNeverReached) {
  start_server();
  answer_on("a", {"create", "l", "id=r"});
  answer_on("a", {"sync", url()});
  const std::string wrong = "ws://127.0.0.1:" + std::to_string(port_) + "/no/stream";
  const Outcome outcome = on("a", {"sync", wrong});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("/v1/buckets/BUCKET/stream"));
  answer_on("a", {"sync"});
  EXPECT_THAT(answer_on("a", {"status"}), Not(HasSubstr("/no/stream")));
}

TEST_F(Exchange, ForgetsARemoteWhenItIsTold) {
  start_server();
  answer_on("a", {"create", "l", "id=r"});
  answer_on("a", {"sync", url()});
  EXPECT_EQ(on("a", {"sync", "--forget"}).exit_code, 2);
  EXPECT_EQ(on("a", {"sync", "ws://other/", "--forget"}).exit_code, 1);
  answer_on("a", {"sync", url(), "--forget"});
  EXPECT_THAT(answer_on("a", {"status"}), HasSubstr("remote        none yet"));
}

TEST_F(Exchange, ShowsATokenAndNeverKeepsIt) {
  start_server({"--set", "stream.open_access=false", "--set", "stream.tokens=secret=alice"});
  answer_on("a", {"create", "l", "id=r"});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"sync", url()}, {"sync", url(), "--token", "wrong"}}) {
    const Outcome refused = on("a", words);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.errors, HasSubstr("TOMBOLO_TOKEN"));
  }
  EXPECT_EQ(json(on("a", {"sync", url(), "--token", "wrong", "--json"}).errors)["error"]["code"],
            Value("unauthenticated"));
  EXPECT_THAT(answer_on("a", {"sync", url(), "--token", "secret"}), HasSubstr("sent 1,"));
  EXPECT_EQ(on("a", {"sync"}).exit_code, 1) << "the token was kept";
  EXPECT_EQ(on("a", {"sync", "--token", "secret", "--user", "alice"}).exit_code, 2);
}

TEST_F(Exchange, StaysConnectedUntilItIsStopped) {
  start_server();
  answer_on("a", {"create", "l", "id=r"});
  answer_on("a", {"sync", url()});
  for (const int signal : {SIGINT, SIGTERM}) {
    auto watching = start({"sync", url(), "--watch", "--json", "--db", in_folder("b")});
    const auto wait_for = [&](const std::string& event) {
      while (true) {
        const auto line = watching.read_line(kPatience_ms).value();
        ASSERT_TRUE(line) << "no event " << event;
        if (json(*line)["event"] == Value(event)) return;
      }
    };
    wait_for("sync_finished");
    answer_on("a", {"increment", "l", "r", "n"});
    answer_on("a", {"sync"});
    wait_for("change");
    EXPECT_EQ(watching.stop(signal, kPatience_ms), (os::ExitStatus{0, 0}));
  }
  EXPECT_EQ(answer_on("b", {"get", "l", "r"}), R"({"id":"r","n":2})");
}

TEST_F(Exchange, SendsWhatOtherCommandsWriteWhileItStaysConnected) {
  start_server();
  auto watching = start({"sync", url(), "--watch", "--json", "--db", in_folder("a")});
  while (json(watching.read_line(kPatience_ms).value().value())["event"] !=
         Value("sync_finished")) {
  }
  answer_on("a", {"create", "l", "id=r", "n=1"});
  // It waits for the other process, which has the connection.
  EXPECT_THAT(answer_on("a", {"sync"}), HasSubstr("another process exchanges"));
  answer_on("b", {"sync", url()});
  EXPECT_EQ(answer_on("b", {"get", "l", "r"}), R"({"id":"r","n":1})");
  EXPECT_EQ(watching.stop(SIGTERM, kPatience_ms), (os::ExitStatus{0, 0}));
}

TEST_F(Exchange, ListsWhatLostAndWhy) {
  make_conflict();
  for (const char* device : {"a", "b"}) {
    EXPECT_EQ(answer_on(device, {"get", "l", "r"}), R"({"id":"r","n":3})");
    const Value loss = json(answer_on(device, {"losses", "--json"}));
    EXPECT_EQ(loss["record"], Value("r"));
    EXPECT_EQ(loss["field"], Value("n"));
    EXPECT_EQ(loss["losing_value"], Value(2));
    EXPECT_EQ(loss["winning_value"], Value(3));
    EXPECT_EQ(loss["rule"], Value("last-writer-wins"));
    const Outcome text = on(device, {"losses"});
    EXPECT_THAT(text.output, HasSubstr("l           r       n      2     3    last-writer-wins"));
    EXPECT_THAT(text.errors, HasSubstr("losses restore ID"));
  }
}

TEST_F(Exchange, RestoresWhatLostEverywhere) {
  make_conflict();
  const std::string id =
      std::to_string(json(answer_on("a", {"losses", "--json"}))["id"].as_integer());
  answer_on("a", {"losses", "restore", id});
  EXPECT_EQ(answer_on("a", {"get", "l", "r"}), R"({"id":"r","n":2})");
  EXPECT_THAT(on("a", {"losses"}).errors, HasSubstr("nothing lost"));
  for (const char* device : {"a", "b"}) answer_on(device, {"sync"});
  EXPECT_EQ(answer_on("b", {"get", "l", "r"}), R"({"id":"r","n":2})");
  EXPECT_EQ(on("a", {"losses", "restore", id}).exit_code, 1) << "it is restored already";
}

TEST_F(Exchange, DismissesALossAndRefusesWhatIsNone) {
  make_conflict();
  const std::string id =
      std::to_string(json(answer_on("b", {"losses", "--json"}))["id"].as_integer());
  EXPECT_THAT(on("b", {"losses", "restore", "999"}).errors, HasSubstr("no entry 999"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"losses", "restore"},
                                                {"losses", "restore", "x"},
                                                {"losses", "undo", id},
                                                {"losses", "restore", id, "more"}}) {
    EXPECT_EQ(on("b", words).exit_code, 2);
  }
  EXPECT_EQ(json(answer_on("b", {"losses", "dismiss", id, "--json"}))["dismissed"].as_integer(),
            std::stoll(id));
  EXPECT_EQ(answer_on("b", {"losses"}), "");
  EXPECT_EQ(answer_on("b", {"get", "l", "r"}), R"({"id":"r","n":3})") << "the record is as it was";
}

class Watch : public CommandLine {
 protected:
  static std::string line_of(os::ChildProcess& child) {
    return child.read_line(kPatience_ms).value().value_or("(end)");
  }
};

TEST_F(Watch, TellsWhatEntersChangesAndLeavesUntilItIsStopped) {
  answer({"create", "l", "id=first", "scope=I"});
  answer({"create", "l", "id=other", "scope=M"});
  auto watching = start({"watch", "l", "--where", "scope=I", "--initial"});
  EXPECT_EQ(line_of(watching), R"(+ {"id":"first","scope":"I"})");
  answer({"create", "l", "id=second", "scope=I"});
  EXPECT_EQ(line_of(watching), R"(+ {"id":"second","scope":"I"})");
  answer({"patch", "l", "second", "n=1"});
  EXPECT_EQ(line_of(watching), R"(~ {"id":"second","scope":"I","n":1})");
  answer({"patch", "l", "other", "n=1"});  // not ours
  answer({"patch", "l", "second", "scope=M"});
  EXPECT_EQ(line_of(watching), "- second");
  answer({"rm", "l", "first"});
  EXPECT_EQ(line_of(watching), "- first");
  EXPECT_EQ(watching.stop(SIGINT, kPatience_ms), (os::ExitStatus{0, 0}));
  EXPECT_EQ(line_of(watching), "(end)");
}

TEST_F(Watch, TellsProgramsInJson) {
  auto watching = start({"watch", "l", "--json"});
  EXPECT_EQ(json(line_of(watching)), (Value{{"event", "watching"}, {"records", 0}}));
  answer({"create", "l", "id=a"});
  EXPECT_EQ(json(line_of(watching)), (Value{{"event", "entered"}, {"record", {{"id", "a"}}}}));
  answer({"patch", "l", "a", "n=1"});
  EXPECT_EQ(json(line_of(watching)),
            (Value{{"event", "changed"}, {"record", {{"id", "a"}, {"n", 1}}}}));
  answer({"rm", "l", "a"});
  EXPECT_EQ(json(line_of(watching)), (Value{{"event", "left"}, {"id", "a"}}));
  EXPECT_EQ(watching.stop(SIGTERM, kPatience_ms), (os::ExitStatus{0, 0}));
}

TEST_F(Watch, EndsWhenNobodyReads) {
  answer({"create", "l", "id=a"});
  auto piped = os::ChildProcess::start(
      {.command = {"sh", "-c",
                   std::string(TOMBOLO_PROGRAM) + " watch l --initial --db " +
                       in_folder("test.db") + " | head -n 1; echo done"},
       .error_file = in_folder("errors")});
  ASSERT_TRUE(piped);
  EXPECT_EQ(line_of(*piped), R"(+ {"id":"a"})");
  answer({"create", "l", "id=b"});  // finds nobody any more
  EXPECT_EQ(line_of(*piped), "done");
}

TEST_F(Watch, RefusesConditionsThatMakeNoSense) {
  const Outcome outcome = run({"watch", "l", "--where", "scope"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("is no condition"));
}

}  // namespace
}  // namespace tombolo
