#include "core/version_vector.h"

#include <algorithm>

namespace tombolo::core {

std::int64_t seen(const VersionVector& vector, std::string_view node) {
  const auto entry = vector.find(node);
  return entry == vector.end() ? 0 : entry->second;
}

void observe(VersionVector& vector, std::string_view node, std::int64_t sequence_number) {
  const auto entry = vector.lower_bound(node);
  if (entry != vector.end() && entry->first == node) {
    entry->second = std::max(entry->second, sequence_number);
  } else {
    vector.emplace_hint(entry, node, sequence_number);
  }
}

VersionVector merge(const VersionVector& left, const VersionVector& right) {
  VersionVector merged = left;
  for (const auto& [node, sequence_number] : right) observe(merged, node, sequence_number);
  return merged;
}

bool dominates(const VersionVector& left, const VersionVector& right) {
  return std::all_of(right.begin(), right.end(),
                     [&](const auto& entry) { return seen(left, entry.first) >= entry.second; });
}

std::vector<SequenceRange> missing(const VersionVector& local, const VersionVector& remote) {
  std::vector<SequenceRange> ranges;
  for (const auto& [node, last] : local) {
    const std::int64_t known = seen(remote, node);
    if (last > known) ranges.push_back({node, known + 1, last});
  }
  return ranges;
}

Object to_object(const VersionVector& vector) {
  Object object;
  object.reserve(vector.size());
  for (const auto& [node, sequence_number] : vector) {
    object.append_unchecked(node, sequence_number);
  }
  return object;
}

Result<VersionVector> parse_version_vector(const Value& value) {
  const Object* object = value.if_object();
  if (object == nullptr) {
    return fail(ErrorCode::invalid_data,
                "a version vector must be an object of node ids and sequence numbers");
  }
  VersionVector vector;
  for (const Member& member : *object) {
    const std::int64_t sequence_number = member.value.as_integer(-1);
    if (sequence_number < 0) {
      return fail(ErrorCode::invalid_data, "version vector: the sequence number of node \"" +
                                               member.key.substr(0, 80) +
                                               "\" must be an integer of at least 0");
    }
    vector.emplace(member.key, sequence_number);
  }
  return vector;
}

}  // namespace tombolo::core
