#include "sim/device.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client/open_database.h"

namespace tombolo::sim {
namespace {

constexpr const char* kFile = "device.db";
constexpr std::array<const char*, 3> kFields = {"x", "y", "z"};

Value counter_schema() {
  return Value::parse(
             R"({"type":"object","properties":{"n":{"type":"integer","x-merge":"counter"}}})")
      .value();
}

}  // namespace

Device::Device(World& world, Internet& internet, const Plan& plan, const DevicePlan& own,
               History& history)
    : Machine(world, own.name),
      internet_(internet),
      plan_(plan),
      own_(own),
      history_(history),
      chance_(random_for(world.seed(), own.name + " application")) {
  clock().set_skew_ms(own.skew_ms);
  clock().set_drift(own.drift_in_a_million);
  internet.wires().set_conditions(own.name, own.wires);
}

Device::~Device() {
  kept_up_ = false;
  die(Death::killed);
}

bool Device::may_see(const std::string& collection) const {
  return collection != kPrivate || own_.user == "alice";
}

bool Device::holds(const std::string& collection) const {
  if (own_.holds == 0) return may_see(collection);
  const std::vector<std::string> names = collections();
  return std::ranges::find(names, collection) != names.end();
}

std::vector<std::string> Device::collections() const {
  std::vector<std::string> names = plan_.collection_names();
  if (own_.holds > 0) {
    names.resize(static_cast<std::size_t>(own_.holds));
    return names;
  }
  if (plan_.private_collection && may_see(kPrivate)) names.emplace_back(kPrivate);
  return names;
}

bool Device::start() {
  broken_ = false;
  const OpenOptions options{.durability = own_.durability};
  client::Environment environment{.clock = &clock(), .random = &random(), .vfs = disk().vfs()};
  environment.is_shared = false;
  environment.upload_batch_operations = own_.upload_batch_operations;
  environment.start_network = [this] { return internet_.network_of(*this); };
  environment.try_lock = [](const std::string&) -> Result<std::shared_ptr<void>> {
    return std::make_shared<int>();
  };
  auto database = client::open_database(kFile, options, environment);
  if (!database) return false;
  database_.emplace(std::move(*database));
  const bool streams = own_.kind == RemoteKind::stream;
  if (streams && holds(kCounters) && plan_.counters) {
    auto counters = database_->collection(kCounters);
    if (counters.schema().value_or(Value()).is_null()) (void)counters.set_schema(counter_schema());
  }
  RemoteOptions remote;
  remote.name = "server";
  remote.url = std::string(streams ? "ws://" : "http://") + kServer + "/v1/buckets/" + kBucket +
               (streams ? "/stream" : "");
  remote.authentication = tombolo::Token{"token-of-" + own_.user};
  if (!streams || own_.holds > 0) remote.collections = collections();
  remote.conflict_policy = own_.policy;
  remote.poll_interval_ms = plan_.poll_ms;
  auto connected = database_->connect(remote);
  if (!connected) {
    database_.reset();
    return false;
  }
  remote_.emplace(std::move(*connected));
  schedule_act();
  return true;
}

void Device::drop() {
  remote_.reset();
  database_.reset();
}

void Device::on_down(Death how) {
  if (how == Death::power_loss) {
    relaxed_writes_.clear();
    relaxed_removals_.clear();
  }
  if (!kept_up_) return;
  world().after_ms(static_cast<std::int64_t>(50 + chance_.below(8'000)), [this] {
    if (kept_up_) boot();
  });
}

std::optional<RemoteStatus> Device::remote_status() const {
  if (!remote_) return std::nullopt;
  auto status = remote_->status();
  if (!status) return std::nullopt;
  return std::move(*status);
}

// The disk failed it in a way after which its database must be opened again.
bool Device::needs_reopening() const {
  if (broken_) return true;
  const auto status = remote_status();
  return !status || (status->last_error && status->last_error->code == ErrorCode::storage);
}

void Device::sync_now() {
  if (is_up()) process()->run([this] { remote_->sync_now(); });
}

void Device::schedule_act() {
  const auto wait_ms = chance_.below(static_cast<std::uint64_t>(2 * plan_.write_every_ms));
  process()->schedule(static_cast<std::int64_t>(wait_ms), [this] {
    if (!writes_) return;
    act();
    schedule_act();
  });
}

void Device::reopen_if_broken() {
  if (!is_up() || !needs_reopening()) return;
  world().note(name(), "is opened again");
  world().after_us(0, [this, life = lives()] {
    if (is_up() && life == lives()) die(Death::killed);
  });
}

void Device::act() {
  if (chance(chance_, 1, 4)) reopen_if_broken();
  if (look_ && chance(chance_, 1, 4)) look_(*this);
  if (chance(chance_, 1, 12)) return remote_->sync_now();
  write();
}

RecordName Device::pick() {
  const std::vector<std::string> names = collections();
  RecordName name;
  name.collection = names[chance_.below(names.size())];
  name.id = "r" + std::to_string(chance_.below(static_cast<std::uint64_t>(plan_.records)));
  if (name.collection == kPrivate) name.id = std::string(kPrivate) + "-" + name.id;
  return name;
}

Token Device::token(const RecordName& record, std::string_view field, Draft& draft) {
  const Token fresh = history_.begin_write(name(), record, field, world().now_us());
  draft.written.push_back(fresh);
  draft.words += " " + record.text() + "." + std::string(field) + "=" + std::to_string(fresh);
  return fresh;
}

void Device::write() {
  auto transaction = database_->begin();
  if (!transaction) {
    broken_ = transaction.error().code == ErrorCode::storage;
    return world().note(name(), "cannot write: " + transaction.error().message);
  }
  Draft draft;
  bool good = true;
  for (std::uint64_t edits = 1 + chance_.below(3); good && edits > 0; --edits) {
    const bool counts = plan_.counters && own_.kind == RemoteKind::stream && holds(kCounters) &&
                        chance(chance_, 1, 6);
    good = counts ? count(*transaction, draft) : edit(*transaction, draft);
  }
  if (!good) {
    transaction->rollback();
    return settle(draft, false);
  }
  const auto done = transaction->commit();
  if (!done) draft.words += " failed: " + done.error().message;
  settle(draft, done.has_value());
}

bool Device::edit(Transaction& transaction, Draft& draft) {
  const RecordName record = pick();
  Collection collection = transaction.collection(record.collection);
  const auto now = collection.get(record.id);
  const std::string field = kFields[chance_.below(kFields.size())];
  if (!now) {
    if (now.error().code != ErrorCode::not_found) return false;
    Object fresh{{"id", record.id}, {field, Value(token(record, field, draft))}};
    if (chance(chance_, 1, 10)) fresh.set("filler", std::string(chance_.below(3'000), 'x'));
    return collection.create(std::move(fresh)).has_value();
  }
  std::set<Token> seen;
  switch (chance_.below(8)) {
    case 0:
      collect_tokens(now->fields(), seen);
      draft.words += " removes " + record.text();
      draft.removals.push_back({.author = name(), .record = record, .seen = seen});
      return collection.remove(record.id).has_value();
    case 1:
      collect_tokens(now->fields(), seen);
      draft.overwritten.insert(seen.begin(), seen.end());
      return collection.update(record.id, {{field, Value(token(record, field, draft))}})
          .has_value();
    default:
      collect_tokens((*now)[field], seen);
      draft.overwritten.insert(seen.begin(), seen.end());
      return collection.patch(record.id, {{field, Value(token(record, field, draft))}}).has_value();
  }
}

bool Device::count(Transaction& transaction, Draft& draft) {
  const RecordName record{kCounters, "n" + std::to_string(chance_.below(2))};
  const auto done = transaction.collection(kCounters).increment(record.id, "n", 1);
  if (!done) return done.error().code == ErrorCode::not_found;
  draft.words += " counts " + record.text();
  draft.counted.push_back(record);
  return true;
}

// What was not promised may be there all the same: a commit that fails may have taken effect.
void Device::settle(Draft& draft, bool done) {
  const bool relaxed = own_.durability == Durability::relaxed;
  for (const Token written : draft.written) {
    if (done && relaxed) relaxed_writes_.push_back(written);
    if (done && !relaxed) history_.promise(written);
  }
  history_.overwritten(draft.overwritten);
  for (Removal& removal : draft.removals) {
    removal.promised = done && !relaxed;
    const std::size_t number = history_.removed(std::move(removal));
    if (done && relaxed) relaxed_removals_.push_back(number);
  }
  for (const RecordName& record : draft.counted) history_.counted(record, 1, done && !relaxed);
  world().note(name(), (done ? "wrote" : "did not write") + draft.words);
}

void Device::promise_all() {
  for (const Token written : std::exchange(relaxed_writes_, {})) history_.promise(written);
  for (const std::size_t number : std::exchange(relaxed_removals_, {})) {
    history_.promise_removal(number);
  }
}

}  // namespace tombolo::sim
