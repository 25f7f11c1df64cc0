#include "core/topological_order.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace tombolo::core {

// Kahn's algorithm; a heap holds what is ready.
Result<std::vector<std::size_t>> topological_order(std::span<const Operation> operations) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  index_of.reserve(operations.size());
  for (std::size_t index = 0; index < operations.size(); ++index) {
    index_of.emplace(operations[index].id, index);
  }
  std::vector<std::vector<std::size_t>> dependents(operations.size());
  std::vector<std::size_t> waiting_for(operations.size(), 0);
  for (std::size_t index = 0; index < operations.size(); ++index) {
    for (const std::string& id : operations[index].causal_dependencies) {
      const auto dependency = index_of.find(id);
      if (dependency == index_of.end()) continue;
      dependents[dependency->second].push_back(index);
      ++waiting_for[index];
    }
  }
  const auto later = [&](std::size_t left, std::size_t right) {
    return happens_before(operations[right], operations[left]);
  };
  std::vector<std::size_t> ready;
  for (std::size_t index = 0; index < operations.size(); ++index) {
    if (waiting_for[index] == 0) ready.push_back(index);
  }
  std::make_heap(ready.begin(), ready.end(), later);
  std::vector<std::size_t> order;
  order.reserve(operations.size());
  while (!ready.empty()) {
    std::pop_heap(ready.begin(), ready.end(), later);
    order.push_back(ready.back());
    ready.pop_back();
    for (const std::size_t dependent : dependents[order.back()]) {
      if (--waiting_for[dependent] > 0) continue;
      ready.push_back(dependent);
      std::push_heap(ready.begin(), ready.end(), later);
    }
  }
  if (order.size() == operations.size()) return order;
  const auto stuck = std::find_if(waiting_for.begin(), waiting_for.end(),
                                  [](std::size_t count) { return count > 0; });
  return fail(ErrorCode::invalid_data,
              "operations depend on each other in a cycle; one of them is " +
                  operations[static_cast<std::size_t>(stuck - waiting_for.begin())].id);
}

}  // namespace tombolo::core
