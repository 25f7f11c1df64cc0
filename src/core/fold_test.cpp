// The fold: what operations make of a record, whatever way they came in.
#include "core/fold.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "core/merge.h"
#include "core/test_vectors.h"

namespace tombolo::core {
namespace {

using testing::elements;
using testing::operation_of;
using testing::read_vectors;

// An operation of node "n<wall_ms>" at that time.
Operation make(OperationType type, std::int64_t wall_ms, std::optional<Object> data = {},
               std::optional<Object> previous = {}) {
  Operation operation;
  operation.node = "n" + std::to_string(wall_ms);
  operation.type = type;
  operation.collection = "c";
  operation.record = "r";
  operation.data = std::move(data);
  operation.previous_data = std::move(previous);
  operation.timestamp = {wall_ms, 0, operation.node};
  operation.id = operation_id(operation).value();
  return operation;
}

Operation insert(std::int64_t wall_ms, Object data) {
  return make(OperationType::insert, wall_ms, std::move(data));
}
Operation update(std::int64_t wall_ms, Object data, Object previous) {
  return make(OperationType::update, wall_ms, std::move(data), std::move(previous));
}
Operation remove(std::int64_t wall_ms, std::optional<Object> previous = {}) {
  return make(OperationType::remove, wall_ms, std::nullopt, std::move(previous));
}
Operation increment(std::int64_t wall_ms, std::int64_t from, std::int64_t by) {
  Operation operation = update(wall_ms, {{"n", from + by}}, {{"n", from}});
  operation.atomic.push_back({"n", {AtomicKind::increment, by}});
  return operation;
}

CollectionSchema with(MergeStrategy strategy) {
  CollectionSchema schema;
  FieldSchema field;
  field.name = "n";
  field.merge = strategy;
  schema.fields.push_back(field);
  return schema;
}

std::string json(const Object& fields) {
  return Value(fields).to_json();
}

FoldResult folded(std::vector<Operation> operations, const CollectionSchema& schema = {}) {
  return fold(schema, {}, operations);
}

TEST(FoldVectors, ReplaysAsTheOriginalServer) {
  const Value vectors = read_vectors("replay-record.json");
  ASSERT_EQ(vectors["cases"].size(), 20U);
  for (const Value& vector : elements(vectors["cases"])) {
    std::vector<Operation> operations;
    for (const Value& value : elements(vector["ops"])) {
      Operation operation = *operation_of(value);
      operation.timestamp.wall_ms = static_cast<std::int64_t>(operations.size());
      operation.id = std::to_string(operations.size());
      operations.push_back(std::move(operation));
    }
    const FoldResult result = folded(operations);
    const Value seen = result.state.alive() ? Value(result.state.fields) : Value();
    EXPECT_EQ(seen, vector["result"]) << vector["name"].as_string();
  }
}

TEST(FoldVectors, AppliesAtomicOperationsAsTheOriginal) {
  const Value vectors = read_vectors("atomic-ops.json");
  ASSERT_EQ(vectors["apply"].size(), 17U);
  const auto atomic = [](const Value& value) {
    return AtomicOperation{*atomic_kind_named(value["type"].as_string()), value["value"]};
  };
  for (const Value& vector : elements(vectors["apply"])) {
    EXPECT_EQ(apply_atomic(atomic(vector["op"]), &vector["current"]).to_json(),
              vector["result"].to_json());
  }
  ASSERT_EQ(vectors["compose"].size(), 12U);
  for (const Value& vector : elements(vectors["compose"])) {
    const AtomicOperation local = atomic(vector["local"]);
    const AtomicOperation remote = atomic(vector["remote"]);
    if (!vector["result"]["merged"].as_bool()) {
      EXPECT_NE(local.kind, remote.kind);
      continue;
    }
    const Value first = apply_atomic(local, &vector["base"]);
    const Value both = apply_atomic(remote, &first);
    if (local.kind == AtomicKind::remove && local.value.is_object()) {
      // The original compares objects by identity here, so that none is ever removed.
      EXPECT_NE(both, vector["result"]["value"]);
    } else {
      EXPECT_EQ(both, vector["result"]["value"]) << vector.to_json();
    }
  }
}

TEST(Fold, LaterWriterWinsAndTheOtherIsRecorded) {
  const Operation first = update(2, {{"n", "B"}}, {{"n", "A"}});
  const Operation second = update(3, {{"n", "C"}}, {{"n", "A"}});
  const FoldResult result = folded({insert(1, {{"n", "A"}}), first, second});
  EXPECT_EQ(json(result.state.fields), R"({"n":"C"})");
  EXPECT_EQ(result.losses,
            std::vector<Loss>({Loss{"n", first.id, "B", second.id, "C", "last-writer-wins"}}));
}

TEST(Fold, NothingIsLostWhenEachSawTheOther) {
  const FoldResult result = folded({insert(1, {{"n", "A"}}), update(2, {{"n", "B"}}, {{"n", "A"}}),
                                    update(3, {{"n", "C"}}, {{"n", "B"}})});
  EXPECT_TRUE(result.losses.empty());
  EXPECT_EQ(result.state.version, (Timestamp{3, 0, "n3"}));
}

TEST(Fold, DeleteThatDidNotSeeAWriteRecordsIt) {
  const Operation write = update(2, {{"n", "B"}}, {{"n", "A"}});
  const Operation by_fields = remove(3, Object{{"n", "A"}});
  FoldResult result = folded({insert(1, {{"n", "A"}}), write, by_fields});
  EXPECT_FALSE(result.state.alive());
  ASSERT_EQ(result.losses.size(), 1U);
  EXPECT_EQ(result.losses[0], (Loss{"", write.id, Value(Object{{"n", "B"}}), by_fields.id,
                                    std::nullopt, "delete-wins"}));
  Operation by_version = remove(3);
  by_version.base_version = "000000000000001:00000:n1";
  EXPECT_EQ(folded({insert(1, {{"n", "A"}}), write, by_version}).losses, result.losses);
  by_version.base_version = "000000000000002:00000:n2";
  EXPECT_TRUE(folded({insert(1, {{"n", "A"}}), write, by_version}).losses.empty());
}

// What the author of a delete wrote down tells more than the stamp of the newest write it knew.
TEST(Fold, DeleteThatDidNotSeeAnOlderWriteThanTheNewestItSawRecordsIt) {
  const Operation unseen = update(2, {{"n", "B"}}, {{"n", "A"}});
  const Operation seen = update(3, {{"m", "Y"}}, {{"m", "X"}});
  Operation deleted = remove(4, Object{{"n", "A"}, {"m", "Y"}});
  deleted.base_version = "000000000000003:00000:n3";
  const FoldResult result = folded({insert(1, {{"n", "A"}, {"m", "X"}}), unseen, seen, deleted});
  EXPECT_FALSE(result.state.alive());
  ASSERT_EQ(result.losses.size(), 1U);
  EXPECT_EQ(result.losses[0], (Loss{"", seen.id, Value(Object{{"n", "B"}, {"m", "Y"}}), deleted.id,
                                    std::nullopt, "delete-wins"}));
}

TEST(Fold, UpdateThatDidNotSeeADeleteRevivesAndTheDeleteIsRecorded) {
  const Operation deleted = remove(2);
  const Operation revival = update(3, {{"n", "B"}}, {{"n", "A"}});
  const FoldResult result = folded({insert(1, {{"n", "A"}, {"m", 1}}), deleted, revival});
  EXPECT_EQ(json(result.state.fields), R"({"n":"B","m":1})");
  ASSERT_EQ(result.losses.size(), 1U);
  EXPECT_EQ(result.losses[0].losing_operation, deleted.id);
  EXPECT_EQ(result.losses[0].rule, "update-revives");
}

TEST(Fold, SecondInsertReplacesAndRecordsWhatDiffered) {
  const Operation first = insert(1, {{"n", "A"}, {"same", 1}});
  const Operation second = insert(2, {{"n", "B"}, {"same", 1}});
  const FoldResult result = folded({first, second});
  EXPECT_EQ(result.losses,
            std::vector<Loss>({Loss{"n", first.id, "A", second.id, "B", "insert-replaces"}}));
}

TEST(Fold, RemovedFieldsAreErased) {
  Operation erase = update(2, {{"n", nullptr}}, {{"n", "A"}});
  erase.removed = {"n"};
  EXPECT_EQ(json(folded({insert(1, {{"n", "A"}, {"m", 1}}), erase}).state.fields), R"({"m":1})");
}

TEST(Fold, PendingOperationsAreRebasedOverANewerBase) {
  RecordState base{{{"n", 15}}, true, false, {100, 0, "server"}};
  const std::vector<Operation> pending{update(2, {{"n", 12}}, {{"n", 10}}),
                                       update(3, {{"n", 13}}, {{"n", 12}})};
  const FoldResult counted = fold(with(MergeStrategy::counter), base, pending);
  EXPECT_EQ(json(counted.state.fields), R"({"n":18})");
  EXPECT_TRUE(counted.losses.empty());
  EXPECT_EQ(counted.state.version, base.version);
  const FoldResult replaced = fold({}, base, pending);
  EXPECT_EQ(json(replaced.state.fields), R"({"n":13})");
  ASSERT_EQ(replaced.losses.size(), 1U);
  EXPECT_EQ(replaced.losses[0], (Loss{"n", "", 15, pending[0].id, 12, "last-writer-wins"}));
  const std::vector<Operation> increments{increment(2, 10, 2), increment(3, 12, 3)};
  EXPECT_EQ(json(fold({}, base, increments).state.fields), R"({"n":20})");
}

TEST(Fold, MapRecordsTheKeyThatLost) {
  const FoldResult result =
      folded({insert(1, {{"n", Object{{"a", 1}, {"b", 1}}}}),
              update(2, {{"n", Object{{"a", 2}, {"b", 2}}}}, {{"n", Object{{"a", 1}, {"b", 1}}}}),
              update(3, {{"n", Object{{"a", 3}, {"b", 1}}}}, {{"n", Object{{"a", 1}, {"b", 1}}}})},
             with(MergeStrategy::map));
  EXPECT_EQ(json(result.state.fields), R"({"n":{"a":3,"b":2}})");
  ASSERT_EQ(result.losses.size(), 1U);
  EXPECT_EQ(result.losses[0].rule, "map");
}

TEST(ApplyInPlace, RefusesWhatMustBeFoldedAndChangesNothing) {
  const RecordState state = folded({insert(5, {{"n", 1}})}).state;
  for (const Operation& operation :
       {update(4, {{"n", 2}}, {{"n", 1}}), update(6, {{"n", 2}}, {{"n", 0}}), increment(6, 0, 1),
        insert(6, {{"n", 1}}), remove(6, Object{{"n", 0}}), insert(5, {{"n", 1}})}) {
    RecordState copy = state;
    EXPECT_FALSE(apply_in_place(copy, operation)) << operation.timestamp.wall_ms;
    EXPECT_EQ(copy, state);
  }
}

// Random operations whose authors saw anything: a small world, so that they meet often.
Value random_value(MergeStrategy strategy) {
  const auto number = [] { return *rc::gen::inRange(-3, 4); };
  const auto list = [&] {
    Array array;
    for (int count = *rc::gen::inRange(0, 4); count > 0; --count) array.emplace_back(number());
    return array;
  };
  if (*rc::gen::inRange(0, 12) == 0) return *rc::gen::element<Value>("text", nullptr, 0.5);
  switch (strategy) {
    case MergeStrategy::add_wins_set:
    case MergeStrategy::append_only:
      return list();
    case MergeStrategy::map: {
      Object object;
      for (const char* key : {"a", "b", "c"}) {
        if (*rc::gen::arbitrary<bool>()) object.set(key, number());
      }
      if (*rc::gen::arbitrary<bool>()) object.set("list", list());
      return object;
    }
    default:
      return number();
  }
}

std::string random_base_version() {
  return format_timestamp({*rc::gen::inRange(0, 12), 0, *rc::gen::element<std::string>("a", "b")})
      .value();
}

Operation random_operation(MergeStrategy strategy) {
  Operation operation;
  operation.node = *rc::gen::element<std::string>("a", "b", "c");
  operation.timestamp = {*rc::gen::inRange(0, 12), 0, operation.node};
  operation.type =
      *rc::gen::element(OperationType::insert, OperationType::update, OperationType::update,
                        OperationType::update, OperationType::update, OperationType::remove);
  const auto some_fields = [&] {
    Object fields;
    for (const char* field : {"n", "m", "o"}) {
      if (*rc::gen::arbitrary<bool>()) fields.set(field, random_value(strategy));
    }
    return fields;
  };
  if (operation.type != OperationType::remove) operation.data = some_fields();
  if (operation.type != OperationType::insert && *rc::gen::inRange(0, 4) != 0) {
    operation.previous_data = some_fields();
  }
  if (operation.type == OperationType::update && *rc::gen::inRange(0, 3) == 0) {
    const auto kind = *rc::gen::element(AtomicKind::increment, AtomicKind::max, AtomicKind::append,
                                        AtomicKind::remove);
    operation.atomic.push_back({"n", {kind, *rc::gen::inRange(-3, 4)}});
  }
  if (*rc::gen::inRange(0, 4) == 0) operation.removed = {*rc::gen::element<std::string>("n", "m")};
  if (*rc::gen::arbitrary<bool>()) operation.base_version = random_base_version();
  operation.id = operation_id(operation).value();
  return operation;
}

std::string bytes(const RecordState& state) {
  return json(state.fields) + (state.exists ? " exists" : "") +
         (state.deleted ? " deleted " : " ") + format_timestamp(state.version).value();
}

// One operation per id: the log keeps the first that it sees of each.
std::vector<Operation> random_log(MergeStrategy strategy) {
  std::vector<Operation> log;
  for (int count = *rc::gen::inRange(1, 14); count > 0; --count) {
    Operation operation = random_operation(strategy);
    const bool known = std::any_of(
        log.begin(), log.end(), [&](const Operation& other) { return other.id == operation.id; });
    if (!known) log.push_back(std::move(operation));
  }
  return log;
}

MergeStrategy random_strategy() {
  return static_cast<MergeStrategy>(*rc::gen::inRange(0, 7));
}

CollectionSchema random_schema(MergeStrategy strategy) {
  CollectionSchema schema = with(strategy);
  schema.fields.push_back(schema.fields[0]);
  schema.fields.back().name = "m";
  return schema;
}

void shuffle(std::vector<Operation>& operations) {
  for (std::size_t index = operations.size(); index > 1; --index) {
    std::swap(operations[index - 1], operations[*rc::gen::inRange<std::size_t>(0, index)]);
  }
}

// A record of so many fields that they are found through an index.
Object wide(const std::string& prefix, int fields, int value) {
  Object object;
  for (int i = 0; i < fields; ++i) object.set(prefix + std::to_string(i), value);
  return object;
}

TEST(WideRecord, IsWrittenFieldByFieldInPlaceAndByFoldingAgain) {
  const Operation first = insert(1, wide("a", 100, 1));
  Operation second = update(2, wide("b", 50, 2), {});
  Object expected = wide("a", 100, 1);
  for (int i = 0; i < 80; i += 2) {
    const std::string field = "a" + std::to_string(i);
    second.data->set(field, Value());
    second.previous_data->set(field, 1);
    second.removed.push_back(field);
    expected.erase(field);
  }
  second.data->set("a99", 3);
  second.previous_data->set("a99", 1);
  expected.set("a99", 3);
  for (int i = 0; i < 50; ++i) expected.set("b" + std::to_string(i), 2);
  const Operation third = update(3, {{"a0", 4}}, {});
  expected.set("a0", 4);

  const FoldResult folded = fold({}, {}, std::vector{third, first, second});
  RecordState state;
  for (const Operation& operation : {first, second, third}) {
    EXPECT_TRUE(apply_in_place(state, operation));
  }
  std::string text;
  append_json(text, expected);
  EXPECT_EQ(Value(folded.state.fields).to_json(), text) << "also in their order";
  EXPECT_EQ(Value(state.fields).to_json(), text);
  EXPECT_TRUE(folded.losses.empty());
}

TEST(WideRecord, TellsEveryFieldThatLost) {
  Object seen = wide("a", 100, 1);
  const Operation first = insert(1, seen);
  const Operation second = update(2, wide("a", 60, 2), wide("a", 60, 1));
  const Operation third = update(3, wide("a", 80, 3), wide("a", 80, 1));
  RecordState state;
  EXPECT_TRUE(apply_in_place(state, first));
  EXPECT_TRUE(apply_in_place(state, second));
  EXPECT_FALSE(apply_in_place(state, third));
  const FoldResult folded = fold({}, {}, std::vector{first, second, third});
  ASSERT_EQ(folded.losses.size(), 60u);
  EXPECT_EQ(folded.losses[59].field, "a59");
  EXPECT_EQ(folded.losses[59].losing_value, Value(2));
  EXPECT_EQ(folded.losses[59].losing_operation, second.id);
  EXPECT_EQ(folded.state.fields.find("a79")->as_integer(), 3);
  EXPECT_EQ(folded.state.fields.find("a99")->as_integer(), 1);
  const Operation removal = remove(4, folded.state.fields);
  EXPECT_TRUE(fold({}, {}, std::vector{first, second, third, removal}).losses.size() == 60u)
      << "who removes what it saw loses nothing more";
}

RC_GTEST_PROP(FoldProperty, DependsOnTheSetOfOperationsAlone, ()) {
  const MergeStrategy strategy = random_strategy();
  const CollectionSchema schema = random_schema(strategy);
  std::vector<Operation> log = random_log(strategy);
  const FoldResult expected = fold(schema, {}, log);
  std::vector<Operation> again = log;
  again.insert(again.end(), log.begin(), log.begin() + *rc::gen::inRange<long>(0, log.size() + 1));
  shuffle(again);
  const FoldResult result = fold(schema, {}, again);
  RC_ASSERT(bytes(result.state) == bytes(expected.state));
  RC_ASSERT(result.losses == expected.losses);
}

RC_GTEST_PROP(FoldProperty, TheFastPathGivesTheSameBytes, ()) {
  const MergeStrategy strategy = random_strategy();
  const CollectionSchema schema = random_schema(strategy);
  std::vector<Operation> arrivals = random_log(strategy);
  if (*rc::gen::arbitrary<bool>()) {
    std::sort(arrivals.begin(), arrivals.end(), happens_before);
  } else {
    shuffle(arrivals);
  }
  RecordState state;
  std::vector<Operation> log;
  for (const Operation& operation : arrivals) {
    log.push_back(operation);
    const std::size_t losses_before = fold(schema, {}, {log.data(), log.size() - 1}).losses.size();
    const FoldResult refolded = fold(schema, {}, log);
    const bool in_place = apply_in_place(state, operation);
    if (!in_place) state = refolded.state;
    RC_ASSERT(bytes(state) == bytes(refolded.state));
    if (in_place) RC_ASSERT(refolded.losses.size() == losses_before);
  }
}

RC_GTEST_PROP(MergeProperty, EqualSidesStayAndSetsAndNumbersAreSymmetric, ()) {
  const MergeStrategy strategy = random_strategy();
  const Value base = random_value(strategy);
  const Value left = random_value(strategy);
  const Value right = random_value(strategy);
  const MergedField one = merge_field(strategy, &base, &left, right);
  const MergedField other = merge_field(strategy, &base, &right, left);
  const bool symmetric = strategy == MergeStrategy::counter || strategy == MergeStrategy::max ||
                         strategy == MergeStrategy::min || strategy == MergeStrategy::add_wins_set;
  if (symmetric && left.type() == right.type() && !left.is_string()) {
    RC_ASSERT(one.value == other.value);
  }
  RC_ASSERT(merge_field(strategy, &base, nullptr, right).value == right);
}

}  // namespace
}  // namespace tombolo::core
