// Runs the pure layers inside WebAssembly against the golden vectors: reads canonical-json.json on
// standard input, then prints "ok" and how many cases agreed, or the first that does not.
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"

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

}  // namespace

int main() {
  const auto file = tombolo::parse_json(read_standard_input());
  if (!report(file.has_value(), "standard input is not JSON")) return 1;
  const tombolo::Value& cases = (*file)["cases"];
  if (!check_canonical_json(cases) || !check_sha256()) return 1;
  std::printf("ok: %zu cases\n", cases.size());
  return 0;
}
