#include "base/json.h"
#include "protocol/kinto_fields.h"
#include "protocol/kinto_id.h"
#include "protocol/kinto_object.h"
#include "server/doors/kinto/access.h"
#include "server/doors/kinto/objects.h"

namespace tombolo::server::kinto {
namespace {

Permission read_permission(api::ResourceKind kind) {
  return kind == api::ResourceKind::record ? Permission::read : Permission::attributes;
}

Result<std::string> projected(const StoredObject& object, const std::vector<std::string>& fields) {
  const Result<Value> data = parse_json(object.data);
  if (!data) return fail(data);
  std::string text;
  append_json(text, api::project(*data->if_object(), fields));
  return text;
}

Answer answer_with(Scope& scope, const Call& call, const StoredObject& object,
                   std::string_view data, int status) {
  const auto permissions = shown_permissions(scope, call, object.permissions);
  if (!permissions) return api::refuse(permissions);
  constexpr std::size_t kAroundBytes = 128;  // names, timestamp, and escapes in the id, mostly
  std::string body;
  body.reserve(permissions->size() + data.size() + object.id.size() + kAroundBytes);
  body.append("{\"permissions\":").append(*permissions).append(",\"data\":");
  api::append_object_text(body, data, object.id, object.last_modified);
  body.push_back('}');
  net::HttpResponse response = json_answer(status, std::move(body));
  set_timestamp(response, object.last_modified);
  return response;
}

}  // namespace

Answer object_answer(Scope& scope, const Call& call, const StoredObject& object, int status) {
  return answer_with(scope, call, object, object.data, status);
}

api::Checked<Object> object_tree(const StoredObject& object) {
  Result<Value> data = parse_json(object.data);
  if (!data) return storage_failure(data);
  Object tree = std::move(*data->if_object());
  tree.set(api::kIdField, object.id);
  tree.set(api::kModifiedField, object.last_modified);
  return tree;
}

api::Checked<void> check_preconditions(const Call& call,
                                       const std::optional<StoredObject>& existing) {
  std::optional<std::int64_t> current;
  if (existing) current = existing->last_modified;
  if (api::judge(*call.preconditions, current, call.is_read()) != api::Verdict::failed) return {};
  if (!existing) return api::refuse(api::modified_meanwhile(Value(), std::nullopt));
  api::Checked<Object> tree = object_tree(*existing);
  if (!tree) return api::refuse(tree);
  return api::refuse(api::modified_meanwhile(std::move(*tree), current));
}

api::Checked<void> check_path_id(const Call& call, const std::optional<StoredObject>& existing) {
  if (existing || api::is_valid_id(call.route.object_id())) return {};
  return api::refuse(api::invalid_parameter("path", std::nullopt, "Invalid object id"));
}

Answer read_object(Scope& scope, const Call& call) {
  const auto parent = check_parent(scope, call);
  if (!parent) return api::refuse(parent);
  const ObjectPath path = object_path(call.route);
  const auto found = find_alive(scope, path);
  if (!found) return api::refuse(found);
  const auto allowed = require(scope, call, read_permission(call.route.kind), path, *found);
  if (!allowed) return api::refuse(allowed);
  if (!call.preconditions) return api::refuse(call.preconditions);
  if (!call.parameters) return api::refuse(call.parameters);
  const auto id = check_path_id(call, *found);
  if (!id) return api::refuse(id);
  if (!*found) return api::refuse(api::unknown_object(path.id, api::name_of(call.route.kind)));

  const StoredObject& object = **found;
  if (api::judge(*call.preconditions, object.last_modified, true) == api::Verdict::not_modified) {
    net::HttpResponse response;
    response.status = 304;
    set_timestamp(response, object.last_modified);
    return response;
  }
  const auto passed = check_preconditions(call, *found);
  if (!passed) return api::refuse(passed);
  Result<std::string> part;
  const std::vector<std::string> fields = api::parse_fields(*call.parameters);
  if (!fields.empty()) part = projected(object, fields);
  if (!part) return storage_failure(part);
  Answer answer = answer_with(scope, call, object, fields.empty() ? object.data : *part, 200);
  if (answer) answer->headers.add("Cache-Control", "no-cache, no-store");
  return answer;
}

}  // namespace tombolo::server::kinto
