#include "client/query_observer.h"

#include <algorithm>

namespace tombolo::client {
namespace {

constexpr std::size_t kMaxChangedKeys = 1'000'000;  // beyond, the query runs again

}  // namespace

void QueryObserver::note_changed(std::span<const std::int64_t> keys) {
  wants_refresh_ = true;
  if (must_rerun_) return;
  if (changed_keys_.size() + keys.size() > kMaxChangedKeys) return note_changed();
  changed_keys_.insert(changed_keys_.end(), keys.begin(), keys.end());
}

void QueryObserver::note_changed() {
  wants_refresh_ = true;
  must_rerun_ = true;
  changed_keys_ = {};
}

Result<std::optional<Changes>> QueryObserver::refresh(const ReadConnection& read,
                                                      std::int64_t collection_key) {
  Changes changes;
  changes.initial = !told_;
  const Result<bool> done = update(read, collection_key, changes);
  must_rerun_ = !done || !*done;
  wants_refresh_ = must_rerun_;
  changed_keys_.clear();
  if (!done) return fail(done);
  if (!*done) return std::nullopt;
  return changes;
}

Result<bool> QueryObserver::update(const ReadConnection& read, std::int64_t collection_key,
                                   Changes& changes) {
  if (must_rerun_) {
    if (auto done = answer_.rerun(read, collection_key, changes); !done) return fail(done);
    return true;
  }
  std::sort(changed_keys_.begin(), changed_keys_.end());
  const auto end = std::unique(changed_keys_.begin(), changed_keys_.end());
  return answer_.recheck(read, collection_key, std::span(changed_keys_.begin(), end), changes);
}

void QueryObserver::tell(const Changes& changes) {
  const bool news = !changes.entered.empty() || !changes.changed.empty() || !changes.left.empty();
  if (!news && !changes.initial) return;
  told_ = true;
  deliver([&] { callback_(changes); });
}

}  // namespace tombolo::client
