// A reader for each thread that asks for one: SQLite connections belong to one thread, and opening
// one costs more than most questions.
//
// What is asked in one turn of an executor is answered from one snapshot, unless something was
// committed meanwhile: with many requests under way, beginning a snapshot for each would cost as
// much as reading a record. It ends with the turn, so it is in no checkpoint's way for long.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "net/executor.h"
#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

class Readers {
  struct Slot;

 public:
  // What a caller reads in. Sees everything that was committed before it was begun.
  class Snapshot {
   public:
    Snapshot(Snapshot&& other) noexcept;
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot();
    ReadTransaction& operator*() const { return *transaction_; }
    ReadTransaction* operator->() const { return transaction_; }

   private:
    friend class Readers;
    Snapshot(Slot& slot, ReadTransaction& transaction) : slot_(&slot), transaction_(&transaction) {}

    Slot* slot_;
    ReadTransaction* transaction_;
  };

  explicit Readers(Storage& storage) : storage_(storage) {}
  ~Readers();

  // A snapshot for the calling thread, which must end it before it asks for the next. `executor`
  // runs the caller; null when none does.
  Result<Snapshot> begin(const std::shared_ptr<net::Executor>& executor);

 private:
  Storage& storage_;
  std::mutex mutex_;
  std::unordered_map<std::thread::id, std::shared_ptr<Slot>> slots_;
};

}  // namespace tombolo::server
