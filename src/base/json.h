// JSON text: a strict reader and two writers.
//
// The reader keeps what JavaScript keeps, because operation ids are hashes of JavaScript's text:
// doubles are exact, the last of repeated keys wins, and an escaped lone surrogate ("\ud800") is
// kept (in memory as its three-byte form, which is not UTF-8) and written back as an escape.
#pragma once

#include <string>
#include <string_view>

#include "tombolo/value.h"

namespace tombolo {

inline constexpr int kJsonDepthLimit = 128;

struct JsonOptions {
  int depth_limit = kJsonDepthLimit;
  // The largest text that is read at all, in bytes; 0 means no limit here (the caller has one).
  std::size_t size_limit_bytes = 0;
};

// Reads one JSON value, with nothing but white space after it.
Result<Value> parse_json(std::string_view text, const JsonOptions& options = {});

// Appends compact JSON, members in their order, integers in full.
void append_json(std::string& out, const Value& value);
void append_json(std::string& out, const Object& object);
void append_json_string(std::string& out, std::string_view text);

// Appends the canonical form (Kora section 2.2): keys sorted by UTF-16 code units at every level,
// numbers as JavaScript prints a double, no white space.
void append_canonical_json(std::string& out, const Value& value);
void append_canonical_json(std::string& out, const Object& object);
std::string canonical_json(const Value& value);

// The shortest text of `number` that JavaScript's JSON.stringify writes ("null" if not finite).
void append_javascript_number(std::string& out, double number);

}  // namespace tombolo
