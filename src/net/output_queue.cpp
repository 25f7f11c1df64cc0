#include "net/output_queue.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tombolo::net {
namespace {

constexpr std::size_t kCopyBytes = 1024;         // shared texts up to this are copied
constexpr std::size_t kGatherBytes = 64 * 1024;  // a gathered segment grows no further
constexpr std::size_t kWriteSegments = 64;       // in one system call
constexpr std::size_t kIdleSegments = 4;         // capacity kept by an empty queue
constexpr std::size_t kSpareBuffers = 16;        // emptied buffers kept for the thread

// Buffers that went empty, for the next connection of the same thread that has something to say.
std::vector<std::string>& spare_buffers() {
  thread_local std::vector<std::string> buffers;
  return buffers;
}

std::string take_buffer() {
  auto& spare = spare_buffers();
  if (spare.empty()) return {};
  std::string buffer = std::move(spare.back());
  spare.pop_back();
  return buffer;
}

void give_back(std::string buffer) {
  auto& spare = spare_buffers();
  if (spare.size() >= kSpareBuffers || buffer.capacity() > 2 * kGatherBytes) return;
  buffer.clear();
  spare.push_back(std::move(buffer));
}

}  // namespace

void OutputQueue::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool can_extend = first_ < segments_.size() && !segments_.back().shared &&
                          segments_.back().own.size() + bytes.size() <= kGatherBytes;
  if (!can_extend) segments_.push_back({take_buffer(), nullptr});
  segments_.back().own += bytes;
  size_ += bytes.size();
}

void OutputQueue::append_shared(std::shared_ptr<const std::string> bytes) {
  if (bytes->size() <= kCopyBytes) return append(*bytes);
  size_ += bytes->size();
  segments_.push_back({{}, std::move(bytes)});
}

IoStatus OutputQueue::flush(StreamSocket& socket) {
  while (size_ > 0) {
    std::array<iovec, kWriteSegments> parts;
    const std::size_t count = std::min(segments_.size() - first_, kWriteSegments);
    for (std::size_t index = 0; index < count; ++index) {
      std::string_view view = segments_[first_ + index].view();
      if (index == 0) view.remove_prefix(offset_);
      parts[index] = {const_cast<char*>(view.data()), view.size()};  // NOLINT: only read
    }
    const IoResult result = socket.write(std::span(parts).first(count));
    if (result.status != IoStatus::done) return result.status;
    consume(result.bytes);
  }
  return IoStatus::done;
}

void OutputQueue::consume(std::size_t bytes) {
  size_ -= bytes;
  bytes += offset_;
  while (first_ < segments_.size() && bytes >= segments_[first_].view().size()) {
    bytes -= segments_[first_].view().size();
    release_front();
  }
  offset_ = bytes;
  if (size_ == 0) clear();
}

void OutputQueue::release_front() {
  Segment& segment = segments_[first_++];
  if (!segment.shared) give_back(std::move(segment.own));
  segment.own = {};
  segment.shared.reset();
  // A queue that never runs empty must not keep the shells of what is gone.
  if (first_ > kWriteSegments && first_ * 2 > segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::clear() {
  for (std::size_t index = first_; index < segments_.size(); ++index) {
    if (!segments_[index].shared) give_back(std::move(segments_[index].own));
  }
  segments_.clear();
  if (segments_.capacity() > kIdleSegments) segments_ = {};
  first_ = offset_ = size_ = 0;
}

}  // namespace tombolo::net
