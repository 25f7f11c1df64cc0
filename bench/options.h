// The few options of a benchmark program: `--name value`.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace tombolo::bench {

class Options {
 public:
  // Ends the program with a list of the options when there is one that `known` does not name.
  Options(int argc, char** argv, std::map<std::string, std::string> known)
      : values_(std::move(known)) {
    for (int index = 1; index < argc; index += 2) {
      const std::string name = argv[index];
      const auto place = values_.find(name);
      if (place == values_.end() || index + 1 == argc) usage(argv[0]);
      place->second = argv[index + 1];
    }
  }

  const std::string& text(const std::string& name) const { return values_.at(name); }
  int number(const std::string& name) const { return std::atoi(values_.at(name).c_str()); }

 private:
  [[noreturn]] void usage(const char* program) const {
    std::fprintf(stderr, "usage: %s [--option value] ...; the options and their defaults:\n",
                 program);
    for (const auto& [name, value] : values_) {
      std::fprintf(stderr, "  %-10s %s\n", name.c_str(), value.c_str());
    }
    std::exit(2);
  }

  std::map<std::string, std::string> values_;
};

}  // namespace tombolo::bench
