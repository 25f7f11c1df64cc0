// Operations into the fold: the bytes make a few operations on one record, as peers that know
// nothing of each other might. In whatever order they come, and however often, the record is the
// same, and applying one in place gives what folding all gives.
#include "core/fold.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "target.h"

namespace tombolo::core {
namespace {

constexpr MergeStrategy kStrategies[] = {MergeStrategy::last_writer_wins,
                                         MergeStrategy::counter,
                                         MergeStrategy::max,
                                         MergeStrategy::min,
                                         MergeStrategy::add_wins_set,
                                         MergeStrategy::append_only,
                                         MergeStrategy::map};
constexpr const char* kFields[] = {"a", "b", "c", "d", "e", "f", "g"};

CollectionSchema schema_of_fields() {
  CollectionSchema schema;
  for (std::size_t i = 0; i < std::size(kFields); ++i) {
    FieldSchema field;
    field.name = kFields[i];
    field.merge = kStrategies[i];
    schema.fields.push_back(field);
  }
  return schema;
}

Value value_of(fuzz::Choices& choices) {
  const unsigned number = choices.byte();
  switch (choices.below(6)) {
    case 0:
      return Value();
    case 1:
      return Value(static_cast<int>(number));
    case 2:
      return Value(number / 8.0);
    case 3:
      return Value("t" + std::to_string(number % 4));
    case 4: {
      Array array;
      for (unsigned i = 0; i < number % 4; ++i)
        array.push_back(Value(static_cast<int>(i + number % 3)));
      return Value(std::move(array));
    }
    default:
      return Value(Object{{"k" + std::to_string(number % 3), Value(static_cast<int>(number % 5))}});
  }
}

Object fields_of(fuzz::Choices& choices) {
  Object fields;
  for (unsigned i = choices.below(4); i > 0; --i) {
    fields.set(kFields[choices.below(7)], value_of(choices));
  }
  return fields;
}

Operation operation_of(fuzz::Choices& choices, std::size_t number) {
  Operation operation;
  operation.id = std::string(62, '0') + std::to_string(10 + number);
  operation.collection = "c";
  operation.record = "r";
  operation.node = "n" + std::to_string(choices.below(3));
  operation.timestamp = {1'000 + choices.below(8), choices.below(2), operation.node};
  operation.type = static_cast<OperationType>(choices.below(3));
  if (operation.type != OperationType::remove) operation.data = fields_of(choices);
  if (operation.type == OperationType::update) {
    Object previous;
    for (const Member& field : *operation.data) previous.set(field.key, value_of(choices));
    operation.previous_data = std::move(previous);
    if (choices.below(4) == 0) operation.removed.push_back(kFields[choices.below(7)]);
    if (choices.below(3) == 0 && !operation.data->empty()) {
      operation.atomic.push_back({operation.data->begin()->key,
                                  {static_cast<AtomicKind>(choices.below(5)), value_of(choices)}});
    }
  }
  if (choices.below(3) == 0) {
    operation.base_version =
        format_timestamp({1'000 + choices.below(8), 0, "n0"}).value_or(std::string());
  }
  return operation;
}

std::string text_of(const RecordState& state) {
  std::string text = state.deleted ? "-" : "+";
  append_json(text, state.fields);
  return text + format_timestamp(state.version).value_or("");
}

}  // namespace
}  // namespace tombolo::core

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  using namespace tombolo::core;
  static const CollectionSchema schema = schema_of_fields();
  fuzz::Choices choices(fuzz::text_of(data, size));
  std::vector<Operation> operations;
  while (!choices.done() && operations.size() < 12) {
    operations.push_back(operation_of(choices, operations.size()));
  }
  if (operations.empty()) return 0;
  const std::string expected = core::text_of(fold(schema, {}, operations).state);
  std::vector<Operation> other(operations.rbegin(), operations.rend());
  other.push_back(operations.front());
  TOMBOLO_CHECK(core::text_of(fold(schema, {}, other).state) == expected,
                "the fold does not depend on order and repetition");
  RecordState state;
  std::vector<Operation> arrived;
  for (const Operation& operation : operations) {
    arrived.push_back(operation);
    if (!apply_in_place(state, operation)) state = fold(schema, {}, arrived).state;
  }
  TOMBOLO_CHECK(core::text_of(state) == expected, "applying in place gives what folding gives");
  return 0;
}
