#include "core/schema.h"

#include <array>
#include <utility>

namespace tombolo::core {
namespace {

constexpr std::array<std::string_view, 7> kMergeNames{"lww",          "counter",     "max", "min",
                                                      "add-wins-set", "append-only", "map"};

}  // namespace

std::string_view name_of(MergeStrategy strategy) {
  return kMergeNames[static_cast<std::size_t>(strategy)];
}

std::optional<MergeStrategy> merge_strategy_named(std::string_view name) {
  for (std::size_t index = 0; index < kMergeNames.size(); ++index) {
    if (kMergeNames[index] == name) return static_cast<MergeStrategy>(index);
  }
  return std::nullopt;
}

const FieldSchema* CollectionSchema::find(std::string_view field) const {
  for (const FieldSchema& candidate : fields) {
    if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

MergeStrategy CollectionSchema::merge_of(std::string_view field) const {
  const FieldSchema* found = find(field);
  return found != nullptr ? found->merge : MergeStrategy::last_writer_wins;
}

}  // namespace tombolo::core
