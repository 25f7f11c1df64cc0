#include "tombolo/transaction.h"

#include "client/engine.h"

namespace tombolo {

Transaction::Transaction(std::shared_ptr<client::Engine> engine,
                         std::shared_ptr<client::WriteSession> session)
    : engine_(std::move(engine)), session_(std::move(session)) {}

Transaction::Transaction(Transaction&& other) noexcept = default;

Transaction::~Transaction() {
  rollback();
}

Collection Transaction::collection(std::string_view name) const {
  return Collection(engine_, session_, true, std::string(name));
}

Result<void> Transaction::commit() {
  if (!session_ || !session_->open()) {
    return fail(ErrorCode::precondition_failed, "the transaction is over");
  }
  return engine_->commit(*session_);
}

void Transaction::rollback() {
  if (session_) session_->rollback();
}

}  // namespace tombolo
