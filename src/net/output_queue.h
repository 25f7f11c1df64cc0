// Bytes on their way to a socket: small texts gathered together, large and shared ones kept as they
// are, all of it given to the kernel in as few writes as it takes. Empty, it owns next to nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/stream_socket.h"

namespace tombolo::net {

class OutputQueue {
 public:
  OutputQueue() = default;
  OutputQueue(OutputQueue&&) = default;
  OutputQueue& operator=(OutputQueue&&) = default;
  ~OutputQueue() { clear(); }

  void append(std::string_view bytes);                           // copies
  void append_shared(std::shared_ptr<const std::string> bytes);  // copies only if that is cheaper

  // Writes until all is gone (done) or the kernel takes no more (would_block).
  IoStatus flush(StreamSocket& socket);

  void clear();
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Segment {
    std::string own;
    std::shared_ptr<const std::string> shared;
    std::string_view view() const { return shared ? std::string_view(*shared) : own; }
  };
  void consume(std::size_t bytes);
  void release_front();

  std::vector<Segment> segments_;
  std::size_t first_ = 0;   // segments before it are gone
  std::size_t offset_ = 0;  // bytes of the first one that are gone
  std::size_t size_ = 0;
};

}  // namespace tombolo::net
