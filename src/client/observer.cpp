#include "client/observer.h"

#include "client/query_compiler.h"
#include "client/reader_pool.h"
#include "store/id.h"

namespace tombolo::client {

void Observer::stop() {
  std::unique_lock guard(mutex_);
  stopped_ = true;
  if (running_ && runner_ == std::this_thread::get_id()) return;
  idle_.wait(guard, [this] { return !running_; });
}

bool Observer::stopped() {
  const std::lock_guard guard(mutex_);
  return stopped_;
}

void Observer::deliver(const std::function<void()>& call) {
  {
    const std::lock_guard guard(mutex_);
    if (stopped_) return;
    running_ = true;
    runner_ = std::this_thread::get_id();
  }
  call();
  {
    const std::lock_guard guard(mutex_);
    running_ = false;
    runner_ = {};
  }
  idle_.notify_all();
}

// A failing read (a full disk does not fail reads; a broken one does) leaves the observer with what
// it knows; the next change asks again.
void QueryObserver::refresh(const ReadConnection& read, std::int64_t collection_key) {
  Changes changes;
  changes.initial = !told_;
  Result<Answer> answer = difference(read, collection_key, changes);
  if (!answer) return;
  known_ = std::move(*answer);
  const bool news = !changes.entered.empty() || !changes.changed.empty() || !changes.left.empty();
  if (!news && !changes.initial) return;
  told_ = true;
  deliver([&] { callback_(changes); });
}

// Reads data only of rows that are new or have another revision: `data` is the last column, which
// SQLite does not touch unless it is read.
Result<QueryObserver::Answer> QueryObserver::difference(const ReadConnection& read,
                                                        std::int64_t collection_key,
                                                        Changes& changes) {
  const Result<CompiledQuery> compiled = compile(collection_key, query_);
  if (!compiled) return fail(compiled);
  auto select = read.cache.get(compiled->select("record_key, revision, id, data"));
  if (!select) return fail(select);
  bind_parameters(**select, compiled->parameters);
  store::Rows rows(**select);
  Answer answer;
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) break;
    const store::Row row = rows.row();
    const std::int64_t key = row.int64(0);
    const std::int64_t revision = row.int64(1);
    const auto known = known_.find(key);
    std::string id = store::read_id(row, 2);
    if (known == known_.end()) {
      changes.entered.push_back(Record::from_text(id, std::string(row.text(3))));
    } else if (known->second.revision != revision) {
      changes.changed.push_back(Record::from_text(id, std::string(row.text(3))));
    }
    answer.emplace(key, Known{std::move(id), revision});
  }
  for (const auto& [key, known] : known_) {
    if (!answer.contains(key)) changes.left.push_back(known.id);
  }
  return answer;
}

}  // namespace tombolo::client
