#include "device.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>
#include <utility>

#include "sim/random.h"

namespace tombolo::chaos {

namespace {

constexpr std::int64_t kAnswer_ms = 60'000;  // on top of what it is asked to wait
constexpr std::int64_t kImpatientWait_ms = 1'500;
constexpr std::int64_t kEnd_ms = 30'000;
constexpr std::uint64_t kLongestPause_ms = 60;  // between two requests

void sleep(std::uint64_t time_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(time_ms));
}

// It has everything, and nothing is left to send or to understand.
bool is_complete(const Value& remote) {
  return remote["synced"].as_bool() && remote["pending"] == Value(0) &&
         remote["unreadable"] == Value(0);
}

}  // namespace

Device::Device(std::size_t number, DeviceOptions options, Recorder& recorder)
    : name_("d" + std::to_string(number)),
      options_(std::move(options)),
      recorder_(recorder),
      workload_(name_, options_.seed),
      random_(sim::random_for(options_.seed, "pace of " + name_)) {}

void Device::kill() {
  const std::lock_guard lock(mutex_);
  is_down_ = true;
  was_killed_ = true;
  if (process_id_ > 0) ::kill(process_id_, SIGKILL);
}

void Device::revive() {
  const std::lock_guard lock(mutex_);
  is_down_ = false;
}

void Device::pause() {
  const std::lock_guard lock(mutex_);
  if (process_id_ > 0) ::kill(process_id_, SIGSTOP);
}

void Device::resume() {
  const std::lock_guard lock(mutex_);
  if (process_id_ > 0) ::kill(process_id_, SIGCONT);
}

void Device::set_offline(bool offline) {
  const std::lock_guard lock(mutex_);
  must_be_offline_ = offline;
}

void Device::lose_file() {
  const std::lock_guard lock(mutex_);
  must_lose_file_ = true;
}

bool Device::start() {
  auto program = cli::JsonProgram::start(
      name_, {.command = {options_.program, "shell", "--json", "--db", file()},
              .error_file = options_.folder + "/" + name_ + ".errors"});
  if (!program) {
    recorder_.complain({"a device starts", program.error().message, {}});
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    process_id_ = program->process().process_id();
    was_killed_ = is_down_;
    if (is_down_) ::kill(process_id_, SIGKILL);
  }
  program_ = *std::move(program);
  connect();
  return program_.has_value();
}

void Device::connect() {
  const Answer answer = ask({{"command", "connect"}, {"url", options_.url}, {"name", "server"}});
  if (answer.outcome == Outcome::refused) {
    recorder_.complain({"a device connects", name_ + ": " + answer.error.to_json(), {}});
  }
  is_offline_ = false;
}

Device::Answer Device::ask(Value command) {
  const std::int64_t timeout_ms = kAnswer_ms + command["timeout_ms"].as_integer();
  Answer answer;
  answer.invoked_ms = now_ms();
  auto reply = program_ ? program_->answer_to(std::move(command), timeout_ms)
                        : fail(ErrorCode::unavailable, "it is not running");
  answer.completed_ms = now_ms();
  if (!reply) {
    lost(reply.error());
  } else if ((*reply)["ok"].as_bool()) {
    answer.outcome = Outcome::done;
    answer.result = (*reply)["result"];
  } else {
    answer.outcome = Outcome::refused;
    answer.error = (*reply)["error"];
  }
  return answer;
}

void Device::lost(const Error& error) {
  if (!program_) return;
  const std::lock_guard lock(mutex_);
  const bool has_ended = error.code == ErrorCode::unavailable;
  if (!has_ended || !was_killed_) {
    recorder_.complain(
        {has_ended ? "a device ends only when it is told to" : "a device always answers its user",
         error.message,
         {}});
  }
  process_id_ = 0;
  program_.reset();  // kills what still runs, and reaps it
}

void Device::note(Event::Kind kind, const Answer& answer, std::vector<Step> steps) {
  Event event;
  event.kind = kind;
  event.session = session();
  event.invoked_ms = answer.invoked_ms;
  event.completed_ms = answer.completed_ms;
  event.outcome = answer.outcome;
  event.steps = std::move(steps);
  recorder_.note(std::move(event));
}

void Device::run(Workload::Request request) {
  if (!program_) return;
  const Answer answer = ask(request.command);
  workload_.ended(request, answer.outcome, answer.result);
  if (answer.outcome == Outcome::done) ++counts_.done;
  if (answer.outcome == Outcome::refused) ++counts_.refused;
  if (answer.outcome == Outcome::unknown) ++counts_.unknown;
  note(Event::Kind::transaction, answer, std::move(request.steps));
}

void Device::set_up() {
  if (!start()) return;
  if (name_ == "d0") run(workload_.setup());
}

void Device::lose_file_now() {
  const bool is_safe = says_synced();
  {
    const std::lock_guard lock(mutex_);
    was_killed_ = true;
    must_lose_file_ = false;
    if (process_id_ > 0) ::kill(process_id_, SIGKILL);
  }
  if (!program_) return;
  (void)program_->process().wait_for_end(kEnd_ms);
  lost({ErrorCode::unavailable, "killed"});
  if (!is_safe) return;
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file() + ending);
  workload_.forget();
  ++counts_.lives;
}

void Device::follow_orders() {
  bool must_be_offline = false;
  bool must_lose_file = false;
  bool is_down = false;
  {
    const std::lock_guard lock(mutex_);
    must_be_offline = must_be_offline_;
    must_lose_file = must_lose_file_;
    is_down = is_down_;
  }
  if (program_ && must_lose_file) lose_file_now();
  if (!program_ && !is_down && !start()) return;
  if (!program_ || must_be_offline == is_offline_) return;
  if (must_be_offline) {
    is_offline_ = ask({{"command", "disconnect"}}).outcome == Outcome::done;
  } else {
    connect();
  }
}

void Device::work() {
  follow_orders();
  if (!program_) return sleep(5);
  sleep(random_.below(kLongestPause_ms));
  if (sim::chance(random_, 1, 12)) {
    (void)says_synced();
  } else if (!is_offline_ && sim::chance(random_, 1, 40)) {
    (void)catch_up(kImpatientWait_ms);
  } else {
    run(workload_.next());
  }
}

void Device::recover() {
  {
    const std::lock_guard lock(mutex_);
    is_down_ = must_be_offline_ = must_lose_file_ = false;
  }
  resume();
  follow_orders();
}

bool Device::says_synced() {
  const Answer answer = ask({{"command", "status"}});
  const Value& remote = answer.result["remotes"].at(0);
  if (answer.outcome != Outcome::done || !remote["synced"].as_bool()) return false;
  if (!is_complete(remote)) {
    recorder_.complain({"synced is said only when it is so", name_ + ": " + remote.to_json(), {}});
  }
  note(Event::Kind::published, answer);
  return true;
}

bool Device::catch_up(std::int64_t timeout_ms) {
  const Answer answer = ask({{"command", "wait"}, {"timeout_ms", timeout_ms}});
  if (answer.outcome != Outcome::done) return false;
  note(Event::Kind::caught_up, answer);
  return true;
}

std::optional<Value> Device::read_all() {
  if (!program_) return std::nullopt;
  Workload::Request request = Workload::read_all();
  const Answer answer = ask(request.command);
  workload_.ended(request, answer.outcome, answer.result);
  note(Event::Kind::transaction, answer, std::move(request.steps));
  if (answer.outcome != Outcome::done) return std::nullopt;
  return answer.result;
}

void Device::check_status() {
  const Answer answer = ask({{"command", "status"}});
  const Value& remote = answer.result["remotes"].at(0);
  if (!is_complete(remote) || answer.result["dead_letters"] != Value(0)) {
    recorder_.complain(
        {"in the end nothing is left over", name_ + ": " + answer.result.to_json(), {}});
  }
}

void Device::close() {
  if (!program_) return;
  program_->process().end_input();
  const auto status = program_->process().wait_for_end(kEnd_ms);
  if (!status || status->exit_code != 0) {
    recorder_.complain({"a device ends only when it is told to",
                        name_ + ", told to end, " + (status ? status->text() : "does not"),
                        {}});
  }
  const std::lock_guard lock(mutex_);
  process_id_ = 0;
  program_.reset();
}

}  // namespace tombolo::chaos
