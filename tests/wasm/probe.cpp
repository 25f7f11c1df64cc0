// Runs the pure layers inside WebAssembly against the golden vectors: reads canonical-json.json on
// standard input, then prints "ok" and how many cases agreed, or the first that does not.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "core/fold.h"
#include "core/operation.h"

namespace {

std::string read_standard_input() {
  std::string text;
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) {
    text.append(buffer, count);
  }
  return text;
}

bool report(bool good, std::string_view what) {
  if (!good) std::printf("wrong: %.*s\n", static_cast<int>(what.size()), what.data());
  return good;
}

bool check_canonical_json(const tombolo::Value& cases) {
  for (std::size_t index = 0; index < cases.size(); ++index) {
    const tombolo::Value& one = cases.at(index);
    const std::string_view text = one["json"].as_string();
    const auto value = tombolo::parse_json(text);
    if (!report(value.has_value(), text)) return false;
    if (!report(tombolo::canonical_json(*value) == one["canonical"].as_string(), text))
      return false;
  }
  return report(cases.size() > 0, "there are no cases");
}

bool check_sha256() {
  return report(tombolo::to_hex(tombolo::sha256("abc")) ==
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "SHA-256 of abc");
}

tombolo::core::Operation operation_of(tombolo::core::OperationType type, std::int64_t wall_ms,
                                      const std::string& node, tombolo::Object data,
                                      std::optional<tombolo::Object> previous) {
  tombolo::core::Operation operation;
  operation.node = node;
  operation.type = type;
  operation.collection = "todos";
  operation.record = "rec-1";
  operation.data = std::move(data);
  operation.previous_data = std::move(previous);
  operation.timestamp = {wall_ms, 0, node};
  operation.id = tombolo::core::operation_id(operation).value_or("");
  return operation;
}

// An operation's id as the Kora vectors give it, and a fold that does not depend on the order.
bool check_fold() {
  using enum tombolo::core::OperationType;
  constexpr std::int64_t kStart = 1'700'000'000'000;
  std::array operations = {
      operation_of(insert, kStart, "node-a", {{"title", "x"}}, std::nullopt),
      operation_of(update, kStart + 2, "node-b", {{"title", "b"}}, {{{"title", "x"}}}),
      operation_of(update, kStart + 1, "node-c", {{"done", true}}, {{{"done", nullptr}}})};
  const bool id_agrees =
      operations[0].id == "270f52b5f70927f956c9506983ffc8a1baacfa1f8b4692520b39c4ed3ba88aa8";
  if (!report(id_agrees, "the id of an insert: " + operations[0].id)) return false;
  for (int turn = 0; turn < 3; ++turn) {
    std::rotate(operations.begin(), operations.begin() + 1, operations.end());
    const auto folded = tombolo::core::fold({}, {}, operations);
    const std::string text = tombolo::canonical_json(folded.state.fields);
    if (!report(text == R"({"done":true,"title":"b"})", "a fold: " + text)) return false;
  }
  return true;
}

}  // namespace

int main() {
  const auto file = tombolo::parse_json(read_standard_input());
  if (!report(file.has_value(), "standard input is not JSON")) return 1;
  const tombolo::Value& cases = (*file)["cases"];
  if (!check_canonical_json(cases) || !check_sha256() || !check_fold()) return 1;
  std::printf("ok: %zu cases\n", cases.size());
  return 0;
}
