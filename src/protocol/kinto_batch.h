// The batch endpoint: many requests in one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/kinto_error.h"

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

struct BatchItem {
  std::string method = "GET";
  std::string path;  // begins with a slash; the version prefix may be missing
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Value> body;  // an object
};

// The items of a batch, `defaults` merged under each (a request's own values win, at every level).
Checked<std::vector<BatchItem>> read_batch(const Value& body, std::size_t max_requests);

// Appends {"path":...,"status":...,"headers":{...},"body":...}; `body` is JSON text, and an empty
// one is written as "".
void append_batch_answer(std::string& out, std::string_view path, int status,
                         const std::vector<std::pair<std::string, std::string>>& headers,
                         std::string_view body);

}  // namespace tombolo::protocol::kinto
