// Several writes, in several collections, that happen together or not at all.
//
//   auto transaction = db.begin();
//   auto accounts = transaction->collection("accounts");
//   accounts.increment("a", "balance", -10);
//   accounts.increment("b", "balance", 10);
//   if (auto done = transaction->commit(); !done) ...
#pragma once

#include <memory>
#include <string_view>

#include "tombolo/collection.h"
#include "tombolo/result.h"

namespace tombolo {

// Rolled back when it is dropped without a commit. While it is open no other write to the file
// succeeds, in this process (it waits) or another one (it waits, then fails with `busy`), so keep
// it short. It belongs to the thread that began it. On that thread, write through it alone: a write
// past it fails with precondition_failed.
class [[nodiscard]] Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // The collection as this transaction sees it, with its own writes. Ends with the transaction.
  Collection collection(std::string_view name) const;

  // Makes everything durable and visible at once. Errors: precondition_failed (it is over),
  // storage, and that of a write in it which failed halfway. After an error nothing of it is
  // visible here. Only when the disk failed during the commit it is not known whether the file has
  // it: open the Database again, and look.
  Result<void> commit();
  void rollback();

 private:
  friend class Database;
  Transaction(std::shared_ptr<client::Engine> engine,
              std::shared_ptr<client::WriteSession> session);

  std::shared_ptr<client::Engine> engine_;
  std::shared_ptr<client::WriteSession> session_;
};

}  // namespace tombolo
