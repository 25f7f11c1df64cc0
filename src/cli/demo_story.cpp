#include "cli/demo_story.h"

#include <cstdio>
#include <iterator>

namespace tombolo::cli {

namespace {

constexpr std::int64_t kSyncTimeout_ms = 120'000;
constexpr std::size_t kShownDifferences = 10;

const std::vector<Spot>& spots() {
  static const std::vector<Spot> kSpots = {{"lld", "Ladin", "speakers"},
                                           {"lld", "Ladin", "country"},
                                           {"fur", "Friulian", "speakers"},
                                           {"dlm", "Dalmatian", "extinct_since"},
                                           {"roh", "Romansh", "speakers"}};
  return kSpots;
}

std::string label_of(std::string_view record) {
  for (const Spot& spot : spots()) {
    if (spot.record == record) return spot.label;
  }
  return std::string(record);
}

Value patch(const char* id, Object fields) {
  return {{"command", "patch"},
          {"collection", kDemoCollection},
          {"record_id", id},
          {"fields", Value(std::move(fields))}};
}

Value removal(const char* id) {
  return {{"command", "delete"}, {"collection", kDemoCollection}, {"record_id", id}};
}

std::string number(const Value& count) {
  return grouped_number(count.as_integer());
}

// "name Dalmatian, scope I"
std::string fields_text(const Value& record) {
  std::string text;
  if (record.if_object() == nullptr) return text;
  for (const Member& member : *record.if_object()) {
    text += (text.empty() ? "" : ", ") + member.key + " " + cell_text(member.value);
  }
  return text;
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += "\n  " + sentence;
  return text;
}

}  // namespace

DemoStory::DemoStory(DemoStage& stage, DemoCast& cast, std::string kinto_version)
    : stage_(stage), cast_(cast), kinto_version_(std::move(kinto_version)) {}

Result<void> DemoStory::play() {
  const std::int64_t start_ms = clock_.monotonic_ms();
  using Act = Result<void> (DemoStory::*)();
  for (const Act act :
       {&DemoStory::introduce, &DemoStory::load, &DemoStory::cut_off, &DemoStory::work_apart,
        &DemoStory::meet, &DemoStory::compare, &DemoStory::read_ledgers}) {
    if (auto done = (this->*act)(); !done) return std::unexpected(cast_.explained(done.error()));
    if (auto done = stage_.pause(); !done) return done;
  }
  result_["seconds"] = static_cast<double>(clock_.monotonic_ms() - start_ms) / 1000;
  return {};
}

std::string DemoStory::seconds_since(std::int64_t start_ms) const {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s",
                static_cast<double>(clock_.monotonic_ms() - start_ms) / 1000);
  return text;
}

Result<void> DemoStory::introduce() {
  stage_.title("Tombolo's main job, played by four programs on this machine");
  if (auto done = cast_.start_server(); !done) return done;
  if (auto done = cast_.start_clients(); !done) return done;
  stage_.deed("server", "`tombolo serve` at " + cast_.api_url());
  stage_.deed("device A", "`tombolo shell` on a database file of its own");
  stage_.deed("device B", "the same, on another file");
  stage_.deed("kinto.js", "the npm package kinto " + kinto_version_ + ", unmodified, in Node.js");
  return {};
}

Result<void> DemoStory::load_device(JsonProgram& device) {
  const std::int64_t start_ms = clock_.monotonic_ms();
  stage_.deed(device.name(), "$ tombolo sync " + cast_.stream_url());
  const auto connected =
      device.ask({{"command", "connect"}, {"url", cast_.stream_url()}, {"name", "server"}});
  if (!connected) return fail(connected);
  const auto status = synchronize(device);
  if (!status) return fail(status);
  stage_.result("sent " + number((*status)["sent_operations"]) + ", received " +
                number((*status)["received_operations"]) + " operations, " +
                seconds_since(start_ms));
  return stage_.beat();
}

Result<void> DemoStory::load() {
  stage_.act("Everybody gets the same data");
  stage_.say(
      "Device A loads the languages of the world (ISO 639-3), for which it needs no network. The "
      "server gets them from device A, and the others from the server: device B over a WebSocket, "
      "in Tombolo's own protocol, kinto.js over HTTP, in Kinto's.");
  stage_.deed("device A", "$ tombolo import iso_639-3.json -c languages --id-field alpha_3");
  const std::int64_t start_ms = clock_.monotonic_ms();
  const auto imported =
      cast_.run_tombolo("device A", {"import", kLanguagesFile, "--collection",
                                     std::string(kDemoCollection), "--id-field", "alpha_3"});
  if (!imported) return fail(imported);
  loaded_ = (*imported)["created"].as_integer();
  stage_.result(number(loaded_) + " records, " + seconds_since(start_ms));
  for (JsonProgram* device : {&cast_.device_a(), &cast_.device_b()}) {
    if (auto done = load_device(*device); !done) return done;
  }
  if (auto done = synchronize_kinto(); !done) return done;
  const auto seen = views(true);
  if (!seen) return fail(seen);
  if (const auto found = differences(*seen, kShownDifferences); !found.empty()) {
    return fail(ErrorCode::internal, "after loading, not all have the same:" + joined(found));
  }
  stage_.good("All four hold the same " + number(loaded_) + " records.");
  return {};
}

Result<void> DemoStory::cut_off() {
  stage_.act("The network goes away");
  stage_.say(
      "Not politely: the server is killed, as by a power cut. What it has acknowledged must be on "
      "its disk. The others have all their data and go on without it.");
  if (auto done = cast_.kill_server(); !done) return done;
  stage_.deed("server", "kill -9");
  return {};
}

Result<void> DemoStory::write(JsonProgram& player, const std::string& told, Value request) {
  stage_.deed(player.name(), told);
  if (auto done = player.ask(std::move(request)); !done) return fail(done);
  return stage_.beat();
}

Result<void> DemoStory::work_apart() {
  stage_.act("Everybody goes on working");
  JsonProgram& a = cast_.device_a();
  JsonProgram& b = cast_.device_b();
  struct Write {
    const char* subject;  // empty: as before
    JsonProgram& player;
    const char* told;
    Value request;
  };
  const std::vector<Write> writes = {
      {"Two fields of one record, Ladin:", a, "$ tombolo patch languages lld speakers=31000",
       patch("lld", {{"speakers", 31'000}})},
      {"", b, "$ tombolo patch languages lld country=Italy", patch("lld", {{"country", "Italy"}})},
      {"The same field of another, Friulian:", a, "$ tombolo patch languages fur speakers=420000",
       patch("fur", {{"speakers", 420'000}})},
      {"", b, "$ tombolo patch languages fur speakers=600000",
       patch("fur", {{"speakers", 600'000}})},
      {"What one edits, Dalmatian, the other removes:", b,
       "$ tombolo patch languages dlm extinct_since=1898", patch("dlm", {{"extinct_since", 1898}})},
      {"", a, "$ tombolo rm languages dlm", removal("dlm")},
      {"And a fourth record, Romansh, in kinto.js:", cast_.kinto_js(),
       "languages.update({ id: \"roh\", speakers: 60000 }, { patch: true })",
       patch("roh", {{"speakers", 60'000}})}};
  for (const Write& one : writes) {
    if (*one.subject != '\0') stage_.subject(one.subject);
    if (auto done = write(one.player, one.told, one.request); !done) return done;
  }
  for (JsonProgram* device : {&a, &b}) {
    if (auto done = check_status(*device, false, 3); !done) return done;
  }
  if (auto done = stage_.pause(); !done) return done;
  stage_.say(
      "Now each sees something else. Both devices say so: neither claims to be synced, each knows "
      "of 3 operations that the server does not have.");
  const auto seen = views(false);
  if (!seen) return fail(seen);
  stage_.show(sights(*seen, spots(), false));

  Object edited = seen->at(1).records->at("dlm");  // as device B has it
  edited.erase("id");
  expected_losses_ = {{"fur", "speakers", Value(420'000), Value(600'000)},
                      {"dlm", "", Value(std::move(edited)), std::nullopt}};
  return {};
}

Result<void> DemoStory::check_status(JsonProgram& device, bool synced, std::int64_t pending) {
  const auto status = device.ask({{"command", "status"}});
  if (!status) return fail(status);
  const Value& remote = (*status)["remotes"].at(0);
  if (remote["synced"] != Value(synced)) {
    return fail(ErrorCode::internal, device.name() + " claims to be " +
                                         (synced ? "not synced, and it is: "
                                                 : "synced, and it is "
                                                   "not: ") +
                                         remote.to_json());
  }
  if (remote["pending"] == Value(pending)) return {};
  return fail(ErrorCode::internal, device.name() + " says that " + number(remote["pending"]) +
                                       " operations are pending, and it should be " +
                                       std::to_string(pending));
}

Result<Value> DemoStory::synchronize(JsonProgram& device) {
  auto status = device.ask({{"command", "wait"}, {"timeout_ms", kSyncTimeout_ms}},
                           kSyncTimeout_ms + JsonProgram::kAnswerTimeout_ms);
  if (!status) return status;
  if (auto done = check_status(device, true, 0); !done) return fail(done);
  return status;
}

Result<void> DemoStory::synchronize_kinto() {
  const std::int64_t start_ms = clock_.monotonic_ms();
  stage_.deed("kinto.js", "languages.sync()");
  const auto result = cast_.kinto_js().ask({{"command", "sync"}}, kSyncTimeout_ms);
  if (!result) return fail(result);
  stage_.result("sent " + number((*result)["published"]) + ", received " +
                counted((*result)["received"].as_integer(), "record") + ", " +
                seconds_since(start_ms));
  return stage_.beat();
}

Result<void> DemoStory::meet() {
  stage_.act("The network comes back");
  stage_.say(
      "The server starts again on its file. The devices notice by themselves and reconnect; "
      "kinto.js is told to.");
  if (auto done = cast_.start_server(); !done) return done;
  stage_.deed("server", "`tombolo serve` at " + cast_.api_url());
  if (auto done = synchronize_kinto(); !done) return done;
  // Once so that the server has what each did, once more so that each has what the others did.
  for (const bool is_last : {false, true}) {
    for (JsonProgram* device : {&cast_.device_a(), &cast_.device_b()}) {
      const auto status = synchronize(*device);
      if (!status) return fail(status);
      if (is_last) stage_.deed(device->name(), "says: synced, nothing pending");
    }
  }
  if (auto done = synchronize_kinto(); !done) return done;
  const auto kinto = cast_.kinto_js().ask({{"command", "status"}});
  if (!kinto) return fail(kinto);
  if ((*kinto)["pending"] == Value(0)) return {};
  return fail(ErrorCode::internal, "kinto.js still has changes to send: " + kinto->to_json());
}

Result<std::vector<View>> DemoStory::views(bool with_server) {
  std::vector<View> all;
  for (JsonProgram* player : {&cast_.device_a(), &cast_.device_b(), &cast_.kinto_js()}) {
    auto view = cast_.view_of(*player);
    if (!view) return fail(view);
    all.push_back(*std::move(view));
  }
  if (!with_server) return all;
  auto view = cast_.view_of_server();
  if (!view) return fail(view);
  all.push_back(*std::move(view));
  return all;
}

Result<void> DemoStory::compare() {
  stage_.act("What everybody sees");
  const auto seen = views(true);
  if (!seen) return fail(seen);
  stage_.show(sights(*seen, spots(), true));
  const auto found = differences(*seen, kShownDifferences);
  Array described;
  for (const View& view : *seen) {
    described.push_back({{"name", view.who},
                         {"records", static_cast<std::int64_t>(view.records->size())},
                         {"fingerprint", fingerprint(*view.records)}});
  }
  result_["equal"] = found.empty();
  result_["records"] = static_cast<std::int64_t>(seen->front().records->size());
  result_["views"] = std::move(described);
  result_["differences"] = Array(found.begin(), found.end());
  if (!found.empty()) {
    return fail(ErrorCode::internal, "not all see the same:" + joined(found));
  }
  if (auto done = check_content(*seen->front().records); !done) return done;
  stage_.good("Equal, in every field of " + number(result_["records"]) +
              " records. Ladin has both edits: they touch different fields.");
  return {};
}

// Equal is not enough: it must also be right.
Result<void> DemoStory::check_content(const Records& records) const {
  const auto has = [&](const char* id, const char* field, const Value& value) {
    const auto record = records.find(id);
    const Value* found = record == records.end() ? nullptr : record->second.find(field);
    return found != nullptr && *found == value;
  };
  const bool is_right = has("lld", "speakers", 31'000) && has("lld", "country", "Italy") &&
                        has("fur", "speakers", 600'000) && has("roh", "speakers", 60'000) &&
                        !records.contains("dlm") &&
                        static_cast<std::int64_t>(records.size()) == loaded_ - 1;
  if (is_right) return {};
  return fail(ErrorCode::internal, "all see the same, but not what they should see");
}

std::string DemoStory::author(const Value& operation) const {
  const auto found = authors_.find(operation.as_string());
  return found == authors_.end() ? "somebody" : found->second;
}

void DemoStory::explain(const Value& loss) {
  const std::string field(loss["field"].as_string());
  const std::string loser = author(loss["losing_operation"]);
  const std::string winner = author(loss["winning_operation"]);
  const bool is_removed = loss["winning_value"].is_null();
  const std::string lost =
      field.empty()
          ? "the record (" + fields_text(loss["losing_value"]) + "), as " + loser + " had it,"
          : field + " " + cell_text(loss["losing_value"]) + ", by " + loser + ",";
  const std::string won =
      is_removed ? winner + "'s removal" : cell_text(loss["winning_value"]) + ", by " + winner;
  const std::string text = lost + " lost to " + won +
                           ". Neither knew of the other's write; the later one stays (" +
                           std::string(loss["rule"].as_string()) + ").";
  stage_.entry(label_of(loss["record"].as_string()), text);
}

Result<void> DemoStory::read_ledgers() {
  stage_.act("What was lost, and why");
  stage_.say(
      "Where two writes contradict each other, one gives way. It does not vanish: each device "
      "keeps a ledger of what lost (`tombolo losses`), from which it can be brought back (`tombolo "
      "losses restore`). Both ledgers tell the same:");
  Value ledgers = Object{};
  for (JsonProgram* device : {&cast_.device_a(), &cast_.device_b()}) {
    const auto status = device->ask({{"command", "status"}});
    if (!status) return fail(status);
    const auto operations = device->ask({{"command", "operations"}, {"limit", 20}});
    if (!operations) return fail(operations);
    for (std::size_t index = 0; index < operations->size(); ++index) {
      const Value& operation = operations->at(index);
      if (operation["node"] == (*status)["node"]) {
        authors_[std::string(operation["id"].as_string())] = device->name();
      }
    }
    const auto losses = device->ask({{"command", "losses"}});
    if (!losses) return fail(losses);
    ledgers[device->name()] = *losses;
  }
  result_["losses"] = ledgers;
  for (const JsonProgram* device : {&cast_.device_a(), &cast_.device_b()}) {
    const auto wrong = wrong_losses(ledgers[device->name()], expected_losses_);
    if (wrong.empty()) continue;
    return fail(ErrorCode::internal,
                "the loss ledger of " + device->name() + " is wrong:" + joined(wrong));
  }
  const Value& ledger = std::as_const(ledgers)["device A"];
  for (std::size_t index = 0; index < ledger.size(); ++index) explain(ledger.at(index));
  stage_.good("Nothing else was lost, and nothing without a trace.");
  return {};
}

}  // namespace tombolo::cli
