#include "protocol/websocket_frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/text.h"
#include "protocol/websocket_close_code.h"

namespace tombolo::protocol {
namespace {

constexpr std::uint8_t kFinalBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

// How much of a payload's announced size is believed before it comes, in bytes.
constexpr std::uint64_t kReservedBytes = 1'024 * 1'024;

// XORs `bytes` with the mask, whose first byte to use is `offset`; eight bytes a step.
void apply_mask(char* bytes, std::size_t size, const WebSocketMask& mask, std::size_t offset) {
  std::array<std::uint8_t, 8> pattern{};
  for (std::size_t index = 0; index < pattern.size(); ++index) {
    pattern[index] = mask[(offset + index) % 4];
  }
  std::uint64_t wide_mask = 0;
  std::memcpy(&wide_mask, pattern.data(), sizeof wide_mask);
  std::size_t done = 0;
  for (; done + sizeof wide_mask <= size; done += sizeof wide_mask) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + done, sizeof word);
    word ^= wide_mask;
    std::memcpy(bytes + done, &word, sizeof word);
  }
  for (; done < size; ++done) {
    bytes[done] = static_cast<char>(static_cast<std::uint8_t>(bytes[done]) ^ pattern[done % 8]);
  }
}

bool is_known(std::uint8_t opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

std::size_t length_bytes(std::uint8_t length) {
  if (length == kLength16) return 2;
  return length == kLength64 ? 8 : 0;
}

void append_big_endian(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((number >> shift) & 0xFF));
  }
}

}  // namespace

void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                            const std::optional<WebSocketMask>& mask) {
  out.push_back(static_cast<char>(kFinalBit | static_cast<std::uint8_t>(opcode)));
  const std::uint8_t mask_bit = mask ? kMaskBit : 0;
  if (payload.size() < kLength16) {
    out.push_back(static_cast<char>(mask_bit | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    out.push_back(static_cast<char>(mask_bit | kLength16));
    append_big_endian(out, payload.size(), 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | kLength64));
    append_big_endian(out, payload.size(), 8);
  }
  if (mask) {
    for (const std::uint8_t byte : *mask) out.push_back(static_cast<char>(byte));
  }
  const std::size_t begin = out.size();
  out += payload;
  if (mask) apply_mask(out.data() + begin, payload.size(), *mask, 0);
}

std::string websocket_close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload;
  append_big_endian(payload, code, 2);
  reason = reason.substr(0, kWebSocketControlBytes - payload.size());
  while (!is_utf8(reason)) reason.remove_suffix(1);
  payload += reason;
  return payload;
}

bool is_valid_websocket_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

WebSocketDecoder::WebSocketDecoder(WebSocketRole own_role, std::size_t max_message_bytes)
    : own_role_(own_role), max_message_bytes_(max_message_bytes) {}

WebSocketEvent WebSocketDecoder::fail(std::uint16_t code, std::string_view reason) {
  stage_ = Stage::failed;
  return {WebSocketEvent::Kind::failed, code, reason};
}

WebSocketEvent WebSocketDecoder::next(std::span<char>& bytes) {
  TOMBOLO_CHECK(stage_ != Stage::failed, "a failed decoder was fed again");
  if (message_given_) {
    message_ = {};
    message_given_ = false;
  }
  if (control_given_) {
    control_ = {};
    control_given_ = false;
  }
  for (;;) {
    if (stage_ == Stage::header) {
      if (auto event = take_header(bytes)) return *event;
    }
    const auto payload = take_payload(bytes);
    if (!payload) return {};
    stage_ = Stage::header;
    if (is_control()) return finish_control(*payload);
    if (is_final_) return finish_message(*payload);
  }
}

std::size_t WebSocketDecoder::header_size() const {
  if (header_filled_ < 2) return 2;
  return 2 + length_bytes(header_[1] & 0x7F) + ((header_[1] & kMaskBit) != 0 ? 4 : 0);
}

// Gives an event when there is no whole header yet, or when it is wrong.
std::optional<WebSocketEvent> WebSocketDecoder::take_header(std::span<char>& bytes) {
  while (header_filled_ < header_size()) {
    if (bytes.empty()) return WebSocketEvent{};
    const std::size_t count = std::min(header_size() - header_filled_, bytes.size());
    std::memcpy(header_.data() + header_filled_, bytes.data(), count);
    header_filled_ = static_cast<std::uint8_t>(header_filled_ + count);
    bytes = bytes.subspan(count);
  }
  header_filled_ = 0;
  return parse_header();
}

std::optional<WebSocketEvent> WebSocketDecoder::parse_header() {
  if ((header_[0] & kReservedBits) != 0) return fail(kCloseProtocolError, "reserved bits are set");
  const std::uint8_t opcode = header_[0] & 0x0F;
  if (!is_known(opcode)) return fail(kCloseProtocolError, "unknown opcode");
  const bool is_masked = (header_[1] & kMaskBit) != 0;
  if (is_masked != (own_role_ == WebSocketRole::server)) {
    return fail(kCloseProtocolError, is_masked ? "a server must not mask" : "a client must mask");
  }
  const std::uint8_t length = header_[1] & 0x7F;
  const std::size_t extended = length_bytes(length);
  std::uint64_t size = extended == 0 ? length : 0;
  for (std::size_t index = 0; index < extended; ++index) size = size << 8 | header_[2 + index];
  if ((size >> 63) != 0) return fail(kCloseProtocolError, "a length of 64 bits");
  if ((extended == 2 && size < kLength16) || (extended == 8 && size <= 0xFFFF)) {
    return fail(kCloseProtocolError, "a length in more bytes than it needs");
  }

  opcode_ = static_cast<WebSocketOpcode>(opcode);
  is_final_ = (header_[0] & kFinalBit) != 0;
  payload_left_ = size;
  mask_offset_ = 0;
  if (is_masked) std::memcpy(mask_.data(), header_.data() + 2 + extended, mask_.size());
  stage_ = Stage::payload;

  if (is_control()) {
    if (!is_final_) return fail(kCloseProtocolError, "a control frame in fragments");
    if (size > kWebSocketControlBytes) return fail(kCloseProtocolError, "a long control frame");
    return std::nullopt;
  }
  const bool in_message = message_opcode_ != WebSocketOpcode::continuation;
  if (in_message != (opcode_ == WebSocketOpcode::continuation)) {
    return fail(kCloseProtocolError,
                in_message ? "a new message inside a fragmented one" : "a continuation of nothing");
  }
  if (!in_message) message_opcode_ = opcode_;
  if (size > max_message_bytes_ - message_.size()) {
    return fail(kCloseMessageTooBig, "the message is too big");
  }
  return std::nullopt;
}

// Takes what is there of the payload; gives it when it is whole. The payload of a data frame that
// had to be gathered is in `message_`, together with the fragments before it.
std::optional<std::string_view> WebSocketDecoder::take_payload(std::span<char>& bytes) {
  const std::size_t count = std::min<std::uint64_t>(payload_left_, bytes.size());
  const std::string_view part(bytes.data(), count);
  if (own_role_ == WebSocketRole::server) {
    apply_mask(bytes.data(), count, mask_, mask_offset_);
    mask_offset_ = static_cast<std::uint8_t>((mask_offset_ + count) % 4);
  }
  bytes = bytes.subspan(count);
  payload_left_ -= count;
  std::string& gathered = is_control() ? control_ : message_;
  const bool is_whole = payload_left_ == 0;
  if (is_whole && gathered.empty() && (is_control() || is_final_)) return part;
  if (gathered.empty()) gathered.reserve(std::min(count + payload_left_, kReservedBytes));
  gathered += part;
  if (!is_whole) return std::nullopt;
  return gathered;
}

WebSocketEvent WebSocketDecoder::finish_control(std::string_view payload) {
  control_given_ = true;
  if (opcode_ == WebSocketOpcode::close) return finish_close(payload);
  const bool is_ping = opcode_ == WebSocketOpcode::ping;
  return {is_ping ? WebSocketEvent::Kind::ping : WebSocketEvent::Kind::pong, 0, payload};
}

WebSocketEvent WebSocketDecoder::finish_close(std::string_view payload) {
  if (payload.empty()) return {WebSocketEvent::Kind::close, kCloseNoStatus, {}};
  if (payload.size() == 1) return fail(kCloseProtocolError, "a close frame with half a code");
  const auto high = static_cast<std::uint8_t>(payload[0]);
  const auto low = static_cast<std::uint8_t>(payload[1]);
  const auto code = static_cast<std::uint16_t>(high << 8 | low);
  if (!is_valid_websocket_close_code(code)) {
    return fail(kCloseProtocolError, "a close code that may not be sent");
  }
  payload.remove_prefix(2);
  if (!is_utf8(payload)) return fail(kCloseInvalidPayload, "the close reason is not UTF-8");
  return {WebSocketEvent::Kind::close, code, payload};
}

WebSocketEvent WebSocketDecoder::finish_message(std::string_view payload) {
  const WebSocketOpcode opcode = message_opcode_;
  message_opcode_ = WebSocketOpcode::continuation;
  message_given_ = true;
  if (opcode == WebSocketOpcode::binary) return {WebSocketEvent::Kind::binary, 0, payload};
  if (!is_utf8(payload)) return fail(kCloseInvalidPayload, "the text is not UTF-8");
  return {WebSocketEvent::Kind::text, 0, payload};
}

}  // namespace tombolo::protocol
