// What did not make it: values that lost a conflict, and writes that a remote refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo {

// One value that another write overrode without its author having seen it.
struct Loss {
  std::int64_t id = 0;  // for restore_loss and dismiss_loss
  std::string collection;
  std::string record;
  std::string field;                   // empty: the whole record
  std::optional<Value> losing_value;   // nothing: the field or record was removed
  std::optional<Value> winning_value;  // likewise
  std::string rule;                    // what decided, e.g. "last-writer-wins" or "server-wins"
  std::string losing_operation;        // ids; empty when it was no operation of this log
  std::string winning_operation;
  std::int64_t noticed_ms = 0;  // wall clock, ms since 1970
};

// One operation that a remote refused for good. The record keeps the change on this device; other
// writes go on.
struct DeadLetter {
  std::int64_t id = 0;  // for retry_dead_letter and discard_dead_letter
  std::string remote;
  std::string collection;
  std::string record;
  std::string operation;
  std::string code;             // the remote's, e.g. "400" or "SCOPE_VIOLATION"
  std::string reason;           // its message
  std::int64_t refused_ms = 0;  // wall clock, ms since 1970
};

}  // namespace tombolo
