// What happened in a run, as it was seen from outside of the processes: the expected state. Each
// event is written to a file when it is noted, so that a failing run leaves its story.
//
// The data of a run are keys with values. "registers/ID/FIELD" takes a value that is unique in the
// run with each write; "notes/ID" is written "present" (created) and then "deleted", by its author
// alone; "drafts/ID/v" is like a register of records that anybody creates and deletes;
// "counters/total" is incremented. A session is what one device sees from its first start to
// the loss of its file; it does one thing after the other.
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/hlc.h"

#include "tombolo/value.h"

namespace tombolo::chaos {

inline constexpr std::string_view kRegisters = "registers/";
inline constexpr std::string_view kNotes = "notes/";
inline constexpr std::string_view kDrafts = "drafts/";
inline constexpr std::string_view kCounters = "counters/";
inline constexpr std::string_view kTotal = "counters/total";
inline constexpr std::array<std::string_view, 4> kScopes = {kRegisters, kNotes, kDrafts, kCounters};
inline constexpr std::string_view kPresent = "present";
inline constexpr std::string_view kDeleted = "deleted";

using Contents = std::map<std::string, std::string>;  // key -> value; what is not there is absent

struct Step {
  enum class Kind { write, increment, remove, read };

  Kind kind = Kind::read;
  std::string key = {};    // write, increment, remove (of the draft that it belongs to)
  std::string value = {};  // write
  std::string scope = {};  // read: the beginning of the keys that were read, all of them
  Contents seen = {};      // read
};

enum class Outcome {
  done,     // acknowledged
  refused,  // answered with an error: nothing of it may ever be seen
  unknown,  // no answer: all or nothing of it happened
};

struct Event {
  enum class Kind {
    transaction,
    published,  // the device said that it is synced: all that its session knows is at the server
    caught_up,  // as published, to a question asked since `invoked_ms`: and all that others
                // published before that has arrived
    server_killed,  // `log_ids` is what the file it left has in its log
  };

  Kind kind = Kind::transaction;
  std::string session;
  std::int64_t invoked_ms = 0;  // of one monotonic clock for all
  std::int64_t completed_ms = 0;
  Outcome outcome = Outcome::done;
  std::vector<Step> steps;
  std::vector<std::string> log_ids;
};

// An operation of the server's log.
struct LoggedOperation {
  std::string id;
  core::Timestamp stamp;
  Contents writes;
  int increments = 0;
};

// What a replica holds in the end, as canonical JSON.
struct Replica {
  std::string name;
  std::string json;
  Contents contents;
};

struct History {
  std::vector<Event> events;  // those of one session in their order
  std::vector<LoggedOperation> log;
  std::vector<Replica> replicas;  // the server's is the first
};

// A guarantee that did not hold.
struct Violation {
  std::string guarantee;
  std::string what;
  std::string key;  // empty: of no one key
};

Value to_value(const Event& event);

// Notes events, from any thread.
class Recorder {
 public:
  explicit Recorder(const std::string& path) : file_(path, std::ios::app) {}

  void note(Event event);
  void complain(Violation violation);
  History take_history();
  std::vector<Violation> take_violations();
  std::size_t count() const;  // events so far

 private:
  mutable std::mutex mutex_;
  std::ofstream file_;
  History history_;
  std::vector<Violation> violations_;
};

// One line for each event that has to do with the key, in order of time. Of what a session reads
// only the changes, of what it says of being synced only the first time after a write.
std::string story_of(const History& history, const std::string& key);

}  // namespace tombolo::chaos
