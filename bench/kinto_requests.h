// The requests of the Kinto API that benchmarks send: one user, one bucket, one collection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::bench {

inline constexpr std::string_view kCredentials = "Basic YmVuY2g6YmVuY2g=";  // bench:bench
inline constexpr std::string_view kRecordsPath = "/v1/buckets/bench/collections/todos/records";
inline constexpr std::string_view kStreamPath = "/v1/buckets/bench/stream";

std::string http_request(std::string_view method, std::string_view path,
                         std::string_view body = {});
std::string put_request(const std::string& id, std::int64_t sample);
std::string get_request(const std::string& id);
std::string list_request(std::string_view query);

// Makes the bucket and the collection.
Result<void> make_collection(std::uint16_t port);

// UUIDv7 ids of new records, as a client of today makes them.
std::vector<std::string> make_ids(std::int64_t count);

// The timestamp of the collection, out of an answer's ETag.
std::string etag_of(std::string_view answer);

}  // namespace tombolo::bench
