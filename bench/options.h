// The few options of a benchmark program: `--name value`.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace tombolo::bench {

struct Option {
  std::string name;
  std::string value;  // the default
  std::string help;
};

class Options {
 public:
  // Ends the program with a list of the options when there is one that `known` does not name.
  Options(int argc, char** argv, const std::vector<Option>& known) {
    for (const Option& option : known) values_[option.name] = option.value;
    for (int index = 1; index < argc; index += 2) {
      const auto place = values_.find(argv[index]);
      if (place == values_.end() || index + 1 == argc) usage(argv[0], known);
      place->second = argv[index + 1];
    }
  }

  const std::string& text(const std::string& name) const { return values_.at(name); }
  int number(const std::string& name) const { return std::atoi(text(name).c_str()); }
  double real(const std::string& name) const { return std::atof(text(name).c_str()); }

 private:
  [[noreturn]] static void usage(const char* program, const std::vector<Option>& known) {
    std::fprintf(stderr, "usage: %s [--option value] ...\n", program);
    for (const Option& option : known) {
      std::fprintf(stderr, "  %-16s %s%s%s%s\n", option.name.c_str(), option.help.c_str(),
                   option.value.empty() ? "" : " [", option.value.c_str(),
                   option.value.empty() ? "" : "]");
    }
    std::exit(2);
  }

  std::map<std::string, std::string> values_;
};

}  // namespace tombolo::bench
