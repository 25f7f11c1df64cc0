#include "source_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace tombolo::rules {
namespace {

// In their order: a layer includes only itself and those before it.
constexpr std::array<std::string_view, 10> kLayers = {"base", "core", "protocol", "store",  "sync",
                                                      "os",   "net",  "client",   "server", "cli"};

constexpr std::array<std::string_view, 3> kPureLayers = {"core", "protocol", "sync"};

// Headers by which a pure layer would do I/O, start a thread, read a clock or draw a number.
constexpr std::array<std::string_view, 24> kImpureHeaders = {"thread",
                                                             "chrono",
                                                             "random",
                                                             "fstream",
                                                             "iostream",
                                                             "filesystem",
                                                             "future",
                                                             "mutex",
                                                             "atomic",
                                                             "semaphore",
                                                             "condition_variable",
                                                             "shared_mutex",
                                                             "ostream",
                                                             "istream",
                                                             "ctime",
                                                             "time.h",
                                                             "csignal",
                                                             "signal.h",
                                                             "unistd.h",
                                                             "fcntl.h",
                                                             "poll.h",
                                                             "netdb.h",
                                                             "sqlite3.h",
                                                             "iomanip"};
constexpr std::array<std::string_view, 8> kImpurePrefixes = {
    "sys/", "netinet/", "arpa/", "boost/", "openssl/", "asio", "simdjson", "toml++"};

// Words that read a real clock, entropy or the environment; for os/ alone.
constexpr std::array<std::string_view, 12> kOsWords = {"system_clock::now",
                                                       "steady_clock::now",
                                                       "high_resolution_clock",
                                                       "clock_gettime",
                                                       "gettimeofday",
                                                       "random_device",
                                                       "getrandom",
                                                       "getentropy",
                                                       "RAND_bytes",
                                                       "getenv",
                                                       "setenv",
                                                       "sigaction"};

bool contains(const auto& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

struct Include {
  int line = 0;
  std::string name;
  bool quoted = false;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<Include> includes_of(const std::string& text) {
  std::vector<Include> includes;
  int number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    std::string squeezed;
    for (const char character : line) {
      if (character != ' ' && character != '\t') squeezed.push_back(character);
    }
    if (!squeezed.starts_with("#include")) continue;
    const char open = squeezed.size() > 8 ? squeezed[8] : '\0';
    const std::size_t close = squeezed.find(open == '<' ? '>' : '"', 9);
    if ((open != '<' && open != '"') || close == std::string::npos) continue;
    includes.push_back({number, squeezed.substr(9, close - 9), open == '"'});
  }
  return includes;
}

// "core" of "src/core/hlc.h"; empty outside src/.
std::string layer_of(std::string_view path) {
  if (!path.starts_with("src/")) return {};
  path.remove_prefix(4);
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

std::size_t rank_of(std::string_view layer) {
  return static_cast<std::size_t>(std::find(kLayers.begin(), kLayers.end(), layer) -
                                  kLayers.begin());
}

// The door or connector a file belongs to: its folder in doors/ or connectors/, or the first word
// of its name there. "door", "connector" and "remote" name what they share.
std::optional<std::string> sibling_of(std::string_view path, std::string_view folder) {
  const std::size_t start = path.find(folder);
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view rest = path.substr(start + folder.size());
  std::string name(rest.substr(0, rest.find_first_of("/._")));
  constexpr std::array<std::string_view, 3> kShared = {"door", "connector", "remote"};
  if (contains(kShared, name)) return std::nullopt;
  return name;
}

bool is_test(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.ends_with("_test.cpp") || name.ends_with("_bench.cpp") ||
         name.ends_with("_for_test.h") || name.starts_with("test_");
}

class Checker {
 public:
  explicit Checker(const SourceTree& tree) : tree_(tree) {}

  std::vector<std::string> run() {
    for (const auto& [path, text] : tree_) {
      const std::string code = code_only(text);
      const std::vector<Include> includes = includes_of(text);
      if (path.starts_with("src/")) check_layer(path, includes, code);
      if (path.starts_with("sim/")) check_simulator(path, includes, code);
      if (path.starts_with("include/")) check_public_header(path, includes);
      check_own_header_first(path, includes);
      check_sizes(path, text);
      check_functions(path, code);
    }
    return complaints_;
  }

 private:
  void complain(const std::string& path, int line, const std::string& what) {
    complaints_.push_back(path + ":" + std::to_string(line) + ": " + what);
  }

  void check_layer(const std::string& path, const std::vector<Include>& includes,
                   const std::string& code) {
    const std::string layer = layer_of(path);
    if (!contains(kLayers, layer)) {
      return complain(path, 1, "the folder src/" + layer + " is not a layer");
    }
    for (const Include& include : includes) {
      if (include.quoted) check_quoted_include(path, layer, include);
      if (contains(kPureLayers, layer) && !is_test(path)) check_pure(path, layer, include);
    }
    if (layer != "os" && !is_test(path)) check_os_words(path, code);
  }

  // The simulator may include every layer, and owns what is real elsewhere.
  void check_simulator(const std::string& path, const std::vector<Include>& includes,
                       const std::string& code) {
    for (const Include& include : includes) {
      const bool known = tree_.contains("include/" + include.name) ||
                         tree_.contains("src/" + include.name) || tree_.contains(include.name);
      if (!include.quoted || known) continue;
      complain(path, include.line,
               "\"" + include.name + "\" is no path from src/, include/ or the root to a file");
    }
    check_os_words(path, code);
  }

  void check_quoted_include(const std::string& path, const std::string& layer,
                            const Include& include) {
    if (include.name.starts_with("tombolo/")) {
      if (!tree_.contains("include/" + include.name)) {
        complain(path, include.line, "there is no public header " + include.name);
      }
      return;
    }
    const std::string target = "src/" + include.name;
    if (!tree_.contains(target)) {
      return complain(path, include.line,
                      "\"" + include.name + "\" is no path from src/ or include/ to a file");
    }
    check_layer_order(path, layer, include, layer_of(target));
    check_siblings(path, include, target, "/doors/", "door");
    check_siblings(path, include, target, "/connectors/", "connector");
  }

  void check_layer_order(const std::string& path, const std::string& layer, const Include& include,
                         const std::string& other) {
    if (layer == "server" && other == "client") {
      complain(path, include.line, "server and client never include each other: " + include.name);
    } else if (rank_of(other) > rank_of(layer)) {
      complain(
          path, include.line,
          "layer " + layer + " comes before " + other + " and must not include " + include.name);
    }
  }

  void check_siblings(const std::string& path, const Include& include, const std::string& target,
                      std::string_view folder, const std::string& kind) {
    const auto own = sibling_of(path, folder);
    const auto other = sibling_of(target, folder);
    if (own && other && *own != *other) {
      complain(path, include.line, "no " + kind + " includes another one: " + include.name);
    }
  }

  void check_pure(const std::string& path, const std::string& layer, const Include& include) {
    const bool prefix =
        std::any_of(kImpurePrefixes.begin(), kImpurePrefixes.end(),
                    [&](std::string_view start) { return include.name.starts_with(start); });
    if (prefix || contains(kImpureHeaders, include.name)) {
      complain(path, include.line,
               "layer " + layer + " is pure and must not include <" + include.name + ">");
    }
  }

  void check_os_words(const std::string& path, const std::string& code) {
    int number = 0;
    for (const std::string& line : lines_of(code)) {
      ++number;
      for (const std::string_view word : kOsWords) {
        if (line.find(word) == std::string::npos) continue;
        complain(path, number, std::string(word) + " belongs to src/os, behind an interface");
      }
    }
  }

  void check_public_header(const std::string& path, const std::vector<Include>& includes) {
    for (const Include& include : includes) {
      if (include.quoted) {
        if (!include.name.starts_with("tombolo/") || !tree_.contains("include/" + include.name)) {
          complain(path, include.line, "a public header includes no private one: " + include.name);
        }
        continue;
      }
      constexpr std::array<std::string_view, 3> kPlainC = {"stdbool.h", "stddef.h", "stdint.h"};
      if (include.name.find_first_of("./") != std::string::npos &&
          !contains(kPlainC, include.name)) {
        complain(path, include.line,
                 "a public header includes the standard library only, not <" + include.name + ">");
      }
    }
  }

  // With its own header first, each source proves that the header stands alone. (Headers without a
  // source of their own are compiled alone, see tests/CMakeLists.txt.)
  void check_own_header_first(const std::string& path, const std::vector<Include>& includes) {
    const bool layered = path.starts_with("src/");
    if ((!layered && !path.starts_with("sim/")) || !path.ends_with(".cpp")) return;
    const std::string own = path.substr(0, path.size() - 4) + ".h";
    if (!tree_.contains(own)) return;
    const std::string header = layered ? own.substr(4) : own;
    if (includes.empty() || includes.front().name != header) {
      complain(path, includes.empty() ? 1 : includes.front().line,
               "the first include must be its own header, " + header);
    }
  }

  void check_sizes(const std::string& path, const std::string& text) {
    const std::vector<std::string> lines = lines_of(text);
    if (lines.size() > kFileLineLimit) {
      complain(path, static_cast<int>(lines.size()),
               "the file is longer than " + std::to_string(kFileLineLimit) + " lines");
    }
    for (std::size_t index = 0; index < lines.size(); ++index) {
      // Bytes of the form 10xxxxxx continue a character of UTF-8.
      const auto columns = std::count_if(lines[index].begin(), lines[index].end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
      });
      if (columns > kColumnLimit) {
        complain(path, static_cast<int>(index) + 1,
                 "the line is longer than " + std::to_string(kColumnLimit) + " columns");
      }
    }
  }

  void check_functions(const std::string& path, const std::string& code);

  const SourceTree& tree_;
  std::vector<std::string> complaints_;
};

// Whether the text before a '{' is the head of a function: it has a parameter list, and no '='
// stands before that (which would make it a value).
bool is_function_head(std::string head) {
  const std::size_t name = head.find("operator");
  if (name != std::string::npos) {
    for (std::size_t at = name + 8; at < head.size() && head[at] != '('; ++at) head[at] = ' ';
  }
  int angles = 0;
  for (const char character : head) {
    if (character == '<') ++angles;
    if (character == '>' && angles > 0) --angles;
    if (angles > 0) continue;
    if (character == '=') return false;
    if (character == '(') return true;
  }
  return false;
}

bool is_blank(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char character) {
    return std::isspace(static_cast<unsigned char>(character));
  });
}

bool is_access_label(const std::string& head) {
  return head.ends_with("public:") || head.ends_with("private:") || head.ends_with("protected:");
}

// The same text without its preprocessor lines.
std::string without_directives(const std::string& code) {
  std::string kept;
  bool continued = false;
  for (const std::string& line : lines_of(code)) {
    const std::size_t first = line.find_first_not_of(" \t");
    const bool directive = continued || (first != std::string::npos && line[first] == '#');
    continued = directive && line.ends_with('\\');
    kept += directive ? "\n" : line + "\n";
  }
  return kept;
}

// A brace opens a function, or something that may hold functions (a namespace or a class), or
// something inside a function.
void Checker::check_functions(const std::string& path, const std::string& code) {
  std::string head;
  int line = 1;
  int head_line = 1;
  int depth_inside = 0;  // open braces of the function we are in, 0 outside of functions
  for (const char character : without_directives(code)) {
    if (character == '\n') ++line;
    if (depth_inside > 0) {
      if (character == '{') ++depth_inside;
      if (character == '}' && --depth_inside == 0 && line - head_line + 1 > kFunctionLineLimit) {
        complain(path, head_line,
                 "the function is longer than " + std::to_string(kFunctionLineLimit) + " lines");
      }
      continue;
    }
    if (character == '{' && is_function_head(head)) depth_inside = 1;
    if (character == '{' || character == '}' || character == ';') {
      head.clear();
      continue;
    }
    if (is_blank(head)) head_line = line;
    head.push_back(character);
    if (is_access_label(head)) head.clear();
  }
}

// Where the raw string that starts at `at` (its R) ends; npos when it never does.
std::size_t raw_string_end(const std::string& text, std::size_t at) {
  const std::size_t open = text.find('(', at);
  if (open == std::string::npos) return std::string::npos;
  const std::string close = ")" + text.substr(at + 2, open - at - 2) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string::npos ? end : end + close.size();
}

// Where the literal that starts with the quote at `at` ends.
std::size_t literal_end(const std::string& text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t index = at + 1; index < text.size(); ++index) {
    if (text[index] == '\\') {
      ++index;
    } else if (text[index] == quote) {
      return index + 1;
    }
  }
  return text.size();
}

// Where what is not code at `at` ends; `at` itself when code stands there.
std::size_t skip_from(const std::string& text, std::size_t at) {
  const auto starts = [&](std::string_view what) {
    return text.compare(at, what.size(), what) == 0;
  };
  if (starts("//")) return std::min(text.find('\n', at), text.size());
  if (starts("/*")) {
    const std::size_t end = text.find("*/", at + 2);
    return end == std::string::npos ? text.size() : end + 2;
  }
  if (starts("R\"")) return std::min(raw_string_end(text, at), text.size());
  const bool after_word = at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0;
  if (text[at] == '"' || (text[at] == '\'' && !after_word)) return literal_end(text, at);
  return at;
}

}  // namespace

std::string code_only(const std::string& text) {
  std::string code = text;
  for (std::size_t at = 0; at < code.size();) {
    const std::size_t end = skip_from(text, at);
    if (end == at) {
      ++at;
      continue;
    }
    for (; at < end; ++at) {
      if (code[at] != '\n') code[at] = ' ';
    }
  }
  return code;
}

std::vector<std::string> check_sources(const SourceTree& tree) {
  return Checker(tree).run();
}

SourceTree read_source_tree(const std::string& root, const std::vector<std::string>& folders) {
  namespace fs = std::filesystem;
  const std::set<std::string> endings = {".h", ".hpp", ".cpp"};
  SourceTree tree;
  for (const std::string& folder : folders) {
    if (!fs::exists(fs::path(root) / folder)) continue;
    for (auto at = fs::recursive_directory_iterator(fs::path(root) / folder); at != fs::end(at);
         ++at) {
      const fs::directory_entry& entry = *at;
      if (entry.path().filename() == "node_modules")
        at.disable_recursion_pending();  // others' code
      if (!entry.is_regular_file() || !endings.contains(entry.path().extension())) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::ostringstream text;
      text << file.rdbuf();
      tree[fs::relative(entry.path(), root).generic_string()] = text.str();
    }
  }
  return tree;
}

}  // namespace tombolo::rules
