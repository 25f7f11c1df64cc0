#include "local_database.h"

#include <algorithm>

#include "sample.h"

namespace tombolo::bench {

Result<void> create_records(Database& database, std::int64_t first, std::int64_t end,
                            std::vector<std::string>* ids) {
  constexpr std::int64_t kPerTransaction = 1'000;
  for (std::int64_t from = first; from < end; from += kPerTransaction) {
    const auto done = database.transaction([&](Transaction& transaction) -> Result<void> {
      Collection todos = transaction.collection("todos");
      for (std::int64_t index = from; index < std::min(from + kPerTransaction, end); ++index) {
        auto created = todos.create(sample_record(index));
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
