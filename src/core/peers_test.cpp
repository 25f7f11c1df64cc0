// Peers without a network: replicas with clocks hours apart edit the same records and exchange
// what they have in any order, repeated. Once all have all they hold the same bytes and the same
// losses, and what anybody wrote is visible, knowingly replaced, or in the losses.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <set>

#include "core/fold.h"

namespace tombolo::core {
namespace {

const std::vector<std::pair<std::string, MergeStrategy>> kFields{
    {"title", MergeStrategy::last_writer_wins},
    {"note", MergeStrategy::last_writer_wins},
    {"hits", MergeStrategy::counter},
    {"best", MergeStrategy::max},
    {"least", MergeStrategy::min},
    {"tags", MergeStrategy::add_wins_set},
    {"log", MergeStrategy::append_only},
    {"meta", MergeStrategy::map}};

CollectionSchema schema_of_peers() {
  CollectionSchema schema;
  for (const auto& [name, strategy] : kFields) {
    FieldSchema field;
    field.name = name;
    field.merge = strategy;
    schema.fields.push_back(field);
  }
  return schema;
}

const CollectionSchema kSchema = schema_of_peers();

// What a write meant: `token` is in no other write.
struct Intention {
  std::string field;
  std::string token;
};

struct Written {
  Operation operation;
  std::set<std::string> seen;  // what its author knew of the record, at first or second hand
  std::vector<Intention> intentions;
};

struct Peer {
  HybridLogicalClock clock;
  std::int64_t skew_ms = 0;
  std::map<std::string, std::vector<Operation>> logs;
  std::map<std::string, RecordState> states;
  std::set<std::string> known;

  void receive(const Operation& operation) {
    if (!known.insert(operation.id).second) return;
    clock.advance_to(operation.timestamp);
    std::vector<Operation>& log = logs[operation.record];
    log.push_back(operation);
    RecordState& state = states[operation.record];
    if (!apply_in_place(state, operation)) state = fold(kSchema, {}, log).state;
  }
};

class World {
 public:
  World() {
    const int count = *rc::gen::inRange(3, 7);
    for (int index = 0; index < count; ++index) {
      peers_.push_back(Peer{HybridLogicalClock("peer" + std::to_string(index)), {}, {}, {}, {}});
      peers_.back().skew_ms = *rc::gen::inRange<std::int64_t>(-7'200'000, 7'200'000);
    }
  }

  void run() {
    for (int step = *rc::gen::inRange(5, 60); step > 0; --step) {
      now_ms_ += *rc::gen::inRange(0, 3);
      Peer& peer = any_peer();
      if (*rc::gen::inRange(0, 3) == 0) {
        exchange(any_peer(), peer);
      } else {
        edit(peer, *rc::gen::element<std::string>("r1", "r2"));
      }
    }
    for (Peer& peer : peers_) {
      std::vector<std::string> ids;
      for (const auto& [id, written] : all_) ids.push_back(id);
      for (std::size_t left = ids.size(); left > 1; --left) {
        std::swap(ids[left - 1], ids[*rc::gen::inRange<std::size_t>(0, left)]);
      }
      for (const std::string& id : ids) peer.receive(all_.at(id).operation);
    }
  }

  void expect_equal_peers() {
    for (Peer& peer : peers_) {
      for (auto& [record, log] : peer.logs) {
        const FoldResult mine = fold(kSchema, {}, log);
        const FoldResult first = fold(kSchema, {}, peers_[0].logs[record]);
        const Value fields = peer.states[record].fields;
        RC_ASSERT(fields.to_json() == Value(first.state.fields).to_json());
        RC_ASSERT(peer.states[record] == first.state);
        RC_ASSERT(mine.losses == first.losses);
      }
    }
  }

  void expect_nothing_lost_silently() {
    for (auto& [record, log] : peers_[0].logs) {
      const FoldResult result = fold(kSchema, {}, log);
      for (const Operation& operation : log) {
        const Written& written = all_.at(operation.id);
        for (const Intention& intention : written.intentions) {
          RC_ASSERT(replaced_knowingly(operation, intention) || visible(result, intention) ||
                    recorded(result, intention));
        }
        if (operation.type == OperationType::remove) {
          RC_ASSERT(!result.state.alive() || undone_knowingly(operation) ||
                    names(result, operation.id));
        }
      }
      expect_count(result.state, log);
    }
  }

 private:
  Peer& any_peer() { return peers_[*rc::gen::inRange<std::size_t>(0, peers_.size())]; }

  static void exchange(const Peer& from, Peer& to) {
    for (const auto& [record, log] : from.logs) {
      for (const Operation& operation : log) {
        if (*rc::gen::inRange(0, 3) != 0) to.receive(operation);
      }
    }
  }

  // The new value of a field, given the one that the author sees.
  Value next(const std::string& field, MergeStrategy strategy, const Value& current,
             std::vector<Intention>& intentions) {
    if (strategy == MergeStrategy::max || strategy == MergeStrategy::min) {
      return *rc::gen::inRange(-9, 10);
    }
    if (strategy == MergeStrategy::counter) return current.as_integer() + *rc::gen::inRange(1, 5);
    const std::string token = "token" + std::to_string(++tokens_) + ".";
    intentions.push_back({field, token});
    if (strategy == MergeStrategy::last_writer_wins) return token;
    if (strategy == MergeStrategy::map) {
      Object object = current.if_object() != nullptr ? *current.if_object() : Object();
      object.set(*rc::gen::element<std::string>("a", "b"), token);
      return object;
    }
    Array array = current.if_array() != nullptr ? *current.if_array() : Array();
    if (strategy == MergeStrategy::add_wins_set && !array.empty() && *rc::gen::arbitrary<bool>()) {
      array.erase(array.begin());
    }
    array.emplace_back(token);
    return array;
  }

  void edit(Peer& peer, const std::string& record) {
    const RecordState state = peer.states[record];
    Written written;
    Operation& operation = written.operation;
    operation.collection = "c";
    operation.record = record;
    operation.node = peer.clock.last().node;
    if (state.exists) operation.base_version = format_timestamp(state.version).value();
    if (state.alive() && *rc::gen::inRange(0, 8) == 0) {
      operation.type = OperationType::remove;
      operation.previous_data = state.fields;
    } else {
      operation.type = state.alive() ? OperationType::update : OperationType::insert;
      operation.data.emplace();
      if (state.alive()) operation.previous_data.emplace();
      for (const auto& [field, strategy] : kFields) {
        if (state.alive() && *rc::gen::inRange(0, 4) != 0) continue;
        static const Value none;
        const Value* found = state.alive() ? state.fields.find(field) : nullptr;
        const Value& current = found != nullptr ? *found : none;
        operation.data->set(field, next(field, strategy, current, written.intentions));
        if (state.alive()) operation.previous_data->set(field, current);
      }
    }
    operation.timestamp = peer.clock.now(now_ms_ + peer.skew_ms);
    operation.id = operation_id(operation).value();
    for (const Operation& before : peer.logs[record]) {
      written.seen.insert(before.id);
      const std::set<std::string>& further = all_.at(before.id).seen;
      written.seen.insert(further.begin(), further.end());
    }
    peer.receive(operation);
    const std::string id = operation.id;
    all_.emplace(id, std::move(written));
  }

  // Whether somebody who had `operation` took the token away.
  bool replaced_knowingly(const Operation& operation, const Intention& intention) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& entry) {
      const Written& other = entry.second;
      if (!other.seen.contains(operation.id)) return false;
      if (other.operation.type != OperationType::update) return true;
      const Value* value = other.operation.data->find(intention.field);
      return value != nullptr && value->to_json().find(intention.token) == std::string::npos;
    });
  }

  // Whether somebody brought the record back who had this delete, or one that followed it.
  bool undone_knowingly(const Operation& deleted) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& entry) {
      return entry.second.operation.type == OperationType::insert &&
             std::any_of(entry.second.seen.begin(), entry.second.seen.end(), [&](const auto& id) {
               const Operation& seen = all_.at(id).operation;
               return seen.type == OperationType::remove && !happens_before(seen, deleted) &&
                      seen.record == deleted.record;
             });
    });
  }

  static bool visible(const FoldResult& result, const Intention& intention) {
    const Value* value = result.state.fields.find(intention.field);
    return result.state.alive() && value != nullptr &&
           value->to_json().find(intention.token) != std::string::npos;
  }

  static bool recorded(const FoldResult& result, const Intention& intention) {
    return std::any_of(result.losses.begin(), result.losses.end(), [&](const Loss& loss) {
      return loss.losing_value &&
             loss.losing_value->to_json().find(intention.token) != std::string::npos;
    });
  }

  static bool names(const FoldResult& result, const std::string& id) {
    return std::any_of(result.losses.begin(), result.losses.end(),
                       [&](const Loss& loss) { return loss.losing_operation == id; });
  }

  // Every increment counts once, where the record was only inserted once and never deleted.
  static void expect_count(const RecordState& state, const std::vector<Operation>& log) {
    std::int64_t hits = 0;
    int inserts = 0;
    for (const Operation& operation : log) {
      if (operation.type == OperationType::remove) return;
      if (operation.type == OperationType::insert && ++inserts > 1) return;
      const Value* value = operation.data->find("hits");
      if (value == nullptr) continue;
      const Value* before =
          operation.previous_data ? operation.previous_data->find("hits") : nullptr;
      hits += value->as_integer() - (before != nullptr ? before->as_integer() : 0);
    }
    RC_ASSERT(state.fields.find("hits")->as_integer() == hits);
  }

  std::vector<Peer> peers_;
  std::map<std::string, Written> all_;
  std::int64_t now_ms_ = 1'700'000'000'000;
  int tokens_ = 0;
};

RC_GTEST_PROP(PeersProperty, EndEqualAndLoseNothingSilently, ()) {
  World world;
  world.run();
  world.expect_equal_peers();
  world.expect_nothing_lost_silently();
}

}  // namespace
}  // namespace tombolo::core
