#include "client/query_window.h"

#include <algorithm>
#include <iterator>

#include "store/id.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kEndless = std::int64_t{1} << 40;  // records: more than a file can hold
constexpr std::size_t kMinReserve = 16;
constexpr std::size_t kMaxReserve = 1'000;
constexpr int kFixedColumns = 3;  // before the sort expressions

std::size_t bounded(std::int64_t records) {
  return static_cast<std::size_t>(std::min(records, kEndless));
}

std::string columns_of(const CompiledQuery& query) {
  std::string columns = "record_key, revision, id";
  for (const std::string& sort : query.sorts) columns += ", " + sort;
  return columns;
}

}  // namespace

QueryWindow::QueryWindow(const QuerySpecification& query)
    : order_(query),
      offset_(bounded(query.offset)),
      end_(offset_ + bounded(query.limit.value_or(kEndless))),
      reserve_(std::clamp(end_ - offset_, kMinReserve, kMaxReserve)) {}

Result<std::vector<PlacedRecord>> QueryWindow::read_rows(store::Statement& select,
                                                         const CompiledQuery& query) {
  std::vector<PlacedRecord> records;
  store::Rows rows(select);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return records;
    const store::Row row = rows.row();
    PlacedRecord& record = records.emplace_back();
    record.place.record_key = row.int64(0);
    record.revision = row.int64(1);
    record.id = store::read_id(row, 2);
    record.place.values.reserve(query.sorts.size());
    for (std::size_t i = 0; i < query.sorts.size(); ++i) {
      record.place.values.push_back(read_sort_value(row, kFixedColumns + static_cast<int>(i)));
    }
  }
}

Result<void> QueryWindow::rerun(const ReadConnection& read, const CompiledQuery& query) {
  const std::size_t wanted = end_ + reserve_;
  auto select =
      read.cache.get(query.select_first(columns_of(query), static_cast<std::int64_t>(wanted)));
  if (!select) return fail(select);
  bind_parameters(**select, query.parameters);
  Result<std::vector<PlacedRecord>> records = read_rows(**select, query);
  if (!records) return fail(records);
  records_ = std::move(*records);
  complete_ = records_.size() < wanted;
  if (!complete_) last_ = records_.back().place;
  return {};
}

Result<bool> QueryWindow::recheck(const ReadConnection& read, const CompiledQuery& query,
                                  std::span<const std::int64_t> keys,
                                  const std::string& keys_json) {
  auto select = read.cache.get(query.select_among(columns_of(query)));
  if (!select) return fail(select);
  bind_parameters(**select, query.parameters);
  (*select)->bind(static_cast<int>(query.parameters.size()) + 1, keys_json);
  Result<std::vector<PlacedRecord>> changed = read_rows(**select, query);
  if (!changed) return fail(changed);
  const auto before = [this](const PlacedRecord& left, const PlacedRecord& right) {
    return order_.before(left.place, right.place);
  };
  if (!complete_) {
    std::erase_if(*changed, [this](const PlacedRecord& record) {
      return order_.before(last_, record.place);
    });
  }
  std::erase_if(records_, [&](const PlacedRecord& record) {
    return std::binary_search(keys.begin(), keys.end(), record.place.record_key);
  });
  const auto middle = static_cast<std::ptrdiff_t>(records_.size());
  std::move(changed->begin(), changed->end(), std::back_inserter(records_));
  std::inplace_merge(records_.begin(), records_.begin() + middle, records_.end(), before);
  if (!complete_ && records_.size() < end_) return false;
  trim();
  return true;
}

void QueryWindow::trim() {
  if (records_.size() <= end_ + 2 * reserve_) return;
  records_.resize(end_ + reserve_);
  complete_ = false;
  last_ = records_.back().place;
}

std::span<const PlacedRecord> QueryWindow::answer() const {
  const std::size_t begin = std::min(offset_, records_.size());
  const std::size_t end = std::min(end_, records_.size());
  return std::span(records_).subspan(begin, end - begin);
}

}  // namespace tombolo::client
