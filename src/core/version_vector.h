// Version vectors (Kora protocol section 4): for each node the highest sequence number seen. It is
// a maximum and no promise that nothing below is missing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::core {

using VersionVector = std::map<std::string, std::int64_t, std::less<>>;

// The sequence number seen of `node`; 0 for a node never heard of.
std::int64_t seen(const VersionVector& vector, std::string_view node);

// Notes that `sequence_number` of `node` was seen.
void observe(VersionVector& vector, std::string_view node, std::int64_t sequence_number);

// The maximum of both, node by node.
VersionVector merge(const VersionVector& left, const VersionVector& right);

// Whether `left` has seen everything that `right` has.
bool dominates(const VersionVector& left, const VersionVector& right);

// What `remote` lacks of what `local` has: for each such node, sequence numbers first..last.
struct SequenceRange {
  std::string node;
  std::int64_t first = 0;
  std::int64_t last = 0;
};
std::vector<SequenceRange> missing(const VersionVector& local, const VersionVector& remote);

Object to_object(const VersionVector& vector);
Result<VersionVector> parse_version_vector(const Value& value);

}  // namespace tombolo::core
