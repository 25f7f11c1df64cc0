// Holds the repository to its own rules, and the checker to small trees that break each of them.
#include "source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tombolo::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string lines(int count, const std::string& line) {
  std::string text;
  for (int index = 0; index < count; ++index) text += line + "\n";
  return text;
}

TEST(Repository, KeepsItsRules) {
  const SourceTree tree = read_source_tree(
      TOMBOLO_SOURCE_DIR, {"include", "src", "tests", "bench", "examples", "sim", "fuzz"});
  ASSERT_GT(tree.size(), 20U) << "the sources were not found";
  for (const std::string& complaint : check_sources(tree)) ADD_FAILURE() << complaint;
}

TEST(Layers, MayIncludeThemselvesAndThoseBefore) {
  EXPECT_THAT(check_sources({{"src/core/a.h", "#include \"base/b.h\"\n#include \"core/c.h\"\n"},
                             {"src/core/c.h", ""},
                             {"src/base/b.h", "#include <string>\n#include \"tombolo/d.h\"\n"},
                             {"include/tombolo/d.h", "#include <string>\n"}}),
              IsEmpty());
}

TEST(Layers, MustNotIncludeThoseAfter) {
  EXPECT_THAT(
      check_sources({{"src/core/a.h", "\n#include \"store/b.h\"\n"}, {"src/store/b.h", ""}}),
      ElementsAre(HasSubstr("src/core/a.h:2: layer core comes before store")));
  EXPECT_THAT(
      check_sources({{"src/base/a_test.cpp", "#include \"cli/b.h\"\n"}, {"src/cli/b.h", ""}}),
      ElementsAre(HasSubstr("layer base comes before cli")));
}

TEST(Layers, ClientAndServerNeverIncludeEachOther) {
  EXPECT_THAT(
      check_sources({{"src/server/a.h", "#include \"client/b.h\"\n"}, {"src/client/b.h", ""}}),
      ElementsAre(HasSubstr("server and client never include each other")));
  EXPECT_THAT(
      check_sources({{"src/client/a.h", "#include \"server/b.h\"\n"}, {"src/server/b.h", ""}}),
      ElementsAre(HasSubstr("client comes before server")));
}

TEST(Layers, AreAllKnown) {
  EXPECT_THAT(check_sources({{"src/utils/a.h", ""}}),
              ElementsAre(HasSubstr("src/utils is not a layer")));
}

TEST(Layers, NameFilesByTheirPathFromTheSources) {
  EXPECT_THAT(check_sources({{"src/core/a.h", "#include \"b.h\"\n"}, {"src/core/b.h", ""}}),
              ElementsAre(HasSubstr("\"b.h\" is no path")));
  EXPECT_THAT(check_sources({{"src/core/a.h", "#include \"../base/b.h\"\n"}, {"src/base/b.h", ""}}),
              ElementsAre(HasSubstr("is no path")));
  EXPECT_THAT(check_sources({{"src/core/a.h", "#include \"tombolo/none.h\"\n"}}),
              ElementsAre(HasSubstr("no public header tombolo/none.h")));
}

TEST(Doors, DoNotIncludeOneAnother) {
  const SourceTree tree = {
      {"src/server/doors/kinto/a.h", "#include \"server/doors/stream/b.h\"\n"},
      {"src/server/doors/kinto_batch.h", "#include \"server/doors/stream.h\"\n"},
      {"src/server/doors/stream/b.h", "#include \"server/doors/door.h\"\n"},
      {"src/server/doors/stream.h", "#include \"server/doors/stream/b.h\"\n"},
      {"src/server/doors/door.h", ""}};
  EXPECT_THAT(check_sources(tree),
              ElementsAre(HasSubstr("src/server/doors/kinto/a.h:1: no door includes another"),
                          HasSubstr("src/server/doors/kinto_batch.h:1: no door includes another")));
}

TEST(Connectors, DoNotIncludeOneAnother) {
  EXPECT_THAT(
      check_sources({{"src/client/connectors/kinto.h", "#include \"client/connectors/rest.h\"\n"},
                     {"src/client/connectors/rest.h", ""}}),
      ElementsAre(HasSubstr("no connector includes another one")));
}

TEST(PublicHeaders, IncludeNeitherPrivateNorThirdPartyHeaders) {
  EXPECT_THAT(check_sources({{"include/tombolo/a.h",
                              "#include \"base/b.h\"\n#include <fmt/core.h>\n"
                              "#include <sqlite3.h>\n#include <stdint.h>\n"},
                             {"src/base/b.h", ""}}),
              ElementsAre(HasSubstr("includes no private one: base/b.h"),
                          HasSubstr("not <fmt/core.h>"), HasSubstr("not <sqlite3.h>")));
}

TEST(PureLayers, DoNoIoStartNoThreadReadNoClock) {
  for (const char* header : {"thread", "chrono", "random", "fstream", "iostream", "sys/socket.h",
                             "sqlite3.h", "boost/asio.hpp", "mutex"}) {
    const std::string include = "#include <" + std::string(header) + ">\n";
    for (const char* layer : {"core", "protocol", "sync"}) {
      EXPECT_THAT(check_sources({{"src/" + std::string(layer) + "/a.cpp", include}}),
                  ElementsAre(HasSubstr("is pure and must not include <" + std::string(header))));
    }
    EXPECT_THAT(check_sources({{"src/net/a.cpp", include}}), IsEmpty());
  }
  EXPECT_THAT(check_sources({{"src/core/a_test.cpp", "#include <fstream>\n"}}), IsEmpty());
}

TEST(Os, AloneReadsClocksEntropyAndEnvironment) {
  const std::string code = "auto now() { return std::chrono::system_clock::now(); }\n";
  EXPECT_THAT(check_sources({{"src/net/a.cpp", code}}),
              ElementsAre(HasSubstr("src/net/a.cpp:1: system_clock::now belongs to src/os")));
  EXPECT_THAT(check_sources({{"src/os/a.cpp", code}, {"src/net/a_test.cpp", code}}), IsEmpty());
  EXPECT_THAT(check_sources({{"src/cli/a.cpp", "// getenv is not used: \"getenv\"\n"}}), IsEmpty());
  EXPECT_THAT(check_sources({{"src/cli/a.cpp", "auto x = std::getenv(\"HOME\");\n"}}),
              ElementsAre(HasSubstr("getenv belongs to src/os")));
}

TEST(Simulator, IncludesEveryLayerAndIsIncludedByNone) {
  EXPECT_THAT(check_sources({{"sim/a.cpp",
                              "#include \"sim/a.h\"\n#include \"client/b.h\"\n"
                              "#include \"server/c.h\"\n#include \"tombolo/d.h\"\n"},
                             {"sim/a.h", ""},
                             {"src/client/b.h", ""},
                             {"src/server/c.h", ""},
                             {"include/tombolo/d.h", ""}}),
              IsEmpty());
  EXPECT_THAT(check_sources({{"src/cli/a.cpp", "#include \"sim/a.h\"\n"}, {"sim/a.h", ""}}),
              ElementsAre(HasSubstr("src/cli/a.cpp:1: \"sim/a.h\" is no path")));
  EXPECT_THAT(check_sources({{"sim/a.cpp", "#include \"a.h\"\n"}}),
              ElementsAre(HasSubstr("sim/a.cpp:1: \"a.h\" is no path")));
  EXPECT_THAT(
      check_sources({{"sim/a.cpp", "#include <set>\n#include \"sim/a.h\"\n"}, {"sim/a.h", ""}}),
      ElementsAre(HasSubstr("the first include must be its own header, sim/a.h")));
}

TEST(Simulator, ReadsNothingReal) {
  EXPECT_THAT(check_sources({{"sim/a_test.cpp", "auto x = std::random_device{}();\n"}}),
              ElementsAre(HasSubstr("sim/a_test.cpp:1: random_device belongs to src/os")));
}

TEST(Sources, IncludeTheirOwnHeaderFirst) {
  EXPECT_THAT(check_sources({{"src/core/a.h", ""},
                             {"src/core/a.cpp", "#include <string>\n#include \"core/a.h\"\n"}}),
              ElementsAre(HasSubstr("src/core/a.cpp:1: the first include must be its own header")));
  EXPECT_THAT(check_sources(
                  {{"src/core/a.h", ""}, {"src/core/a.cpp", "// What.\n#include \"core/a.h\"\n"}}),
              IsEmpty());
}

TEST(Sizes, AreLimited) {
  EXPECT_THAT(check_sources({{"src/core/a.cpp", std::string(kColumnLimit, 'x') + "\n"}}),
              IsEmpty());
  EXPECT_THAT(check_sources({{"src/core/a.cpp", std::string(kColumnLimit + 1, 'x') + "\n"}}),
              ElementsAre(HasSubstr("a.cpp:1: the line is longer than 100 columns")));
  EXPECT_THAT(check_sources({{"src/core/a.cpp", lines(kFileLineLimit, "")}}), IsEmpty());
  EXPECT_THAT(check_sources({{"src/core/a.cpp", lines(kFileLineLimit + 1, "")}}),
              ElementsAre(HasSubstr("longer than 700 lines")));
}

TEST(Sizes, CountCharactersNotBytes) {
  std::string line;
  for (int count = 0; count < kColumnLimit; ++count) line += "é";
  EXPECT_THAT(check_sources({{"src/core/a.cpp", "// " + line.substr(0, 2 * 97) + "\n"}}),
              IsEmpty());
}

TEST(Functions, FitOnOneScreen) {
  const std::string fits = lines(kFunctionLineLimit - 2, "  call();");
  const std::string too_long = lines(kFunctionLineLimit - 1, "  call();");
  const std::string before = "// What\nnamespace a {\nclass B : public C {\n public:\n";
  const auto tree = [&](const std::string& head, const std::string& body) {
    return SourceTree{{"src/core/a.cpp", before + head + " {\n" + body + "}\n};\n}\n"}};
  };
  for (const char* head :
       {"void f(int x)", "B() : a_(1), b_(2)",
        "template <typename T = int>\nvoid f(T x) const noexcept",
        "bool operator==(const B& other) const", "TEST(A, B)", "auto g() -> int"}) {
    const bool two_lines = std::string_view(head).find('\n') != std::string_view::npos;
    EXPECT_THAT(check_sources(tree(head, two_lines ? lines(kFunctionLineLimit - 3, "x;") : fits)),
                IsEmpty())
        << head;
    EXPECT_THAT(check_sources(tree(head, too_long)),
                ElementsAre(HasSubstr("src/core/a.cpp:5: the function is longer than 70 lines")))
        << head;
  }
  EXPECT_THAT(check_sources(tree("constexpr int kTable[] =", too_long)), IsEmpty());
}

TEST(CodeOnly, BlanksCommentsAndLiterals) {
  EXPECT_EQ(code_only("a; // b\nc"), "a;     \nc");
  EXPECT_EQ(code_only("a /* { \n } */ b"), "a      \n      b");
  EXPECT_EQ(code_only(R"(x = "a\"b{" + '{' + '\'';)"), R"(x =         +     +     ;)");
  EXPECT_EQ(code_only("1'000'000 {"), "1'000'000 {");
  EXPECT_EQ(code_only("R\"x({\")\n)x\" }"), "       \n    }");
}

}  // namespace
}  // namespace tombolo::rules
