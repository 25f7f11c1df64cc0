// A reader for each thread that asks for one: SQLite connections belong to one thread, and opening
// one costs more than most questions.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

class Readers {
 public:
  explicit Readers(Storage& storage) : storage_(storage) {}

  // A snapshot for the calling thread, which must end it before it asks for the next.
  Result<std::unique_ptr<ReadTransaction>> begin();

 private:
  Storage& storage_;
  std::mutex mutex_;
  std::unordered_map<std::thread::id, std::unique_ptr<Reader>> readers_;
};

}  // namespace tombolo::server
