// Reading and writing where the handle belongs: through its transaction, or past any.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>

#include "client/engine.h"
#include "client/local_writes.h"
#include "client/query_runner.h"

#include "tombolo/result.h"

namespace tombolo::client {

inline Error transaction_over() {
  return {ErrorCode::precondition_failed, "the transaction of this collection is over"};
}

// Runs `work(const ReadConnection&, collection_key)`; the key is 0 for a collection that does not
// exist.
template <typename Work>
auto read_collection(Engine& engine, const std::weak_ptr<WriteSession>& session,
                     bool in_transaction, std::string_view name, Work&& work)
    -> std::invoke_result_t<Work, const ReadConnection&, std::int64_t> {
  if (in_transaction) {
    const std::shared_ptr<WriteSession> writer = session.lock();
    if (!writer || !writer->open()) return std::unexpected(transaction_over());
    const Result<CollectionEntry*> entry = writer->catalog().find_collection(name);
    if (!entry) return fail(entry);
    LocalStore& store = writer->store();
    return work(ReadConnection{store.connection(), store.cache()},
                *entry != nullptr ? (*entry)->key : std::int64_t{0});
  }
  auto reader = engine.reader();
  if (!reader) return fail(reader);
  const Result<std::int64_t> key = (*reader)->collection_key(name);
  if (!key) return fail(key);
  return work((*reader)->access(), *key);
}

// Runs `work(WriteSession&)`, in the transaction or in one of its own.
template <typename Work>
auto write_session(Engine& engine, const std::weak_ptr<WriteSession>& session, bool in_transaction,
                   Work&& work) -> std::invoke_result_t<Work, WriteSession&> {
  if (!in_transaction) return engine.write(work);
  const std::shared_ptr<WriteSession> writer = session.lock();
  if (!writer || !writer->open()) return std::unexpected(transaction_over());
  return work(*writer);
}

// Runs `work(LocalWriter&)` likewise.
template <typename Work>
auto write_collection(Engine& engine, const std::weak_ptr<WriteSession>& session,
                      bool in_transaction, std::string_view name, Work&& work)
    -> std::invoke_result_t<Work, LocalWriter&> {
  using Answer = std::invoke_result_t<Work, LocalWriter&>;
  return write_session(engine, session, in_transaction, [&](WriteSession& writer) -> Answer {
    Result<LocalWriter> collection = LocalWriter::of(writer, name);
    if (!collection) return fail(collection);
    return work(*collection);
  });
}

}  // namespace tombolo::client
