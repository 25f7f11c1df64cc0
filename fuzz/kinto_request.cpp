// What a Kinto request brings besides its path: query strings, bodies, patches, batches. The first
// byte chooses which.
#include <string>

#include "base/json.h"
#include "protocol/kinto_batch.h"
#include "protocol/kinto_body.h"
#include "protocol/kinto_page.h"
#include "protocol/kinto_patch.h"
#include "protocol/kinto_query.h"
#include "protocol/kinto_route.h"
#include "target.h"

namespace tombolo::protocol::kinto {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::size_t kMaxBatchRequests = 25;

void query(std::string_view text) {
  const auto parameters = parse_query_string(text);
  if (!parameters) return;
  (void)parse_fields(*parameters);
  (void)parse_forced_timestamp(*parameters);
  const auto list = parse_list_query(*parameters, kNowMs);
  if (list) TOMBOLO_CHECK(!list->sort.empty(), "a list has an order");
}

void body(std::string_view text) {
  const auto value = parse_body(text);
  if (!value) return;
  (void)read_batch(*value, kMaxBatchRequests);
  for (const ResourceKind kind :
       {ResourceKind::bucket, ResourceKind::collection, ResourceKind::record}) {
    auto write = read_write_body(*value, kind);
    if (!write || !write->data) continue;
    (void)read_posted_id(*write->data);
    (void)check_data(*write->data, kind);
    (void)take_forced_timestamp(*write->data);
    remove_metadata(*write->data);
  }
}

// Two JSON texts, divided by a line feed: a document and what is to change in it.
void patch(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return;
  Result<Value> document = parse_json(text.substr(0, line));
  const Result<Value> changes = parse_json(text.substr(line + 1));
  if (!document || !changes) return;
  if (const auto operations = parse_json_patch(*changes)) {
    (void)apply_json_patch(*document, *operations);
  }
  if (document->is_object() && changes->is_object()) {
    Object merged = *document->if_object();
    merge_patch(merged, *changes->if_object());
    Object twice = merged;
    merge_patch(twice, *changes->if_object());
    TOMBOLO_CHECK(twice == merged, "a merge patch may be applied again");
  }
}

}  // namespace
}  // namespace tombolo::protocol::kinto

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace kinto = tombolo::protocol::kinto;
  tombolo::fuzz::Choices choices(tombolo::fuzz::text_of(data, size));
  switch (choices.below(3)) {
    case 0:
      kinto::query(choices.rest());
      break;
    case 1:
      kinto::body(choices.rest());
      break;
    default:
      kinto::patch(choices.rest());
      break;
  }
  return 0;
}
