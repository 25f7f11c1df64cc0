#include "local_database.h"

#include <algorithm>
#include <utility>

#include "sample.h"

namespace tombolo::bench {

std::vector<Object> make_records(std::int64_t first, std::int64_t end) {
  std::vector<Object> records;
  for (std::int64_t index = first; index < end; ++index) records.push_back(sample_record(index));
  return records;
}

Result<void> create_records(Database& database, std::vector<Object> records,
                            std::vector<std::string>* ids) {
  constexpr std::size_t kPerTransaction = 1'000;
  for (std::size_t first = 0; first < records.size(); first += kPerTransaction) {
    const auto done = database.transaction([&](Transaction& transaction) -> Result<void> {
      Collection todos = transaction.collection("todos");
      const std::size_t end = std::min(first + kPerTransaction, records.size());
      for (std::size_t index = first; index < end; ++index) {
        auto created = todos.create(std::move(records[index]));
        if (!created) return fail(created);
        if (ids != nullptr) ids->push_back(std::move(*created));
      }
      return {};
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace tombolo::bench
