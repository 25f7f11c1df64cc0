#include "server/doors/stream/stream_upload.h"

#include <algorithm>
#include <utility>

#include "server/changes.h"
#include "server/doors/stream/stream_session.h"

namespace tombolo::server::stream {
namespace {

constexpr std::string_view kPermissionDenied = "PERMISSION_DENIED";
constexpr std::string_view kValidationError = "VALIDATION_ERROR";
constexpr std::string_view kRateLimit = "RATE_LIMIT";
constexpr std::string_view kTooManyNodes = "TOO_MANY_NODES";

// Of the writer's time, for one part; and how many operations the next parts have then.
constexpr std::int64_t kCostlyMs = 10;
constexpr std::size_t kCostlyPartOperations = 10;

bool shares_default_bucket(const DoorContext& context, const Identity& identity,
                           std::string_view bucket) {
  return bucket == context.configuration.stream.default_bucket && identity.is_stream_user();
}

bool is_own_default_bucket(const DoorContext& context, const Identity& identity,
                           std::string_view bucket) {
  return identity.authenticated() && bucket == context.authenticator.default_bucket(identity);
}

}  // namespace

Result<bool> may_create_stream_bucket(const DoorContext& context, ReadTransaction& transaction,
                                      const Identity& identity, const std::string& bucket) {
  if (shares_default_bucket(context, identity, bucket) ||
      is_own_default_bucket(context, identity, bucket)) {
    return true;
  }
  return context.access.may_create(transaction, identity, ListPath::buckets());
}

StreamUpload::StreamUpload(const DoorContext& context, std::string bucket, Uploader uploader,
                           std::vector<sync::UploadedOperation> operations)
    : context_(context),
      bucket_(std::move(bucket)),
      uploader_(std::move(uploader)),
      operations_(std::move(operations)) {}

// False: there is no bucket, and this identity may not make it.
Result<bool> StreamUpload::ensure_stream_bucket(WriteContext& context) {
  WriteTransaction& transaction = context.transaction();
  const Identity& identity = uploader_.identity;
  ObjectWrite write;
  write.path = ObjectPath::bucket(bucket_);
  const Result<std::optional<PermissionsKey>> exists = transaction.permissions_of(write.path);
  if (!exists) return fail(exists);
  if (*exists) return true;
  const Result<bool> may = may_create_stream_bucket(context_, transaction, identity, bucket_);
  if (!may || !*may) return may;
  PermissionSet owners;
  const bool shared = shares_default_bucket(context_, identity, bucket_);
  owners.add("write", shared ? kStreamUsers : identity.owner());
  const Result<PermissionsKey> key = transaction.intern(owners);
  if (!key) return fail(key);
  write.permissions = *key;
  if (const Result<StoredObject> made = put_object(context, write); !made) return fail(made);
  return true;
}

Result<const StreamUpload::CollectionAccess*> StreamUpload::collection_access(
    WriteContext& context, const std::string& collection) {
  const auto known = collections_.find(collection);
  if (known != collections_.end()) return &known->second;
  CollectionAccess access;
  const Result<bool> made =
      ensure_collection(context, context_.access, uploader_.identity, bucket_, collection);
  if (!made && made.error().code != ErrorCode::permission_denied) return fail(made);
  access.exists = made.has_value();
  if (access.exists) {
    const ListPath records = ListPath::records(bucket_, collection);
    const Result<bool> write =
        context_.access.may_list(context.transaction(), uploader_.identity, records, true);
    if (!write) return fail(write);
    const Result<bool> create =
        context_.access.may_create(context.transaction(), uploader_.identity, records);
    if (!create) return fail(create);
    access.may_write = *write;
    access.may_create = *create;
  }
  return &collections_.emplace(collection, access).first->second;
}

// Over a deleted record, who may only create starts a new one: an update would bring back the
// fields of the old one, and an older insert would be deleted already. Which of the batch's
// operations do so is known when they are applied. What was taken once is taken again, whatever has
// become of the record.
Result<StreamUpload::Right> StreamUpload::right_to_apply(WriteContext& context,
                                                         const core::Operation& operation) {
  const Result<const CollectionAccess*> access = collection_access(context, operation.collection);
  if (!access) return fail(access);
  if (!(*access)->exists) return Right::none;
  if ((*access)->may_write) return Right::full;
  const ObjectPath path{ListPath::records(bucket_, operation.collection), operation.record};
  const auto row = context.transaction().find_row(path.list, path.id);
  if (!row) return fail(row);
  const bool may_create = (*access)->may_create;
  if (!*row) return may_create ? Right::full : Right::none;
  if ((*row)->state == ObjectState::alive) {
    const Result<bool> may = context_.access.may(context.transaction(), uploader_.identity,
                                                 Permission::write, path, (*row)->permissions);
    if (!may) return fail(may);
    if (*may) return Right::full;
  } else if (may_create) {
    return Right::to_begin_anew;
  }
  const Result<bool> known = context.transaction().has_operation((*row)->key, operation);
  if (!known) return fail(known);
  return *known ? Right::full : Right::none;
}

// Whether an operation under the server's node is one that it made: it is in the log, or it has the
// seal and comes back to a server that was restored from an older copy.
Result<bool> StreamUpload::is_own(WriteContext& context, const core::Operation& operation) {
  WriteTransaction& transaction = context.transaction();
  if (operation.mutation_name == transaction.seal(bucket_, operation)) return true;
  const auto row =
      transaction.find_row(ListPath::records(bucket_, operation.collection), operation.record);
  if (!row) return fail(row);
  if (!*row) return false;
  return transaction.has_operation((*row)->key, operation);
}

Result<std::optional<StreamUpload::Refusal>> StreamUpload::check_author(
    WriteContext& context, const core::Operation& operation) {
  if (operation.node == context.node()) {
    const Result<bool> own = is_own(context, operation);
    if (!own) return fail(own);
    if (*own) return std::nullopt;
    return Refusal{kValidationError, "The operation says that this server made it, and it did not"};
  }
  if (nodes_.contains(operation.node)) return std::nullopt;
  const StreamSection& settings = context_.configuration.stream;
  const Result<std::optional<Author>> author =
      context.transaction().author(bucket_, operation.node);
  if (!author) return fail(author);
  if (!*author) {
    const Result<std::int64_t> count = context.transaction().author_count(bucket_);
    if (!count) return fail(count);
    if (*count + new_nodes_ >= settings.max_nodes_per_bucket) {
      return Refusal{kTooManyNodes, "Bucket \"" + bucket_ +
                                        "\" has as many databases writing in it as it may have"};
    }
    if (uploader_.budget->new_nodes >= settings.max_new_nodes_per_session) {
      return Refusal{kRateLimit,
                     "This connection brought operations of as many new databases as it may", true};
    }
    ++new_nodes_;
    ++uploader_.budget->new_nodes;
  }
  nodes_.insert(operation.node);
  return std::nullopt;
}

StreamUpload::Refusal StreamUpload::denial_of(const core::Operation& operation) {
  return {kPermissionDenied, "You may not write to collection \"" + operation.collection + "\""};
}

void StreamUpload::reject(const core::Operation& operation, Refusal refusal) {
  outcome_.rejections.push_back({operation.id, operation.collection, operation.record,
                                 std::string(refusal.code), std::move(refusal.message),
                                 refusal.retriable});
}

void StreamUpload::note_failure() {
  std::atomic<std::int64_t>& failed = uploader_.budget->failed_upload;
  std::int64_t first = failed;
  while (uploader_.upload < first && !failed.compare_exchange_weak(first, uploader_.upload)) {
  }
}

Result<Progress> StreamUpload::run(WriteContext& context) {
  if (uploader_.upload > uploader_.budget->failed_upload) {
    return fail(ErrorCode::unavailable, "a batch that came before this one was not stored");
  }
  if (gives_way()) return Progress::more;
  SessionBudget& budget = *uploader_.budget;
  const std::int64_t began_ms = context_.clock.monotonic_ms();
  Result<Progress> done = run_part(context);
  budget.costly = context_.clock.monotonic_ms() - began_ms > kCostlyMs;
  if (!done) note_failure();
  if (gave_way_ && done != Progress::more) --budget.gave_way;
  return done;
}

// Once, and after those of its session that did: their order stays.
bool StreamUpload::gives_way() {
  SessionBudget& budget = *uploader_.budget;
  if (gave_way_ || is_large() || (!budget.costly && budget.gave_way == 0)) return false;
  gave_way_ = true;
  ++budget.gave_way;
  return true;
}

Result<Progress> StreamUpload::run_part(WriteContext& context) {
  // What held for the last part may not hold any more.
  collections_.clear();
  nodes_.clear();
  new_nodes_ = 0;
  Result<std::vector<IncomingOperation>> allowed = take_allowed(context);
  if (!allowed) return fail(allowed);
  if (Result<void> applied = apply(context, std::move(*allowed)); !applied) return fail(applied);
  if (next_ < operations_.size()) return Progress::more;
  if (Result<void> concluded = conclude(context); !concluded) return fail(concluded);
  return Progress::finished;
}

Result<std::vector<IncomingOperation>> StreamUpload::take_allowed(WriteContext& context) {
  const Result<bool> bucket = ensure_stream_bucket(context);
  if (!bucket) return fail(bucket);
  std::vector<IncomingOperation> allowed;
  const std::size_t part = uploader_.budget->costly ? kCostlyPartOperations : kPartOperations;
  const std::size_t end = std::min(operations_.size(), next_ + part);
  allowed.reserve(end - next_);
  for (; next_ < end; ++next_) {
    sync::UploadedOperation& uploaded = operations_[next_];
    if (!*bucket) {
      reject(uploaded.operation,
             {kPermissionDenied, "You may not create bucket \"" + bucket_ + "\""});
      continue;
    }
    const Result<Right> right = right_to_apply(context, uploaded.operation);
    if (!right) return fail(right);
    if (*right == Right::none) {
      reject(uploaded.operation, denial_of(uploaded.operation));
      continue;
    }
    Result<std::optional<Refusal>> refusal = check_author(context, uploaded.operation);
    if (!refusal) return fail(refusal);
    if (*refusal) {
      reject(uploaded.operation, std::move(**refusal));
      continue;
    }
    allowed.push_back(
        {std::move(uploaded.operation), std::move(uploaded.body), *right == Right::to_begin_anew});
  }
  return allowed;
}

Result<void> StreamUpload::apply(WriteContext& context, std::vector<IncomingOperation> operations) {
  PermissionSet owner;
  owner.add("write", uploader_.identity.owner());
  const Result<PermissionsKey> permissions = context.transaction().intern(owner);
  if (!permissions) return fail(permissions);
  ApplyOptions options;
  options.new_record_permissions = *permissions;
  options.validate = true;
  options.author_node = uploader_.node;
  options.author_principal = uploader_.identity.owner();
  const auto applied = apply_operations(context, bucket_, operations, options);
  if (!applied) return fail(applied);
  for (std::size_t index = 0; index < operations.size(); ++index) {
    const AppliedOperation& result = (*applied)[index];
    const core::Operation& operation = operations[index].operation;
    if (result.denied) {
      reject(operation, denial_of(operation));
    } else if (!result.refusal.empty()) {
      reject(operation, {kValidationError, result.refusal});
    }
  }
  return {};
}

Result<void> StreamUpload::conclude(WriteContext& context) {
  const Result<BucketLog> log = context.transaction().bucket_log(bucket_);
  if (!log) return fail(log);
  // Who sees only a part of the bucket cannot compare it with the whole.
  const Result<std::optional<LogView>> view =
      view_of_log(context.transaction(), context_.access, uploader_.identity, bucket_, false);
  if (!view) return fail(view);
  outcome_.log.delivery_sequence = log->delivery_sequence;
  if (*view) outcome_.log.proof = proof_of(*log, **view);
  return {};
}

}  // namespace tombolo::server::stream
