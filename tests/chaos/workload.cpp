#include "workload.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/json.h"
#include "sim/random.h"

namespace tombolo::chaos {

namespace {

constexpr std::uint64_t kRegisterRecords = 8;
constexpr std::array<const char*, 2> kFields = {"a", "b"};
constexpr std::uint64_t kDraftRecords = 4;
constexpr std::uint64_t kMostWrites = 4;  // of registers, in a transaction

std::string collection_of(std::string_view scope) {
  return std::string(scope.substr(0, scope.size() - 1));
}

void add_step(Workload::Request& request, Step step, Value command) {
  request.steps.push_back(std::move(step));
  Value& steps = request.command["steps"];
  if (!steps.is_array()) steps = Array{};
  steps.if_array()->push_back(std::move(command));
}

void add_read(Workload::Request& request, std::string_view scope) {
  Step step;
  step.scope = scope;
  add_step(request, std::move(step),
           {{"command", "query"}, {"collection", collection_of(scope)}, {"order", Array{"id"}}});
}

Step write_step(std::string key, std::string value) {
  Step step;
  step.kind = Step::Kind::write;
  step.key = std::move(key);
  step.value = std::move(value);
  return step;
}

// What a read says of its keys.
Contents contents_of(std::string_view scope, const Value& records) {
  Contents contents;
  const Array* array = records.if_array();
  for (std::size_t index = 0; array != nullptr && index < array->size(); ++index) {
    const Value& record = (*array)[index];
    const std::string key = std::string(scope) + std::string(record["id"].as_string());
    if (scope == kNotes) {
      contents[key] = kPresent;
    } else if (scope == kCounters) {
      contents[key] = std::to_string(record["n"].as_integer());
    } else {
      for (const Member& member : *record.if_object()) {
        if (member.key != "id") contents[key + "/" + member.key] = member.value.as_string();
      }
    }
  }
  return contents;
}

}  // namespace

Workload::Workload(std::string device, std::uint64_t seed)
    : device_(std::move(device)), random_(sim::random_for(seed, "workload of " + device_)) {}

Workload::Request Workload::setup() {
  Request request;
  request.command = {{"command", "transaction"}};
  for (std::uint64_t number = 0; number < kRegisterRecords; ++number) {
    const std::string id = "k" + std::to_string(number);
    Object record = {{"id", id}};
    for (const char* field : kFields) {
      const std::string value = new_value();
      record.set(field, value);
      request.steps.push_back(write_step(std::string(kRegisters) + id + "/" + field, value));
    }
    Value& steps = request.command["steps"];
    if (!steps.is_array()) steps = Array{};
    steps.if_array()->push_back(
        {{"command", "create"}, {"collection", "registers"}, {"record", std::move(record)}});
  }
  request.command["steps"].if_array()->push_back(
      {{"command", "create"}, {"collection", "counters"}, {"record", {{"id", "total"}, {"n", 0}}}});
  return request;
}

void Workload::add_register_writes(Request& request) {
  std::set<std::uint64_t> records;
  const std::uint64_t count = 1 + random_.below(kMostWrites);
  while (records.size() < count) records.insert(random_.below(kRegisterRecords));
  for (const std::uint64_t number : records) {
    const std::string id = "k" + std::to_string(number);
    const std::string field = kFields.at(random_.below(kFields.size()));
    const std::string value = new_value();
    Object fields;
    fields.set(field, value);
    add_step(request, write_step(std::string(kRegisters) + id + "/" + field, value),
             {{"command", "patch"},
              {"collection", "registers"},
              {"record_id", id},
              {"fields", std::move(fields)}});
  }
}

void Workload::add_notes(Request& request) {
  if (sim::chance(random_, 1, 3)) {
    const std::string id = "n-" + new_value();
    add_step(request, write_step(std::string(kNotes) + id, std::string(kPresent)),
             {{"command", "create"},
              {"collection", "notes"},
              {"record", {{"id", id}, {"by", device_}}}});
  }
  if (!notes_.empty() && sim::chance(random_, 1, 3)) {
    const std::string id = notes_[random_.below(notes_.size())];
    add_step(request, write_step(std::string(kNotes) + id, std::string(kDeleted)),
             {{"command", "delete"}, {"collection", "notes"}, {"record_id", id}});
  }
}

Workload::Request Workload::next_draft() {
  const std::string id = "f" + std::to_string(random_.below(kDraftRecords));
  Step step = write_step(std::string(kDrafts) + id + "/v", new_value());
  Request request;
  request.command = {{"command", "patch"},
                     {"collection", "drafts"},
                     {"record_id", id},
                     {"fields", {{"v", step.value}}}};
  switch (random_.below(4)) {
    case 0:
      request.command = {{"command", "create"},
                         {"collection", "drafts"},
                         {"record", {{"id", id}, {"v", step.value}}}};
      break;
    case 1:
      request.command = {{"command", "delete"}, {"collection", "drafts"}, {"record_id", id}};
      step.kind = Step::Kind::remove;
      break;
    default:
      break;
  }
  request.steps.push_back(std::move(step));
  return request;
}

Workload::Request Workload::next() {
  if (sim::chance(random_, 1, 6)) return next_draft();
  Request request;
  request.command = {{"command", "transaction"}};
  if (sim::chance(random_, 1, 10)) {  // a single write, without a transaction
    add_register_writes(request);
    Value first = request.command["steps"].at(0);
    request.command = std::move(first);
    request.steps.resize(1);
    return request;
  }
  if (sim::chance(random_, 4, 5)) add_read(request, kRegisters);
  if (sim::chance(random_, 1, 3)) add_read(request, kNotes);
  if (sim::chance(random_, 1, 4)) add_read(request, kCounters);
  if (!request.steps.empty() && sim::chance(random_, 1, 6)) return request;  // reads alone
  add_register_writes(request);
  add_notes(request);
  if (sim::chance(random_, 1, 4)) {
    Step step;
    step.kind = Step::Kind::increment;
    step.key = kTotal;
    add_step(request, std::move(step),
             {{"command", "increment"},
              {"collection", "counters"},
              {"record_id", "total"},
              {"field", "n"}});
  }
  if (sim::chance(random_, 1, 3)) add_read(request, kRegisters);
  if (sim::chance(random_, 1, 12)) {
    request.command["steps"].if_array()->push_back(
        {{"command", "get"}, {"collection", "registers"}, {"record_id", "missing"}});
  }
  return request;
}

Workload::Request Workload::read_all() {
  Request request;
  request.command = {{"command", "transaction"}};
  for (const std::string_view scope : kScopes) add_read(request, scope);
  return request;
}

void Workload::ended(Request& request, Outcome outcome, const Value& result) {
  for (std::size_t index = 0; index < request.steps.size(); ++index) {
    Step& step = request.steps[index];
    if (step.kind == Step::Kind::read && outcome == Outcome::done) {
      step.seen = contents_of(step.scope, result.at(index));
    }
    if (step.kind != Step::Kind::write || !step.key.starts_with(kNotes)) continue;
    const std::string id = step.key.substr(kNotes.size());
    if (step.value == kPresent && outcome == Outcome::done) notes_.push_back(id);
    // Whatever came of it: deleted once more, it could not be told who did it.
    if (step.value == kDeleted) std::erase(notes_, id);
  }
}

Contents Workload::contents(const Value& result) {
  Contents contents;
  for (std::size_t index = 0; index < kScopes.size(); ++index) {
    contents.merge(contents_of(kScopes.at(index), result.at(index)));
  }
  return contents;
}

std::string Workload::json(const Value& result) {
  Object all;
  for (std::size_t index = 0; index < kScopes.size(); ++index) {
    Object records;
    for (const Value& record : *result.at(index).if_array()) {
      records.set(record["id"].as_string(), record);
    }
    all.set(kScopes.at(index), std::move(records));
  }
  return canonical_json(all);
}

}  // namespace tombolo::chaos
