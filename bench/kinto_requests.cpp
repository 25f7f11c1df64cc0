#include "kinto_requests.h"

#include <ctime>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"
#include "http_load.h"
#include "sample.h"

namespace tombolo::bench {
namespace {

// Sixteen ids in a millisecond, from now on.
class SteppingClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_++ / 16; }
  std::int64_t monotonic_ms() const override { return now_; }

 private:
  mutable std::int64_t now_ = static_cast<std::int64_t>(std::time(nullptr)) * 1000 * 16;
};

}  // namespace

std::string http_request(std::string_view method, std::string_view path, std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n"
      "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      method, path, kCredentials, body.size(), body);
}

std::string put_request(const std::string& id, std::int64_t sample) {
  return http_request("PUT", fmt::format("{}/{}", kRecordsPath, id),
                      Value(Object{{"data", sample_record(sample)}}).to_json());
}

std::string get_request(const std::string& id) {
  return http_request("GET", fmt::format("{}/{}", kRecordsPath, id));
}

std::string list_request(std::string_view query) {
  return http_request("GET", fmt::format("{}?{}", kRecordsPath, query));
}

Result<void> make_collection(std::uint16_t port) {
  for (const std::string_view path : {"/v1/buckets/bench", "/v1/buckets/bench/collections/todos"}) {
    if (const auto made = fetch(port, http_request("PUT", path, "{}")); !made) return fail(made);
  }
  return {};
}

std::vector<std::string> make_ids(std::int64_t count) {
  const SteppingClock clock;
  SeededRandom random(static_cast<std::uint64_t>(clock.wall_ms()));
  UuidGenerator generator(clock, random);
  std::vector<std::string> ids;
  for (std::int64_t index = 0; index < count; ++index) ids.push_back(generator.next());
  return ids;
}

std::string etag_of(std::string_view answer) {
  constexpr std::string_view kName = "\r\nETag: \"";
  const std::size_t place = answer.find(kName);
  if (place == std::string_view::npos) return {};
  answer.remove_prefix(place + kName.size());
  return std::string(answer.substr(0, answer.find('"')));
}

}  // namespace tombolo::bench
