#include "client/live_answer.h"

#include <algorithm>
#include <utility>

#include "store/id.h"

namespace tombolo::client {
namespace {

std::string json_of(std::span<const std::int64_t> keys) {
  std::string json = "[";
  for (const std::int64_t key : keys) {
    if (json.size() > 1) json.push_back(',');
    json += std::to_string(key);
  }
  json.push_back(']');
  return json;
}

constexpr const char* kColumns = "record_key, revision, id, data";

}  // namespace

LiveAnswer::LiveAnswer(QuerySpecification query) : query_(std::move(query)) {
  if (query_.limit || query_.offset > 0) window_.emplace(query_);
}

Result<const CompiledQuery*> LiveAnswer::compiled(std::int64_t collection_key) {
  if (compiled_for_ != collection_key) {
    Result<CompiledQuery> query = compile(collection_key, query_);
    if (!query) return fail(query);
    compiled_ = std::move(*query);
    compiled_for_ = collection_key;
  }
  return &compiled_;
}

Result<void> LiveAnswer::rerun(const ReadConnection& read, std::int64_t collection_key,
                               Changes& changes) {
  const Result<const CompiledQuery*> query = compiled(collection_key);
  if (!query) return fail(query);
  if (!window_) return rerun_all(read, **query, changes);
  auto done = window_->rerun(read, **query);
  return done ? compare_window(read, changes) : done;
}

Result<bool> LiveAnswer::recheck(const ReadConnection& read, std::int64_t collection_key,
                                 std::span<const std::int64_t> keys, Changes& changes) {
  const Result<const CompiledQuery*> query = compiled(collection_key);
  if (!query) return fail(query);
  const std::string keys_json = json_of(keys);
  Result<void> done;
  if (window_) {
    const Result<bool> told = window_->recheck(read, **query, keys, keys_json);
    if (!told || !*told) return told;
    done = compare_window(read, changes);
  } else {
    done = recheck_some(read, **query, keys, keys_json, changes);
  }
  if (!done) return fail(done);
  return true;
}

// The list that a record of the new answer belongs in; null: the observer knows it as it is. A key
// is given to another record when its own has gone.
std::vector<Record>* LiveAnswer::place_for(std::int64_t key, const std::string& id,
                                           std::int64_t revision, Changes& changes) {
  const auto known = known_.find(key);
  if (known == known_.end() || known->second.id != id) return &changes.entered;
  return known->second.revision == revision ? nullptr : &changes.changed;
}

// `data` is the last column, which SQLite does not touch unless it is read.
Result<LiveAnswer::Answer> LiveAnswer::read_rows(store::Statement& select, Changes& changes) {
  Answer answer;
  store::Rows rows(select);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return answer;
    const store::Row row = rows.row();
    const std::int64_t key = row.int64(0);
    const std::int64_t revision = row.int64(1);
    std::string id = store::read_id(row, 2);
    if (auto* place = place_for(key, id, revision, changes)) {
      place->push_back(Record::from_text(id, std::string(row.text(3))));
    }
    answer.emplace(key, Known{std::move(id), revision});
  }
}

void LiveAnswer::replace_known(Answer&& answer, Changes& changes) {
  for (auto& [key, known] : known_) {
    const auto now = answer.find(key);
    if (now != answer.end() && now->second.id == known.id) continue;
    changes.left.push_back(std::move(known.id));
  }
  known_ = std::move(answer);
}

Result<void> LiveAnswer::rerun_all(const ReadConnection& read, const CompiledQuery& query,
                                   Changes& changes) {
  auto select = read.cache.get(query.select(kColumns));
  if (!select) return fail(select);
  bind_parameters(**select, query.parameters);
  Result<Answer> answer = read_rows(**select, changes);
  if (!answer) return fail(answer);
  replace_known(std::move(*answer), changes);
  return {};
}

Result<void> LiveAnswer::recheck_some(const ReadConnection& read, const CompiledQuery& query,
                                      std::span<const std::int64_t> keys,
                                      const std::string& keys_json, Changes& changes) {
  auto select = read.cache.get(query.select_among(kColumns));
  if (!select) return fail(select);
  bind_parameters(**select, query.parameters);
  (*select)->bind(static_cast<int>(query.parameters.size()) + 1, keys_json);
  Result<Answer> matching = read_rows(**select, changes);
  if (!matching) return fail(matching);
  for (const std::int64_t key : keys) {
    const auto known = known_.find(key);
    if (known == known_.end()) continue;
    const auto now = matching->find(key);
    if (now != matching->end() && now->second.id == known->second.id) continue;
    changes.left.push_back(std::move(known->second.id));
    known_.erase(known);
  }
  for (auto& [key, now] : *matching) known_.insert_or_assign(key, std::move(now));
  return {};
}

Result<void> LiveAnswer::compare_window(const ReadConnection& read, Changes& changes) {
  auto select = read.cache.get("SELECT data FROM records WHERE record_key = ?1");
  if (!select) return fail(select);
  Answer answer;
  for (const PlacedRecord& record : window_->answer()) {
    const std::int64_t key = record.place.record_key;
    answer.emplace(key, Known{record.id, record.revision});
    auto* place = place_for(key, record.id, record.revision, changes);
    if (place == nullptr) continue;
    auto data =
        (*select)->query_one([](const store::Row& row) { return std::string(row.text(0)); }, key);
    if (!data) return fail(data);
    place->push_back(Record::from_text(record.id, data->value_or("{}")));
  }
  replace_known(std::move(answer), changes);
  return {};
}

}  // namespace tombolo::client
