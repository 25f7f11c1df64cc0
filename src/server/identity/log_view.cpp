#include "server/identity/log_view.h"

#include <algorithm>
#include <utility>

namespace tombolo::server {

std::int64_t LogView::start(std::int64_t after) const {
  for (const Hidden& hidden : hidden_) {
    if (after >= hidden.after && after < hidden.last) return hidden.last;
  }
  return after;
}

std::int64_t LogView::end(std::int64_t start) const {
  for (const Hidden& hidden : hidden_) {
    if (start < hidden.last) return hidden.after;
  }
  return INT64_MAX;
}

core::Fingerprint LogView::fingerprint(const BucketLog& log) const {
  core::Fingerprint sum = log.fingerprint;
  sum.subtract(hidden_sum_);
  return sum;
}

Result<std::optional<LogView>> view_of_log(ReadTransaction& transaction,
                                           const AccessControl& access, const Identity& identity,
                                           const std::string& bucket, bool may_create) {
  const ObjectPath path = ObjectPath::bucket(bucket);
  const Result<std::optional<PermissionsKey>> exists = transaction.permissions_of(path);
  if (!exists) return fail(exists);
  const Result<std::vector<FormerLife>> lives = transaction.former_lives(path);
  if (!lives) return fail(lives);
  Result<bool> whole = may_create;
  if (*exists) {
    whole = access.may(transaction, identity, Permission::read, path);
  } else if (!may_create && !lives->empty()) {
    whole = AccessControl::lets_read(transaction, identity, lives->back().permissions);
  }
  if (!whole) return fail(whole);
  if (!*whole) return std::nullopt;

  if (access.reads_all(identity, ResourceKind::bucket)) return LogView();
  std::vector<LogView::Hidden> hidden;
  core::Fingerprint sum;
  FormerLife before;
  for (const FormerLife& life : *lives) {
    const Result<bool> readable = AccessControl::lets_read(transaction, identity, life.permissions);
    if (!readable) return fail(readable);
    if (!*readable) {
      if (!hidden.empty() && hidden.back().last == before.last_sequence) {
        hidden.back().last = life.last_sequence;
      } else {
        hidden.push_back({before.last_sequence, life.last_sequence});
      }
      sum.add(life.fingerprint);
      sum.subtract(before.fingerprint);
    }
    before = life;
  }
  return LogView(std::move(hidden), sum);
}

Result<bool> could_read(ReadTransaction& transaction, const Identity& identity,
                        const std::string& bucket) {
  const Result<std::vector<FormerLife>> lives =
      transaction.former_lives(ObjectPath::bucket(bucket));
  if (!lives) return fail(lives);
  for (const FormerLife& life : *lives) {
    const Result<bool> readable = AccessControl::lets_read(transaction, identity, life.permissions);
    if (!readable || *readable) return readable;
  }
  return false;
}

Result<OperationAccess::Container> OperationAccess::container(const ObjectPath& path) {
  Result<std::vector<FormerLife>> lives = transaction_.former_lives(path);
  if (!lives) return fail(lives);
  const Result<std::optional<PermissionsKey>> exists = transaction_.permissions_of(path);
  if (!exists) return fail(exists);
  Container container{std::move(*lives), false};
  if (*exists) {
    const Result<bool> readable = AccessControl::lets_read(transaction_, identity_, **exists);
    if (!readable) return fail(readable);
    container.readable = *readable;
  }
  return container;
}

Result<const OperationAccess::Container*> OperationAccess::collection(std::string_view name) {
  const auto known = collections_.find(name);
  if (known != collections_.end()) return &known->second;
  Result<Container> made = container(ObjectPath::collection(bucket_, std::string(name)));
  if (!made) return fail(made);
  return &collections_.emplace(std::string(name), std::move(*made)).first->second;
}

Result<bool> OperationAccess::may_read(const Container& container, std::int64_t sequence) const {
  const auto life =
      std::find_if(container.lives.begin(), container.lives.end(),
                   [&](const FormerLife& former) { return sequence <= former.last_sequence; });
  if (life == container.lives.end()) return container.readable;
  return AccessControl::lets_read(transaction_, identity_, life->permissions);
}

Result<bool> OperationAccess::may_read(const LoggedOperation& operation) {
  if (access_.reads_all(identity_, ResourceKind::record)) return true;
  if (!bucket_container_) {
    Result<Container> made = container(ObjectPath::bucket(bucket_));
    if (!made) return fail(made);
    bucket_container_ = std::move(*made);
  }
  Result<bool> readable = may_read(*bucket_container_, operation.delivery_sequence);
  if (!readable || *readable) return readable;
  const Result<const Container*> container = collection(operation.collection);
  if (!container) return fail(container);
  readable = may_read(**container, operation.delivery_sequence);
  if (!readable || *readable) return readable;
  return AccessControl::lets_read(transaction_, identity_, operation.record_permissions);
}

}  // namespace tombolo::server
