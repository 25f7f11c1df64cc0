// usage: chaos [--option value]...
//
// Runs the server and devices as processes through work and faults (chaos_run.h), each run from a
// seed: the plan of faults and what devices ask for come from it, what happens in real time does
// not. Ends with 1 when a guarantee did not hold. Failing runs keep their folder, with the history
// of what happened (history.jsonl), the files, and report.txt.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chaos_run.h"

namespace tombolo::chaos {
namespace {

constexpr std::size_t kFewDevices = 5;  // as the workload of PowerSync has
constexpr std::size_t kManyDevices = 10;

struct Options {
  std::map<std::string, std::string> values = {
      {"--program", TOMBOLO_PROGRAM},  // to be tested
      {"--runs", "10"},
      {"--seed", "1"},     // of the first run; the next ones count up
      {"--devices", "0"},  // 0: 5 and 10 in turn
      {"--seconds", "8"},  // of work and faults in each run
      {"--jobs", "1"},     // runs at once
      {"--network", "1"},  // 0: without namespaces; 1: with them, but for every fourth run
      {"--folder", "build/chaos"},
      {"--keep", "0"},  // 1: keeps the folders of all runs
  };

  std::size_t number(const std::string& name) const {
    const std::string& text = values.at(name);
    std::size_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
};

bool read(Options& options, int argc, char** argv) {
  for (int index = 1; index < argc; index += 2) {
    const auto place = options.values.find(argv[index]);
    if (place == options.values.end() || index + 1 == argc) return false;
    place->second = argv[index + 1];
  }
  return true;
}

int usage(const Options& options) {
  std::fputs("usage: chaos [--option value]...; the options and their defaults:\n", stderr);
  for (const auto& [name, value] : options.values) {
    std::fprintf(stderr, "  %-10s %s\n", name.c_str(), value.c_str());
  }
  return 2;
}

class Runs {
 public:
  Runs(const Options& options, bool has_network) : options_(options), has_network_(has_network) {}

  int run() {
    std::vector<std::thread> threads;
    for (std::size_t job = 0; job < std::max<std::size_t>(options_.number("--jobs"), 1); ++job) {
      threads.emplace_back([this] {
        for (std::size_t run = next_++; run < options_.number("--runs"); run = next_++) one(run);
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::printf("%zu runs, %zu failures, %lld transactions, slowest to become equal: %.1f s\n",
                options_.number("--runs"), failures_, static_cast<long long>(transactions_),
                static_cast<double>(slowest_ms_) / 1000);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  RunOptions options_of(std::size_t number) const {
    constexpr std::size_t kWithoutNetworkEvery = 4;
    constexpr std::size_t kAloneEvery = 3;
    constexpr std::int64_t kSecond_ms = 1'000;
    RunOptions run;
    run.program = options_.values.at("--program");
    run.seed = options_.number("--seed") + number;
    run.devices = options_.number("--devices");
    if (run.devices == 0) run.devices = run.seed % 2 == 0 ? kFewDevices : kManyDevices;
    run.length_ms = static_cast<std::int64_t>(options_.number("--seconds")) * kSecond_ms;
    run.with_network = has_network_ && run.seed % kWithoutNetworkEvery != 0;
    run.must_come_back_alone = run.seed % kAloneEvery == 0;
    run.folder = std::filesystem::absolute(options_.values.at("--folder")).string() + "/seed-" +
                 std::to_string(run.seed);
    return run;
  }

  void one(std::size_t number) {
    const RunOptions options = options_of(number);
    std::filesystem::remove_all(options.folder);
    const RunReport report = chaos::run(options);
    const bool failed = !report.violations.empty();
    const std::lock_guard lock(mutex_);
    failures_ += failed ? 1 : 0;
    transactions_ += report.done;
    slowest_ms_ = std::max(slowest_ms_, report.converged_ms);
    if (failed) {
      const std::string text = explanation(options, report);
      std::ofstream(options.folder + "/report.txt") << text;
      std::printf("%s\nEverything about it is in %s\n", text.c_str(), options.folder.c_str());
    } else {
      std::printf("%s\n", summary(options, report).c_str());
      if (options_.number("--keep") == 0) std::filesystem::remove_all(options.folder);
    }
    std::fflush(stdout);
  }

  const Options& options_;
  const bool has_network_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards the output and what follows
  std::size_t failures_ = 0;
  std::int64_t transactions_ = 0;
  std::int64_t slowest_ms_ = 0;
};

int run_all(int argc, char** argv) {
  Options options;
  if (!read(options, argc, argv)) return usage(options);
  bool has_network = options.number("--network") != 0;
  if (has_network) {
    if (const auto ready = Network::prepare(); !ready) {
      std::printf(
          "skipped: partitions, links that go down, delay, loss, duplication and "
          "reordering (%s). Kills and pauses go on without.\n",
          ready.error().message.c_str());
      has_network = false;
    }
  }
  return Runs(options, has_network).run();
}

}  // namespace
}  // namespace tombolo::chaos

int main(int argc, char** argv) {
  return tombolo::chaos::run_all(argc, argv);
}
