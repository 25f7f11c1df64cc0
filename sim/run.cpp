#include "sim/run.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "protocol/operation_json.h"
#include "sim/caller.h"
#include "sim/checks.h"
#include "sim/device.h"
#include "sim/internet.h"
#include "sim/log_mirror.h"
#include "sim/server_machine.h"
#include "sim/world.h"

namespace tombolo::sim {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kAwayFromMs = 10'000;
constexpr std::int64_t kRoundMs = 15'000;
constexpr std::int64_t kGlanceMs = 100;
constexpr std::int64_t kLongRoundMs = 5 * 60'000;
// Within which everything must have been exchanged once the faults have stopped, besides the time
// by which clocks were ahead: what was stamped in the future is taken when it has come.
constexpr std::int64_t kPatienceMs = 20 * 60'000;
constexpr std::int64_t kTalkMs = 2'000;  // between looks at the server's log

class Run {
 public:
  Run(const Plan& plan, const Listener& listener)
      : plan_(plan),
        world_(plan.seed),
        internet_(world_),
        findings_(world_),
        log_(world_, findings_),
        server_(world_, internet_, plan_),
        nemesis_(world_, internet_, plan_, server_, devices_) {
    if (listener) world_.listen(listener);
    seed_sqlite(plan.seed);
    for (const DevicePlan& own : plan_.devices) {
      devices_.push_back(std::make_unique<Device>(world_, internet_, plan_, own, history_));
      devices_.back()->set_look([this](Device& device) { look(device); });
    }
    for (const CallerPlan& own : plan_.callers) {
      callers_.push_back(std::make_unique<Caller>(world_, internet_, plan_, own, history_));
    }
    server_.set_on_up([this] { look_at_server(); });
    internet_.wires().tap = [this](const std::string& from, const std::string& to,
                                   std::string_view text) { overhear(from, to, text); };
  }
  ~Run() { world_.clear(); }

  void live() {
    server_.boot();
    set_up();
    for (const auto& device : devices_) device->boot();
    for (const auto& caller : callers_) caller->boot();
    nemesis_.start();
    watch_log();
    for (const auto& device : devices_) send_away(*device);
    restore_server();
    sleep_long();
    world_.run_until_us(std::max(world_.now_us(), long_sleep_ms() * 1000 + plan_.faulty_ms * 1000));
    heal();
    check();
  }

  RunResult result() const {
    RunResult result;
    result.trace_hash = world_.trace_hash();
    result.findings = findings_.all();
    RunTotals& totals = result.totals;
    totals.virtual_ms = world_.now_ms();
    totals.events = world_.events();
    for (const auto& [token, write] : history_.writes()) totals.writes += write.promised ? 1 : 0;
    totals.operations = std::ssize(log_.operations());
    totals.requests = std::ssize(history_.calls);
    totals.wires = internet_.wires().counts;
    totals.faults = nemesis_.counts;
    for (const Machine* machine : machines()) {
      const DiskCounts disk = machine->disk().counts();
      totals.disks.operations += disk.operations;
      totals.disks.syncs += disk.syncs;
      totals.disks.faults += disk.faults;
      totals.disks.crashes += disk.crashes;
      totals.disks.restarts += disk.restarts;
      totals.disks.kept += disk.kept;
      totals.disks.dropped += disk.dropped;
      totals.disks.torn += disk.torn;
    }
    return result;
  }

  std::string report() const;

 private:
  Witnesses witnesses() { return {plan_, server_, devices_, history_, log_, findings_}; }

  std::vector<const Machine*> machines() const {
    std::vector<const Machine*> all{&server_};
    for (const auto& device : devices_) all.push_back(device.get());
    return all;
  }

  std::int64_t long_sleep_ms() const {
    std::int64_t longest_ms = 0;
    for (const DevicePlan& device : plan_.devices) {
      if (device.away_ms > kHourMs) longest_ms = std::max(longest_ms, device.away_ms);
    }
    return longest_ms;
  }

  void set_up() {
    const auto put = [&](const std::string& target, const std::string& body) {
      const net::HttpResponse response = server_.ask("PUT", target, "token-of-alice", body);
      TOMBOLO_CHECK(response.status == 201, "the world can be set up");
    };
    const std::string bucket = std::string("/v1/buckets/") + kBucket;
    put(bucket, "{}");
    for (const std::string& name : plan_.collection_names()) {
      put(bucket + "/collections/" + name, R"({"permissions":{"write":["token:bob"]}})");
    }
    if (plan_.private_collection) put(bucket + "/collections/" + kPrivate, "{}");
    if (plan_.counters) {
      put(bucket + "/collections/" + kCounters,
          R"({"data":{"schema":{"type":"object","properties":{"n":{"type":"integer",)"
          R"("x-merge":"counter"}}}},"permissions":{"write":["token:bob"]}})");
      for (const char* id : {"n0", "n1"}) {
        put(bucket + "/collections/" + kCounters + "/records/" + id, R"({"data":{"n":0}})");
      }
    }
  }

  void watch_log() {
    log_watch_ = world_.after_ms(kTalkMs, [this] {
      const std::int64_t written = server_.disk().counts().operations;
      if (server_.is_up() && written != log_read_at_ && log_.refresh(*server_.core())) {
        log_read_at_ = written;
      }
      watch_log();
    });
  }

  void restore_server() {
    if (plan_.restore_at_ms == 0) return;
    world_.after_ms(plan_.snapshot_at_ms, [this] { snapshot_ = server_.disk().snapshot(); });
    world_.after_ms(plan_.restore_at_ms, [this] {
      world_.note(kServer, "is restored");
      server_.restore(snapshot_);
      log_.start_over();
      restored_ = true;
    });
  }

  void send_away(Device& device) {
    if (device.plan().away_ms == 0) return;
    world_.after_ms(kAwayFromMs, [this, &device] {
      device.keep_up(false);
      device.die(Death::killed);
      world_.note(device.name(), "is away");
      world_.after_ms(device.plan().away_ms, [&device] {
        device.keep_up(true);
        device.boot();
      });
    });
  }

  // Where somebody is away for months, nobody else is up for most of that time: it would be the
  // same, and take long.
  void sleep_long() {
    const std::int64_t sleep_ms = long_sleep_ms();
    if (sleep_ms == 0) return;
    world_.run_for_ms(plan_.faulty_ms / 2);
    nemesis_.stop();
    world_.cancel(log_watch_);
    std::vector<Device*> sleepers;
    for (const auto& device : devices_) {
      if (device->plan().away_ms > 0) continue;
      device->keep_up(false);
      device->die(Death::killed);
      sleepers.push_back(device.get());
    }
    server_.keep_up(false);
    server_.die(Death::killed);
    for (const auto& caller : callers_) caller->die(Death::killed);
    world_.run_for_ms(sleep_ms - plan_.faulty_ms / 2 - kAwayFromMs);
    nemesis_.start();
    watch_log();
    server_.keep_up(true);
    server_.boot();
    for (Device* sleeper : sleepers) {
      sleeper->keep_up(true);
      sleeper->boot();
    }
    for (const auto& caller : callers_) caller->boot();
  }

  void look(Device& device) {
    if (!server_.is_effective()) return;
    log_.refresh(*server_.core());
    // Before it has heard of it, nobody knows that the server was restored.
    if (!restored_) check_status(witnesses(), device);
  }

  // What anybody was told before it went down must be there when it comes up.
  void look_at_server() {
    log_.compare(*server_.core());
    log_.refresh(*server_.core());
    for (const auto& caller : callers_) {
      for (const Token token : history_.promised_by(caller->name())) {
        if (log_.has(token)) continue;
        findings_.add("durability",
                      caller->name() + " was answered for " + std::to_string(token) +
                          ", which is not there after the server came up again",
                      history_.writes().at(token).record);
        return;
      }
    }
    for (const auto& device : devices_) {
      if (device->is_effective() && !restored_) check_status(witnesses(), *device);
    }
  }

  // Nobody is given what he may not see.
  void overhear(const std::string& from, const std::string& to, std::string_view text) {
    world_.note(to, std::string(from) + ": " + std::string(text));
    if (text.find(std::string(kPrivate) + "-r") == std::string_view::npos) return;
    for (const auto& device : devices_) {
      if (device->name() != to || device->may_see(kPrivate)) continue;
      findings_.add("visibility", to + " was given " + std::string(text.substr(0, 300)));
    }
  }

  void heal() {
    nemesis_.stop();
    for (const auto& caller : callers_) caller->stop_writing();
    std::int64_t patience_ms = kPatienceMs;
    for (const auto& device : devices_) {
      device->stop_writing();
      device->keep_up(true);
      device->boot();
    }
    server_.keep_up(true);
    server_.boot();
    server_.clock().set_skew_ms(0);
    // A device may have asked a server for the time whose clock was wrong too.
    if (plan_.faults.clock_jump_ms > 0) patience_ms += 2 * plan_.faults.clock_jump_up_to_ms;
    for (const DevicePlan& device : plan_.devices) {
      patience_ms +=
          std::max<std::int64_t>(device.skew_ms, 0) +
          plan_.faulty_ms * std::max<std::int64_t>(device.drift_in_a_million, 0) / 1'000'000;
      if (device.away_ms > 0 && device.away_ms <= kHourMs) patience_ms += device.away_ms;
    }
    world_.note("world", "the faults are over");
    const std::int64_t end_ms = world_.now_ms() + patience_ms;
    int quiet_rounds = 0;
    std::int64_t round_ms = kRoundMs;
    while (quiet_rounds < 2 && world_.now_ms() < end_ms && !world_.exhausted()) {
      const std::int64_t before = std::ssize(log_.operations());
      for (const auto& device : devices_) {
        device->reopen_if_broken();
        device->sync_now();
      }
      world_.run_for_ms(round_ms);
      // Something waits for its time to come.
      if (world_.now_ms() > end_ms - patience_ms + kPatienceMs / 2) round_ms = kLongRoundMs;
      if (server_.is_up()) log_.refresh(*server_.core());
      const bool quiet = all_synced_soon() && std::ssize(log_.operations()) == before;
      quiet_rounds = quiet ? quiet_rounds + 1 : 0;
    }
    if (world_.exhausted()) findings_.add("liveness", "something goes round in circles");
    if (quiet_rounds < 2) complain_of_unrest();
  }

  // Who polls is not synced while it does.
  bool all_synced_soon() {
    for (std::int64_t waited_ms = 0; waited_ms < kRoundMs; waited_ms += kGlanceMs) {
      if (all_synced()) return true;
      if (!all_sent()) return false;
      world_.run_for_ms(kGlanceMs);
    }
    return false;
  }

  bool all_sent() const {
    return std::ranges::none_of(devices_, [](const auto& device) {
      const auto status = device->remote_status();
      return !status || status->pending > 0;
    });
  }

  bool all_synced() const {
    if (!server_.is_up()) return false;
    return std::ranges::all_of(devices_, [](const auto& device) {
      const auto status = device->remote_status();
      return status && status->synced && status->pending == 0;
    });
  }

  void complain_of_unrest() {
    std::string who;
    if (!server_.is_up()) who += " the server is down;";
    for (const auto& device : devices_) {
      const auto status = device->remote_status();
      if (!status) {
        who += " " + device->name() + " is down;";
      } else if (!status->synced || status->pending > 0) {
        who += " " + device->name() + " is " + std::string(name_of(status->state)) + " with " +
               std::to_string(status->pending) + " pending, " +
               std::to_string(status->dead_letters) + " dead letters (" +
               (status->last_error ? std::string(name_of(status->last_error->code)) + ": " +
                                         status->last_error->message
                                   : std::string("no error")) +
               ");";
      }
    }
    findings_.add("liveness", "not everything was exchanged in time:" + who);
  }

  void check() {
    if (!server_.is_up()) return;
    log_.compare(*server_.core());
    for (const auto& device : devices_) device->promise_all();
    const Witnesses all = witnesses();
    check_durability(all);
    check_exactly_once(all);
    check_convergence(all);
    check_versions(all);
    check_removals(all);
    check_ledgers(all);
    for (const auto& device : devices_) {
      if (device->is_up()) check_status(all, *device);
    }
  }

  const Plan& plan_;
  World world_;
  Internet internet_;
  Findings findings_;
  History history_;
  LogMirror log_;
  ServerMachine server_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Nemesis nemesis_;
  Disk::Snapshot snapshot_;
  bool restored_ = false;
  EventId log_watch_ = 0;
  std::int64_t log_read_at_ = -1;  // how much the server's disk had done by then
};

std::string Run::report() const {
  std::set<RecordName> records;
  for (const Finding& finding : findings_.all()) {
    if (finding.record) records.insert(*finding.record);
  }
  std::string text;
  for (const RecordName& record : records) {
    text += "\n" + record.text() + "\n  the server's log:\n";
    for (const Committed& committed : log_.operations()) {
      const core::Operation& operation = committed.operation;
      if (operation.collection != record.collection || operation.record != record.id) continue;
      text += "    " + std::to_string(committed.sequence) + " " +
              protocol::operation_json(operation) + "\n";
    }
    for (const auto& device : devices_) {
      if (device->database() == nullptr) continue;
      const Collection collection = device->database()->collection(record.collection);
      const auto now = collection.get(record.id);
      text += "  " + device->name() + ": " + (now ? now->to_json() : now.error().message) + "\n";
      const auto losses = device->database()->losses();
      for (const Loss& loss : losses.value_or(std::vector<Loss>())) {
        if (loss.collection != record.collection || loss.record != record.id) continue;
        text += "    lost " + loss.field + " " + loss.losing_value.value_or(Value()).to_json() +
                " to " + loss.winning_value.value_or(Value()).to_json() + " (" + loss.rule + ")\n";
      }
    }
  }
  return text;
}

}  // namespace

RunResult run(const Plan& plan, const Listener& listener, std::string* report) {
  Run one(plan, listener);
  one.live();
  if (report != nullptr) *report = one.report();
  return one.result();
}

}  // namespace tombolo::sim
