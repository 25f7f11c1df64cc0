// The program as people and scripts use it: words in, text or JSON out, an exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "command_line.h"
#include "os/files.h"

#include "tombolo/value.h"

namespace tombolo {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Cli : public CommandLine {};

TEST_F(Cli, KeepsRecordsInTheFileThatTheEnvironmentNames) {
  const Outcome made = run({"create", "languages", "id=lld", "name=Ladin", "speakers=31000"});
  EXPECT_EQ(made.exit_code, 0);
  EXPECT_EQ(made.output, "lld\n");
  EXPECT_THAT(made.errors, HasSubstr("made the database " + in_folder("test.db")));
  EXPECT_EQ(answer({"get", "languages", "lld"}), R"({"id":"lld","name":"Ladin","speakers":31000})");
}

TEST_F(Cli, TakesTheDatabaseByAFlagToo) {
  const std::string other = in_folder("other.db");
  EXPECT_EQ(answer({"create", "notes", "--db", other, "id=a"}), "a");
  EXPECT_EQ(run({"get", "notes", "a"}).exit_code, 1);
  EXPECT_EQ(answer({"get", "notes", "a", "--db=" + other}), R"({"id":"a"})");
}

TEST_F(Cli, ChangesAndRemovesRecords) {
  answer({"create", "languages", R"({"id":"lld","name":"Ladin","note":"x"})"});
  EXPECT_EQ(json(answer({"patch", "languages", "lld", "speakers=5", "--remove", "note"})),
            json(R"({"id":"lld","name":"Ladin","speakers":5})"));
  EXPECT_EQ(json(answer({"increment", "languages", "lld", "speakers", "-2"})),
            json(R"({"id":"lld","name":"Ladin","speakers":3})"));
  EXPECT_EQ(answer({"update", "languages", "lld", "scope=I"}), R"({"id":"lld","scope":"I"})");
  EXPECT_EQ(run({"rm", "languages", "lld"}).exit_code, 0);
  const Outcome gone = run({"get", "languages", "lld"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.errors, HasSubstr("there is no record lld in languages"));
}

TEST_F(Cli, RemovesAllThatAreNamedOrNone) {
  answer({"create", "notes", "id=a"});
  const Outcome refused = run({"rm", "notes", "a", "b"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("no record b in notes"));
  EXPECT_EQ(answer({"get", "notes", "a"}), R"({"id":"a"})");
}

TEST_F(Cli, QueriesByConditionsOrderAndLimit) {
  const std::string lines =
      "{\"id\":\"a\",\"speakers\":10,\"scope\":\"I\"}\n"
      "{\"id\":\"b\",\"speakers\":2000,\"scope\":\"I\"}\n\n"
      "{\"id\":\"c\",\"speakers\":3000,\"scope\":\"M\"}\n"
      "{\"id\":\"d\",\"speakers\":4000,\"scope\":\"I\"}\n";
  const Outcome imported = run({"import", "-", "--collection", "l", "--json"}, lines);
  EXPECT_EQ(imported.output, "{\"created\":4,\"changed\":0,\"skipped\":0}\n") << imported.errors;
  EXPECT_EQ(answer({"query", "l", "--where", "speakers>1000", "--where", "scope=I", "--order",
                    "-speakers", "--limit", "1"}),
            R"({"id":"d","speakers":4000,"scope":"I"})");
  EXPECT_EQ(answer({"query", "l", "--where", "speakers>1000", "--where", "scope=I", "--count"}),
            "2");
  EXPECT_EQ(answer({"query", "l", "-w", "id in a,c", "--count", "--json"}), R"({"count":2})");
  EXPECT_THAT(answer({"list", "l", "--fields", "id,scope"}), StartsWith("id  scope\na   I"));
  EXPECT_THAT(answer({"list"}), HasSubstr("l                 4"));
  answer({"index", "l", "scope", "speakers"});
  EXPECT_THAT(answer({"query", "l", "--where", "scope=I", "--explain"}), HasSubstr("INDEX"));
}

TEST_F(Cli, ImportsWhatIsoCodesKeepAndExportsItAgain) {
  const std::string path = in_folder("iso.json");
  ASSERT_TRUE(os::write_file(
      path, R"({"639-3":[{"alpha_3":"aaa","name":"Ghotuo"},{"alpha_3":"lld","name":"Ladin"}]})"));
  const std::vector<std::string> import = {"import",    path,         "--collection",
                                           "languages", "--id-field", "alpha_3"};
  EXPECT_EQ(run(import).exit_code, 0);
  const std::string lines =
      "{\"id\":\"aaa\",\"alpha_3\":\"aaa\",\"name\":\"Ghotuo\"}\n"
      "{\"id\":\"lld\",\"alpha_3\":\"lld\",\"name\":\"Ladin\"}";
  EXPECT_EQ(answer({"export", "languages"}), lines);
  EXPECT_EQ(json(answer({"export", "languages", "--array"})).size(), 2U);
  EXPECT_EQ(json(answer({"export", "languages", "--output", in_folder("out"), "--json"})),
            (Value{{"exported", 2}, {"output", in_folder("out")}}));
  EXPECT_EQ(os::read_file(in_folder("out")).value(), lines + "\n");

  const Outcome again = run(import);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.errors, HasSubstr("--existing"));
  auto skipping = import;
  skipping.insert(skipping.end(), {"--existing", "skip", "--json"});
  EXPECT_EQ(answer(skipping), R"({"created":0,"changed":0,"skipped":2})");
}

TEST_F(Cli, NamesTheLineOfAFileThatIsWrong) {
  const Outcome outcome = run({"import", "-", "-c", "l"}, "{\"id\":\"a\"}\n{\"id\":\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("standard input: line 2 is no JSON object"));
  EXPECT_THAT(run({"import", in_folder("none"), "-c", "l"}).errors, HasSubstr(in_folder("none")));
  EXPECT_THAT(run({"import", "-", "-c", "l"}, "[{},5]").errors, HasSubstr("element 2"));
  EXPECT_THAT(run({"import", "-", "-c", "l", "--id-field", "code"}, "[{\"name\":\"x\"}]").errors,
              HasSubstr("record 1 has no text or whole number under \"code\""));
}

TEST_F(Cli, RefusesLinesThatMakeNoSenseWithExitCode2) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"creat"}, "did you mean create?"},
      {{"get", "languages"}, "ID is missing"},
      {{"get", "a", "b", "c"}, "\"c\" is too much"},
      {{"list", "--wher", "a=1"}, "did you mean --where?"},
      {{"query", "l", "--limit"}, "--limit needs a value"},
      {{"create", "l", "Ladin"}, "neither name=value nor a JSON object"},
      {{"import", "x"}, "--collection"},
      {{"help", "nonsense"}, "no command \"nonsense\"\n"},
      {{"increment", "l", "a", "n", "many"}, "BY must be a number"},
  };
  for (const auto& [words, complaint] : cases) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 2) << complaint;
    EXPECT_THAT(outcome.errors, HasSubstr(complaint));
    EXPECT_THAT(outcome.output, IsEmpty());
  }
  EXPECT_EQ(run({}).exit_code, 2);
}

TEST_F(Cli, AnswersErrorsAsJsonWhenAsked) {
  answer({"create", "l", "id=a"});
  const Outcome outcome = run({"get", "l", "b", "--json"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(json(outcome.errors)["error"]["code"], Value("not_found"));
  EXPECT_EQ(run({"create", "l", "id=a"}).exit_code, 1);
}

TEST_F(Cli, AnswersMisuseAsJsonToo) {
  const Outcome outcome = run({"get", "l", "--json", "--wher"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(json(outcome.errors)["error"]["code"], Value("usage"));
}

TEST_F(Cli, SaysThatThereIsNoDatabaseInsteadOfMakingOne) {
  const Outcome outcome = run({"list"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("there is no database " + in_folder("test.db")));
  EXPECT_FALSE(os::path_exists(in_folder("test.db")));
}

TEST_F(Cli, LeavesAFileOfAnotherKindAlone) {
  const std::string text(8192, 'x');
  ASSERT_TRUE(os::write_file(in_folder("test.db"), text));
  const Outcome outcome = run({"create", "l", "id=a"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("test.db"));
  EXPECT_EQ(os::read_file(in_folder("test.db")).value(), text);
}

TEST_F(Cli, FailsWhenItsOutputCannotBeWritten) {
  if (!os::path_exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  answer({"create", "l", "id=a"});
  for (const char* command : {"query l", "list l", "export l", "get l a", "status"}) {
    auto child = os::ChildProcess::start(
        {.command = {"sh", "-c",
                     std::string(TOMBOLO_PROGRAM) + " " + command + " --db " +
                         in_folder("test.db") + " 2>&1 >/dev/full"}});
    ASSERT_TRUE(child);
    EXPECT_THAT(child->read_rest(kPatience_ms).value(), HasSubstr("No space left")) << command;
    EXPECT_EQ(child->wait_for_end(kPatience_ms).value().exit_code, 1) << command;
  }
}

TEST_F(Cli, ShowsTheLogToPeopleAndPrograms) {
  answer({"create", "l", "id=a"});
  answer({"patch", "l", "a", "n=1"});
  const std::string text = answer({"operations"});
  EXPECT_THAT(text, HasSubstr("written (UTC)"));
  EXPECT_THAT(text, ::testing::MatchesRegex(
                        "operation.*\n.* update  l +a +2[0-9:-]+ [0-9:]+  this one\n.* insert .*"));
  const std::string newest = answer({"operations", "l", "a", "--limit", "1", "--json"});
  EXPECT_EQ(json(newest)["type"], Value("update"));
  EXPECT_EQ(run({"operations", "l"}).exit_code, 2);
}

TEST_F(Cli, TakesANumberAsAnId) {
  EXPECT_EQ(answer({"create", "l", "id=5"}), "5");
  EXPECT_EQ(answer({"get", "l", "5"}), R"({"id":"5"})");
}

TEST_F(Cli, ShowsNoControlCharactersOfOthers) {
  answer({"create", "l", "id=a"});
  EXPECT_THAT(run({"get", "l", "\033[31m"}).errors, HasSubstr("no record \\x1b[31m in l"));
}

TEST_F(Cli, HelpsWithExamples) {
  EXPECT_THAT(answer({"--help"}), HasSubstr("tombolo COMMAND --help"));
  for (const char* command :
       {"create", "get",          "patch",      "update", "increment", "rm",   "list",
        "query",  "watch",        "index",      "import", "export",    "sync", "status",
        "losses", "dead-letters", "operations", "shell",  "serve",     "demo"}) {
    EXPECT_THAT(answer({command, "--help"}),
                HasSubstr(std::string("Examples:\n  tombolo ") + command));
    EXPECT_THAT(answer({"--help"}), HasSubstr(std::string("\n  ") + command + " "));
  }
  EXPECT_THAT(answer({"--version"}), StartsWith("tombolo 0."));
}

}  // namespace
}  // namespace tombolo
