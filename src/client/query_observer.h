// The observer of a live query: what it still has to look at, and when.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/live_answer.h"
#include "client/observer.h"
#include "client/reader_pool.h"

#include "tombolo/live_query.h"
#include "tombolo/query.h"
#include "tombolo/result.h"

namespace tombolo::client {

// Used on the notification thread, except for what Observer has.
class QueryObserver final : public Observer {
 public:
  // A run of the query is followed by a rest of so many times its own duration, at most so long:
  // what makes another run necessary meanwhile makes it once. Looking at the records that changed
  // is never put off.
  static constexpr std::int64_t kRestFactor = 3;
  static constexpr std::int64_t kMaxRestMs = 500;

  QueryObserver(std::shared_ptr<Bell> bell, std::string collection, QuerySpecification query,
                std::function<void(const Changes&)> callback)
      : Observer(std::move(bell)),
        collection_(std::move(collection)),
        answer_(std::move(query)),
        callback_(std::move(callback)) {}

  const std::string& collection() const { return collection_; }

  // Records of the collection changed, those of `keys`; or any of them.
  void note_changed(std::span<const std::int64_t> keys);
  void note_changed();

  // Whether something is to be looked at, and not before when (monotonic).
  bool wants_refresh() const { return wants_refresh_; }
  std::int64_t refresh_at_ms() const { return must_rerun_ ? rerun_at_ms_ : 0; }

  bool must_rerun() const { return must_rerun_; }
  void rest_until(std::int64_t monotonic_ms) { rerun_at_ms_ = monotonic_ms; }

  // The difference between the answer that was told and that of the snapshot that `read` stands on,
  // all of whose changes were noted. Nothing: the records that changed do not tell it, and the
  // query must run again, in its time. So it must after an error.
  Result<std::optional<Changes>> refresh(const ReadConnection& read, std::int64_t collection_key);

  // Calls back, unless nothing is new.
  void tell(const Changes& changes);

 private:
  Result<bool> update(const ReadConnection& read, std::int64_t collection_key, Changes& changes);

  const std::string collection_;
  LiveAnswer answer_;
  const std::function<void(const Changes&)> callback_;
  bool told_ = false;
  bool wants_refresh_ = true;
  bool must_rerun_ = true;
  std::int64_t rerun_at_ms_ = 0;
  std::vector<std::int64_t> changed_keys_;  // unless must_rerun_
};

}  // namespace tombolo::client
