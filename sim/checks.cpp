#include "sim/checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/json.h"

namespace tombolo::sim {
namespace {

std::string canonical(Object fields) {
  fields.erase("id");
  fields.erase("last_modified");
  return canonical_json(Value(std::move(fields)));
}

// The tokens of living records on the server.
std::set<Token> living_tokens(const Witnesses& all, const std::vector<std::string>& collections) {
  std::set<Token> tokens;
  for (const std::string& name : collections) {
    for (const auto& [id, text] : contents_of(all.server, name)) {
      const auto value = Value::parse(text);
      if (value) collect_tokens(*value, tokens);
    }
  }
  return tokens;
}

std::vector<std::string> all_collections(const Plan& plan) {
  std::vector<std::string> names = plan.collection_names();
  if (plan.private_collection) names.emplace_back(kPrivate);
  return names;
}

std::set<Token> tokens_in_ledgers(const Witnesses& all) {
  std::set<Token> tokens;
  for (const auto& device : all.devices) {
    if (device->database() == nullptr) continue;
    const auto losses = device->database()->losses();
    if (!losses) continue;
    for (const Loss& loss : *losses) {
      if (loss.losing_value) collect_tokens(*loss.losing_value, tokens);
    }
  }
  return tokens;
}

}  // namespace

Contents contents_of(const Database& database, const std::string& collection) {
  Contents contents;
  const auto records = database.collection(collection).all();
  if (!records) return contents;
  for (const Record& record : *records) contents[record.id()] = canonical(record.fields());
  return contents;
}

Contents contents_of(ServerMachine& server, const std::string& collection) {
  Contents contents;
  std::string target =
      std::string("/v1/buckets/") + kBucket + "/collections/" + collection + "/records";
  while (!target.empty()) {
    const net::HttpResponse response = server.ask("GET", target, "token-of-alice");
    const auto body = Value::parse(response.body.view());
    const Value* data = body && body->if_object() ? body->if_object()->find("data") : nullptr;
    if (data == nullptr || data->if_array() == nullptr) return contents;
    for (const Value& record : *data->if_array()) {
      const Object& fields = *record.if_object();
      contents[std::string(fields.find("id")->as_string())] = canonical(fields);
    }
    const std::string next(response.headers.get("Next-Page").value_or(""));
    const std::size_t path = next.find("/v1/");
    target = path == std::string::npos ? std::string() : next.substr(path);
  }
  return contents;
}

void check_status(const Witnesses& all, Device& device) {
  const auto status = device.remote_status();
  if (!status) return;
  if (status->synced && status->pending > 0) {
    all.findings.add("status", device.name() + " is synced with " +
                                   std::to_string(status->pending) + " pending");
  }
  if (status->pending > 0 || status->dead_letters > 0) return;
  // Nothing is pending: then all that it wrote is at the server, unless it wrote over it itself.
  std::set<Token> ledger;
  bool asked = false;
  for (const Token token : all.history.promised_by(device.name())) {
    if (all.log.has(token) || all.history.overwritten().contains(token)) continue;
    if (!std::exchange(asked, true)) ledger = tokens_in_ledgers(all);
    if (ledger.contains(token)) continue;
    const Write& write = all.history.writes().at(token);
    all.findings.add("status",
                     device.name() + " says that nothing is pending, but the server lacks " +
                         std::to_string(token),
                     write.record);
    return;
  }
}

void check_durability(const Witnesses& all) {
  const std::set<Token> ledger = tokens_in_ledgers(all);
  for (const auto& [token, write] : all.history.writes()) {
    if (!write.promised || all.log.has(token)) continue;
    // Only a kinto remote gets the outcome of several writes instead of each of them.
    const bool folded = write.author.starts_with("kinto") &&
                        (all.history.overwritten().contains(token) || ledger.contains(token));
    if (folded) continue;
    all.findings.add("durability",
                     write.author + " was promised " + std::to_string(token) + " in " +
                         write.record.text() + "." + write.field + ", which the server never got",
                     write.record);
  }
}

void check_exactly_once(const Witnesses& all) {
  std::map<Token, std::int64_t> times;
  for (const Committed& committed : all.log.operations()) {
    for (const Token token : committed.written) ++times[token];
  }
  for (const auto& [token, count] : times) {
    const auto write = all.history.writes().find(token);
    if (write == all.history.writes().end() || count == 1) continue;
    if (!write->second.author.starts_with("stream")) continue;
    // What a kinto device writes again in another's record is that device's write.
    std::int64_t own = 0;
    for (const Committed& committed : all.log.operations()) {
      if (committed.written.contains(token) &&
          committed.operation.node != all.server.core()->storage().node()) {
        ++own;
      }
    }
    if (own > 1) {
      all.findings.add("exactly once",
                       std::to_string(token) + " was written " + std::to_string(own) + " times",
                       write->second.record);
    }
  }
  if (!all.plan.counters) return;
  const Contents counters = contents_of(all.server, kCounters);
  for (const auto& [record, count] : all.history.counts()) {
    const auto found = counters.find(record.id);
    const auto value =
        found == counters.end() ? Result<Value>(Value()) : Value::parse(found->second);
    const Value* n = value && value->if_object() ? value->if_object()->find("n") : nullptr;
    const std::int64_t counted = n != nullptr && n->is_integer() ? n->as_integer() : 0;
    if (counted < count.promised || counted > count.promised + count.possible) {
      all.findings.add("exactly once",
                       record.text() + " is " + std::to_string(counted) + " after " +
                           std::to_string(count.promised) + " increments and perhaps " +
                           std::to_string(count.possible) + " more",
                       record);
    }
  }
}

void check_convergence(const Witnesses& all) {
  std::vector<std::string> collections = all_collections(all.plan);
  if (all.plan.counters) collections.emplace_back(kCounters);
  for (const std::string& name : collections) {
    const Contents server = contents_of(all.server, name);
    for (const auto& device : all.devices) {
      if (device->database() == nullptr) continue;
      if (name == kCounters && device->plan().kind == RemoteKind::kinto) continue;
      const Contents here = contents_of(*device->database(), name);
      const Contents& expected = device->holds(name) ? server : Contents();
      if (here == expected) continue;
      std::set<std::string> ids;
      for (const auto* contents : {&here, &expected}) {
        for (const auto& [id, text] : *contents) ids.insert(id);
      }
      for (const std::string& id : ids) {
        const auto text = [&](const Contents& contents) {
          const auto found = contents.find(id);
          return found == contents.end() ? std::string("nothing") : found->second;
        };
        if (text(here) == text(expected)) continue;
        all.findings.add("convergence",
                         name + "/" + id + " is " + text(here) + " on " + device->name() + " and " +
                             text(expected) + " on the server",
                         RecordName{name, id});
        break;
      }
    }
  }
}

// Whether a device with a kinto remote wrote one of them. It writes again what it was never
// answered for; that somebody saw the first one and removed it, it cannot know.
bool may_be_repeated(const Witnesses& all, const std::set<Token>& tokens) {
  return std::ranges::any_of(tokens, [&](Token token) {
    const auto write = all.history.writes().find(token);
    return write != all.history.writes().end() && write->second.author.starts_with("kinto");
  });
}

// Whether the removal is known to have lost: to somebody who took something away from the record
// meanwhile, so that nothing is in it that the remover had not seen.
bool lost_to_a_change(const Witnesses& all, const Removal& removal, const std::set<Token>& there) {
  if (there.size() >= removal.seen.size()) return false;
  const auto author = std::ranges::find(all.devices, removal.author,
                                        [](const auto& device) { return device->name(); });
  if (author == all.devices.end() || (*author)->database() == nullptr) return false;
  const auto losses = (*author)->database()->losses();
  return losses && std::ranges::any_of(*losses, [&](const Loss& loss) {
           return RecordName{loss.collection, loss.record} == removal.record &&
                  loss.field.empty() && !loss.losing_value;
         });
}

void check_removals(const Witnesses& all) {
  for (const std::string& name : all_collections(all.plan)) {
    for (const auto& [id, text] : contents_of(all.server, name)) {
      std::set<Token> there;
      if (const auto value = Value::parse(text)) collect_tokens(*value, there);
      if (there.empty()) continue;
      for (const Removal& removal : all.history.removals()) {
        if (!removal.promised || removal.record != RecordName{name, id}) continue;
        if (!std::ranges::includes(removal.seen, there) || may_be_repeated(all, there)) continue;
        if (lost_to_a_change(all, removal, there)) continue;
        all.findings.add(
            "removals", name + "/" + id + " is there as " + removal.author + " removed it: " + text,
            removal.record);
      }
    }
  }
}

void check_ledgers(const Witnesses& all) {
  const std::set<Token> living = living_tokens(all, all_collections(all.plan));
  const std::set<Token> ledger = tokens_in_ledgers(all);
  for (const auto& [token, write] : all.history.writes()) {
    const bool lost = write.promised && !living.contains(token) && !ledger.contains(token) &&
                      !all.history.overwritten().contains(token) && !all.log.seen().contains(token);
    if (!lost) continue;
    all.findings.add("ledgers",
                     std::to_string(token) + " by " + write.author + " in " + write.record.text() +
                         "." + write.field + " is gone, and in no ledger",
                     write.record);
  }
}

}  // namespace tombolo::sim
