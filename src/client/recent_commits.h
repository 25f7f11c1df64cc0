// What the commits of this Database changed that were made since the file was last looked at. It
// tells them from those of other processes, of which nothing is known but that they were made.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "client/write_session.h"

namespace tombolo::client {

class RecentCommits {
 public:
  static constexpr std::size_t kMaxCommits = 10'000;
  static constexpr std::size_t kMaxKeys = 2'000'000;  // of records, in all commits together

  // A commit is announced before it can be seen in the file, and then reported or called off. When
  // there are too many it is forgotten, and so taken for another process's.
  void announce(std::int64_t revision);
  void report(CommitSummary&& summary);
  void call_off(std::int64_t revision);

  struct Taken {
    bool others = false;             // some of the commits were another process's
    std::vector<CommitSummary> own;  // of which `changed` and `has_keys` count
  };
  // Hands over all that were made after revision `after`, up to `upto`, which the file has reached.
  // Nothing, when one of them is not reported yet, which will be at once.
  std::optional<Taken> take(std::int64_t after, std::int64_t upto);

 private:
  std::map<std::int64_t, std::optional<CommitSummary>> commits_;  // by revision; nothing: announced
  std::size_t keys_ = 0;                                          // in all of them
};

}  // namespace tombolo::client
