// The golden vectors of the Kora protocol that take a schema: merging, whole stores, validation;
// and the order of sending. Where the original contradicts itself or depends on the order of
// arrival, ours differs on purpose: tests/data/kora/exceptions.json names each such case and why.
#include <algorithm>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <set>

#include "core/fold.h"
#include "core/test_vectors.h"
#include "core/topological_order.h"

namespace tombolo::core {
namespace {

using testing::elements;
using testing::members;
using testing::operation_of;
using testing::read_vectors;

using Schemas = std::map<std::string, CollectionSchema, std::less<>>;

// Compares cases of one file; those that are excepted must really differ.
class Comparison {
 public:
  explicit Comparison(std::string file) : file_(std::move(file)) {
    for (const Value& exception : elements(exceptions_)) {
      if (exception["file"].as_string() != file_) continue;
      EXPECT_FALSE(exception["reason"].as_string().empty()) << exception.to_json();
      reasons_.emplace(exception["case"].as_string(), 0);
    }
  }

  void expect(const Value& ours, const Value& original, std::string_view name) {
    ++cases_;
    const auto exception = reasons_.find(name);
    if (exception == reasons_.end()) {
      EXPECT_EQ(ours, original) << file_ << ": " << name << "\n  ours     " << ours.to_json()
                                << "\n  original " << original.to_json();
      return;
    }
    ++exception->second;
    EXPECT_NE(ours, original) << file_ << ": " << name << " is no exception any more";
  }

  ~Comparison() {
    int excepted = 0;
    for (const auto& [name, count] : reasons_) {
      EXPECT_GT(count, 0) << file_ << " has no case \"" << name << "\"";
      excepted += count;
    }
    std::cout << file_ << ": " << cases_ << " cases, " << excepted << " of them exceptions\n";
  }

 private:
  std::string file_;
  Value exceptions_ = read_vectors("exceptions.json");
  std::map<std::string, int, std::less<>> reasons_;
  int cases_ = 0;
};

// The fields without those that are null: the original drops them when it reads a record.
Object without_nulls(const Object& fields) {
  Object result;
  for (const Member& field : fields) {
    if (!field.value.is_null()) result.set(field.key, field.value);
  }
  return result;
}

Schemas merge_schemas(const Value& vectors) {
  Object collections;
  for (const Member& collection : members(vectors["fieldKinds"])) {
    Object fields;
    for (const Member& field : members(collection.value)) {
      fields.set(field.key,
                 Object{{"kind", field.value["kind"]}, {"mergeStrategy", field.value["merge"]}});
    }
    collections.set(collection.key, Object{{"fields", std::move(fields)}});
  }
  return parse_kora_schema(Object{{"collections", std::move(collections)}}).value();
}

// One side of a merge as an operation whose author saw the base.
Operation side_of(const Value& value, const Object& base) {
  Operation operation = *operation_of(value);
  if (operation.type == OperationType::update) {
    operation.previous_data.emplace();
    for (const Member& field : *operation.data) {
      const Value* before = base.find(field.key);
      operation.previous_data->set(field.key, before != nullptr ? *before : Value());
    }
  }
  return operation;
}

TEST(MergeVectors, BothSidesFoldedOverTheBase) {
  const Value vectors = read_vectors("merge.json");
  const Schemas schemas = merge_schemas(vectors);
  ASSERT_EQ(vectors["cases"].size(), 157U);
  Comparison comparison("merge.json");
  for (const Value& vector : elements(vectors["cases"])) {
    const Object& base_fields = members(vector["base"]);
    const bool inserted = vector["local"]["type"].as_string() == "insert";
    const RecordState base{base_fields, !inserted, false, {0, 0, "base"}};
    const std::vector<Operation> sides{side_of(vector["local"], base_fields),
                                       side_of(vector["remote"], base_fields)};
    const auto schema = schemas.find(vector["collection"].as_string());
    ASSERT_NE(schema, schemas.end());
    const RecordState state = fold(schema->second, base, sides).state;
    // The original answers the touched fields only, and nothing at all for a deleted record.
    const bool removed = std::any_of(sides.begin(), sides.end(), [](const Operation& operation) {
      return operation.type == OperationType::remove;
    });
    Object touched;
    for (const Member& field : state.fields) {
      const bool written =
          removed || std::any_of(sides.begin(), sides.end(), [&](const auto& side) {
            return side.data && side.data->contains(field.key);
          });
      if (written && state.alive()) touched.set(field.key, field.value);
    }
    comparison.expect(touched, vector["merged"], vector["name"].as_string());
  }
}

// The records of a whole case, as the original shows them.
Object folded_records(const Schemas& schemas, const Value& vector, const Object& names) {
  std::map<std::string, std::vector<Operation>> logs;
  for (const Value& value : elements(vector["ops"])) {
    const Operation operation = *operation_of(value);
    logs[operation.collection + "/" + operation.record].push_back(operation);
  }
  Object records;
  for (const Member& name : names) {
    const std::vector<Operation>& log = logs[name.key];
    if (log.empty()) continue;
    const auto schema = schemas.find(log[0].collection);
    EXPECT_NE(schema, schemas.end()) << log[0].collection;
    const RecordState state =
        fold(schema != schemas.end() ? schema->second : CollectionSchema(), {}, log).state;
    Object fields = without_nulls(state.fields);
    fields.set("id", log[0].record);
    records.set(name.key, state.alive() ? Value(std::move(fields)) : Value());
  }
  return records;
}

// The original's client where it does not depend on the order, its server elsewhere.
TEST(StoreApplyVectors, FoldToTheRecordsOfTheOriginal) {
  const Value vectors = read_vectors("store-apply.json");
  const Value dumps = read_vectors("schemas.json");
  ASSERT_EQ(vectors["cases"].size(), 38U);
  Comparison comparison("store-apply.json");
  for (const Value& vector : elements(vectors["cases"])) {
    const Schemas schemas = parse_kora_schema(dumps[vector["schema"].as_string()]).value();
    const bool by_client = vector["clientOrderIndependentWhenFirstOpFirst"].as_bool();
    const Value& original = vector["outcomes"].at(0)[by_client ? "client" : "server"];
    comparison.expect(folded_records(schemas, vector, members(original)), original,
                      vector["name"].as_string());
  }
}

TEST(SchemaVectors, ReadEveryCollection) {
  const Value dumps = read_vectors("schemas.json");
  std::size_t collections = 0;
  for (const Member& dump : members(dumps)) {
    const Result<Schemas> schemas = parse_kora_schema(dump.value);
    ASSERT_TRUE(schemas) << schemas.error().message;
    for (const auto& [name, schema] : *schemas) {
      ++collections;
      const Object& fields = members(dump.value["collections"][name]["fields"]);
      ASSERT_EQ(schema.fields.size(), fields.size());
      for (const Member& field : fields) {
        const FieldSchema* read = schema.find(field.key);
        ASSERT_NE(read, nullptr);
        EXPECT_EQ(read->required, field.value["required"].as_bool());
        EXPECT_EQ(read->automatic, field.value["auto"].as_bool());
        EXPECT_EQ(read->nested.size(), field.value["nestedFields"].size());
      }
    }
  }
  EXPECT_EQ(collections, 7U);
  const Schemas rich = parse_kora_schema(dumps["rich"]).value();
  EXPECT_EQ(rich.at("tasks").merge_of("qty"), MergeStrategy::counter);
  EXPECT_EQ(rich.at("tasks").merge_of("title"), MergeStrategy::last_writer_wins);
  EXPECT_EQ(rich.at("tasks").merge_of("unknown"), MergeStrategy::last_writer_wins);
}

TEST(ValidationVectors, AcceptAndRefuseAsTheOriginal) {
  const Value vectors = read_vectors("validation.json");
  const Schemas schemas = parse_kora_schema(read_vectors("schemas.json")["basic"]).value();
  const CollectionSchema& todos = schemas.at("todos");
  int cases = 0;
  for (const Value& vector : elements(vectors["cases"])) {
    if (vector["type"].as_string() == "delete") continue;  // carries no fields to check
    ++cases;
    const Object& input = members(vector["input"]);
    const bool insert = vector["type"].as_string() == "insert";
    const Result<Object> output =
        insert ? validate_insert(todos, input) : validate_update(todos, input);
    EXPECT_EQ(output.has_value(), vector["error"].is_null()) << vector.to_json();
    if (output) {
      EXPECT_EQ(Value(*output), vector["output"]) << vector["name"].as_string();
    } else {
      EXPECT_EQ(output.error().code, ErrorCode::invalid_argument);
      EXPECT_NE(output.error().message.find("\"todos\""), std::string::npos);
    }
  }
  EXPECT_EQ(cases, 19);
}

bool distinct_stamps(const std::vector<Operation>& operations) {
  std::set<Timestamp> stamps;
  return std::all_of(operations.begin(), operations.end(), [&](const Operation& operation) {
    return stamps.insert(operation.timestamp).second;
  });
}

// Each operation comes after what it depends on, and none that was ready is older.
void expect_smallest_first(const std::vector<Operation>& operations,
                           const std::vector<std::size_t>& order) {
  std::set<std::string> waiting;
  for (const Operation& operation : operations) waiting.insert(operation.id);
  const auto ready = [&](const Operation& operation) {
    return waiting.contains(operation.id) &&
           std::none_of(operation.causal_dependencies.begin(), operation.causal_dependencies.end(),
                        [&](const std::string& id) { return waiting.contains(id); });
  };
  for (const std::size_t index : order) {
    EXPECT_TRUE(ready(operations[index])) << operations[index].id;
    for (const Operation& other : operations) {
      EXPECT_TRUE(!ready(other) || operations[index].timestamp <= other.timestamp);
    }
    waiting.erase(operations[index].id);
  }
  EXPECT_TRUE(waiting.empty());
}

TEST(TopologicalOrderVectors, SendsAsTheOriginal) {
  const Value vectors = read_vectors("topo-sort.json");
  ASSERT_EQ(vectors["cases"].size(), 22U);
  int exact = 0;
  for (const Value& vector : elements(vectors["cases"])) {
    SCOPED_TRACE(vector["name"].as_string());
    std::vector<Operation> operations;
    for (const Value& value : elements(vector["ops"])) operations.push_back(*operation_of(value));
    const auto order = topological_order(operations);
    ASSERT_EQ(order.has_value(), vector["error"].is_null());
    if (!order) continue;
    Array ids;
    for (const std::size_t index : *order) ids.emplace_back(operations[index].id);
    // Equal stamps are unordered in the original, and decide what becomes ready next.
    if (distinct_stamps(operations)) {
      ++exact;
      EXPECT_EQ(Value(ids), vector["order"]);
    } else {
      expect_smallest_first(operations, *order);
    }
  }
  EXPECT_GE(exact, 10);
}

TEST(JsonSchema, TellsKindsMergesIndexesAndWhatIsRequired) {
  const Value text = Value::parse(R"({"type":"object","required":["name"],"properties":{
    "name":{"type":"string","x-index":true},"scope":{"enum":["I","M"],"type":"string"},
    "speakers":{"type":"integer","x-merge":"counter","default":0},
    "tags":{"type":"array","items":{"type":"string"},"x-merge":"add-wins-set"},
    "note":{"type":["string","null"]},"extra":true}})")
                         .value();
  const CollectionSchema schema = parse_json_schema("languages", text).value();
  EXPECT_FALSE(schema.closed);
  EXPECT_TRUE(schema.find("name")->indexed);
  EXPECT_TRUE(schema.find("name")->required);
  EXPECT_EQ(schema.merge_of("speakers"), MergeStrategy::counter);
  EXPECT_EQ(validate_insert(schema, {{"name", "Ladin"}}),
            (Object{{"name", "Ladin"}, {"speakers", 0}}));
  EXPECT_TRUE(validate_insert(schema, {{"name", "x"}, {"note", nullptr}, {"unknown", 1}}));
  for (const Object& wrong : {Object{}, Object{{"name", 1}}, Object{{"name", "x"}, {"scope", "S"}},
                              Object{{"name", "x"}, {"tags", Array{1}}}}) {
    EXPECT_FALSE(validate_insert(schema, wrong)) << Value(wrong).to_json();
  }
  EXPECT_EQ(validate_update(schema, {{"name", nullptr}}), (Object{{"name", nullptr}}));
}

TEST(JsonSchema, NamesThePlaceOfWhatIsWrong) {
  for (const char* text : {R"([])", R"({"properties":[]})", R"({"properties":{"tags":5}})",
                           R"({"properties":{"tags":{"x-merge":"best"}}})",
                           R"({"properties":{"tags":{"type":"text"}}})",
                           R"({"properties":{"tags":{"type":"string","x-merge":"counter"}}})"}) {
    const auto schema = parse_json_schema("languages", Value::parse(text).value());
    ASSERT_FALSE(schema) << text;
    EXPECT_NE(schema.error().message.find("languages"), std::string::npos);
    if (std::string_view(text).find("tags") != std::string_view::npos) {
      EXPECT_NE(schema.error().message.find("properties.tags"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tombolo::core
