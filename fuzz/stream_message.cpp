// Frames of the stream protocol: what can be read can be written and read again as the same.
#include "protocol/stream_message.h"

#include <string>
#include <variant>

#include "protocol/operation_json.h"
#include "target.h"

namespace tombolo::protocol {
namespace {

std::string encode_any(const StreamMessage& message) {
  return std::visit(
      [](const auto& one) -> std::string {
        if constexpr (requires { encode(one); }) {
          return encode(one);
        } else {
          return {};
        }
      },
      message);
}

void check_operation(std::string_view json) {
  const auto operation = parse_operation_json(json);
  if (!operation) return;
  const std::string text = operation_json(*operation);
  const auto again = parse_operation_json(text);
  TOMBOLO_CHECK(again.has_value(), "an operation that was written can be read");
  TOMBOLO_CHECK(operation_json(*again) == text, "an operation is written one way");
  TOMBOLO_CHECK(
      verify_operation_id(*operation).has_value() == verify_operation_id(*again).has_value(),
      "an operation keeps its id on its way");
}

}  // namespace
}  // namespace tombolo::protocol

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  const std::string_view frame = fuzz::text_of(data, size);
  protocol::check_operation(frame);
  (void)protocol::parse_delta_cursor(frame);
  const auto message = protocol::parse_stream_message(frame);
  if (!message) return 0;
  if (const auto* batch = std::get_if<protocol::OperationBatch>(&*message)) {
    for (const std::string_view operation : batch->operations) {
      protocol::check_operation(operation);
    }
  }
  const std::string text = protocol::encode_any(*message);
  if (text.empty()) return 0;
  const auto again = protocol::parse_stream_message(text);
  TOMBOLO_CHECK(again.has_value(), "a message that was written can be read");
  TOMBOLO_CHECK(protocol::encode_any(*again) == text, "a message is written one way");
  return 0;
}
