#include "server/doors/stream/stream_upload.h"

#include <algorithm>

#include "server/changes.h"
#include "server/doors/stream/stream_session.h"

namespace tombolo::server::stream {
namespace {

constexpr std::string_view kPermissionDenied = "PERMISSION_DENIED";
constexpr std::string_view kValidationError = "VALIDATION_ERROR";

// Who shares the default bucket: everybody when access is open, else whoever holds a token.
std::vector<std::string> default_bucket_principals(const DoorContext& context) {
  const StreamSection& settings = context.configuration.stream;
  if (settings.open_access) return {std::string(kEveryone)};
  std::vector<std::string> principals;
  for (const auto& [token, user] : settings.tokens) {
    principals.push_back(context.authenticator.authenticate_token(token).user_id);
  }
  return principals;
}

bool shares_default_bucket(const DoorContext& context, const Identity& identity,
                           std::string_view bucket) {
  if (bucket != context.configuration.stream.default_bucket) return false;
  const std::vector<std::string> sharing = default_bucket_principals(context);
  return std::any_of(sharing.begin(), sharing.end(), [&](const std::string& principal) {
    return principal == kEveryone || principal == identity.user_id;
  });
}

}  // namespace

Result<bool> may_create_stream_bucket(const DoorContext& context, ReadTransaction& transaction,
                                      const Identity& identity, const std::string& bucket) {
  if (shares_default_bucket(context, identity, bucket)) return true;
  return context.access.may_create(transaction, identity, ListPath::buckets());
}

StreamUpload::StreamUpload(const DoorContext& context, std::string bucket, Identity identity,
                           std::string node, std::vector<sync::UploadedOperation> operations)
    : context_(context),
      bucket_(std::move(bucket)),
      identity_(std::move(identity)),
      node_(std::move(node)),
      operations_(std::move(operations)) {}

// False: there is no bucket, and this identity may not make it.
Result<bool> StreamUpload::ensure_stream_bucket(WriteContext& context) {
  const ObjectPath path = ObjectPath::bucket(bucket_);
  const Result<std::optional<PermissionsKey>> exists = context.transaction().permissions_of(path);
  if (!exists) return fail(exists);
  if (*exists) return true;
  if (shares_default_bucket(context_, identity_, bucket_)) {
    PermissionSet sharing;
    sharing.set("write", default_bucket_principals(context_));
    const Result<PermissionsKey> key = context.transaction().intern(sharing);
    if (!key) return fail(key);
    ObjectWrite write;
    write.path = path;
    write.permissions = *key;
    if (const Result<StoredObject> made = put_object(context, write); !made) return fail(made);
    return true;
  }
  const Result<bool> made = ensure_bucket(context, context_.access, identity_, bucket_);
  if (made) return true;
  if (made.error().code == ErrorCode::permission_denied) return false;
  return fail(made);
}

Result<const StreamUpload::CollectionAccess*> StreamUpload::collection_access(
    WriteContext& context, const std::string& collection) {
  const auto known = collections_.find(collection);
  if (known != collections_.end()) return &known->second;
  CollectionAccess access;
  const Result<bool> made =
      ensure_collection(context, context_.access, identity_, bucket_, collection);
  if (!made && made.error().code != ErrorCode::permission_denied) return fail(made);
  access.exists = made.has_value();
  if (access.exists) {
    const ListPath records = ListPath::records(bucket_, collection);
    const Result<bool> write =
        context_.access.may_list(context.transaction(), identity_, records, true);
    if (!write) return fail(write);
    const Result<bool> create =
        context_.access.may_create(context.transaction(), identity_, records);
    if (!create) return fail(create);
    access.may_write = *write;
    access.may_create = *create;
  }
  return &collections_.emplace(collection, access).first->second;
}

Result<bool> StreamUpload::may_apply(WriteContext& context, const core::Operation& operation) {
  const Result<const CollectionAccess*> access = collection_access(context, operation.collection);
  if (!access) return fail(access);
  if (!(*access)->exists) return false;
  if ((*access)->may_write) return true;
  ObjectPath path{ListPath::records(bucket_, operation.collection), operation.record};
  const auto row = context.transaction().find_row(path.list, path.id);
  if (!row) return fail(row);
  if (!*row) return (*access)->may_create;
  // Over a deleted record, who may only create starts a new one: an update would bring back the
  // fields of the old one.
  if ((*row)->state != ObjectState::alive) {
    return (*access)->may_create && operation.type == core::OperationType::insert;
  }
  return context_.access.may(context.transaction(), identity_, Permission::write, path,
                             (*row)->permissions);
}

void StreamUpload::reject(const core::Operation& operation, std::string_view code,
                          std::string message) {
  outcome_.rejections.push_back({operation.id, operation.collection, operation.record,
                                 std::string(code), std::move(message), false});
}

Result<Progress> StreamUpload::run(WriteContext& context) {
  collections_.clear();  // what held for the last part may not hold any more
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
  const std::size_t end = std::min(operations_.size(), next_ + kPartOperations);
  allowed.reserve(end - next_);
  for (; next_ < end; ++next_) {
    sync::UploadedOperation& uploaded = operations_[next_];
    if (!*bucket) {
      reject(uploaded.operation, kPermissionDenied,
             "You may not create bucket \"" + bucket_ + "\"");
      continue;
    }
    const Result<bool> may = may_apply(context, uploaded.operation);
    if (!may) return fail(may);
    if (!*may) {
      reject(uploaded.operation, kPermissionDenied,
             "You may not write to collection \"" + uploaded.operation.collection + "\"");
      continue;
    }
    allowed.push_back({std::move(uploaded.operation), std::move(uploaded.body)});
  }
  return allowed;
}

Result<void> StreamUpload::apply(WriteContext& context, std::vector<IncomingOperation> operations) {
  PermissionSet owner;
  owner.add("write", identity_.owner());
  const Result<PermissionsKey> permissions = context.transaction().intern(owner);
  if (!permissions) return fail(permissions);
  ApplyOptions options;
  options.new_record_permissions = *permissions;
  options.validate = true;
  options.author_node = node_;
  options.author_principal = identity_.owner();
  const auto applied = apply_operations(context, bucket_, operations, options);
  if (!applied) return fail(applied);
  for (std::size_t index = 0; index < operations.size(); ++index) {
    const std::string& refusal = (*applied)[index].refusal;
    if (!refusal.empty()) reject(operations[index].operation, kValidationError, refusal);
  }
  return {};
}

Result<void> StreamUpload::conclude(WriteContext& context) {
  const Result<BucketLog> log = context.transaction().bucket_log(bucket_);
  if (!log) return fail(log);
  // Who sees only a part of the bucket cannot compare it with the whole.
  const Result<std::optional<LogView>> view =
      view_of_log(context.transaction(), context_.access, identity_, bucket_, false);
  if (!view) return fail(view);
  if (*view) outcome_.proof = proof_of(*log, **view);
  return {};
}

}  // namespace tombolo::server::stream
