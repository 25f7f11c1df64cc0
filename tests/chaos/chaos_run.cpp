#include "chaos_run.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "os/clock.h"

namespace tombolo::chaos {

namespace {

constexpr std::int64_t kPatience_ms = 60'000;  // with everything that must come to pass in peace
constexpr std::uint16_t kPortInNamespace = 8888;
constexpr std::int64_t kLook_ms = 50;
constexpr std::size_t kMostStories = 5;
constexpr std::size_t kMostOfAKind = 8;  // violations of one guarantee that are told

std::int64_t now_ms() {
  return os::SystemClock().monotonic_ms();
}

void look_again_later() {
  std::this_thread::sleep_for(std::chrono::milliseconds(kLook_ms));
}

class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options),
        recorder_(options.folder + "/history.jsonl"),
        phase_(static_cast<std::ptrdiff_t>(options.devices) + 1),
        held_(options.devices) {}

  RunReport run();

 private:
  bool prepare();
  void drive_server();  // on a thread of its own, as each device
  void drive_device(std::size_t number);
  void complain(std::string guarantee, std::string what) {
    recorder_.complain({std::move(guarantee), std::move(what), {}});
  }
  bool enter(std::size_t host);
  void work(Device& device);
  void wait_until_synced(Device& device);
  void wait_until_equal(std::size_t number);
  void read_in_the_end(Device& device);
  RunReport report();

  const RunOptions options_;
  Recorder recorder_;
  std::unique_ptr<Network> network_;
  std::optional<Server> server_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::optional<Nemesis> nemesis_;
  std::barrier<> phase_;
  std::atomic<bool> is_up_ = false;
  std::atomic<std::int64_t> healed_at_ms_ = 0, synced_at_ms_ = 0, equal_at_ms_ = 0;
  std::mutex mutex_;               // guards what follows
  std::vector<std::string> held_;  // by each device, when it last looked
  std::vector<Replica> replicas_;
};

bool Run::prepare() {
  std::filesystem::create_directories(options_.folder);
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  if (options_.with_network) {
    auto network = Network::make(options_.devices + 1, options_.seed);
    if (!network) {
      complain("the network is there", network.error().message);
      return false;
    }
    network_ = *std::move(network);
    address = Network::address(0);
    port = kPortInNamespace;
  }
  server_.emplace(options_.program, options_.folder, address, port, recorder_);
  for (std::size_t number = 0; number < options_.devices; ++number) {
    devices_.push_back(std::make_unique<Device>(number,
                                                DeviceOptions{.program = options_.program,
                                                              .folder = options_.folder,
                                                              .url = {},
                                                              .seed = options_.seed},
                                                recorder_));
  }
  nemesis_.emplace(*server_, devices_, network_.get());
  return true;
}

bool Run::enter(std::size_t host) {
  if (!network_) return true;
  const auto done = network_->enter(host);
  if (!done) complain("the network is there", done.error().message);
  return done.has_value();
}

void Run::drive_server() {
  is_up_ = enter(0) && server_->start();
  phase_.arrive_and_wait();  // the server is up
  phase_.arrive_and_wait();  // the first device has made what all work on
  phase_.arrive_and_wait();  // all have it
  if (is_up_) {
    nemesis_->run(
        make_plan(options_.seed, options_.devices, options_.length_ms, network_ != nullptr));
  }
  healed_at_ms_ = now_ms();
  phase_.arrive_and_wait();  // peace
  phase_.arrive_and_wait();  // all say that they are synced
  phase_.arrive_and_wait();  // all hold the same
  phase_.arrive_and_wait();  // all have read, and ended
  server_->stop();
}

void Run::drive_device(std::size_t number) {
  Device& device = *devices_[number];
  const bool is_there = enter(number + 1);
  phase_.arrive_and_wait();  // the server is up
  const bool goes = is_up_ && is_there;
  device.connect_to(server_->url());
  if (goes) device.set_up();
  if (goes && number == 0 && !device.catch_up(kPatience_ms)) {
    complain("a device syncs", device.name() + " does not at the beginning");
  }
  phase_.arrive_and_wait();  // the first device has made what all work on
  if (goes && !device.catch_up(kPatience_ms)) {
    complain("a device syncs", device.name() + " does not at the beginning");
  }
  phase_.arrive_and_wait();  // all have it
  if (goes) work(device);
  phase_.arrive_and_wait();  // peace
  if (goes) wait_until_synced(device);
  phase_.arrive_and_wait();  // all say that they are synced
  if (goes) wait_until_equal(number);
  phase_.arrive_and_wait();  // all hold the same
  if (goes) read_in_the_end(device);
  device.close();
  phase_.arrive_and_wait();  // all have read, and ended
}

void Run::work(Device& device) {
  const std::int64_t end_ms = now_ms() + options_.length_ms;
  while (now_ms() < end_ms) device.work();
}

void raise(std::atomic<std::int64_t>& most, std::int64_t to) {
  for (std::int64_t before = most; before < to && !most.compare_exchange_weak(before, to);) {
  }
}

// By itself, or when its user asks for it.
void Run::wait_until_synced(Device& device) {
  const std::int64_t deadline_ms = now_ms() + kPatience_ms;
  while (true) {
    device.recover();  // it may have been killed, and nobody has noticed yet
    if (!options_.must_come_back_alone) (void)device.catch_up(kPatience_ms);
    if (device.says_synced()) break;
    if (now_ms() > deadline_ms) {
      return complain("in peace a device syncs",
                      device.name() + " does not within " + std::to_string(kPatience_ms) + " ms");
    }
    look_again_later();
  }
  raise(synced_at_ms_, now_ms());
}

// Nobody asks it for news.
void Run::wait_until_equal(std::size_t number) {
  const std::int64_t deadline_ms = now_ms() + kPatience_ms;
  while (true) {
    const auto held = devices_[number]->read_all();
    {
      const std::lock_guard lock(mutex_);
      held_[number] = held ? Workload::json(*held) : "";
      if (std::ranges::all_of(held_, [&](const auto& one) { return one == held_.front(); })) break;
    }
    if (now_ms() > deadline_ms) {
      return complain(
          "in peace replicas become equal by themselves",
          devices_[number]->name() + " waited for " + std::to_string(kPatience_ms) + " ms");
    }
    look_again_later();
  }
  raise(equal_at_ms_, now_ms());
}

void Run::read_in_the_end(Device& device) {
  if (!device.catch_up(kPatience_ms)) {
    complain("a device syncs", device.name() + " does not in the end");
  }
  device.check_status();
  const auto held = device.read_all();
  if (!held) return complain("a device can be read", device.name() + " cannot in the end");
  const std::lock_guard lock(mutex_);
  replicas_.push_back({device.name(), Workload::json(*held), Workload::contents(*held)});
}

RunReport Run::report() {
  RunReport report;
  report.history = recorder_.take_history();
  report.history.replicas = std::move(replicas_);
  std::optional<Verdict> verdict;
  if (is_up_) {
    const auto read = server_->read_file(report.history);
    if (!read) complain("the server's file can be read", read.error().message);
    if (read) verdict = check(report.history);
  }
  // What was seen while it ran comes first: the rest may be its consequence.
  report.violations = recorder_.take_violations();
  if (verdict) {
    std::ranges::move(verdict->violations, std::back_inserter(report.violations));
    report.torn_views = verdict->torn_views;
  }
  for (const auto& device : devices_) {
    report.done += device->counts().done;
    report.refused += device->counts().refused;
    report.unknown += device->counts().unknown;
  }
  if (nemesis_) report.faults = nemesis_->counts();
  if (network_) report.packets = network_->counts();
  report.synced_ms = std::max<std::int64_t>(synced_at_ms_ - healed_at_ms_, 0);
  report.converged_ms = std::max<std::int64_t>(equal_at_ms_ - healed_at_ms_, 0);
  if (report.done < static_cast<std::int64_t>(options_.devices)) {
    report.violations.push_back({"a run proves something", "too few transactions", {}});
  }
  return report;
}

RunReport Run::run() {
  if (!prepare()) return report();
  std::vector<std::thread> threads;
  threads.emplace_back([this] { drive_server(); });
  for (std::size_t number = 0; number < options_.devices; ++number) {
    threads.emplace_back([this, number] { drive_device(number); });
  }
  for (std::thread& thread : threads) thread.join();
  return report();
}

std::string seconds(std::int64_t time_ms) {
  const std::string tenths = std::to_string(time_ms / 100);
  return (tenths.size() == 1 ? "0" : tenths.substr(0, tenths.size() - 1)) + "." + tenths.back() +
         " s";
}

}  // namespace

RunReport run(const RunOptions& options) {
  std::filesystem::create_directories(options.folder);
  return Run(options).run();
}

std::string summary(const RunOptions& options, const RunReport& report) {
  std::string text =
      "seed " + std::to_string(options.seed) + "  " + std::to_string(options.devices) +
      " devices  " + (options.with_network ? "namespaces" : "loopback") +
      (options.must_come_back_alone ? "  alone  " : "  asked  ") + std::to_string(report.done) +
      " transactions, " + std::to_string(report.refused) + " refused, " +
      std::to_string(report.unknown) + " unanswered ";
  for (const auto& [kind, count] : report.faults) {
    text += " " + std::string(name_of(kind)) + " " + std::to_string(count);
  }
  if (options.with_network) {
    text += "  packets " + std::to_string(report.packets.passed) + " lost " +
            std::to_string(report.packets.lost);
  }
  text += "  " + seconds(options.length_ms) + ", then synced in " + seconds(report.synced_ms) +
          ", equal in " + seconds(report.converged_ms) + "  torn views " +
          std::to_string(report.torn_views);
  return text + (report.violations.empty() ? "  ok" : "  FAILED");
}

std::string explanation(const RunOptions& options, const RunReport& report) {
  std::string text = summary(options, report) + "\n\n";
  std::set<std::string> keys;
  std::map<std::string, std::size_t> counts;  // by guarantee
  for (const Violation& violation : report.violations) {
    if (++counts[violation.guarantee] > kMostOfAKind) continue;
    text += violation.guarantee + ": " + violation.what + "\n";
    if (!violation.key.empty() && keys.size() < kMostStories) keys.insert(violation.key);
  }
  for (const auto& [guarantee, count] : counts) {
    if (count > kMostOfAKind) {
      text += guarantee + ": " + std::to_string(count - kMostOfAKind) + " more\n";
    }
  }
  for (const std::string& key : keys) {
    text += "\nThe story of " + key + ":\n" + story_of(report.history, key);
  }
  return text;
}

}  // namespace tombolo::chaos
