// The rules of the house that a program can check by reading the sources: which layer may include
// which, what the pure layers keep their hands off, and the sizes of lines, functions and files.
// docs/architecture.md gives the reasons.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tombolo::rules {

// The text of each C++ file by its path from the repository's root, e.g. "src/core/hlc.h".
using SourceTree = std::map<std::string, std::string>;

inline constexpr int kColumnLimit = 100;
inline constexpr int kFunctionLineLimit = 70;
inline constexpr int kFileLineLimit = 700;

// One sentence per broken rule, as "path:line: what is wrong", in the order of the files.
std::vector<std::string> check_sources(const SourceTree& tree);

// A C++ text with every comment, string and character literal replaced by spaces, so that what is
// left is code, at the same lines and columns.
std::string code_only(const std::string& text);

// Reads the C++ files below the given folders of a repository.
SourceTree read_source_tree(const std::string& root, const std::vector<std::string>& folders);

}  // namespace tombolo::rules
