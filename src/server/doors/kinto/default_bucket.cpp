#include "server/doors/kinto/default_bucket.h"

#include "protocol/kinto_id.h"
#include "server/changes.h"
#include "server/doors/kinto/access.h"

namespace tombolo::server::kinto {
namespace {

bool is_put_of(const Call& call, api::ResourceKind kind) {
  return call.method == net::HttpMethod::put && call.route.kind == kind &&
         call.route.endpoint == api::Endpoint::object;
}

api::Checked<void> provide(Scope& scope, const Call& call, const ObjectPath& path) {
  const auto existing = scope.transaction().permissions_of(path);
  if (!existing) return storage_failure(existing);
  if (*existing) return {};
  if (scope.writing() == nullptr) return scope.ask_for_writer();
  ObjectWrite write;
  write.path = path;
  const auto permissions = owned_permissions(scope, call, PermissionSet());
  if (!permissions) return api::refuse(permissions);
  write.permissions = *permissions;
  const Result<StoredObject> stored = put_object(*scope.writing(), write);
  if (!stored) return storage_failure(stored);
  return {};
}

}  // namespace

api::Checked<void> resolve_default_bucket(const DoorContext& door, Call& call) {
  if (call.route.bucket != api::kDefaultBucketName) return {};
  if (!call.identity->authenticated()) return api::refuse(api::unauthenticated());
  if (door.configuration.kinto.readonly) return api::refuse(api::method_not_allowed());
  if (!call.route.collection.empty() && !api::is_valid_id(call.route.collection)) {
    return api::refuse(api::invalid_parameter("path", std::nullopt, "Invalid collection id"));
  }
  call.in_default_bucket = true;
  call.route.bucket = door.authenticator.default_bucket(*call.identity);
  return {};
}

api::Checked<void> provide_default_bucket(Scope& scope, const Call& call) {
  if (!call.in_default_bucket || is_put_of(call, api::ResourceKind::bucket)) return {};
  const auto bucket = provide(scope, call, ObjectPath::bucket(call.route.bucket));
  if (!bucket) return bucket;
  if (call.route.collection.empty() || is_put_of(call, api::ResourceKind::collection)) return {};
  return provide(scope, call, collection_path(call.route));
}

}  // namespace tombolo::server::kinto
