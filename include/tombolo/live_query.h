// A query that is watched: whoever writes (this thread, another one, another process, a remote),
// the observer learns which records entered the answer, changed in it, and left it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tombolo/record.h"

namespace tombolo {

namespace client {
class Observer;
}

struct Changes {
  std::vector<Record> entered;    // in the query's order; at the first call: the whole answer
  std::vector<Record> changed;    // were and are in the answer, with other fields
  std::vector<std::string> left;  // ids
  bool initial = false;           // the first call, made also when the answer is empty
};

// Watches as long as it lives. The observer is called on the Database's notification thread, one
// call at a time; several commits may come as one call. It may use the Database, and may destroy
// the LiveQuery; elsewhere the destructor waits for a call in progress. Not to be used from several
// threads at once.
//
// Every call brings the observer to what the query answered after some commit. After a commit of
// this Database only the records that it changed are looked at. The query itself runs again after
// another process's commits, and when records have left a limited answer that are to be replaced by
// others further down the order; while that goes on and on, it is done in intervals, so that a call
// comes up to half a second after the commit, and the time of a run.
class LiveQuery {
 public:
  LiveQuery() = default;  // watches nothing
  explicit LiveQuery(std::shared_ptr<client::Observer> observer);
  LiveQuery(LiveQuery&& other) noexcept;
  LiveQuery& operator=(LiveQuery&& other) noexcept;
  ~LiveQuery();

  void stop();

 private:
  std::shared_ptr<client::Observer> observer_;
};

}  // namespace tombolo
