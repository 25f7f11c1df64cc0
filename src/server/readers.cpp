#include "server/readers.h"

#include <utility>

namespace tombolo::server {

Result<std::unique_ptr<ReadTransaction>> Readers::begin() {
  Reader* reader = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Reader>& own = readers_[std::this_thread::get_id()];
    if (own == nullptr) {
      Result<std::unique_ptr<Reader>> opened = storage_.open_reader();
      if (!opened) return fail(opened);
      own = std::move(*opened);
    }
    reader = own.get();
  }
  return reader->begin();
}

}  // namespace tombolo::server
