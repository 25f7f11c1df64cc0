// What happens in a Database, as it happens.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

namespace tombolo {

namespace client {
class Observer;
}

struct Event {
  enum class Type {
    change,         // a commit changed records of `collection`
    sync_started,   // an exchange with `remote` began
    sync_finished,  // it ended: `sent`, `received`; `error` when it failed
    conflict,       // a value lost: it is in the loss ledger
    rejected,       // `remote` refused a write for good: it is in the dead letters
    connected,      // to `remote`
    disconnected,   // from it; `error` says why, nothing when it was asked for
  };
  Type type = Type::change;
  std::string remote;      // of a change: whence it came; empty when it was written on this device
  std::string collection;  // change, conflict, rejected
  std::vector<std::string> records;  // ids; empty: by another process, or too many to name
  std::int64_t sent = 0;             // operations
  std::int64_t received = 0;
  std::optional<Error> error;
};
std::string_view name_of(Event::Type type);  // "change", "sync_started", ...

// A subscription to events, as long as it lives. Callbacks come on the Database's notification
// thread, one at a time and in order. They may use the Database, and may drop the Subscription;
// elsewhere the destructor waits for a call in progress.
//
// At most 10,000 events wait to be told. Beyond that changes come without ids, and all other events
// are dropped: the ledger, the dead letters and the status have what they told. A Subscription is
// for one thread at a time.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::shared_ptr<client::Observer> observer);
  Subscription(Subscription&& other) noexcept;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription();

  void stop();

 private:
  std::shared_ptr<client::Observer> observer_;
};

}  // namespace tombolo
